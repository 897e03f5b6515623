"""What programs post to an Open311 endpoint: reports, and updates of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

from aiohttp import web

from gateway.errors import Refused
from gateway.message import Accepted, Raw
from gateway.web.callers import throttle
from gateway.web.doors import read_body
from gateway.web.files import wrong_with
from gateway.web.keys import ACCEPT, IDENTITY_OF_PHONE, LIMITS, RECEPTION
from gateway.web.meters import METERS
from gateway.web.open311.asking import Asked, answer, asked_by, bad_request, endpoints, not_found, raw_of
from gateway.web.open311.channel import OCCASION, report_id, update_key, update_text
from gateway.web.open311.form import LONGEST_DESCRIPTION, Form, read_form, wrong_in
from gateway.web.patience import in_time
from gateway.web.problems import FieldProblem, Problem
from gateway.web.public import COMPLAINANT
from ticket_core.errors import ActionRefused
from ticket_core.model import Command, File, Ticket
from ticket_core.number import ticket_id_of
from ticket_core.profile import Profile
from ticket_core.store.journals import Input, find_input
from ticket_core.store.published import find_reported

_LONGEST_ID = 200
_LONGEST_FORM = 1 << 20  # bytes, without files
_LARGE = 256 << 10  # bytes that take long enough to leave the event loop
_MEDIA: Final = "media"
T = TypeVar("T")
#: Deliveries of one form at the same time come one after the other, so that the second finds the first.
_IN_HAND: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


async def post_request(request: web.Request) -> web.Response:
    """``POST requests``: taken in and committed before the answer."""
    asked, form, raw = await _read(request)
    service = asked.service(form.first("service_code"))
    wrong = [FieldProblem(name=one.field, kind=one.kind, context=one.context) for one in wrong_in(form, service)]
    if wrong := wrong + wrong_with(form.files, request.app[LIMITS], _MEDIA):
        raise Problem(400, "invalid", fields=wrong)
    accepted = await _take(request, asked, raw)
    again = accepted.outcome == "duplicate"
    told: dict[str, Any] = {}
    if service.type == "realtime":
        told["service_request_id"] = accepted.ticket
    elif service.type == "batch":
        told["token"] = f"{accepted.ticket}.{accepted.key or ''}"
    told["service_notice"] = _notice(request, asked, accepted) or None
    told["account_id"] = form.first("account_id") or None
    return answer(request, "service_requests", [told], 200 if again else 201)


async def post_update(request: web.Request) -> web.Response:
    """``POST servicerequestupdates``: more facts for a report, from somebody who belongs to it.

    An update that names other contacts than the report has is a report of its own: a stranger's words never enter
    somebody's ticket.
    """
    asked, form, raw = await _read(request)
    for name, longest in (
        ("service_request_id", _LONGEST_ID),
        ("update_id", _LONGEST_ID),
        ("description", LONGEST_DESCRIPTION),
    ):
        if not form.first(name):
            raise bad_request(name, "missing")
        if len(form.first(name)) > longest:
            raise bad_request(name, "string_too_long", max_length=longest)
    if wrong := wrong_with(form.files, request.app[LIMITS], _MEDIA):
        raise Problem(400, "invalid", fields=wrong)
    ticket_id = ticket_id_of(form.first("service_request_id")) or 0
    store = request.app[RECEPTION].store
    ticket = await store.read(partial(find_reported, channel=asked.channel.name, ticket_id=ticket_id))
    if ticket is None:
        raise not_found("service_request_id")
    known = await _before(request, asked, update_key(form), raw)
    if known is None and not (_belongs(request, form, ticket) and await _joined(request, asked, form, ticket, raw)):
        await request.app[ACCEPT](asked.channel, raw)
    told = {"update_id": form.first("update_id"), "account_id": form.first("account_id") or None}
    return answer(request, "service_request_updates", [told])


async def _read(request: web.Request) -> tuple[Asked, Form, Raw]:
    """The form of a sender who has a key.

    Raises:
        Problem: 400, 404, 413; Refused: 403.
    """
    throttle(request, "request")
    known = endpoints(request.app)
    if not known:
        raise Problem(404, "not-found")
    limit = known[0].limit if request.content_type == "multipart/form-data" else _LONGEST_FORM
    body = await in_time(read_body(request, known[0], limit))
    try:
        form = await _beside(body, lambda: read_form(body))
    except ValueError as error:
        raise bad_request("body", "bad_form") from error
    asked = asked_by(request, form.first("jurisdiction_id") or request.query.get("jurisdiction_id", ""))
    raw = await _beside(body, lambda: raw_of(request, asked.channel, body))
    try:
        asked.channel.verify(raw)
    except Refused:
        request.app[METERS].count_input(asked.channel.name, "refused")
        raise
    return asked, form, raw


async def _take(request: web.Request, asked: Asked, raw: Raw) -> Accepted:
    """Taken in once, however often it comes.

    Raises:
        Problem: 400, its name was used for something else.
    """
    external_id = await _report_id(raw)
    async with _IN_HAND.setdefault(external_id, asyncio.Lock()):
        if raw.headers.get("idempotency-key"):
            await _before(request, asked, external_id, raw)
        else:
            raw = await _on_its_occasion(request, asked, raw)
        (accepted,) = await request.app[ACCEPT](asked.channel, raw)
    return accepted


async def _on_its_occasion(request: web.Request, asked: Asked, raw: Raw) -> Raw:
    """The same form within the time is a second delivery, later it is not."""
    within = asked.channel.settings.same_within
    if not within:
        return replace(raw, headers={**raw.headers, OCCASION: raw.received_at.isoformat()})
    occasion = int(raw.received_at.timestamp() // within.total_seconds())
    before, now = (replace(raw, headers={**raw.headers, OCCASION: f"{one}"}) for one in (occasion - 1, occasion))
    known = await _before(request, asked, await _report_id(before), before)
    return before if known is not None and raw.received_at - known.received_at < within else now


async def _before(request: web.Request, asked: Asked, external_id: str, raw: Raw) -> Input | None:
    """The same input, where it came before.

    Raises:
        Problem: 400 where another came under this id: this one would be lost, and somebody else's link told.
    """
    find = partial(find_input, channel=asked.channel.name, external_id=external_id)
    known = await request.app[RECEPTION].store.read(find)
    if known is not None and known.sha256 != await _beside(raw.body, lambda: hashlib.sha256(raw.body).hexdigest()):
        raise Problem(400, "key-reused")
    return known


async def _report_id(raw: Raw) -> str:
    return await _beside(raw.body, lambda: report_id(raw))


async def _beside(body: bytes, make: Callable[[], T]) -> T:
    """What `make` makes of a body, beside the event loop where that takes long."""
    return await asyncio.to_thread(make) if len(body) > _LARGE else make()


def _notice(request: web.Request, asked: Asked, accepted: Accepted) -> str:
    """What the reporter is told: the operator's words, and where to follow it."""
    settings = asked.channel.settings
    base = settings.public_url.rstrip("/") or f"{request.scheme}://{request.host}"
    link = f"{base}/track/{accepted.ticket}?key={accepted.key}" if accepted.key else ""
    return "\n".join(filter(None, (settings.service_notice, link)))


def _belongs(request: web.Request, form: Form, ticket: Ticket) -> bool:
    """Whether the contacts of an update are the ticket's; without any, its program speaks for whoever reported."""
    phone, email = form.first("phone"), form.first("email")
    keys = [request.app[IDENTITY_OF_PHONE](phone)] if phone else []
    keys += [f"email:{email.casefold()}"] if email else []
    return not keys or any(key in ticket.identities for key in keys)


async def _joined(request: web.Request, asked: Asked, form: Form, ticket: Ticket, raw: Raw) -> bool:
    """Whether the update is part of its report now; one that has ended takes nothing in."""
    try:
        await request.app[RECEPTION].act(_supplement(form, ticket, raw, asked.profile))
    except ActionRefused:
        return False
    return True


def _supplement(form: Form, ticket: Ticket, raw: Raw, profile: Profile) -> Command:
    action = next(
        (one.name for one in profile.actions if one.event == "supplemented" and COMPLAINANT in one.by), "supplement"
    )
    fields: Mapping[str, Any] = {"text": update_text(form)}
    return Command(
        ticket_id=ticket.id,
        action=action,
        actor=COMPLAINANT,
        role=COMPLAINANT,
        at=raw.received_at,
        fields=fields,
        channel=raw.channel,
        raw=raw.body,
        external_id=update_key(form),
        attachments=tuple(File(name=one.name, media_type=one.media_type, content=one.content) for one in form.files),
    )
