"""What sending a batch of notices needs to know, read at once; and what waits to be sent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    Table,
    and_,
    func,
    literal_column,
    or_,
    select,
)

from ticket_core.decide.gate import DAY, HOUR
from ticket_core.model import Complaint, Event, Ticket, Timer
from ticket_core.store import many
from ticket_core.store.clock import from_us, to_us
from ticket_core.store.conversations import UNKNOWN_LINE, Line, load_lines
from ticket_core.store.outbox import Owed, in_turn
from ticket_core.store.queries import load_blob
from ticket_core.store.rows import complaint_of, event_of, ticket_of
from ticket_core.store.schema import complaint, event, inbound, notice, ticket
from ticket_core.store.tickets import load_timers

T = TypeVar("T")

_MICROSECOND = timedelta(microseconds=1)
#: The role of somebody of a forwarding body who sent a file and hears what became of it.
REPORTED_TO = "forwarder"
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
    """One reply of ours in a conversation, or about no ticket: it tells of what it says itself, and of no event.

    `files` go with it, each with its name and media type; the count is the gate's, for what goes outside the house.
    """

    owed: Owed
    said: Mapping[str, Any]
    line: Line = UNKNOWN_LINE
    files: tuple[tuple[str, str, bytes], ...] = ()
    to_address_in_hour: int = 0


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
    sayings = [_saying(connection, one, lines.get((one.medium, one.address), UNKNOWN_LINE)) for one in owed if one.said]
    return [*sayings, *_load_briefs(connection, [one for one in owed if not one.said], lines)]


def _saying(connection: Connection, one: Owed, line: Line) -> Saying:
    said = orjson.loads(one.said)
    if one.role != REPORTED_TO:
        return Saying(owed=one, said=said, line=line)
    files = [(file["name"], file["media_type"], load_blob(connection, file["sha256"]) or b"") for file in said["files"]]
    before = select(func.count()).where(
        notice.c.address == one.address,
        notice.c.state != "suppressed",
        notice.c.id < one.id,
        notice.c.created_at > to_us(one.created_at - HOUR),
    )
    count: int = connection.execute(before).scalar_one()
    return Saying(owed=one, said=said, line=line, files=tuple(files), to_address_in_hour=count)


def _load_briefs(
    connection: Connection, owed: Sequence[Owed], lines: Mapping[tuple[str, str], Line]
) -> list[Brief | Saying]:
    if not owed:
        return []
    rows = _rows(connection, owed)
    timers = load_timers(connection, {row.id for row in rows.values()})
    tickets = {row.id: ticket_of(row) for row in {row.id: row for row in rows.values()}.values()}
    events = {notice_id: _event_of(row) for notice_id, row in rows.items()}
    before = _load(connection, event, event_of, {at for one in events.values() if (at := _evidence_at(one))})
    statements = _load(
        connection, complaint, complaint_of, {at for one in events.values() if (at := _statement_at(one))}
    )
    sent = _sent_before(connection, owed)
    in_hour = _to_address_in_hour(owed, rows)
    briefs: list[Brief | Saying] = []
    for one in owed:
        row = rows.get(one.id)
        if row is None:
            continue
        happened = events[one.id]
        evidence_at, statement_at = _evidence_at(happened), _statement_at(happened)
        briefs.append(
            Brief(
                owed=one,
                ticket=tickets[row.id],
                event=happened,
                timers=timers[row.id],
                evidence=before.get(evidence_at) if evidence_at else None,
                statement=statements.get(statement_at) if statement_at else None,
                thread=(*_own_mail(row.first_key), *sent.get(one.id, ())),
                to_address_in_hour=in_hour[one.id],
                of_ticket_in_day=row.of_ticket,
                line=lines.get((one.medium, one.address), UNKNOWN_LINE),
            )
        )
    return briefs


def _rows(connection: Connection, owed: Sequence[Owed]) -> dict[int, Row[Any]]:
    """By notice its ticket and its event, how many came before it, and by what key the complainant's mail came."""
    given = many.values(connection, [one.id for one in owed])
    return {row.notice_id: row for row in many.fetch(connection, _query(connection.dialect.name), given)}


@lru_cache
def _query(dialect: str) -> Select[Any]:
    wanted, earlier = many.numbers(dialect), notice.alias("earlier")
    not_suppressed = earlier.c.state != literal_column("'suppressed'")  # as in the index

    def before(*conditions: ColumnElement[bool]) -> ScalarSelect[int]:
        query = select(func.count()).select_from(earlier)
        return query.where(earlier.c.id < notice.c.id, not_suppressed, *conditions).scalar_subquery()

    to_address = before(
        earlier.c.due == literal_column("0"),
        earlier.c.address == notice.c.address,
        earlier.c.created_at > notice.c.created_at - HOUR // _MICROSECOND,
        earlier.c.created_at <= notice.c.created_at,
    )
    of_ticket = before(
        earlier.c.ticket_id == notice.c.ticket_id,
        earlier.c.role == notice.c.role,
        earlier.c.created_at > notice.c.created_at - DAY // _MICROSECOND,
    )
    first_key = (
        select(inbound.c.source_key)
        .join(complaint, complaint.c.inbound_id == inbound.c.id)
        .where(complaint.c.ticket_id == notice.c.ticket_id, complaint.c.seq == 1)
        .where(notice.c.medium == "email", notice.c.role == "complainant", inbound.c.source_key.like("%:<%@%>"))
        .scalar_subquery()
    )
    return (
        select(
            notice.c.id.label("notice_id"),
            to_address.label("to_address"),
            of_ticket.label("of_ticket"),
            first_key.label("first_key"),
            event.c.seq.label("event_seq"),
            event.c.kind.label("event_kind"),
            event.c.at.label("event_at"),
            event.c.actor.label("event_actor"),
            event.c.data.label("event_data"),
            ticket,
        )
        .select_from(wanted)
        .join(notice, notice.c.id == wanted.c.value)
        .join(ticket, ticket.c.id == notice.c.ticket_id)
        .join(event, (event.c.ticket_id == notice.c.ticket_id) & (event.c.seq == notice.c.event_seq))
    )


def _event_of(row: Row[Any]) -> Event:
    return Event(
        ticket_id=row.id,
        seq=row.event_seq,
        kind=row.event_kind,
        at=from_us(row.event_at),
        actor=row.event_actor,
        data=orjson.loads(row.event_data),
    )


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


def _to_address_in_hour(owed: Sequence[Owed], rows: Mapping[int, Row[Any]]) -> dict[int, int]:
    """How many went to each notice's address in the hour before it: those done with, and those of this batch."""
    found: dict[int, int] = {}
    ahead: dict[str, list[datetime]] = {}
    for one in sorted(owed, key=lambda one: one.id):
        before_it = ahead.setdefault(one.address, [])
        if one.id in rows:
            found[one.id] = rows[one.id].to_address + sum(at > one.created_at - HOUR for at in before_it)
        before_it.append(one.created_at)
    return found


def _own_mail(source_key: str | None) -> tuple[str, ...]:
    """The message id of the complainant's own mail, where the ticket was opened by one."""
    return () if source_key is None else (source_key[source_key.index(":<") + 1 :],)


def _sent_before(connection: Connection, owed: Sequence[Owed]) -> dict[int, tuple[int, ...]]:
    """By notice the mails sent earlier about its ticket to its address; before its first event there are none."""
    later = [one for one in owed if one.medium == "email" and one.event_seq > 1]
    if not later:
        return {}
    query = (
        select(notice.c.id, notice.c.ticket_id, notice.c.address)
        .where(notice.c.ticket_id.in_({one.ticket_id for one in later}))
        .where(notice.c.medium == "email", notice.c.attempts > 0)
        .order_by(notice.c.id)
    )
    sent: dict[tuple[int, str], list[int]] = {}
    for notice_id, ticket_id, address in connection.execute(query):
        sent.setdefault((ticket_id, address), []).append(notice_id)
    found: dict[int, tuple[int, ...]] = {}
    for one in later:
        ours = [notice_id for notice_id in sent.get((one.ticket_id, one.address), ()) if notice_id < one.id]
        found[one.id] = tuple(ours[-_THREAD:])
    return found
