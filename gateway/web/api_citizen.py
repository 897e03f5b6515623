"""What the holder of a ticket's key can see and do by JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from aiohttp import web
from pydantic import TypeAdapter

from gateway.web.files import read_files
from gateway.web.held import Held, held_by
from gateway.web.keys import LIMITS, RECEPTION, WEB_CHANNEL
from gateway.web.problems import Problem, request_locale
from gateway.web.public import COMPLAINANT, PublicTicket, public_view
from gateway.web.routes import Route, answer, idempotency_key, read_json, read_json_if_any
from gateway.web.schema import RatingBody, SupplementBody, UrgeBody, WithdrawalBody, validated
from ticket_core.model import JSON, Command, File
from ticket_core.policy import Policy
from ticket_core.store.queries import load_file
from ticket_core.store.tickets import load_ticket

_PATH = "/api/v1/complaints/{number}"


def _held(request: web.Request) -> Held:
    given = request.headers.get("X-Complaint-Key") or request.query.get("key", "")
    return held_by(request, request.match_info["number"], given)


async def see(request: web.Request) -> web.Response:
    """The public view."""
    return await _shown(request, _held(request), 200)


async def _shown(request: web.Request, held: Held, status: int) -> web.Response:
    reception = request.app[RECEPTION]
    file = await reception.store.read(lambda connection: load_file(connection, held.ticket_id))
    return answer(public_view(file, reception.policy, request_locale(request), held.statement), status)


def _does(
    event: str, adapter: TypeAdapter[Any], *, body_required: bool
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A route by which the complainant makes this event happen, by whatever action the profile has for it."""

    async def run(request: web.Request) -> web.Response:
        held = _held(request)
        if not held.whole:
            raise Problem(409, "not-possible-now", allowed=())
        ticket_id = held.ticket_id
        external_id = idempotency_key(request)
        raw = await (read_json(request) if body_required else read_json_if_any(request))
        body: Mapping[str, Any] = validated(adapter, raw)
        reception = request.app[RECEPTION]
        ticket = await reception.store.read(lambda connection: load_ticket(connection, ticket_id))
        files = read_files(body.get("attachments", ()), request.app[LIMITS])
        command = Command(
            ticket_id=ticket_id,
            action=_action(reception.policy, ticket.profile, event),
            actor=COMPLAINANT,
            role=COMPLAINANT,
            at=datetime.now(UTC),
            fields={name: cast(JSON, value) for name, value in body.items() if name != "attachments"},
            channel=WEB_CHANNEL,
            raw=raw,
            # The same key may be used for another ticket, or for something else on this one.
            external_id=None if external_id is None else f"{ticket_id}:{event}:{external_id}",
            attachments=tuple(File(name=one.name, media_type=one.media_type, content=one.content) for one in files),
        )
        await reception.act(command)
        return await _shown(request, held, 201)

    return run


def _action(policy: Policy, profile: str, event: str) -> str:
    for action in policy.profiles[profile].actions:
        if action.event == event and COMPLAINANT in action.by:
            return action.name
    return event  # no such action for complainants: the core refuses it and says what is possible


def _route(what: str, event: str, body: Any, summary: str, *, body_required: bool) -> Route:
    return Route(
        method="POST",
        path=f"{_PATH}/{what}",
        run=_does(event, TypeAdapter(body), body_required=body_required),
        who="complainant",
        summary=summary,
        body=body,
        body_required=body_required,
        gives=PublicTicket,
        status=201,
        limit="intake",
        idempotent=True,
        problems=(400, 404, 409, 413, 415, 422, 503),
    )


ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        run=see,
        who="complainant",
        summary="查询 See one's own complaint",
        gives=PublicTicket,
        problems=(404,),
    ),
    _route("supplements", "supplemented", SupplementBody, "追加信息 Add information", body_required=True),
    _route("urges", "urged", UrgeBody, "催单 Urge", body_required=False),
    _route("ratings", "rated", RatingBody, "满意度评价 Rate", body_required=True),
    _route("withdrawal", "withdrawn", WithdrawalBody, "撤诉 Withdraw", body_required=False),
)
