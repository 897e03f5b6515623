"""The complaint form: works without scripts, keeps what was written, and makes one ticket of a double click."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web
from pydantic import TypeAdapter

from gateway.message import InboundMessage, Raw
from gateway.web.auth import check_origin
from gateway.web.callers import throttle
from gateway.web.files import read_files
from gateway.web.keys import LIMITS, RECEPTION, WEB_CHANNEL
from gateway.web.pages.forms import (
    EMPTY,
    Problems,
    Sent,
    external_id,
    intake_body,
    new_token,
    problems_by_field,
    read_form,
)
from gateway.web.pages.show import SITE, see, show, words_of
from gateway.web.problems import Problem
from gateway.web.schema import IntakeBody, validated
from ticket_core.decide.timers import rules_for, start_timer
from ticket_core.errors import StoreBusy, StoreClosed
from ticket_core.policy import Policy
from ticket_core.profile import Profile

_INTAKE: TypeAdapter[IntakeBody] = TypeAdapter(IntakeBody)


def profile_of(app: web.Application) -> Profile:
    """The process under which the pages' complaints fall."""
    profiles = app[RECEPTION].policy.profiles
    return profiles.get(app[SITE].profile) or next(iter(profiles.values()))


def promised_answer(profile: Profile, policy: Policy, now: datetime) -> datetime | None:
    """When a plain complaint that came in now would have to be answered, in the profile's zone."""
    rules = rules_for(
        profile,
        "received",
        now,
        kind="complaint",
        grade="request",
        priority=profile.default_priority,
        source="",
        stage="received",
    )
    due = [start_timer(rule, 0, now, profile, policy.calendar).due_at for rule in rules if "answered" in rule.stop]
    return max(due).astimezone(profile.tz) if due else None


async def form(request: web.Request) -> web.Response:
    """``GET /``."""
    throttle(request, "request")
    return await _form(request, EMPTY, Problems())


async def _form(
    request: web.Request, given: Sent, problems: Problems, status: int = 200, token: str = ""
) -> web.Response:
    profile = profile_of(request.app)
    words = words_of(request)
    return await show(
        request,
        "complain",
        here="/",
        back="/",
        status=status,
        token=token or new_token(),
        given=given,
        problems=problems,
        lost_files=bool(given.files),
        kinds=[(kind, words(f"kind.{kind}")) for kind in profile.kinds],
        promise=promised_answer(profile, request.app[RECEPTION].policy, datetime.now(UTC)),
    )


async def complain(request: web.Request) -> web.StreamResponse:
    """``POST /complaints``: on to the tracking page, or the form again with what is wrong."""
    check_origin(request)
    sent = await read_form(request)
    words = words_of(request)
    try:
        throttle(request, "intake")
    except Problem as problem:
        again = await _form(request, sent, Problems(token=problem.title(words.locale)), problem.status, sent["token"])
        again.headers.update(problem.headers)
        return again
    raw = orjson.dumps({**intake_body(sent, profile_of(request.app).tz), "locale": words.locale})
    known_as = external_id(sent["token"], raw)
    try:
        message = _message(request, raw, known_as)
    except Problem as problem:
        if problem.status != 422:
            raise
        return await _form(request, sent, problems_by_field(problem, words), 422)
    if known_as is None and sent["token"]:  # who sends none, a program or an old page, has written all the same
        return await _form(request, sent, Problems(token=words("form.stale")), 422)
    try:
        accepted = await request.app[RECEPTION].receive(message)
    except (StoreBusy, StoreClosed):
        # The same token: should it have been taken in after all, sending again has no second effect.
        return await _form(request, sent, Problems(token=words("problem.busy_text")), 503, sent["token"])
    return see(f"/track/{accepted.ticket}?key={accepted.key}&thanks=new")


def _message(request: web.Request, raw: bytes, known_as: str | None) -> InboundMessage:
    body = validated(_INTAKE, raw)
    fields: Mapping[str, Any] = body
    files = body.get("attachments")
    now = datetime.now(UTC)
    return InboundMessage(
        channel=WEB_CHANNEL,
        external_id=known_as,
        received_at=now,
        raw=Raw(channel=WEB_CHANNEL, body=raw, received_at=now, media_type="application/json"),
        attachments=read_files(files, request.app[LIMITS]) if files else (),
        fields=fields,
    )
