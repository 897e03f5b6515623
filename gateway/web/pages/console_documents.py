"""The steps of a ticket as documents 公文, and that one of them was reported by its document."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial

import structlog
from aiohttp import web

from gateway.errors import GatewayError
from gateway.web.auth import Account, check_form, require
from gateway.web.keys import RECEPTION, REPLIES, WRITING
from gateway.web.pages.forms import read_form
from gateway.web.pages.show import OPEN_TO, download, see
from gateway.web.privacy import handles
from gateway.web.problems import Problem
from ticket_core.number import ticket_id_of
from ticket_core.store.queries import TicketFile, load_file

log = structlog.get_logger(__name__)


async def document(request: web.Request) -> web.Response:
    """``GET /console/tickets/{number}/documents/{event}.{form}?locale=…``, for those who handle the ticket."""
    file, _ = await _file(request)
    event, form = request.match_info["event"], request.match_info["form"]
    writable = {one.event: one.forms for one in request.app[WRITING].writable(file)}
    locale = request.query.get("locale", "")[:32]
    if form not in writable.get(event, ()):
        raise Problem(404, "not-found")
    try:
        write = partial(request.app[WRITING].write, locale=locale)
        name, content = await asyncio.to_thread(write, file, event, form, datetime.now(UTC))
    except GatewayError as error:
        log.warning("document_not_written", error=str(error))
        raise Problem(503, "no-document", detail=str(error)) from error
    return download(content, name)


async def reported(request: web.Request) -> web.Response:
    """``POST /console/tickets/{number}/documents/{event}/reported``: somebody has handed the document over."""
    file, account = await _file(request)
    sent = await read_form(request)
    check_form(request, sent["csrf"])
    event = request.match_info["event"]
    await request.app[REPLIES].mark(file.ticket.id, event, actor=account.name, at=datetime.now(UTC))
    return see(f"/console/tickets/{request.match_info['number']}#documents")


async def _file(request: web.Request) -> tuple[TicketFile, Account]:
    account = await require(request, *OPEN_TO["/console/"])
    ticket_id = ticket_id_of(request.match_info["number"])
    if ticket_id is None:
        raise Problem(404, "no-such-ticket")
    reception = request.app[RECEPTION]
    file = await reception.store.read(lambda connection: load_file(connection, ticket_id))
    if not handles(account, file.ticket, reception.policy.directory):
        raise Problem(403, "forbidden")
    return file, account
