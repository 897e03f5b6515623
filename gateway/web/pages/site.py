"""Puts the pages into an application."""

from __future__ import annotations

from aiohttp import web

from gateway.web.pages import citizen_form, citizen_track
from gateway.web.pages.errors import error_page
from gateway.web.pages.forms import read_form
from gateway.web.pages.language import COOKIE, LOCALES
from gateway.web.pages.show import SHELF, SITE, Shelf, Site, see
from gateway.web.problems import ERROR_PAGE, Problem

__all__ = ["SITE", "Site", "setup_pages"]

_A_YEAR = 365 * 24 * 3600


def setup_pages(app: web.Application) -> None:
    """Add routes, style, templates and error pages; what the pages say of the organisation is ``app[SITE]``.

    The application brings RECEPTION, LIMITS, BUCKETS, SIGN_IN and the middleware `problems`.
    """
    site = app.get(SITE) or Site()
    app[SITE] = site
    shelf = Shelf(site)
    app[SHELF] = shelf
    app[ERROR_PAGE] = error_page
    app.add_routes(
        [
            web.get("/static/{name}", shelf.assets.serve),
            web.post("/language", choose_language),
            web.get("/", citizen_form.form),
            web.post("/complaints", citizen_form.complain),
            web.get("/track", citizen_track.find),
            web.post("/track", citizen_track.found),
            web.get("/track/{number}", citizen_track.track),
            web.post("/track/{number}/{action}", citizen_track.act),
        ]
    )


async def choose_language(request: web.Request) -> web.StreamResponse:
    """``POST /language``: remember the choice, and back to where it was made."""
    sent = await read_form(request)
    if sent["lang"] not in LOCALES:
        raise Problem(404, "not-found")
    back = sent["back"]
    # A path of ours and nothing else: "//host" and "/\host" lead away.
    answer = see(back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/")
    answer.set_cookie(
        COOKIE, sent["lang"], max_age=_A_YEAR, path="/", httponly=True, samesite="Lax", secure=request.secure
    )
    return answer
