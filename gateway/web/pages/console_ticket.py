"""The ticket page of the console, and the actions taken on it."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
from aiohttp import web
from sqlalchemy import Connection

from gateway.web.auth import Account, acting_role, check_form, may_do, require
from gateway.web.keys import RECEPTION, WRITING
from gateway.web.pages.action_forms import action_forms, fields_of, wrong_fields
from gateway.web.pages.console_journals import NoticeRow, notice_row
from gateway.web.pages.forms import EMPTY, Problems, Sent, external_id, new_token, read_form
from gateway.web.pages.show import OPEN_TO, download, see, show, words_of
from gateway.web.pages.ticket_view import Reader, facts
from gateway.web.privacy import check_may_act, handles, masked_file, masked_notice
from gateway.web.problems import Problem
from gateway.web.words import core_reason
from ticket_core.errors import ActionRefused, FieldMissing
from ticket_core.model import Command
from ticket_core.number import ticket_id_of
from ticket_core.store.journals import SentNotice, list_notices
from ticket_core.store.queries import TicketFile, load_blob, load_file

_CHANNEL = "console"
#: States of a step that its forwarding body has not heard of.
_UNHEARD = frozenset({"queued", "failed", "expired"})


def ticket_in_path(request: web.Request) -> int:
    """The ticket of this page.

    Raises:
        Problem: 404 for what is no number.
    """
    ticket_id = ticket_id_of(request.match_info["number"])
    if ticket_id is None:
        raise Problem(404, "no-such-ticket")
    return ticket_id


async def _load(request: web.Request, account: Account) -> tuple[TicketFile, tuple[SentNotice, ...], bool]:
    """The ticket as this account may see it, its notices, and whether personal data is hidden."""
    reception, ticket_id = request.app[RECEPTION], ticket_in_path(request)

    def look(connection: Connection) -> tuple[TicketFile, tuple[SentNotice, ...]]:
        return load_file(connection, ticket_id), list_notices(connection, ticket_id=ticket_id, limit=100).rows

    file, notices = await reception.store.read(look)
    hidden = not handles(account, file.ticket, reception.policy.directory)
    if hidden:
        return masked_file(file), tuple(masked_notice(one, file.ticket) for one in notices), True
    return file, notices, False


def _reader(request: web.Request, file: TicketFile) -> Reader:
    policy = request.app[RECEPTION].policy
    profile = policy.profiles[file.ticket.profile]
    return Reader(words=words_of(request), profile=profile, policy=policy, now=datetime.now(UTC))


async def ticket(request: web.Request) -> web.Response:
    """``GET /console/tickets/{number}``."""
    account = await require(request, *OPEN_TO["/console/"])
    return await _page(request, account)


async def _page(
    request: web.Request,
    account: Account,
    *,
    tried: str = "",
    given: Sent = EMPTY,
    problems: Problems | None = None,
    refused: str = "",
    status: int = 200,
) -> web.Response:
    file, notices, hidden = await _load(request, account)
    reader = _reader(request, file)
    secret = hidden and file.ticket.complainant.confidential
    actions = () if secret else may_do(account, file.ticket, reader.policy)
    shown = action_forms(actions, file.ticket, reader, tried=tried, given=given, problems=problems or Problems())
    done = request.query.get("done", "")
    rows: list[NoticeRow] = [notice_row(one, reader.profile.tz, _step_of(one, reader)) for one in notices]
    return await show(
        request,
        "console/ticket",
        here="/console/",
        back=f"/console/tickets/{request.match_info['number']}",
        status=status,
        view=facts(file, reader, hidden=secret),
        actions=shown,
        undo=next((form for form, one in zip(shown, actions, strict=True) if one.event == "repeat_undone"), None),
        notices=rows,
        documents=[] if hidden or WRITING not in request.app else request.app[WRITING].writable(file),
        waiting={one.event_kind for one in notices if one.role == "source" and one.state in _UNHEARD},
        token=new_token(),
        problems=problems or Problems(),
        refused=refused,
        done=_done(done, reader),
    )


def _step_of(one: SentNotice, reader: Reader) -> str:
    return reader.event(one.event_kind) if one.role == "source" else ""


def _done(name: str, reader: Reader) -> str:
    if name == "call":
        return reader.words("call.title")
    return reader.label("action", name) if name in reader.profile.action_of else ""


async def act(request: web.Request) -> web.Response:
    """``POST /console/tickets/{number}/{action}``: back to the ticket with what came of it."""
    account = await require(request, *OPEN_TO["/console/"])
    sent = await read_form(request)
    check_form(request, sent["csrf"])
    file, _, _ = await _load(request, account)
    check_may_act(account, file.ticket, request.app[RECEPTION].policy.directory)
    reader, name = _reader(request, file), request.match_info["action"]
    action = reader.profile.action_of.get(name)
    if action is None:
        raise Problem(404, "not-found")
    fields = fields_of(action, sent, file.ticket)
    raw = orjson.dumps({"action": name, **fields})
    known_as = external_id(sent["token"], raw)
    if known_as is None:
        again = reader.words("form.stale")
        return await _page(request, account, tried=name, given=sent, refused=again, status=422)
    command = Command(
        ticket_id=file.ticket.id,
        action=name,
        actor=account.name,
        role=acting_role(account),
        at=datetime.now(UTC),
        fields=fields,
        channel=_CHANNEL,
        raw=raw,
        external_id=f"{file.ticket.id}:{known_as}",
    )
    try:
        await request.app[RECEPTION].act(command)
    except ActionRefused as error:
        refused = core_reason(error.reason, reader.words.locale) or reader.words(
            "ticket.refused", action=reader.label("action", name)
        )
        return await _page(request, account, tried=name, given=sent, refused=refused, status=409)
    except FieldMissing as error:
        problems = wrong_fields(name, error, reader)
        return await _page(request, account, tried=name, given=sent, problems=problems, status=422)
    return see(f"/console/tickets/{request.match_info['number']}?done={name}")


async def attachment(request: web.Request) -> web.Response:
    """``GET /console/tickets/{number}/files/{sha256}``: the bytes, to be saved and never shown in our name."""
    account = await require(request, *OPEN_TO["/console/"])
    file, _, hidden = await _load(request, account)
    wanted = request.match_info["sha256"]
    found = next((one for said in file.complaints for one in said.attachments if one.sha256 == wanted), None)
    content = None
    if found is not None and not hidden:
        content = await request.app[RECEPTION].store.read(lambda connection: load_blob(connection, wanted))
    if found is None or content is None:
        raise Problem(404, "not-found")
    return download(content, found.name)
