"""What of the tickets may be read by everybody: those that are neither confidential nor anonymous nor in triage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, Select, Text, bindparam, cast, func, or_, select

from ticket_core.model import Event, Ticket
from ticket_core.store.clock import from_us, to_us
from ticket_core.store.followed import FOLLOWED
from ticket_core.store.rows import event_of, ticket_of
from ticket_core.store.schema import complaint, event, ticket, timer

MOST_PUBLISHED = 1_000
_ENDED = ("closed", "refused", "withdrawn")
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A ticket, when it ended, and by when it is promised to be done."""

    ticket: Ticket
    ended_at: datetime | None = None
    due_at: datetime | None = None


def list_published(
    connection: Connection,
    *,
    channel: str,
    since: datetime,
    until: datetime,
    open: bool | None = None,
    wanted: Callable[[Ticket], bool] = lambda _ticket: True,
    limit: int = MOST_PUBLISHED,
    skip: int = 0,
) -> list[Published]:
    """Those received from `since` to `until`, newest first; costs what was received in that time."""
    query = select(ticket).where(
        ticket.c.channel == channel,
        *_may_be_read(),
        *_received_between(since, until),
        ticket.c.received_at >= to_us(since),
        ticket.c.received_at <= to_us(until),
    )
    if open is not None:
        query = query.where(ticket.c.open == int(open))
    with connection.execute(query.order_by(ticket.c.id.desc()).execution_options(yield_per=_AT_ONCE)) as rows:
        found = list(islice(filter(wanted, map(ticket_of, rows)), skip, skip + limit))
    return _with_times(connection, found)


def load_published(connection: Connection, *, channel: str, ids: Collection[int]) -> list[Published]:
    """Those of these ids that may be read, also where what came by the channel joined a ticket of another one."""
    found: list[Ticket] = []
    for some in _parts(list(ids)):
        query = select(ticket).where(ticket.c.id.in_(some), _came_by(channel), *_may_be_read())
        found += map(ticket_of, connection.execute(query))
    return _with_times(connection, sorted(found, key=lambda one: one.id, reverse=True))


def find_reported(connection: Connection, *, channel: str, ticket_id: int) -> Ticket | None:
    """The ticket that something became which came by the channel, whoever may read it."""
    row = connection.execute(select(ticket).where(ticket.c.id == ticket_id, _came_by(channel))).one_or_none()
    return None if row is None else ticket_of(row)


def list_changes(
    connection: Connection,
    *,
    channel: str,
    since: datetime,
    until: datetime,
    limit: int = MOST_PUBLISHED,
) -> list[tuple[Ticket, Event]]:
    """What became of tickets from `since` to `until`, the oldest first, each with its ticket as it is now.

    Costs what happened in that time until there are `limit`, whatever there is beside it.
    """
    events = [event_of(row) for row in connection.execute(changes(channel, since, until, limit))]
    known: dict[int, Ticket] = {}
    for some in _parts(list({one.ticket_id for one in events})):
        for row in connection.execute(select(ticket).where(ticket.c.id.in_(some))):
            known[row.id] = ticket_of(row)
    return [(known[one.ticket_id], one) for one in events]


def changes(channel: str, since: datetime, until: datetime, limit: int) -> Select[Any]:
    """The events of `list_changes`; their kinds stand in the statement as they stand in the index."""
    followed: BindParameter[Any] = bindparam("followed", FOLLOWED, expanding=True, literal_execute=True)
    return (
        select(event)
        .join(ticket, ticket.c.id == event.c.ticket_id)
        .where(
            _came_by(channel),
            *_may_be_read(),
            event.c.kind.in_(followed),
            event.c.at.between(to_us(since), to_us(until)),
        )
        .order_by(event.c.at, event.c.ticket_id, event.c.seq)
        .limit(limit)
    )


def _came_by(channel: str) -> ColumnElement[bool]:
    """Whether the ticket, or anything that joined it, came by the channel."""
    joined = select(complaint.c.seq).where(complaint.c.ticket_id == ticket.c.id, complaint.c.channel == channel)
    return or_(ticket.c.channel == channel, joined.exists())


def _may_be_read() -> tuple[ColumnElement[bool], ...]:
    doc = cast(ticket.c.doc, Text)  # compact JSON of our own; inside a text the quotes would be escaped
    return (
        ticket.c.triage == "",
        ticket.c.stage != "draft",
        ~doc.contains('"confidential":true'),
        ~doc.contains('"anonymous":true'),
    )


def _received_between(since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    """By the day that ids begin with, so that nothing older is looked at; a day more on both sides for the zone."""
    return ticket.c.id >= _first_id(since - timedelta(days=1)), ticket.c.id < _first_id(until + timedelta(days=2))


def _first_id(at: datetime) -> int:
    return int(at.strftime("%y%m%d")) * 10**8


def _with_times(connection: Connection, tickets: Sequence[Ticket]) -> list[Published]:
    ended: dict[int, int] = {}
    due: dict[int, int] = {}
    for some in _parts([one.id for one in tickets]):
        ends = select(event.c.ticket_id, func.max(event.c.at)).where(
            event.c.ticket_id.in_(some), event.c.kind.in_(_ENDED)
        )
        ended |= {row[0]: row[1] for row in connection.execute(ends.group_by(event.c.ticket_id))}
        dues = select(timer.c.ticket_id, func.max(timer.c.due_at)).where(
            timer.c.ticket_id.in_(some), timer.c.cancelled_at.is_(None)
        )
        due |= {row[0]: row[1] for row in connection.execute(dues.group_by(timer.c.ticket_id))}
    return [
        Published(
            ticket=one,
            ended_at=from_us(ended[one.id]) if one.id in ended and not one.open else None,
            due_at=from_us(due[one.id]) if one.id in due else None,
        )
        for one in tickets
    ]


def _parts(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
