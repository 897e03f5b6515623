"""What came in, as it came in; and what goes out, as its recipients read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Final, get_args
from urllib.parse import urlencode

import orjson
from aiohttp import web
from sqlalchemy import Connection

from gateway.mask import mask_text
from gateway.render import FORMS
from gateway.segments import segments
from gateway.web.api_journals import replayed
from gateway.web.auth import Account, check_form, require
from gateway.web.keys import RECEPTION
from gateway.web.pages.citizen_form import profile_of
from gateway.web.pages.forms import read_form
from gateway.web.pages.show import HEADERS, OPEN_TO, SITE, download, see, show
from gateway.web.privacy import handles, masked_notice
from gateway.web.problems import Problem, wrong_field
from ticket_core.model import REREADABLE, NoticeState, Outcome, Ticket
from ticket_core.number import display, number_of
from ticket_core.store.journals import (
    Delivered,
    Input,
    SentNotice,
    list_inbound,
    list_notices,
    load_input,
    load_notice,
)
from ticket_core.store.queries import BadCursor, Page
from ticket_core.store.tickets import load_tickets

_INBOUND, _NOTICES = "/console/inbound", "/console/notices"
_SHOWN_CHARACTERS: Final = 100_000
_SHOWN_BYTES: Final = 4096
_LOOKS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("delivered", "opened", "appended"), "good"),
    **dict.fromkeys(("temporary_failure", "repeated", "triage"), "warn"),
    **dict.fromkeys(("failed", "expired", "refused"), "bad"),
}
#: A notice's own page may look as its author wants, inside a frame that can do nothing and reach nobody.
_FRAMED: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRow:
    """One line of the journal of inputs."""

    id: int
    received_at: datetime
    channel: str
    outcome: str
    look: str
    number: str
    display_number: str
    note: str
    actor: str
    external_id: str
    raw_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """One notice; what is personal in it is masked for those who do not handle its ticket."""

    id: int
    number: str
    display_number: str
    notice: str
    step: str
    role: str
    medium: str
    address: str
    name: str
    locale: str
    state: str
    look: str
    created_at: datetime
    send_at: datetime
    attempts: int
    transport: str
    provider_id: str
    cause: str
    template_version: str
    deliveries: tuple[Delivered, ...]


def notice_row(one: SentNotice, zone: tzinfo, step: str = "") -> NoticeRow:
    """A notice as it is shown, masked beforehand where it has to be; `step` is what a forwarding body hears by it."""
    number = number_of(one.ticket_id) if one.ticket_id else ""
    return NoticeRow(
        id=one.id,
        number=number,
        display_number=display(number) if number else "",
        notice=one.notice,
        step=step,
        role=one.role,
        medium=one.medium,
        address=one.address.removeprefix("+86"),
        name=one.name,
        locale=one.locale,
        state=one.state,
        look=_LOOKS.get(one.state, "plain"),
        created_at=one.created_at.astimezone(zone),
        send_at=one.send_at.astimezone(zone),
        attempts=one.attempts,
        transport=one.transport,
        provider_id=one.provider_id,
        cause=one.cause,
        template_version=one.template_version,
        deliveries=tuple(replace(each, at=each.at.astimezone(zone)) for each in one.deliveries),
    )


def _input_row(one: Input, zone: tzinfo) -> InputRow:
    number = "" if one.ticket_id is None else number_of(one.ticket_id)
    return InputRow(
        id=one.id,
        received_at=one.received_at.astimezone(zone),
        channel=one.channel,
        outcome=one.outcome,
        look=_LOOKS.get(one.outcome, "plain"),
        number=number,
        display_number=display(number) if number else "",
        note=mask_text(one.note),
        actor=one.actor,
        external_id=one.external_id or "",
        raw_type=one.raw_type,
        size=one.size,
        sha256=one.sha256,
    )


def _tabs(path: str, what: str, names: Iterable[str]) -> list[tuple[str, str]]:
    return [("", path), *((name, f"{path}?{urlencode({what: name})}") for name in names)]


def _next(path: str, what: str, chosen: str, page: Page[Input] | Page[SentNotice]) -> str:
    query = {**({what: chosen} if chosen else {}), "cursor": page.cursor}
    return f"{path}?{urlencode(query)}" if page.cursor else ""


async def inbound(request: web.Request) -> web.Response:
    """``GET /console/inbound``."""
    await require(request, *OPEN_TO[_INBOUND])
    outcomes = get_args(Outcome)
    chosen = request.query.get("outcome", "")
    chosen = chosen if chosen in outcomes else ""
    cursor = request.query.get("cursor")
    try:
        page = await request.app[RECEPTION].store.read(lambda c: list_inbound(c, outcome=chosen, cursor=cursor))
    except BadCursor:
        raise wrong_field("cursor", "bad_cursor") from None
    return await show(
        request,
        "console/inbound",
        here=_INBOUND,
        outcomes=_tabs(_INBOUND, "outcome", outcomes),
        chosen=chosen,
        rows=[_input_row(one, profile_of(request.app).tz) for one in page.rows],
        next=_next(_INBOUND, "outcome", chosen, page),
    )


async def _input(request: web.Request) -> tuple[InputRow, bytes | None]:
    """One input; its bytes only for those who handle its ticket."""
    account = await require(request, *OPEN_TO[_INBOUND])
    inbound_id = int(request.match_info["id"])

    def look(connection: Connection) -> tuple[Input, bytes, Ticket | None] | None:
        found = load_input(connection, inbound_id)
        if found is None:
            return None
        one, raw = found
        known = load_tickets(connection, [one.ticket_id]) if one.ticket_id is not None else {}
        return one, raw, known.get(one.ticket_id or 0)

    found = await request.app[RECEPTION].store.read(look)
    if found is None:
        raise Problem(404, "not-found")
    one, raw, ticket = found
    allowed = ticket is None or _may_read(request, account, ticket)
    return _input_row(one, profile_of(request.app).tz), raw if allowed else None


def _may_read(request: web.Request, account: Account, ticket: Ticket) -> bool:
    return handles(account, ticket, request.app[RECEPTION].policy.directory)


async def one_input(request: web.Request) -> web.Response:
    """``GET /console/inbound/{id}``: the raw bytes as text, or in hexadecimal when they are none."""
    row, raw = await _input(request)
    head = (raw or b"")[: _SHOWN_CHARACTERS * 4]
    binary = b"\0" in head
    text = head[:_SHOWN_BYTES].hex(" ") if binary else head.decode("utf-8", "backslashreplace")[:_SHOWN_CHARACTERS]
    whole = raw is None or (len(raw) <= _SHOWN_BYTES if binary else len(raw) <= len(text.encode()))
    return await show(
        request,
        "console/inbound_one",
        here=_INBOUND,
        row=row,
        hidden=raw is None,
        again=raw is not None and row.outcome in REREADABLE,
        replayed=told if (told := request.query.get("replayed", "")) in get_args(Outcome) else "",
        raw=text,
        binary=binary,
        cut=0 if whole else (_SHOWN_BYTES if binary else _SHOWN_CHARACTERS),
    )


async def replay(request: web.Request) -> web.Response:
    """``POST /console/inbound/{id}/replay``: the input is read again, and its page says what came of it."""
    account = await require(request, *OPEN_TO[_INBOUND])
    check_form(request, (await read_form(request))["csrf"])
    done = await replayed(request, account, int(request.match_info["id"]))
    return see(f"{_INBOUND}/{done.inbound_id}?replayed={done.outcome}")


async def raw_input(request: web.Request) -> web.Response:
    """``GET /console/inbound/{id}/raw``."""
    row, raw = await _input(request)
    if raw is None:
        raise Problem(403, "forbidden")
    return download(raw, f"{row.channel}-{row.id}.bin")


async def notices(request: web.Request) -> web.Response:
    """``GET /console/notices``; masked for everybody, as all lists are."""
    await require(request, *OPEN_TO[_NOTICES])
    states = get_args(NoticeState)
    chosen = request.query.get("state", "")
    chosen = chosen if chosen in states else ""
    cursor = request.query.get("cursor")

    def look(connection: Connection) -> tuple[Page[SentNotice], Mapping[int, Ticket]]:
        page = list_notices(connection, state=chosen, cursor=cursor)
        return page, load_tickets(connection, {one.ticket_id for one in page.rows})

    try:
        page, tickets = await request.app[RECEPTION].store.read(look)
    except BadCursor:
        raise wrong_field("cursor", "bad_cursor") from None
    return await show(
        request,
        "console/notices",
        here=_NOTICES,
        states=_tabs(_NOTICES, "state", states),
        chosen=chosen,
        rows=[
            notice_row(masked_notice(one, tickets.get(one.ticket_id)), profile_of(request.app).tz) for one in page.rows
        ],
        next=_next(_NOTICES, "state", chosen, page),
    )


async def _notice(request: web.Request) -> tuple[SentNotice, dict[str, str], bool]:
    """One notice as the reader may see it, its rendered forms for those who handle its ticket, and whether they do."""
    account = await require(request, *OPEN_TO["/console/"])
    notice_id = int(request.match_info["id"])

    def look(connection: Connection) -> tuple[SentNotice, Ticket | None] | None:
        one = load_notice(connection, notice_id)
        return None if one is None else (one, load_tickets(connection, [one.ticket_id]).get(one.ticket_id))

    reception = request.app[RECEPTION]
    found = await reception.store.read(look)
    if found is None:
        raise Problem(404, "not-found")
    one, ticket = found
    clear = ticket is not None and _may_read(request, account, ticket)
    forms = orjson.loads(one.rendered) if one.rendered and clear else {}
    one = one if clear else masked_notice(one, ticket)
    return one, {name: str(forms.get(name) or "") for name in FORMS}, clear


def _without_key(request: web.Request, ticket_id: int, text: str) -> str:
    """A text without the complainant's key: nobody else acts in that name."""
    return text.replace(request.app[RECEPTION].keys.key(ticket_id), "…")


async def one_notice(request: web.Request) -> web.Response:
    """``GET /console/notices/{id}``."""
    one, forms, clear = await _notice(request)
    signature = request.app[SITE].signature
    return await show(
        request,
        "console/notice",
        here=_NOTICES,
        row=notice_row(one, profile_of(request.app).tz),
        forms={name: _without_key(request, one.ticket_id, text) for name, text in forms.items()},
        hidden=not clear,
        sms=segments(forms["short"], signature=signature),
    )


async def notice_html(request: web.Request) -> web.Response:
    """``GET /console/notices/{id}/html``: for the sandboxed frame."""
    one, forms, _ = await _notice(request)
    if not forms["html"]:
        raise Problem(404, "not-found")
    headers = {**HEADERS, "Content-Security-Policy": _FRAMED, "X-Frame-Options": "SAMEORIGIN"}
    return web.Response(
        text=_without_key(request, one.ticket_id, forms["html"]), content_type="text/html", headers=headers
    )
