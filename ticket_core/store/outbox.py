"""The outbox: who is owed a notice now, what came of sending it, and what its providers say afterwards.

A claimed notice is due again when its lease ends. `epoch` counts the leases of a notice: whoever lost the lease may add
to its history, but no longer decides what happens next.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from ticket_core.decide.delivery import ENDED, Fact, RetryLadder, is_repeated, judge
from ticket_core.store import many
from ticket_core.store.clock import from_us, to_us
from ticket_core.store.schema import delivery, event, notice, stray_receipt
from ticket_core.store.tx import Tx

_LEASED = (
    "id", "epoch", "ticket_id", "event_seq", "notice", "role", "medium", "address", "name", "locale", "created_at",
    "said",
)  # fmt: skip
_JUDGED = (
    "id", "epoch", "state", "attempts", "created_at", "send_at", "transport", "provider_id", "template_version",
)  # fmt: skip
#: What follows from the facts, and what was sent.
_MOVED = ("state", "cause", "due", "send_at")
_SENT = ("attempts", "transport", "provider_id", "template_version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A notice that is ours to send until `lease_until`."""

    id: int
    epoch: int
    ticket_id: int
    event_seq: int
    notice: str
    role: str
    medium: str
    address: str
    name: str
    locale: str
    created_at: datetime
    lease_until: datetime
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one lease: a fact for the history, and what was sent. `rendered` is JSON text of its forms."""

    owed: Owed
    fact: Fact
    transport: str = ""
    rendered: str = ""
    template_version: str = ""


def in_turn() -> ColumnElement[bool]:
    """Whether nothing has to go before it: a forwarding body hears of one case in the order in which it went on.

    That is the order of events, not of ids, which every process takes from a block of its own; a case that was given to
    us anew may have a second ticket.
    """
    before = notice.alias("before")
    same_ticket = before.c.ticket_id == notice.c.ticket_id
    waits = (
        exists()
        .where(before.c.role == literal_column("'source'"), before.c.due == literal_column("1"))  # as in the index
        .where(before.c.medium == notice.c.medium, before.c.address == notice.c.address)
        .where(or_(before.c.ticket_id < notice.c.ticket_id, and_(same_ticket, before.c.event_seq < notice.c.event_seq)))
    )
    return or_(notice.c.role != "source", ~waits)


def claim(tx: Tx, now: datetime, most: Mapping[str, int], lease: timedelta) -> list[Owed]:
    """Take up to so many due notices of each medium, oldest first, for the time of `lease`; one statement a medium."""
    until = now + lease
    taken: list[Owed] = []
    for medium, room in most.items():
        if room > 0:
            given = {"of": medium, "room": room, "now": to_us(now), "until": to_us(until)}
            rows = sorted(tx.connection.execute(_CLAIM, given), key=itemgetter(0))
            taken.extend(_owed(row, until) for row in rows)
    return taken


def _claim_statement() -> ReturningUpdate[Any]:
    pick = (
        select(notice.c.id)
        .where(notice.c.due == literal_column("1"))  # as in the index
        .where(notice.c.medium == bindparam("of"), notice.c.send_at <= bindparam("now"), in_turn())
        .order_by(notice.c.send_at, notice.c.id)
        .limit(bindparam("room"))
        .with_for_update(skip_locked=True)
        .cte("pick")  # so that PostgreSQL evaluates the limit once
    )
    return (
        update(notice)
        .where(notice.c.id.in_(select(pick.c.id)))
        .values(state="sending", send_at=bindparam("until"), epoch=notice.c.epoch + 1)
        .returning(*(notice.c[name] for name in _LEASED))
    )


_CLAIM = _claim_statement()


def _owed(row: Sequence[Any], until: datetime) -> Owed:
    notice_id, epoch, ticket_id, event_seq, kind, role, medium, address, name, locale, created_at, said = row
    return Owed(
        id=notice_id,
        epoch=epoch,
        ticket_id=ticket_id,
        event_seq=event_seq,
        notice=kind,
        role=role,
        medium=medium,
        address=address,
        name=name,
        locale=locale,
        created_at=from_us(created_at),
        lease_until=until,
        said=said,
    )


def give_back(tx: Tx, owed: Iterable[Owed], now: datetime) -> None:
    """Return leases unused, so that another process need not wait for their end."""
    for one in owed:
        tx.connection.execute(
            update(notice)
            .where(notice.c.id == one.id, notice.c.epoch == one.epoch, notice.c.state == "sending")
            .values(state="queued", send_at=to_us(now))  # its facts say the same as before the lease
        )


@dataclass(slots=True)
class _History:
    """A notice's row with its facts, those already stored and those that are new."""

    row: Row[Any]
    facts: list[Fact] = field(default_factory=list)
    stored: int = 0

    def new_rows(self) -> list[tuple[Any, ...]]:
        return [_delivery_row(self.row.id, seq, self.facts[seq - 1]) for seq in range(self.stored + 1, self.top + 1)]

    @property
    def top(self) -> int:
        return len(self.facts)


def record(tx: Tx, results: Sequence[Result], ladder: RetryLadder) -> list[tuple[int, str]]:
    """Write what came of leases; the state follows from all that is known, receipts that came first included.

    A result whose lease was lost meanwhile is kept in the history and decides nothing. Returns the states that notices
    came into, each with its notice.
    """
    histories = _load(tx.connection, [result.owed.id for result in results])
    early = _adopt(tx, {result.fact.provider_id for result in results if result.fact.provider_id})
    sent: list[tuple[Any, ...]] = []
    shown: list[tuple[Any, ...]] = []  # with a text to keep
    states: list[tuple[int, str]] = []
    for result in results:
        history = histories.get(result.owed.id)
        if history is None:
            continue
        history.facts += [result.fact, *early.get(result.fact.provider_id, ())]
        if history.row.epoch == result.owed.epoch:
            moved = _moved(history, ladder)
            states.append((history.row.id, moved[0]))
            if result.rendered:
                shown.append((*moved, *_sent(result, history), result.rendered, history.row.id))
            else:
                sent.append((*moved, *_sent(result, history), history.row.id))
    tx.insert(delivery, [row for history in histories.values() for row in history.new_rows()])
    tx.write_over(notice, (*_MOVED, *_SENT), sent)
    tx.write_over(notice, (*_MOVED, *_SENT, "rendered"), shown)
    return states


def receive(tx: Tx, receipts: Sequence[tuple[int, Fact]], ladder: RetryLadder) -> dict[int, str]:
    """Add receipts, each with the id of the notice it is about; one that is on record already changes nothing.

    Returns the states that notices came into, by notice.
    """
    histories = _load(tx.connection, [notice_id for notice_id, _ in receipts])
    for notice_id, fact in receipts:
        history = histories.get(notice_id)
        if history is not None and not is_repeated(fact, history.facts):
            history.facts.append(fact)
    touched = [history for history in histories.values() if history.top > history.stored]
    tx.insert(delivery, [row for history in touched for row in history.new_rows()])
    # While somebody sends it, only an end can be final; what comes of the send is recorded by him.
    rows = [
        (*moved, history.row.id)
        for history in touched
        if (moved := _moved(history, ladder))[0] in ENDED or history.row.state != "sending"
    ]
    tx.write_over(notice, _MOVED, rows)
    return {notice_id: state for state, *_, notice_id in rows if state != histories[notice_id].row.state}


def take_back(tx: Tx, ticket_id: int, kinds: Collection[str], at: datetime) -> None:
    """Steps of these kinds that the forwarding body has not heard of do not hold any more: it is not told of them."""
    happened = (event.c.ticket_id == notice.c.ticket_id) & (event.c.seq == notice.c.event_seq)
    query = select(notice.c.id).join(event, happened).where(notice.c.ticket_id == ticket_id, event.c.kind.in_(kinds))
    untold = or_(notice.c.due == 1, notice.c.state.in_(("queued", "failed", "expired")))
    ids = tx.connection.execute(query.where(notice.c.role == "source", untold)).scalars().all()
    fact = Fact(at=at, status="suppressed", kind="receipt", detail="taken_back")
    receive(tx, [(notice_id, fact) for notice_id in ids], RetryLadder())


def _moved(history: _History, ladder: RetryLadder) -> tuple[str, str, int, int]:
    """The columns `_MOVED`."""
    row = history.row
    verdict = judge(history.facts, from_us(row.created_at), ladder, random.random())  # noqa: S311  jitter, no secret
    if verdict.next_at is None:
        return verdict.state, verdict.cause, 0, row.send_at
    return verdict.state, verdict.cause, 1, to_us(verdict.next_at)


def _sent(result: Result, history: _History) -> tuple[int, str, str, str]:
    """The columns `_SENT`."""
    row = history.row
    return (
        row.attempts + int(result.fact.kind == "try"),
        result.transport or row.transport,
        result.fact.provider_id or row.provider_id,
        result.template_version or row.template_version,
    )


def _load(connection: Connection, ids: Collection[int]) -> dict[int, _History]:
    """The notices with their histories, locked against others who would write them."""
    given = many.values(connection, ids)
    judged, facts = _queries(connection.dialect.name)
    found = {row.id: _History(row) for row in many.fetch(connection, judged, given)}
    for row in sorted(many.fetch(connection, facts, given), key=attrgetter("seq")):
        history = found[row.notice_id]
        history.facts.append(_fact_of(row))
        history.stored += 1
    return found


@lru_cache
def _queries(dialect: str) -> tuple[Select[Any], Select[Any]]:
    wanted = select(many.numbers(dialect).c.value)
    judged = select(*(notice.c[name] for name in _JUDGED)).where(notice.c.id.in_(wanted)).order_by(notice.c.id)
    facts = select(delivery).where(delivery.c.notice_id.in_(wanted))
    return judged.with_for_update(of=notice), facts


def _fact_of(row: Row[Any]) -> Fact:
    return Fact(
        at=from_us(row.at),
        status=row.status,
        kind=row.kind,
        provider_id=row.provider_id,
        detail=row.detail,
        part=row.part,
        parts=row.parts,
        wait=None if row.wait is None else timedelta(microseconds=row.wait),
    )


def _delivery_row(notice_id: int, seq: int, fact: Fact) -> tuple[Any, ...]:
    """In the order of the table's columns."""
    wait = None if fact.wait is None else fact.wait // timedelta(microseconds=1)
    return (
        notice_id,
        seq,
        to_us(fact.at),
        fact.status,
        fact.provider_id,
        fact.detail,
        fact.kind,
        fact.part,
        fact.parts,
        wait,
    )


def _adopt(tx: Tx, provider_ids: Collection[str]) -> dict[str, list[Fact]]:
    """Receipts that were faster than the record of their send."""
    if not provider_ids:
        return {}
    found: dict[str, list[Fact]] = {}
    condition = stray_receipt.c.provider_id.in_(provider_ids)
    for row in tx.connection.execute(select(stray_receipt).where(condition)):
        fact = Fact(
            at=from_us(row.at),
            status=row.status,
            kind="receipt",
            provider_id=row.provider_id,
            detail=row.detail,
            part=row.part,
            parts=row.parts,
        )
        found.setdefault(row.provider_id, []).append(fact)
    if found:
        tx.connection.execute(delete(stray_receipt).where(condition))
    return found


def keep_strays(tx: Tx, facts: Iterable[Fact], now: datetime, keep: timedelta) -> None:
    """Remember receipts of sends we do not know yet, and forget those that nobody claimed for the time of `keep`."""
    rows = [(f.provider_id, f.part, f.status, f.detail, f.parts, to_us(f.at)) for f in facts]
    if rows:
        tx.insert(stray_receipt, rows, ignore=True)
        tx.connection.execute(delete(stray_receipt).where(stray_receipt.c.at < to_us(now - keep)))


def notices_of_providers(connection: Connection, provider_ids: Collection[str]) -> dict[str, int]:
    """The newest notice of each of these ids that providers gave to our sends."""
    if not provider_ids:
        return {}
    query = select(notice.c.provider_id, func.max(notice.c.id)).where(notice.c.provider_id.in_(provider_ids))
    rows = connection.execute(query.group_by(notice.c.provider_id))
    return {row[0]: row[1] for row in rows}


def destinations(connection: Connection, ids: Collection[int]) -> dict[int, tuple[int, str]]:
    """The ticket and the address of each notice that exists."""
    query = select(notice.c.id, notice.c.ticket_id, notice.c.address).where(notice.c.id.in_(ids))
    rows = connection.execute(query) if ids else ()
    return {row.id: (row.ticket_id, row.address) for row in rows}
