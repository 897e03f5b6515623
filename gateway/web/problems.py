"""Errors as callers see them: `application/problem+json` (RFC 9457), in their language, naming each wrong field."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import ValidationError

from gateway.errors import Refused
from gateway.web.words import TITLES, Locale, core_reason, locale_of, reason_of
from ticket_core.errors import ActionRefused, FieldMissing, InputChanged, StoreBusy, StoreClosed, UnknownTicket

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
_BUSY_SECONDS = 2
_BY_STATUS: Mapping[int, str] = {
    400: "bad-request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-type",
    429: "too-many-requests",
    503: "busy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """One wrong field: its path with dots, the kind of mistake, and what the words of that kind need."""

    name: str
    kind: str
    context: Mapping[str, object] = field(default_factory=dict)
    fallback: str = ""


class Problem(Exception):
    """An answer that is an error; `kind` names its title in `words.TITLES`."""

    def __init__(
        self,
        status: int,
        kind: str,
        *,
        fields: Sequence[FieldProblem] = (),
        detail: str = "",
        headers: Mapping[str, str] | None = None,
        allowed: Sequence[str] | None = None,
        **context: object,
    ) -> None:
        super().__init__(kind)
        self.status = status
        self.kind = kind
        self.fields = tuple(fields)
        self.detail = detail
        self.headers = dict(headers or {})
        self.allowed = allowed
        self.context = context

    def title(self, locale: Locale) -> str:
        """What is wrong, in one line."""
        return TITLES[self.kind][locale].format_map(self.context)

    def errors(self, locale: Locale) -> list[dict[str, str]]:
        """Each wrong field with its reason."""
        return [
            {
                "field": one.name,
                "reason": core_reason(one.fallback, locale)
                if one.kind == "core"
                else reason_of(one.kind, locale, one.context, one.fallback),
            }
            for one in self.fields
        ]


#: Shows an error to somebody with a browser; the pages bring it.
ErrorPage = Callable[[web.Request, Problem, Locale], Awaitable[web.StreamResponse]]
ERROR_PAGE: web.AppKey[ErrorPage] = web.AppKey("error_page")
#: How errors are told below a path that has a form of its own for them.
ERROR_FORMS: web.AppKey[Mapping[str, ErrorPage]] = web.AppKey("error_forms")


def invalid(error: ValidationError) -> Problem:
    """All that is wrong with a body or a query; never repeats what was sent, it may be personal."""
    found = error.errors(include_input=False, include_url=False)
    if found[0]["type"] == "json_invalid":
        return Problem(400, "bad-json")
    return Problem(
        422,
        "invalid",
        fields=[
            FieldProblem(
                name=".".join(str(part) for part in one["loc"]),
                kind=one["type"],
                context=one.get("ctx", {}),
                fallback=one["msg"],
            )
            for one in found
        ],
    )


def wrong_field(name: str, kind: str, **context: object) -> Problem:
    """One wrong field."""
    return Problem(422, "invalid", fields=[FieldProblem(name=name, kind=kind, context=context)])


def request_locale(request: web.Request) -> Locale:
    """The caller's language."""
    return locale_of(request.headers.get("Accept-Language", ""))


def problem_response(problem: Problem, locale: Locale) -> web.Response:
    """The answer, as JSON."""
    body: dict[str, object] = {
        "type": f"/docs#{problem.kind}",
        "title": problem.title(locale),
        "status": problem.status,
    }
    if problem.detail:
        body["detail"] = problem.detail
    if problem.fields:
        body["errors"] = problem.errors(locale)
    if problem.allowed is not None:
        body["allowed"] = list(problem.allowed)
    headers = {"Content-Language": locale, "Cache-Control": "no-store", **problem.headers}
    return web.Response(status=problem.status, body=orjson.dumps(body), content_type=MEDIA_TYPE, headers=headers)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The one middleware: whatever goes wrong becomes a problem that tells what, and nothing of our inside."""
    try:
        if request.headers.get("Content-Encoding", "identity") != "identity":
            # A few kilobytes can unpack to any size.
            raise Problem(415, "compressed", headers={"Accept-Encoding": "identity"})
        return await handler(request)
    except Problem as error:
        problem = error
    except web.HTTPException as error:
        if error.status < 400:
            raise
        problem = _of_aiohttp(error, request)
    except web.RequestPayloadError:  # it ended before its end, or is not what its headers say
        problem = Problem(400, "bad-request")
    except (StoreBusy, StoreClosed) as error:
        log.warning("store_unavailable", error=type(error).__name__)
        problem = Problem(503, "busy", headers={"Retry-After": str(_BUSY_SECONDS)})
    except UnknownTicket:
        problem = Problem(404, "no-such-ticket")
    except InputChanged:
        problem = Problem(422, "key-reused")
    except ActionRefused as error:
        why = core_reason(error.reason, request_locale(request))
        problem = Problem(409, "not-possible-now", detail=why, allowed=error.allowed)
    except FieldMissing as error:
        problem = Problem(
            422,
            "invalid",
            fields=[FieldProblem(name=name, kind="core", fallback=why) for name, why in error.problems.items()],
        )
    except Refused as error:
        problem = _of_refused(error)
    except Exception as error:
        # Raised on as an answer: the operator's log has the error, the caller has not.
        log.exception("request_failed", method=request.method, route=_route(request))
        made = await _shown(Problem(500, "internal"), request)
        assert isinstance(made, web.Response)
        answer = web.HTTPInternalServerError(text=made.text, content_type=made.content_type)
        raise answer from error
    return await _shown(problem, request)


async def _shown(problem: Problem, request: web.Request) -> web.StreamResponse:
    locale = request_locale(request)
    for path, told in request.app.get(ERROR_FORMS, {}).items():
        if request.path.startswith(path):
            return await told(request, problem, locale)
    page = request.app.get(ERROR_PAGE)
    if page is not None and _wants_page(request):
        return await page(request, problem, locale)
    return problem_response(problem, locale)


def _wants_page(request: web.Request) -> bool:
    machine = request.path.startswith(("/api/", "/channels/")) or request.path in {"/openapi.json", "/metrics"}
    return not machine and "text/html" in request.headers.get("Accept", "")


def _of_aiohttp(error: web.HTTPException, request: web.Request) -> Problem:
    kind = _BY_STATUS.get(error.status, "bad-request" if error.status < 500 else "internal")
    headers = {name: value for name, value in error.headers.items() if name in {"Allow", "Retry-After"}}
    return Problem(error.status, kind, headers=headers, limit=request._client_max_size)


def _of_refused(error: Refused) -> Problem:
    wait = error.retry_after
    headers = {} if wait is None else {"Retry-After": str(int(wait.total_seconds()) or 1)}
    if error.field:
        wrong = FieldProblem(name=error.field, kind=error.kind, context=error.context)
        return Problem(error.status, "invalid", fields=[wrong], headers=headers)
    return Problem(error.status, error.kind or "refused-input", detail=error.reason, headers=headers)


def _route(request: web.Request) -> str:
    """The route's own text, without numbers or keys."""
    resource = request.match_info.route.resource
    return "" if resource is None else resource.canonical
