"""What every answer carries so that no browser makes more of it than it is; pages bring more of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

#: A page sets its own policy; a JSON text, an error or a download shown as a page may do nothing.
GUARDS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
}


def add_guards(app: web.Application) -> None:
    """Put `GUARDS` on every answer that does not say otherwise, and no versions of ours."""
    app.on_response_prepare.append(_guard)


async def _guard(_request: web.Request, response: web.StreamResponse) -> None:
    headers = response.headers
    for name, value in GUARDS.items():
        if name not in headers:
            headers[name] = value
    headers["Server"] = "complaint-gateway"
