"""What agents see and do by JSON: lists of tickets, one ticket, its timeline, its actions, and one person's tickets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from aiohttp import web
from pydantic import ConfigDict, Field, TypeAdapter

from gateway.mask import mask_name
from gateway.web.auth import acting_role, require
from gateway.web.keys import IDENTITY_OF_PHONE, RECEPTION, SERVICE_NUMBER_OF
from gateway.web.privacy import check_may_act, handles, masked_file, masked_ticket, shown_person
from gateway.web.problems import Problem, request_locale, wrong_field
from gateway.web.routes import Route, answer, idempotency_key, read_json_if_any, read_query
from gateway.web.schema import LookupQuery, TicketQuery, validated
from ticket_core.model import JSON, Command, Ticket
from ticket_core.number import number_of, ticket_id_of
from ticket_core.policy import Policy
from ticket_core.store.queries import BadCursor, Listed, TicketFile, TicketFilter, find_person, list_tickets, load_file
from ticket_core.store.tickets import load_ticket
from ticket_core.ticket_schema import event_json, labels_of, ticket_json
from ticket_core.ticket_shape import EventJSON, LabelsJSON, Number, TicketJSON

_TICKETS: TypeAdapter[Any] = TypeAdapter(TicketQuery)
_LOOKUP: TypeAdapter[LookupQuery] = TypeAdapter(LookupQuery)
_FIELDS: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
_STRICT = ConfigDict(extra="forbid")
_PATH = "/api/v1/tickets"


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRow:
    """A ticket in a list; personal data masked for everybody."""

    __pydantic_config__ = _STRICT
    number: Number
    kind: str
    grade: str
    priority: str
    status: str
    stage: str
    labels: LabelsJSON
    subject: str
    complainant: Annotated[str, Field(description="the name, masked; empty when confidential")]
    channel: str
    source: str
    group: str
    assignee: str
    triage: str
    urges: int
    received_at: datetime
    lodged_at: datetime
    updated_at: datetime
    next_due_at: datetime | None
    overdue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketList:
    """A page of tickets; `cursor` leads to the next, null on the last."""

    __pydantic_config__ = _STRICT
    tickets: tuple[TicketRow, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The events of a ticket, oldest first."""

    __pydantic_config__ = _STRICT
    number: Number
    events: tuple[EventJSON, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatWarning:
    """Whether a complaint now would be a repeat, and of which tickets."""

    __pydantic_config__ = _STRICT
    would_repeat: bool
    window_seconds: int
    tickets: tuple[Number, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """One person's tickets: in transit 在途单 and history 历史工单, newest first."""

    __pydantic_config__ = _STRICT
    in_transit: tuple[TicketRow, ...]
    history: tuple[TicketRow, ...]
    repeat: RepeatWarning


async def get_tickets(request: web.Request) -> web.Response:
    """A page of tickets."""
    query: Mapping[str, Any] = read_query(request, _TICKETS)
    cursor, limit, order = query.get("cursor"), query.get("limit", 50), query.get("order", "newest")
    wanted = filter_of(query)
    reception, now = request.app[RECEPTION], datetime.now(UTC)
    try:
        page = await reception.store.read(
            lambda connection: list_tickets(connection, wanted, now, cursor=cursor, limit=limit, order=order)
        )
    except BadCursor:
        raise wrong_field("cursor", "bad_cursor") from None
    locale = request_locale(request)
    rows = tuple(_row(one.ticket, one.next_due_at, reception.policy, now, locale) for one in page.rows)
    return answer(TicketList(tickets=rows, cursor=page.cursor))


async def get_ticket(request: web.Request) -> web.Response:
    """One ticket, whole."""
    return answer(await _shown(request, ticket_in_path(request)))


async def get_events(request: web.Request) -> web.Response:
    """The timeline of one ticket."""
    file = await _seen(request, ticket_in_path(request))
    tz = request.app[RECEPTION].policy.profiles[file.ticket.profile].tz
    events = tuple(event_json(one, tz) for one in file.events)
    return answer(Timeline(number=number_of(file.ticket.id), events=events))


async def post_action(request: web.Request) -> web.Response:
    """Do one of the profile's actions."""
    account = await require(request)
    ticket_id = ticket_in_path(request)
    external_id = idempotency_key(request)
    raw = await read_json_if_any(request)
    reception = request.app[RECEPTION]
    ticket = await reception.store.read(lambda connection: load_ticket(connection, ticket_id))
    check_may_act(account, ticket, reception.policy.directory)
    fields: dict[str, JSON] = validated(_FIELDS, raw)
    command = Command(
        ticket_id=ticket_id,
        action=request.match_info["action"],
        actor=account.name,
        role=acting_role(account),
        at=datetime.now(UTC),
        fields=fields,
        channel="api",
        # Only what may come twice needs a line in the journal; all else is an event.
        raw=raw if external_id is not None else None,
        external_id=None if external_id is None else f"{ticket_id}:{external_id}",
    )
    await reception.act(command)
    return answer(await _shown(request, ticket_id))


async def get_lookup(request: web.Request) -> web.Response:
    """One person's tickets, by phone or by service number."""
    account = await require(request, "agent", "supervisor")
    query = read_query(request, _LOOKUP)
    phone, service_number = query.get("phone", ""), query.get("service_number", "")
    if bool(phone) == bool(service_number):
        raise wrong_field("phone", "one_of_two")
    # A service number is mostly a phone as well: the person's complaints about other numbers are of interest too.
    identity = request.app[IDENTITY_OF_PHONE](phone or service_number)
    if phone and identity is None:
        raise wrong_field("phone", "bad_phone")
    service_number = request.app[SERVICE_NUMBER_OF](service_number) if service_number else ""
    reception, now = request.app[RECEPTION], datetime.now(UTC)
    window = repeat_window(reception.policy)
    person = await reception.store.read(
        lambda connection: find_person(
            connection,
            identities=() if identity is None else (identity,),
            service_number=service_number,
            window_from=now - window,
            window_to=now,
        )
    )
    would_repeat = bool(person.warned_by)
    person = shown_person(person, account, reception.policy.directory)
    locale = request_locale(request)

    def rows(listed: tuple[Listed, ...]) -> tuple[TicketRow, ...]:
        return tuple(_row(one.ticket, one.next_due_at, reception.policy, now, locale) for one in listed)

    return answer(
        Lookup(
            in_transit=rows(person.in_transit),
            history=rows(person.history),
            repeat=RepeatWarning(
                would_repeat=would_repeat,
                window_seconds=int(window.total_seconds()),
                tickets=tuple(number_of(one.ticket.id) for one in person.warned_by),
            ),
        )
    )


def filter_of(query: Mapping[str, Any]) -> TicketFilter:
    """Which tickets a query asks for."""
    filters: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in query.items()
        if name not in {"cursor", "limit", "order"}
    }
    return replace(TicketFilter(), **filters)


def ticket_in_path(request: web.Request) -> int:
    """The ticket this route is about.

    Raises:
        Problem: 404 for what is no number.
    """
    ticket_id = ticket_id_of(request.match_info["number"])
    if ticket_id is None:
        raise Problem(404, "no-such-ticket")
    return ticket_id


async def _seen(request: web.Request, ticket_id: int) -> TicketFile:
    """A ticket with all that belongs to it, masked unless the caller handles it."""
    reception = request.app[RECEPTION]
    account = await require(request)
    file = await reception.store.read(lambda connection: load_file(connection, ticket_id))
    return file if handles(account, file.ticket, reception.policy.directory) else masked_file(file)


async def _shown(request: web.Request, ticket_id: int) -> dict[str, Any]:
    reception = request.app[RECEPTION]
    file = await _seen(request, ticket_id)
    return ticket_json(
        file.ticket,
        file.complaints,
        file.timers,
        file.events,
        policy=reception.policy,
        locale=request_locale(request),
    )


def _row(ticket: Ticket, due_at: datetime | None, policy: Policy, now: datetime, locale: str) -> TicketRow:
    profile = policy.profiles[ticket.profile]
    masked = masked_ticket(ticket)
    return TicketRow(
        number=number_of(ticket.id),
        kind=ticket.kind,
        grade=ticket.grade,
        priority=ticket.priority,
        status=ticket.status,
        stage=ticket.stage,
        labels=labels_of(ticket, profile, locale),
        subject=masked.subject,
        complainant="" if ticket.complainant.confidential else mask_name(ticket.complainant.name),
        channel=ticket.channel,
        source=ticket.source.body if ticket.source else "",
        group=ticket.group,
        assignee=ticket.assignee,
        triage=ticket.triage,
        urges=ticket.urges,
        received_at=ticket.received_at.astimezone(profile.tz),
        lodged_at=ticket.lodged_at.astimezone(profile.tz),
        updated_at=ticket.updated_at.astimezone(profile.tz),
        next_due_at=None if due_at is None else due_at.astimezone(profile.tz),
        overdue=due_at is not None and due_at < now,
    )


def repeat_window(policy: Policy) -> timedelta:
    """The widest window of all processes that look for repeats."""
    rules = (profile.repeat for profile in policy.profiles.values())
    return max((rule.window for rule in rules if rule.action != "none"), default=timedelta())


ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        run=get_tickets,
        who="staff",
        summary="工单列表 Tickets by filters, newest first or by their next deadline",
        query=TicketQuery,
        gives=TicketList,
        problems=(422,),
    ),
    Route(
        method="GET",
        path=f"{_PATH}/{{number}}",
        run=get_ticket,
        who="staff",
        summary="工单 One ticket with statements, deadlines and timeline",
        gives=TicketJSON,
        problems=(404,),
    ),
    Route(
        method="GET",
        path=f"{_PATH}/{{number}}/events",
        run=get_events,
        who="staff",
        summary="时间线 The timeline of a ticket",
        gives=Timeline,
        problems=(404,),
    ),
    Route(
        method="POST",
        path=f"{_PATH}/{{number}}/actions/{{action}}",
        run=post_action,
        who="staff",
        summary="办理 Do one of the profile's actions; the body has its fields",
        body=dict[str, Any],
        body_required=False,
        gives=TicketJSON,
        idempotent=True,
        problems=(400, 404, 409, 413, 415, 422, 503),
    ),
    Route(
        method="GET",
        path="/api/v1/lookup",
        run=get_lookup,
        who="staff",
        summary="查在途单与历史工单 One person's tickets, with the repeat warning",
        query=LookupQuery,
        gives=Lookup,
        problems=(422,),
    ),
)
