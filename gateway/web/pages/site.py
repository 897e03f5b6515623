"""Puts the pages into an application."""

from __future__ import annotations

from aiohttp import web

from gateway.web.auth import check_origin
from gateway.web.callers import throttle
from gateway.web.chat import pages as chat_pages
from gateway.web.chat import stream as chat_stream
from gateway.web.pages import (
    citizen_form,
    citizen_track,
    console_call,
    console_documents,
    console_imports,
    console_journals,
    console_people,
    console_replies,
    console_session,
    console_ticket,
    console_tickets,
)
from gateway.web.pages.errors import error_page
from gateway.web.pages.forms import own_path, read_form
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
            web.get("/chat", chat_pages.page),
            web.get("/chat/panel", chat_pages.panel),
            web.get("/chat/widget.js", chat_pages.widget),
            web.get("/chat/{name}", chat_pages.page),
            web.get("/chat/{name}/panel", chat_pages.panel),
            web.get("/chat/{name}/stream", chat_stream.stream),
            web.get("/chat/{name}/files/{id}", chat_stream.file),
            web.get("/track", citizen_track.find),
            web.post("/track", citizen_track.found),
            web.get("/track/{number}", citizen_track.track),
            web.post("/track/{number}/{action}", citizen_track.act),
            web.get("/console", _to_console),
            web.get("/console/", console_tickets.tickets),
            web.get("/console/sign-in", console_session.form),
            web.post("/console/sign-in", console_session.sign_in),
            web.post("/console/sign-out", console_session.sign_out),
            web.get("/console/triage", console_tickets.triage),
            web.get("/console/deadlines", console_tickets.deadlines),
            web.get("/console/calls/new", console_call.new_call),
            web.get("/console/calls/lookup", console_call.lookup),
            web.post("/console/calls", console_call.call),
            web.get("/console/tickets/{number}", console_ticket.ticket),
            web.post("/console/tickets/{number}/{action}", console_ticket.act),
            web.get("/console/tickets/{number}/files/{sha256}", console_ticket.attachment),
            web.get(r"/console/tickets/{number}/documents/{event}.{form:docx|pdf}", console_documents.document),
            web.post("/console/tickets/{number}/documents/{event}/reported", console_documents.reported),
            web.get("/console/inbound", console_journals.inbound),
            web.get(r"/console/inbound/{id:\d{1,18}}", console_journals.one_input),
            web.get(r"/console/inbound/{id:\d{1,18}}/raw", console_journals.raw_input),
            web.post(r"/console/inbound/{id:\d{1,18}}/replay", console_journals.replay),
            web.get("/console/notices", console_journals.notices),
            web.get(r"/console/notices/{id:\d{1,18}}", console_journals.one_notice),
            web.get(r"/console/notices/{id:\d{1,18}}/html", console_journals.notice_html),
            web.get("/console/imports", console_imports.imports),
            web.post("/console/imports", console_imports.upload),
            web.get(r"/console/imports/{id:\d{1,18}}", console_imports.one_import),
            web.get(r"/console/imports/{id:\d{1,18}}/report.{form:csv|xlsx}", console_imports.report),
            web.get("/console/replies", console_replies.replies),
            web.post("/console/replies/{source}", console_replies.make),
            web.post("/console/replies/{source}/again", console_replies.again),
            web.get(r"/console/replies/{id:\d{1,18}}/file", console_replies.sheet),
            web.get("/console/people", console_people.people),
        ]
    )


async def _to_console(_request: web.Request) -> web.Response:
    return see("/console/")


async def choose_language(request: web.Request) -> web.StreamResponse:
    """``POST /language``: remember the choice, and back to where it was made."""
    throttle(request, "request")
    check_origin(request)
    sent = await read_form(request)
    if sent["lang"] not in LOCALES:
        raise Problem(404, "not-found")
    answer = see(own_path(sent["back"], "/"))
    answer.set_cookie(
        COOKIE, sent["lang"], max_age=_A_YEAR, path="/", httponly=True, samesite="Lax", secure=request.secure
    )
    return answer
