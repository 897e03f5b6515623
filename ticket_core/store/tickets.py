"""Tickets in and out of the database; `save` is the one function that writes what a decision changed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, delete, literal_column, select

from ticket_core.decide.owed import owed, taken_back
from ticket_core.errors import UnknownTicket
from ticket_core.model import Attachment, Complaint, Event, File, Ticket, TicketChange, Timer
from ticket_core.policy import Policy
from ticket_core.store import many
from ticket_core.store.clock import to_us
from ticket_core.store.outbox import take_back
from ticket_core.store.person import who
from ticket_core.store.rows import (
    awaited_row,
    complaint_of,
    complaint_row,
    event_of,
    event_row,
    notice_row,
    ticket_columns,
    ticket_of,
    timer_columns,
    timer_of,
)
from ticket_core.store.schema import awaited_file, blob, complaint, contact, event, notice, ticket, timer
from ticket_core.store.tx import Tx

_MOST_NAMED = 500  # parameters of one statement


def keep_files(tx: Tx, files: Iterable[File]) -> tuple[Attachment, ...]:
    """Keep the bytes of attachments, each content once; those still at their provider are awaited."""
    kept = []
    rows = []
    for file in files:
        if file.reference and not file.content:
            kept.append(Attachment(name=file.name, media_type=file.media_type, reference=file.reference))
            continue
        digest = hashlib.sha256(file.content).hexdigest()
        rows.append((digest, len(file.content), file.content))
        kept.append(Attachment(name=file.name, media_type=file.media_type, size=len(file.content), sha256=digest))
    tx.insert(blob, rows, ignore=True)
    return tuple(kept)


def save(tx: Tx, changes: Iterable[TicketChange], policy: Policy) -> None:
    """Write what happened to tickets, and the notices that the profile says are owed for it.

    Several changes of one ticket are written in order, its row once, in its last state.
    """
    before: dict[int, Ticket | None] = {}
    after: dict[int, Ticket] = {}
    timers: dict[tuple[int, str], Timer] = {}
    complaints: list[tuple[Any, ...]] = []
    contacts: list[tuple[Any, ...]] = []
    rewritten: list[tuple[int, int]] = []
    events: list[tuple[Any, ...]] = []
    notices: list[tuple[Any, ...]] = []
    awaited: list[tuple[Any, ...]] = []
    for change in changes:
        now = change.after
        before.setdefault(now.id, change.before)
        after[now.id] = now
        rewritten.extend((one.ticket_id, one.seq) for one in change.rewritten)
        for one in (*change.complaints, *change.rewritten):
            complaints.append(complaint_row(one))
            contacts.extend(_contacts(one, now))
        awaited.extend(
            awaited_row(tx.next_id("awaited_file"), one, place)
            for one in change.complaints
            for place, file in enumerate(one.attachments)
            if file.awaited
        )
        events.extend(event_row(one) for one in change.events)
        for running in change.timers:
            timers[now.id, running.name] = running
        profile = policy.profiles[now.profile]
        if untrue := taken_back(change, profile):
            take_back(tx, now.id, untrue, now.updated_at)
        notices.extend(
            notice_row(tx.next_id("notice"), owing, to_us(owing.send_at))
            for owing in owed(now, change.events, profile, policy.directory, policy.sources)
        )
    _write_tickets(tx, before, after)
    for ticket_id, seq in rewritten:
        for table in (contact, complaint):
            tx.connection.execute(delete(table).where(table.c.ticket_id == ticket_id, table.c.seq == seq))
    tx.insert(complaint, complaints)
    tx.insert(contact, contacts, ignore=True)
    tx.insert(event, events)
    _write_timers(tx, timers, before)
    tx.insert(notice, notices)
    tx.insert(awaited_file, awaited)


def _contacts(one: Complaint, now: Ticket) -> list[tuple[Any, ...]]:
    if one.kind != "complaint":
        return []
    lodged_at = to_us(one.lodged_at)
    rows = [
        (who(key), lodged_at, one.ticket_id, one.seq, int(key in one.counted), one.channel) for key in one.identities
    ]
    number = now.service_number
    if number and own_line(number) not in one.identities:
        rows.append((who(service_key(number)), lodged_at, one.ticket_id, one.seq, 0, one.channel))
    return rows


def service_key(service_number: str) -> str:
    """The key under which tickets about a service number are found; it names no person."""
    return f"service:{service_number}"


def own_line(service_number: str) -> str:
    """The identity of who calls from that number; most complain about their own line, and are found by it."""
    return f"phone:+86{service_number}"


def _write_tickets(tx: Tx, before: Mapping[int, Ticket | None], after: Mapping[int, Ticket]) -> None:
    fresh = []
    known = []
    versions: dict[int, int] = {}
    for ticket_id, now in after.items():
        columns = ticket_columns(now)
        old = before[ticket_id]
        if old is None:
            fresh.append(tuple(columns.values()))
        else:
            known.append(columns)
            versions[ticket_id] = old.version
    tx.insert(ticket, fresh)
    tx.update_rows(ticket, known, "id", versions=versions)


def _write_timers(tx: Tx, timers: Mapping[tuple[int, str], Timer], before: Mapping[int, Ticket | None]) -> None:
    fresh = []
    for (ticket_id, _), one in timers.items():
        columns = timer_columns(one)
        if before[ticket_id] is None:
            fresh.append(tuple(columns.values()))
        else:
            tx.upsert(timer, columns, "ticket_id", "name")
    tx.insert(timer, fresh)


def write_timers(tx: Tx, timers: Sequence[Timer]) -> None:
    """Write timers that exist already."""
    if timers:
        tx.update_rows(timer, [timer_columns(one) for one in timers], "ticket_id", "name")


def load_ticket(connection: Connection, ticket_id: int, *, lock: bool = False) -> Ticket:
    """One ticket.

    Raises:
        UnknownTicket: when there is none of this id.
    """
    found = load_tickets(connection, [ticket_id], lock=lock)
    if not found:
        raise UnknownTicket(ticket_id)
    return found[ticket_id]


def load_tickets(
    connection: Connection, ids: Collection[int], *, lock: bool = False, skip_locked: bool = False
) -> dict[int, Ticket]:
    """Tickets by id; those that do not exist, or with `skip_locked` are held elsewhere, are left out."""
    if not ids:
        return {}
    query = select(ticket).where(ticket.c.id.in_(ids)).order_by(ticket.c.id)
    if lock:
        query = query.with_for_update(skip_locked=skip_locked)
    return {row.id: ticket_of(row) for row in connection.execute(query)}


def load_cases(connection: Connection, keys: Collection[tuple[str, str, str]]) -> dict[tuple[str, str, str], Ticket]:
    """The newest ticket of each case of a forwarding body (body, number, track); locked."""
    numbers = sorted({number for _, number, _ in keys})
    found: dict[tuple[str, str, str], Ticket] = {}
    for start in range(0, len(numbers), _MOST_NAMED):
        some = numbers[start : start + _MOST_NAMED]
        query = select(ticket).where(ticket.c.source_case.in_(some), ticket.c.source_case != literal_column("''"))
        for row in connection.execute(query.order_by(ticket.c.id).with_for_update()):
            one = ticket_of(row)
            if one.source is not None and one.source.key in keys:
                found[one.source.key] = one
    return found


def load_timers(connection: Connection, ids: Collection[int]) -> dict[int, dict[str, Timer]]:
    """Timers by ticket and name."""
    found: dict[int, dict[str, Timer]] = {ticket_id: {} for ticket_id in ids}
    if ids:
        for row in many.fetch(connection, _timers_query(connection.dialect.name), many.values(connection, ids)):
            found[row.ticket_id][row.name] = timer_of(row)
    return found


@lru_cache
def _timers_query(dialect: str) -> Select[Any]:
    wanted = many.numbers(dialect)
    return select(timer).select_from(wanted).join(timer, timer.c.ticket_id == wanted.c.value)


def load_due_timers(connection: Connection, now: datetime, most: int) -> tuple[dict[int, Ticket], list[Timer]]:
    """The timers to look at by `now`, the longest due first, and their tickets, locked.

    Those another process works on are left out. A ticket is locked before its timers are read, as by everybody else.
    """
    due = timer.c.next_at.is_not(None) & (timer.c.next_at <= to_us(now))
    found = select(timer.c.ticket_id).where(due).order_by(timer.c.next_at).limit(most)
    ids = {ticket_id for (ticket_id,) in connection.execute(found)}
    tickets = load_tickets(connection, ids, lock=True, skip_locked=True)
    query = select(timer).where(timer.c.ticket_id.in_(tickets), due).order_by(timer.c.next_at).limit(most)
    return tickets, [timer_of(row) for row in connection.execute(query)]


def load_outdated_timers(
    connection: Connection, calendar: str, most: int
) -> tuple[dict[int, Ticket], dict[int, dict[str, Timer]]]:
    """Up to `most` tickets, locked, that owe a provisional deadline not computed with this calendar; all their timers.

    A provisional timer remembers its calendar, so whoever writes it back does not find it again.
    """
    outdated = (
        (timer.c.provisional == literal_column("1"))  # as in its index
        & timer.c.met_at.is_(None)
        & timer.c.cancelled_at.is_(None)
        & ~timer.c.doc.contains(f'"calendar":"{calendar}"', autoescape=True)
    )
    found = select(timer.c.ticket_id).where(outdated).distinct().order_by(timer.c.ticket_id).limit(most)
    ids = {ticket_id for (ticket_id,) in connection.execute(found)}
    tickets = load_tickets(connection, ids, lock=True)
    return tickets, load_timers(connection, tickets)


def load_events(connection: Connection, ticket_id: int, *kinds: str) -> tuple[Event, ...]:
    """A ticket's timeline, oldest first; of these kinds where told."""
    query = select(event).where(event.c.ticket_id == ticket_id).order_by(event.c.seq)
    if kinds:
        query = query.where(event.c.kind.in_(kinds))
    return tuple(event_of(row) for row in connection.execute(query))


def load_complaints(connection: Connection, ticket_id: int) -> tuple[Complaint, ...]:
    """A ticket's statements, oldest first."""
    query = select(complaint).where(complaint.c.ticket_id == ticket_id).order_by(complaint.c.seq)
    return tuple(complaint_of(row) for row in connection.execute(query))


def statement_of_input(connection: Connection, ticket_id: int, inbound_id: int) -> int:
    """Which statement of the ticket this input is; 0 where it is none."""
    query = select(complaint.c.seq).where(complaint.c.ticket_id == ticket_id, complaint.c.inbound_id == inbound_id)
    return connection.execute(query.order_by(complaint.c.seq).limit(1)).scalar_one_or_none() or 0
