"""What sending a batch of notices needs to know, read at once; and what waits to be sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, ScalarSelect, Table, and_, func, or_, select

from ticket_core.decide.gate import DAY, HOUR
from ticket_core.model import Complaint, Event, Ticket, Timer
from ticket_core.store.clock import from_us
from ticket_core.store.conversations import UNKNOWN_LINE, Line, load_lines
from ticket_core.store.outbox import Owed, in_turn
from ticket_core.store.rows import complaint_of, event_of
from ticket_core.store.schema import complaint, event, inbound, notice
from ticket_core.store.tickets import load_tickets, load_timers

T = TypeVar("T")

_MICROSECOND = timedelta(microseconds=1)
_NO_CHAT = frozenset({"email", "sms"})
_THREAD = 10  # how many earlier mails a mail refers to


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """One owed notice with what it tells of. `evidence` is the finding of the repeat rule where that is the cause,

    `statement` what the complainant added where that is the event. `thread` are earlier mails to this person about this
    ticket: the message id of the complainant's own, then ids of notices. The counts are the gate's.
    """

    owed: Owed
    ticket: Ticket
    event: Event
    timers: Mapping[str, Timer]
    evidence: Event | None = None
    statement: Complaint | None = None
    thread: tuple[str | int, ...] = ()
    to_address_in_hour: int = 0
    of_ticket_in_day: int = 0
    line: Line = UNKNOWN_LINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One reply of ours in a conversation: it tells of what it says itself, and of no event."""

    owed: Owed
    said: Mapping[str, Any]
    line: Line = UNKNOWN_LINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits for one medium: how many notices, and when the next is due (that of a lease: its end)."""

    count: int
    next_at: datetime


def waiting(connection: Connection) -> dict[str, Waiting]:
    """What the dispatcher still has to do, by medium."""
    query = select(notice.c.medium, func.count(), func.min(notice.c.send_at)).where(notice.c.due == 1)
    rows = connection.execute(query.group_by(notice.c.medium))
    return {medium: Waiting(count=count, next_at=from_us(next_at)) for medium, count, next_at in rows}


def next_due(connection: Connection, media: Collection[str]) -> datetime | None:
    """When the next notice of one of these media is due."""
    found = [
        connection.execute(
            select(notice.c.send_at)
            .where(notice.c.due == 1, notice.c.medium == medium, in_turn())
            .order_by(notice.c.send_at)
            .limit(1)
        ).scalar()
        for medium in media
    ]
    return min((from_us(at) for at in found if at is not None), default=None)


def load_briefs(connection: Connection, owed: Sequence[Owed]) -> list[Brief | Saying]:
    """All that these notices tell of; one whose ticket or event is gone is left out."""
    lines = load_lines(connection, {(one.medium, one.address) for one in owed if one.medium not in _NO_CHAT})
    sayings = [
        Saying(owed=one, said=json.loads(one.said), line=lines.get((one.medium, one.address), UNKNOWN_LINE))
        for one in owed
        if one.said
    ]
    return [*sayings, *_load_briefs(connection, [one for one in owed if not one.said], lines)]


def _load_briefs(
    connection: Connection, owed: Sequence[Owed], lines: Mapping[tuple[str, str], Line]
) -> list[Brief | Saying]:
    if not owed:
        return []
    ids = {one.ticket_id for one in owed}
    tickets = load_tickets(connection, ids)
    timers = load_timers(connection, ids)
    events = _load(connection, event, event_of, {(one.ticket_id, one.event_seq) for one in owed})
    before = _load(connection, event, event_of, {at for one in events.values() if (at := _evidence_at(one))})
    statements = _load(
        connection, complaint, complaint_of, {at for one in events.values() if (at := _statement_at(one))}
    )
    threads = _threads(connection, [one for one in owed if one.medium == "email"])
    counts = _counts(connection, owed)
    briefs: list[Brief | Saying] = []
    for one in owed:
        at = (one.ticket_id, one.event_seq)
        if one.ticket_id not in tickets or at not in events:
            continue
        happened = events[at]
        in_hour, in_day = counts[one.id]
        evidence_at, statement_at = _evidence_at(happened), _statement_at(happened)
        briefs.append(
            Brief(
                owed=one,
                ticket=tickets[one.ticket_id],
                event=happened,
                timers=timers[one.ticket_id],
                evidence=before.get(evidence_at) if evidence_at else None,
                statement=statements.get(statement_at) if statement_at else None,
                thread=threads.get(one.id, ()),
                to_address_in_hour=in_hour,
                of_ticket_in_day=in_day,
                line=lines.get((one.medium, one.address), UNKNOWN_LINE),
            )
        )
    return briefs


def _evidence_at(happened: Event) -> tuple[int, int] | None:
    """An escalation by the repeat rule follows the event that found the repeat."""
    if happened.kind == "escalated" and happened.data.get("reason") == "repeat":
        return happened.ticket_id, happened.seq - 1
    return None


def _statement_at(happened: Event) -> tuple[int, int] | None:
    seq = happened.data.get("statement")
    return (happened.ticket_id, seq) if isinstance(seq, int) else None


def _load(
    connection: Connection, table: Table, made_of: Callable[[Row[Any]], T], keys: Collection[tuple[int, int]]
) -> dict[tuple[int, int], T]:
    """Rows by (ticket_id, seq)."""
    if not keys:
        return {}
    seqs: dict[int, list[int]] = {}
    for ticket_id, seq in keys:
        seqs.setdefault(seq, []).append(ticket_id)
    wanted = or_(*(and_(table.c.seq == seq, table.c.ticket_id.in_(ids)) for seq, ids in seqs.items()))
    return {(row.ticket_id, row.seq): made_of(row) for row in connection.execute(select(table).where(wanted))}


def _counts(connection: Connection, owed: Sequence[Owed]) -> dict[int, tuple[int, int]]:
    """For each notice how many came before it, to its address within an hour and to its role on its ticket in a day.

    To its address, those count that are done with, and those of this batch.
    """
    earlier = notice.alias("earlier")

    def before(*conditions: ColumnElement[bool]) -> ScalarSelect[int]:
        query = select(func.count()).select_from(earlier)
        return query.where(earlier.c.id < notice.c.id, earlier.c.state != "suppressed", *conditions).scalar_subquery()

    to_address = before(
        earlier.c.due == 0,
        earlier.c.address == notice.c.address,
        earlier.c.created_at > notice.c.created_at - HOUR // _MICROSECOND,
        earlier.c.created_at <= notice.c.created_at,
    )
    of_ticket = before(
        earlier.c.ticket_id == notice.c.ticket_id,
        earlier.c.role == notice.c.role,
        earlier.c.created_at > notice.c.created_at - DAY // _MICROSECOND,
    )
    query = select(notice.c.id, to_address, of_ticket).where(notice.c.id.in_([one.id for one in owed]))
    found = {notice_id: (in_hour, in_day) for notice_id, in_hour, in_day in connection.execute(query)}
    ahead: dict[str, list[datetime]] = {}
    for one in sorted(owed, key=lambda one: one.id):
        in_hour, in_day = found[one.id]
        before_it = ahead.setdefault(one.address, [])
        found[one.id] = (in_hour + sum(at > one.created_at - HOUR for at in before_it), in_day)
        before_it.append(one.created_at)
    return found


def _threads(connection: Connection, owed: Sequence[Owed]) -> dict[int, tuple[str | int, ...]]:
    """Earlier mails by notice: the complainant's own where the first came by mail, then ours to the same address."""
    if not owed:
        return {}
    ids = {one.ticket_id for one in owed if one.role == "complainant"}
    first = (
        select(complaint.c.ticket_id, inbound.c.source_key)
        .join(inbound, inbound.c.id == complaint.c.inbound_id)
        .where(complaint.c.ticket_id.in_(ids), complaint.c.seq == 1, inbound.c.source_key.like("%:<%@%>"))
    )
    own = {ticket_id: (key[key.index(":<") + 1 :],) for ticket_id, key in connection.execute(first)}
    later = {one.ticket_id for one in owed if one.event_seq > 1}  # before a ticket's first event nothing was sent
    query = (
        select(notice.c.id, notice.c.ticket_id, notice.c.address)
        .where(notice.c.ticket_id.in_(later), notice.c.medium == "email", notice.c.attempts > 0)
        .order_by(notice.c.id)
    )
    sent: dict[tuple[int, str], list[int]] = {}
    for notice_id, ticket_id, address in connection.execute(query):
        sent.setdefault((ticket_id, address), []).append(notice_id)
    found: dict[int, tuple[str | int, ...]] = {}
    for one in owed:
        ours = [notice_id for notice_id in sent.get((one.ticket_id, one.address), ()) if notice_id < one.id]
        found[one.id] = (*(own.get(one.ticket_id, ()) if one.role == "complainant" else ()), *ours[-_THREAD:])
    return found
