"""``/open311/v2/…``: the methods of GeoReport v2, its discovery, and FixMyStreet's updates, as JSON and XML.

A channel is a jurisdiction. Errors are the standard's own document, in the form that was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from gateway.web.open311 import posting, reading
from gateway.web.open311.documents import MEDIA_TYPES, written
from gateway.web.problems import ERROR_FORMS, ErrorPage, Problem
from gateway.web.words import Locale

BASE: Final = "/open311"
_FORM: Final = "{form:json|xml}"
#: Statuses that stay as they are; of all others the standard knows only 400 (GeoReport v2, Errors).
_KEPT: Final = frozenset({403, 404, 405, 408, 413, 429, 500, 503})
_OTHERWISE: Final[Mapping[int, int]] = {401: 403}


def add_open311(app: web.Application) -> None:
    """Serve the paths; without a channel of this kind they are not found."""
    forms: Mapping[str, ErrorPage] = app.get(ERROR_FORMS, {})
    app[ERROR_FORMS] = {**forms, f"{BASE}/": show_error}
    v2 = f"{BASE}/v2"
    app.add_routes(
        [
            web.get(f"{BASE}/discovery.{_FORM}", reading.get_discovery),
            web.get(f"{v2}/discovery.{_FORM}", reading.get_discovery),
            web.get(f"{v2}/services.{_FORM}", reading.get_services),
            web.get(f"{v2}/services/{{code}}.{_FORM}", reading.get_definition),
            web.get(f"{v2}/tokens/{{token}}.{_FORM}", reading.get_token),
            web.get(f"{v2}/requests.{_FORM}", reading.get_requests),
            web.post(f"{v2}/requests.{_FORM}", posting.post_request),
            web.get(f"{v2}/requests/{{id}}.{_FORM}", reading.get_request),
            web.get(f"{v2}/servicerequestupdates.{_FORM}", reading.get_updates),
            web.post(f"{v2}/servicerequestupdates.{_FORM}", posting.post_update),
        ]
    )


async def show_error(request: web.Request, problem: Problem, locale: Locale) -> web.Response:
    """Each wrong field as an error of its own, else the one that there is."""
    status = problem.status if problem.status in _KEPT else _OTHERWISE.get(problem.status, 400)
    said = [f"{one['field']}: {one['reason']}" for one in problem.errors(locale)]
    if not said:
        said = [": ".join(filter(None, (problem.title(locale), problem.detail)))]
    errors = [{"code": status, "description": one} for one in said]
    form = "json" if request.path.endswith(".json") else "xml"
    return web.Response(
        body=written(form, "errors", errors),
        status=status,
        content_type=MEDIA_TYPES[form],
        charset="utf-8",
        headers={
            "Content-Language": locale,
            "Access-Control-Allow-Origin": "*",
            "Cache-Control": "no-store",
            **problem.headers,
        },
    )
