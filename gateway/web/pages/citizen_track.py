"""The complainant's page of a ticket, opened by number and key; every change is a POST, a GET changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlencode

import orjson
from aiohttp import web
from pydantic import TypeAdapter

from gateway.web.auth import check_origin
from gateway.web.callers import throttle
from gateway.web.files import read_files
from gateway.web.held import Held, held_by
from gateway.web.keys import LIMITS, RECEPTION, WEB_CHANNEL
from gateway.web.pages.forms import (
    EMPTY,
    Problems,
    Sent,
    attachments,
    external_id,
    new_token,
    problems_by_field,
    read_form,
)
from gateway.web.pages.show import see, show, words_of
from gateway.web.problems import Problem
from gateway.web.public import COMPLAINANT, public_view
from gateway.web.schema import AttachmentBody
from gateway.web.words import Locale, core_reason
from ticket_core.decide.timers import promise
from ticket_core.errors import ActionRefused, FieldMissing
from ticket_core.model import JSON, Command, File
from ticket_core.number import number_of
from ticket_core.store.queries import load_file


def _texts(*names: str) -> Callable[[Sent], dict[str, JSON]]:
    return lambda sent: {name: sent[name] for name in names if sent[name]}


def _rating(sent: Sent) -> dict[str, JSON]:
    score: JSON = int(sent["score"]) if sent["score"].isdecimal() else sent["score"]
    return {"score": score, **_texts("text")(sent)}


#: What a complainant can do here: the event that makes it happen, and the fields the form has for it.
_ACTIONS: Mapping[str, tuple[str, Callable[[Sent], dict[str, JSON]]]] = {
    "supplement": ("supplemented", _texts("text")),
    "urge": ("urged", _texts("text")),
    "rate": ("rated", _rating),
    "withdraw": ("withdrawn", _texts("reason")),
}
_FILES: TypeAdapter[list[AttachmentBody]] = TypeAdapter(list[AttachmentBody])
_THANKS = frozenset({"new", *_ACTIONS})


async def find(request: web.Request) -> web.Response:
    """``GET /track``."""
    throttle(request, "request")
    return await show(request, "find", here="/track", given=EMPTY, problems=Problems())


async def found(request: web.Request) -> web.StreamResponse:
    """``POST /track``: on to the ticket's page."""
    throttle(request, "request")
    check_origin(request)
    sent = await read_form(request)
    key = sent["key"].replace(" ", "").lower()
    try:
        held = held_by(request, sent["number"], key)
    except Problem:
        problems = Problems(number=words_of(request)("problem.missing_text"))
        return await show(request, "find", here="/track", back="/track", status=404, given=sent, problems=problems)
    return see(_address(held.ticket_id, key))


def _address(ticket_id: int, key: str, thanks: str = "") -> str:
    query = {"key": key} | ({"thanks": thanks} if thanks else {})
    return f"/track/{number_of(ticket_id)}?{urlencode(query)}"


async def track(request: web.Request) -> web.Response:
    """``GET /track/{number}?key=``."""
    throttle(request, "request")
    key = request.query.get("key", "")
    thanks = request.query.get("thanks", "")
    held = held_by(request, request.match_info["number"], key)
    return await _page(request, held, key, thanks=thanks if thanks in _THANKS else "")


async def _page(
    request: web.Request,
    held: Held,
    key: str,
    *,
    thanks: str = "",
    refused: str = "",
    open_action: str = "",
    given: Sent = EMPTY,
    problems: Problems | None = None,
    status: int = 200,
) -> web.Response:
    reception = request.app[RECEPTION]
    locale: Locale = words_of(request).locale
    file = await reception.store.read(lambda connection: load_file(connection, held.ticket_id))
    profile = reception.policy.profiles[file.ticket.profile]
    owed = promise(file.timers, profile)
    view = public_view(file, reception.policy, locale, held.statement)
    return await show(
        request,
        "track",
        here="/track",
        back=_address(held.ticket_id, key),
        status=status,
        view=view,
        joined=not held.whole,
        key=key,
        token=new_token(),
        thanks=thanks,
        refused=refused,
        open=open_action,
        given=given,
        problems=problems or Problems(),
        promise=None if owed is None else replace(owed, due_at=owed.due_at.astimezone(profile.tz)),
        late=owed is not None and owed.due_at < datetime.now(UTC),
    )


async def act(request: web.Request) -> web.StreamResponse:
    """``POST /track/{number}/{action}``: back to the page with what came of it."""
    throttle(request, "intake")
    check_origin(request)
    sent = await read_form(request)
    key = sent["key"]
    held = held_by(request, request.match_info["number"], key)
    ticket_id = held.ticket_id
    name = request.match_info["action"]
    if name not in _ACTIONS:
        raise Problem(404, "not-found")
    event, fields_of = _ACTIONS[name]
    words = words_of(request)
    fields = fields_of(sent)
    files = attachments(sent) if name == "supplement" else {}
    raw = orjson.dumps({"action": name, **fields, **files})
    known_as = external_id(sent["token"], raw)
    again = partial(_page, request, held, key, open_action=name, given=sent)
    if not held.whole:
        return await again(refused=words("track.not_possible"), status=409)
    try:
        kept = read_files(_FILES.validate_python(files.get("attachments", [])), request.app[LIMITS])
    except Problem as problem:
        return await again(problems=problems_by_field(problem, words), status=422)
    if known_as is None:
        return await again(refused=words("form.stale"), status=422)
    reception = request.app[RECEPTION]
    file = await reception.store.read(lambda connection: load_file(connection, ticket_id))
    actions = reception.policy.profiles[file.ticket.profile].actions
    action = next((one.name for one in actions if one.event == event and COMPLAINANT in one.by), name)
    command = Command(
        ticket_id=ticket_id,
        action=action,
        actor=COMPLAINANT,
        role=COMPLAINANT,
        at=datetime.now(UTC),
        fields=fields,
        channel=WEB_CHANNEL,
        raw=raw,
        external_id=f"{ticket_id}:{known_as}",
        attachments=tuple(File(name=one.name, media_type=one.media_type, content=one.content) for one in kept),
    )
    try:
        await reception.act(command)
    except ActionRefused:
        return await again(refused=words("track.not_possible"), status=409)
    except FieldMissing as error:
        problems = Problems((field, core_reason(reason, words.locale)) for field, reason in error.problems.items())
        return await again(problems=problems, status=422)
    return see(_address(ticket_id, key, name))
