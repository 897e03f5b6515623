"""The phone form 来电受理: a call or a visit written down, with the person's tickets looked up on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web
from pydantic import TypeAdapter

from gateway.message import InboundMessage, Raw
from gateway.web.auth import Account, check_form, require
from gateway.web.keys import IDENTITY_OF_PHONE, PHONE_CHANNEL, RECEPTION, SERVICE_NUMBER_OF
from gateway.web.pages.citizen_form import profile_of
from gateway.web.pages.console_rows import Row, rows_of
from gateway.web.pages.forms import (
    Problems,
    Sent,
    external_id,
    intake_body,
    new_token,
    problems_by_field,
    read_form,
)
from gateway.web.pages.language import Words
from gateway.web.pages.show import OPEN_TO, see, show, words_of
from gateway.web.privacy import shown_person
from gateway.web.problems import Problem
from gateway.web.schema import CallBody, validated
from ticket_core.errors import StoreBusy, StoreClosed
from ticket_core.profile import Profile
from ticket_core.store.queries import find_person

_CALL: TypeAdapter[CallBody] = TypeAdapter(CallBody)
_HERE = "/console/calls/new"
_MORE = ("priority", "caller", "extension", "entry", "disposition")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a look-up found; `hours` and `action` are those of the repeat rule."""

    problem: str = ""
    hours: str = ""
    action: str = ""
    in_transit: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    warned_by: list[Row] = field(default_factory=list)


async def _look(request: web.Request, account: Account, phone: str, service_number: str) -> Found | None:
    """The tickets of whoever has this phone, or about this service number; None when neither is given."""
    if not phone and not service_number:
        return None
    words, now = words_of(request), datetime.now(UTC)
    identity_of = request.app[IDENTITY_OF_PHONE]
    known = {identity_of(written) for written in (phone, service_number) if written}
    identities = {one for one in known if one is not None}
    if not identities and not service_number:
        return Found(problem=words("call.unreadable"))
    reception = request.app[RECEPTION]
    rule = profile_of(request.app).repeat
    person = await reception.store.read(
        lambda connection: find_person(
            connection,
            identities=identities,
            service_number=request.app[SERVICE_NUMBER_OF](service_number) if service_number else "",
            window_from=now - rule.window,
            window_to=now,
        )
    )

    person = shown_person(person, account, reception.policy.directory)

    def rows(tickets: tuple[Any, ...]) -> list[Row]:
        return rows_of(tickets, reception.policy, words.locale, now)

    return Found(
        hours=f"{rule.window.total_seconds() / 3600:g}",
        action=rule.action,
        in_transit=rows(person.in_transit),
        history=rows(person.history),
        warned_by=rows(person.warned_by) if rule.action != "none" else [],
    )


async def lookup(request: web.Request) -> web.Response:
    """``GET /console/calls/lookup``: what was found, as a piece of the page."""
    account = await require(request, *OPEN_TO[_HERE])
    found = await _look(
        request, account, request.query.get("phone", "")[:64], request.query.get("service_number", "")[:64]
    )
    return await show(request, "console/found", lookup=found)


async def new_call(request: web.Request) -> web.Response:
    """``GET /console/calls/new``; the numbers may be in the query, as a telephone system's link has them."""
    account = await require(request, *OPEN_TO[_HERE])
    zone = profile_of(request.app).tz
    given = {name: request.query.get(name, "")[:64] for name in ("caller", "service_number", "entry")}
    given["call_started_at"] = datetime.now(zone).strftime("%Y-%m-%dT%H:%M:%S")
    return await _form(request, account, Sent(texts=given), Problems())


async def _form(
    request: web.Request, account: Account, given: Sent, problems: Problems, status: int = 200, token: str = ""
) -> web.Response:
    profile, words = profile_of(request.app), words_of(request)
    return await show(
        request,
        "console/call",
        here=_HERE,
        back=_HERE,
        status=status,
        token=token or new_token(),
        given=given,
        problems=problems,
        lookup=await _look(request, account, given["caller"], given["service_number"]),
        kinds=[(kind, words(f"kind.{kind}")) for kind in profile.kinds],
        entries=_entries(profile, words),
        priorities=[(one.name, profile.label_of("priority", one.name, words.locale)) for one in profile.priorities],
        default_priority=profile.default_priority,
    )


def _entries(profile: Profile, words: Words) -> list[tuple[str, str]]:
    special = [(number, words("call.special", number=number)) for number in profile.repeat.special_numbers]
    return [("hotline", words("call.hotline")), ("walk_in", words("call.walk_in")), *special]


async def call(request: web.Request) -> web.Response:
    """``POST /console/calls``: to the ticket, or the form again with what is wrong or with what was looked up."""
    account = await require(request, *OPEN_TO[_HERE])
    sent = await read_form(request)
    check_form(request, sent["csrf"])
    if sent["disposition"] == "look":
        return await _form(request, account, sent, Problems())
    words, profile = words_of(request), profile_of(request.app)
    body = intake_body(sent, profile.tz, _MORE)
    if sent["disposition"] == "answered":
        body["answer"] = sent["answer"]
    raw = orjson.dumps(body)
    known_as = external_id(sent["token"], raw)
    problems = _wrong(sent, profile, words) if known_as else Problems(token=words("form.stale"))
    try:
        message = _message(raw, known_as, account)
    except Problem as problem:
        if problem.status != 422:
            raise
        problems = Problems({**problems_by_field(problem, words), **problems})
    if problems:
        return await _form(request, account, sent, problems, 422)
    try:
        accepted = await request.app[RECEPTION].receive(message)
    except (StoreBusy, StoreClosed):
        return await _form(request, account, sent, Problems(token=words("problem.busy_text")), 503, sent["token"])
    return see(f"/console/tickets/{accepted.ticket}?done=call")


def _wrong(sent: Sent, profile: Profile, words: Words) -> Problems:
    """What only the process can tell."""
    problems = Problems()
    if sent["disposition"] == "answered" and not sent["answer"]:
        problems["answer"] = words("call.answer_needed")
    allowed: Mapping[str, set[str]] = {
        "priority": {"", *(one.name for one in profile.priorities)},
        "entry": {"", "hotline", "walk_in", *profile.repeat.special_numbers},
    }
    for name, values in allowed.items():
        if sent[name] not in values:
            problems[name] = words("problem.wrong")
    return problems


def _message(raw: bytes, known_as: str | None, account: Account) -> InboundMessage:
    body = validated(_CALL, raw)
    fields: Mapping[str, Any] = body
    now = datetime.now(UTC)
    return InboundMessage(
        channel=PHONE_CHANNEL,
        external_id=known_as,
        received_at=now,
        raw=Raw(channel=PHONE_CHANNEL, body=raw, received_at=now, media_type="application/json", actor=account.name),
        lodged_at=body.get("call_started_at"),
        fields=fields,
    )
