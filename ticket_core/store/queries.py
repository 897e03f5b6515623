"""What people look up about tickets: lists with filters, one ticket with all that belongs to it, one person's tickets.

All are plain functions of a connection; run them with `Store.read`. A cursor is opaque text; pages grow older.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, Text, and_, cast, exists, func, or_, select

from ticket_core.model import Complaint, Event, Ticket, Timer
from ticket_core.number import ticket_id_of
from ticket_core.store.clock import from_us_or_none, to_us
from ticket_core.store.person import linked_with, who
from ticket_core.store.rows import ticket_of
from ticket_core.store.schema import blob, complaint, contact, ticket, timer
from ticket_core.store.tickets import load_complaints, load_events, load_ticket, load_timers, own_line, service_key

T = TypeVar("T")
MOST_PER_PAGE = 200
_RUNNING = and_(timer.c.met_at.is_(None), timer.c.cancelled_at.is_(None))


class BadCursor(ValueError):
    """A cursor that we did not make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a list; `cursor` leads to the next one, None on the last."""

    rows: tuple[T, ...]
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketFilter:
    """Which tickets; empty fields match all. `q` is a number, or words in subject, statement or service number.

    Confidential tickets (domain, 5.4) are not found by words, only by their number or in lists without `q`.
    """

    status: tuple[str, ...] = ()
    stage: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    grade: tuple[str, ...] = ()
    priority: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    assignee: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    open: bool | None = None
    triage: bool | None = None
    overdue: bool | None = None
    q: str = ""
    received_from: datetime | None = None
    received_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A ticket in a list, with the deadline that comes next, if one still runs."""

    ticket: Ticket
    next_due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketFile:
    """One ticket with all that belongs to it 卷宗."""

    ticket: Ticket
    complaints: tuple[Complaint, ...]
    events: tuple[Event, ...]
    timers: tuple[Timer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person's tickets: in transit 在途单 and history 历史工单, newest first.

    `warned_by` are those with a complaint inside the repeat window: a complaint now would be a repeat.
    """

    in_transit: tuple[Listed, ...] = ()
    history: tuple[Listed, ...] = ()
    warned_by: tuple[Listed, ...] = ()


def list_tickets(
    connection: Connection,
    wanted: TicketFilter,
    now: datetime,
    *,
    cursor: str | None = None,
    limit: int = 50,
    order: Literal["newest", "due"] = "newest",
) -> Page[Listed]:
    """A page of tickets, newest first, or by the deadline that comes next (only those that owe something).

    Raises:
        BadCursor: for a cursor that is not ours.
    """
    limit = max(1, min(limit, MOST_PER_PAGE))
    due = (
        select(timer.c.ticket_id, func.min(timer.c.due_at).label("due_at"))
        .where(_RUNNING)
        .group_by(timer.c.ticket_id)
        .subquery()
    )
    query: Select[Any]
    if order == "due":
        query = select(ticket, due.c.due_at).join(due, due.c.ticket_id == ticket.c.id)
        query = query.order_by(due.c.due_at, ticket.c.id)
        if cursor:
            at, last = read_cursor(cursor, 2)
            query = query.where(or_(due.c.due_at > at, and_(due.c.due_at == at, ticket.c.id > last)))
    else:
        query = _newest_first()
        if cursor:
            query = query.where(ticket.c.id < read_cursor(cursor, 1)[0])
    rows = connection.execute(query.where(*_conditions(wanted, now)).limit(limit + 1)).all()
    more = None
    if len(rows) > limit:
        last_row = rows[limit - 1]
        more = write_cursor(last_row.due_at, last_row.id) if order == "due" else write_cursor(last_row.id)
    listed = tuple(map(_listed, rows[:limit]))
    return Page(rows=listed, cursor=more)


def count_tickets(
    connection: Connection,
    by: Literal["stage", "status", "grp", "priority", "kind"],
    wanted: TicketFilter,
    now: datetime,
) -> dict[str, int]:
    """How many tickets match, by one of their columns."""
    column = ticket.c[by]
    query = select(column, func.count()).where(*_conditions(wanted, now)).group_by(column)
    return {row[0]: row[1] for row in connection.execute(query)}


def load_file(connection: Connection, ticket_id: int) -> TicketFile:
    """One ticket with its statements, events and deadlines.

    Raises:
        UnknownTicket: when there is none of this id.
    """
    return TicketFile(
        ticket=load_ticket(connection, ticket_id),
        complaints=load_complaints(connection, ticket_id),
        events=load_events(connection, ticket_id),
        timers=tuple(sorted(load_timers(connection, [ticket_id])[ticket_id].values(), key=lambda one: one.due_at)),
    )


def find_person(
    connection: Connection,
    *,
    identities: Collection[str] = (),
    service_number: str = "",
    window_from: datetime,
    window_to: datetime,
    limit: int = 100,
) -> Person:
    """The tickets of whoever has one of `identities` (or an identity linked with it), or about `service_number`.

    The warning goes by what the repeat rule counts: complaints of those identities lodged in the window.
    """
    groups = linked_with(connection, identities) if identities else {}
    mine = {other for key in identities for other in groups.get(key, (key,))}
    ids = [who(key) for key in mine]
    line = [who(service_key(service_number)), who(own_line(service_number))] if service_number else []
    spoke = select(contact.c.ticket_id).where(contact.c.who.in_([*ids, *line]))
    rows = connection.execute(_newest_first().where(ticket.c.id.in_(spoke)).limit(limit))
    tickets = [
        one
        for one in map(_listed, rows)
        if not mine.isdisjoint(one.ticket.identities) or (line and one.ticket.service_number == service_number)
    ]
    counted = select(contact.c.ticket_id).where(
        contact.c.who.in_(ids),
        contact.c.counts == 1,
        contact.c.lodged_at.between(to_us(window_from), to_us(window_to)),
    )
    recent = set(connection.execute(counted).scalars())
    return Person(
        in_transit=tuple(one for one in tickets if one.ticket.open),
        history=tuple(one for one in tickets if not one.ticket.open),
        warned_by=tuple(one for one in tickets if one.ticket.id in recent),
    )


def _newest_first() -> Select[Any]:
    """Tickets, each asked for the deadline that comes next: only those of the page are."""
    next_due = select(func.min(timer.c.due_at)).where(timer.c.ticket_id == ticket.c.id, _RUNNING).scalar_subquery()
    return select(ticket, next_due.label("due_at")).order_by(ticket.c.id.desc())


def _listed(row: Row[Any]) -> Listed:
    return Listed(ticket=ticket_of(row), next_due_at=from_us_or_none(row.due_at))


def load_blob(connection: Connection, sha256: str) -> bytes | None:
    """The bytes of an attachment."""
    content: bytes | None = connection.execute(select(blob.c.content).where(blob.c.sha256 == sha256)).scalar()
    return None if content is None else bytes(content)


def write_cursor(*values: int) -> str:
    """Text that names a place in a list."""
    return base64.urlsafe_b64encode(".".join(map(str, values)).encode()).decode().rstrip("=")


def read_cursor(cursor: str, size: int) -> Sequence[int]:
    """The place a cursor names.

    Raises:
        BadCursor: when it is not one of ours.
    """
    try:
        values = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        numbers = [int(part) for part in values.split(".") if len(part) <= 18 and part.isdigit()]
    except (binascii.Error, ValueError) as error:
        raise BadCursor("not a cursor") from error
    if len(numbers) != size or write_cursor(*numbers) != cursor:
        raise BadCursor("not a cursor")
    return numbers


def _conditions(wanted: TicketFilter, now: datetime) -> list[ColumnElement[bool]]:
    columns = {"group": "grp", "source": "source_body"}
    found: list[ColumnElement[bool]] = [
        ticket.c[columns.get(name, name)].in_(values)
        for name in ("status", "stage", "kind", "grade", "priority", "group", "assignee", "channel", "source")
        if (values := getattr(wanted, name))
    ]
    if wanted.open is not None:
        found.append(ticket.c.open == int(wanted.open))
    if wanted.triage is not None:
        found.append(ticket.c.triage != "" if wanted.triage else ticket.c.triage == "")
    if wanted.overdue is not None:
        late = exists().where(timer.c.ticket_id == ticket.c.id, _RUNNING, timer.c.due_at < to_us(now))
        found.append(late if wanted.overdue else ~late)
    if wanted.received_from is not None:
        found.append(ticket.c.received_at >= to_us(wanted.received_from))
    if wanted.received_to is not None:
        found.append(ticket.c.received_at < to_us(wanted.received_to))
    if wanted.q.strip():
        found.append(_found_by(wanted.q.strip()))
    return found


def _found_by(q: str) -> ColumnElement[bool]:
    ticket_id = ticket_id_of(q)
    if ticket_id is not None:
        return ticket.c.id == ticket_id
    said = exists().where(complaint.c.ticket_id == ticket.c.id, complaint.c.text.contains(q, autoescape=True))
    about = select(contact.c.ticket_id).where(contact.c.who.in_([who(service_key(q)), who(own_line(q))]))
    by_words = or_(
        ticket.c.subject.contains(q, autoescape=True), said, ticket.c.source_case == q, ticket.c.id.in_(about)
    )
    # The document is compact JSON of our own; inside a text the quotes would be escaped.
    secret = cast(ticket.c.doc, Text).contains('"confidential":true')
    return and_(by_words, ~secret)
