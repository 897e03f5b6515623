"""A route of the JSON API as data: what is served, who may call it, what it takes and gives.

The server and ``/openapi.json`` are both made from these rows, so they cannot differ.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import TypeAdapter

from gateway.web.auth import require
from gateway.web.callers import throttle
from gateway.web.limits import RouteClass
from gateway.web.patience import in_time
from gateway.web.problems import Problem, wrong_field
from gateway.web.schema import validated_query

T = TypeVar("T")
Who = Literal["anybody", "visitor", "complainant", "staff"]
_JSON = "application/json"
_LONGEST_KEY = 255
_LONGEST_ID = 18  # digits
_LISTS = frozenset({"status", "stage", "kind", "grade", "priority", "group", "assignee", "channel", "source"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route. `body` and `query` describe what is taken, `gives` what comes back with `status`.

    What is no JSON: `takes` are schemas of bodies by media type, `media_type` is that of the answer. `parameters` says
    of a name in the path what it means here, where that is not what it means elsewhere.
    """

    method: Literal["GET", "POST"]
    path: str
    run: Callable[[web.Request], Awaitable[web.StreamResponse]]
    who: Who
    summary: str
    gives: Any
    status: int = 200
    body: Any = None
    body_required: bool = True
    query: Any = None
    limit: RouteClass = "request"
    idempotent: bool = False
    problems: tuple[int, ...] = ()
    takes: Mapping[str, Any] = field(default_factory=dict)
    media_type: str = _JSON
    parameters: Mapping[str, Any] = field(default_factory=dict)


def add_routes(app: web.Application, routes: Sequence[Route]) -> None:
    """Serve them."""
    for route in routes:
        app.router.add_route(route.method, route.path, _guarded(route))


def _guarded(route: Route) -> Handler:
    run, limit = route.run, route.limit
    if route.who == "staff":

        async def staff_only(request: web.Request) -> web.StreamResponse:
            throttle(request, limit)
            await require(request)
            return await run(request)

        return staff_only

    async def counted(request: web.Request) -> web.StreamResponse:
        throttle(request, limit)
        return await run(request)

    return counted


async def read_json(request: web.Request) -> bytes:
    """The body, which must be JSON.

    Raises:
        Problem: 415 for another type; aiohttp's 413 beyond the limit.
    """
    if request.headers.get("Content-Type") != _JSON and request.content_type != _JSON:
        raise Problem(415, "unsupported-type", headers={"Accept": _JSON})
    return await in_time(request.read())


async def read_json_if_any(request: web.Request) -> bytes:
    """As `read_json`; an absent body counts as an empty object."""
    return await read_json(request) if request.can_read_body else b"{}"


def read_query(request: web.Request, adapter: TypeAdapter[T]) -> T:
    """The query's parameters; empty ones count as absent, lists take several or one with commas.

    Raises:
        Problem: 422 with everything that is wrong.
    """
    given: dict[str, Any] = {}
    for name in dict.fromkeys(request.query):
        values = [value for value in request.query.getall(name) if value]
        if not values:
            continue
        if name in _LISTS:
            given[name] = [part for value in values for part in value.split(",") if part]
        elif name.startswith("received_"):
            given[name] = values[-1].replace(" ", "+")  # an unescaped + arrives as a blank
        else:
            given[name] = values[-1]
    return validated_query(adapter, given)


def id_in(request: web.Request, name: str) -> int:
    """The id that a path names.

    Raises:
        Problem: 404 for what is no id.
    """
    written = request.match_info[name]
    if not (written.isascii() and written.isdigit() and len(written) <= _LONGEST_ID):
        raise Problem(404, "not-found")
    return int(written)


def id_shape(meaning: str) -> Mapping[str, Any]:
    """How ``/openapi.json`` describes an id in a path."""
    return {"description": meaning, "schema": {"type": "string", "pattern": f"^[0-9]{{1,{_LONGEST_ID}}}$"}}


def idempotency_key(request: web.Request) -> str | None:
    """The caller's own id of this request.

    Raises:
        Problem: 422 for one that is empty, too long or not visible ASCII.
    """
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return None
    if not (0 < len(given) <= _LONGEST_KEY and given.isascii() and given.isprintable()):
        raise wrong_field("Idempotency-Key", "bad_key")
    return given


def answer(body: object, status: int = 200) -> web.Response:
    """A JSON answer; nothing of it is kept by caches."""
    return web.Response(
        body=orjson.dumps(body), status=status, content_type=_JSON, headers={"Cache-Control": "no-store"}
    )
