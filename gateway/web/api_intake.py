"""Taking complaints in by JSON: from citizens and programs, and from phone agents."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from aiohttp import web
from pydantic import ConfigDict, Field, TypeAdapter

from gateway.message import Accepted, InboundMessage, Raw
from gateway.web.auth import require
from gateway.web.files import read_files
from gateway.web.keys import LIMITS, PHONE_CHANNEL, RECEPTION, WEB_CHANNEL
from gateway.web.problems import Problem, wrong_field
from gateway.web.routes import Route, idempotency_key, read_json
from gateway.web.schema import CallBody, IntakeBody, validated
from ticket_core.model import Grade, Outcome
from ticket_core.number import number_of, ticket_id_of
from ticket_core.policy import Policy
from ticket_core.store.journals import load_input
from ticket_core.store.queries import load_file
from ticket_core.ticket_shape import Number

_INTAKE: TypeAdapter[IntakeBody] = TypeAdapter(IntakeBody)
_CALL: TypeAdapter[CallBody] = TypeAdapter(CallBody)
_STRICT = ConfigDict(extra="forbid")
_ENTRY = re.compile("|hotline|walk_in|[0-9]{3,20}")  # a misspelt walk_in would be no grievance


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedDeadline:
    """By when the organisation owes something."""

    __pydantic_config__ = _STRICT
    name: str
    due_at: datetime
    provisional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What became of the complaint. `key` is the complainant's secret 查询码, shown only here."""

    __pydantic_config__ = _STRICT
    number: Number
    key: str
    outcome: Annotated[Outcome, Field(description="`duplicate` for the same Idempotency-Key again: no second effect")]
    grade: Grade
    repeat_of: Annotated[str | None, Field(description="the number of the ticket this repeats within the window")]
    deadlines: tuple[OpenedDeadline, ...]


async def post_complaint(request: web.Request) -> web.Response:
    """The way of most complaints: every microsecond here is paid by each of them."""
    external_id = idempotency_key(request)
    raw = await read_json(request)
    body = validated(_INTAKE, raw)
    return await _take(request, _message(request, raw, body, WEB_CHANNEL, "complainant", external_id, None))


async def post_call(request: web.Request) -> web.Response:
    """A call or a visit, written down by an agent."""
    agent = await require(request, "agent", "supervisor")
    external_id = idempotency_key(request)
    raw = await read_json(request)
    body = validated(_CALL, raw)
    reception = request.app[RECEPTION]
    priority = body.get("priority")
    if priority and not _is_priority(priority, reception.policy):
        raise wrong_field("priority", "unknown_priority")
    if _ENTRY.fullmatch(body.get("entry", "")) is None:
        raise wrong_field("entry", "unknown_entry")
    lodged_at = body.get("call_started_at")
    return await _take(request, _message(request, raw, body, PHONE_CHANNEL, agent.name, external_id, lodged_at))


def _is_priority(name: str, policy: Policy) -> bool:
    return any(row.name == name for profile in policy.profiles.values() for row in profile.priorities)


def _message(
    request: web.Request,
    raw: bytes,
    body: IntakeBody,
    channel: str,
    actor: str,
    external_id: str | None,
    lodged_at: datetime | None,
) -> InboundMessage:
    fields: Mapping[str, Any] = body
    files = body.get("attachments")
    now = datetime.now(UTC)
    return InboundMessage(
        channel=channel,
        external_id=external_id,
        received_at=now,
        raw=Raw(channel=channel, body=raw, received_at=now, media_type="application/json", actor=actor),
        lodged_at=lodged_at,
        attachments=read_files(files, request.app[LIMITS]) if files else (),
        fields=fields,
    )


async def _take(request: web.Request, message: InboundMessage) -> web.Response:
    accepted = await request.app[RECEPTION].receive(message)
    if accepted.outcome == "duplicate":
        accepted = await _same_again(request, message, accepted)
    return web.Response(
        body=orjson.dumps(
            {
                "number": accepted.ticket,
                "key": accepted.key,
                "outcome": accepted.outcome,
                "grade": accepted.grade,
                "repeat_of": accepted.repeat_of,
                "deadlines": accepted.deadlines,
            }
        ),
        status=201,
        headers={
            "Content-Type": "application/json",
            "Cache-Control": "no-store",
            "Location": f"/api/v1/complaints/{accepted.ticket}",
        },
    )


async def _same_again(request: web.Request, message: InboundMessage, accepted: Accepted) -> Accepted:
    """The answer to the second delivery of one input.

    Another body under a used key is refused: it would be lost, and the key of somebody else's ticket told.
    """
    store = request.app[RECEPTION].store
    inbound_id, ticket_id = accepted.inbound_id, ticket_id_of(accepted.ticket or "")
    known = None if inbound_id is None else await store.read(lambda connection: load_input(connection, inbound_id))
    same = known is not None and known[0].sha256 == hashlib.sha256(message.raw.body).hexdigest()
    if not same or ticket_id is None:
        raise Problem(422, "key-reused")
    file = await store.read(lambda connection: load_file(connection, ticket_id))
    repeats = [link.ticket_id for link in file.ticket.links if link.relation == "repeats"]
    return Accepted(
        outcome=accepted.outcome,
        inbound_id=accepted.inbound_id,
        ticket=accepted.ticket,
        key=accepted.key,
        grade=accepted.grade,
        repeat_of=number_of(repeats[0]) if repeats else None,
        deadlines=tuple(
            {"name": one.name, "due_at": one.due_at, "provisional": one.provisional} for one in file.timers
        ),
    )


ROUTES = (
    Route(
        method="POST",
        path="/api/v1/complaints",
        run=post_complaint,
        who="anybody",
        summary="投诉 Complain; the key in the answer opens the public view",
        body=IntakeBody,
        gives=Opened,
        status=201,
        limit="intake",
        idempotent=True,
        problems=(400, 413, 415, 422, 503),
    ),
    Route(
        method="POST",
        path="/api/v1/calls",
        run=post_call,
        who="staff",
        summary="电话受理 Write down a call or a visit",
        body=CallBody,
        gives=Opened,
        status=201,
        idempotent=True,
        problems=(400, 413, 415, 422, 503),
    ),
)
