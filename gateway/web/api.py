"""The JSON API, the doors of webhook channels and the operator's pages, put onto an application."""

from __future__ import annotations

from typing import Final

import orjson
from aiohttp import web

from gateway.web import api_citizen, api_exports, api_imports, api_intake, api_journals, api_tickets
from gateway.web.callers import BUCKETS, make_buckets
from gateway.web.chat import stream
from gateway.web.chat.visits import VISITS, Visits
from gateway.web.doors import add_doors
from gateway.web.guards import add_guards
from gateway.web.health import add_health
from gateway.web.keys import LIMITS
from gateway.web.meters import METERS, Meters
from gateway.web.open311.routes import add_open311
from gateway.web.openapi import docs_page, openapi
from gateway.web.routes import add_routes

#: The version of the HTTP API (contract); a change of its meaning needs another.
API_VERSION: Final = "1.0"
ROUTES: Final = (
    *api_intake.ROUTES,
    *api_citizen.ROUTES,
    *api_tickets.ROUTES,
    *api_journals.ROUTES,
    *api_imports.ROUTES,
    *stream.ROUTES,
    *api_exports.ROUTES,
)


def add_api(app: web.Application) -> None:
    """Serve all JSON routes. The application must have `LIMITS` by now, the other keys of `keys` before it starts.

    It needs `problems.problems` among its middlewares and `Limits.body_bytes` as its `client_max_size`.
    """
    app[BUCKETS] = make_buckets(app[LIMITS])
    if METERS not in app:
        app[METERS] = Meters()
    if VISITS not in app:
        app[VISITS] = Visits({})
    document = openapi(ROUTES, version=API_VERSION)
    as_json, as_page = orjson.dumps(document), docs_page(document)

    async def get_openapi(_request: web.Request) -> web.Response:
        return web.Response(body=as_json, content_type="application/json")

    async def get_docs(_request: web.Request) -> web.Response:
        return web.Response(text=as_page, content_type="text/html")

    add_routes(app, ROUTES)
    app.router.add_get("/openapi.json", get_openapi)
    app.router.add_get("/docs", get_docs)
    add_doors(app)
    add_open311(app)
    add_guards(app)
    add_health(app)
    app.on_shutdown.append(_let_visitors_go)


async def _let_visitors_go(app: web.Application) -> None:
    """Streams would hold up the end; their pages come again."""
    app[VISITS].close()
