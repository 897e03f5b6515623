"""The outbox: who is owed a notice now, what came of sending it, and what its providers say afterwards.

A claimed notice is due again when its lease ends. `epoch` counts the leases of a notice: whoever lost the lease may add
to its history, but no longer decides what happens next.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, delete, exists, func, or_, select, update

from ticket_core.decide.delivery import ENDED, Fact, RetryLadder, is_repeated, judge
from ticket_core.store.clock import from_us, to_us
from ticket_core.store.schema import delivery, notice, stray_receipt
from ticket_core.store.tx import Tx

_LEASED = (
    "id", "epoch", "ticket_id", "event_seq", "notice", "role", "medium", "address", "name", "locale", "created_at",
    "said",
)  # fmt: skip
_JUDGED = (
    "id", "epoch", "state", "attempts", "created_at", "send_at", "transport", "provider_id", "template_version",
)  # fmt: skip


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
    """Whether nothing has to go before it: a forwarding body hears of one case in the order in which it went on."""
    before = notice.alias("before")
    waits = (
        exists()
        .where(before.c.ticket_id == notice.c.ticket_id, before.c.id < notice.c.id, before.c.due == 1)
        .where(before.c.role == "source", before.c.medium == notice.c.medium)
    )
    return or_(notice.c.role != "source", ~waits)


def claim(tx: Tx, now: datetime, most: Mapping[str, int], lease: timedelta) -> list[Owed]:
    """Take up to so many due notices of each medium, oldest first, for the time of `lease`; one statement a medium."""
    until = now + lease
    taken: list[Owed] = []
    for medium, room in most.items():
        if room <= 0:
            continue
        pick = (
            select(notice.c.id)
            .where(notice.c.due == 1, notice.c.medium == medium, notice.c.send_at <= to_us(now), in_turn())
            .order_by(notice.c.send_at, notice.c.id)
            .limit(room)
            .with_for_update(skip_locked=True)
            .cte("pick")  # so that PostgreSQL evaluates the limit once
        )
        statement = (
            update(notice)
            .where(notice.c.id.in_(select(pick.c.id)))
            .values(state="sending", send_at=to_us(until), epoch=notice.c.epoch + 1)
            .returning(*(notice.c[name] for name in _LEASED))
        )
        rows = sorted(tx.connection.execute(statement), key=lambda row: row.id)
        taken.extend(_owed(row, until) for row in rows)
    return taken


def _owed(row: Row[Any], until: datetime) -> Owed:
    return Owed(
        id=row.id,
        epoch=row.epoch,
        ticket_id=row.ticket_id,
        event_seq=row.event_seq,
        notice=row.notice,
        role=row.role,
        medium=row.medium,
        address=row.address,
        name=row.name,
        locale=row.locale,
        created_at=from_us(row.created_at),
        lease_until=until,
        said=row.said,
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
    rows: dict[bool, list[dict[str, Any]]] = {True: [], False: []}  # with a text to keep, and without
    states: list[tuple[int, str]] = []
    for result in results:
        history = histories.get(result.owed.id)
        if history is None:
            continue
        history.facts += [result.fact, *early.get(result.fact.provider_id, ())]
        if history.row.epoch == result.owed.epoch:
            row = _moved(history, ladder) | _sent(result, history)
            states.append((history.row.id, row["state"]))
            rows[bool(result.rendered)].append(row | {"rendered": result.rendered} if result.rendered else row)
    tx.insert(delivery, [row for history in histories.values() for row in history.new_rows()])
    for alike in rows.values():
        _update(tx, alike)
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
    rows = [_moved(history, ladder) for history in touched]
    # While somebody sends it, only an end can be final; what comes of the send is recorded by him.
    sending = {history.row.id for history in touched if history.row.state == "sending"}
    rows = [row for row in rows if row["id"] not in sending or row["state"] in ENDED]
    states = {row["id"]: row["state"] for row in rows if row["state"] != histories[row["id"]].row.state}
    _update(tx, rows)
    return states


def _moved(history: _History, ladder: RetryLadder) -> dict[str, Any]:
    row = history.row
    verdict = judge(history.facts, from_us(row.created_at), ladder, random.random())  # noqa: S311  jitter, no secret
    return {
        "id": row.id,
        "state": verdict.state,
        "cause": verdict.cause,
        "due": int(verdict.next_at is not None),
        "send_at": row.send_at if verdict.next_at is None else to_us(verdict.next_at),
    }


def _sent(result: Result, history: _History) -> dict[str, Any]:
    row = history.row
    return {
        "attempts": row.attempts + int(result.fact.kind == "try"),
        "transport": result.transport or row.transport,
        "provider_id": result.fact.provider_id or row.provider_id,
        "template_version": result.template_version or row.template_version,
    }


def _update(tx: Tx, rows: list[dict[str, Any]]) -> None:
    if rows:
        values: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name != "id"}
        statement = update(notice).where(notice.c.id == bindparam("notice_id")).values(values)
        tx.connection.execute(statement, [{"notice_id": row.pop("id"), **row} for row in rows])


def _load(connection: Connection, ids: Collection[int]) -> dict[int, _History]:
    """The notices with their histories, locked against others who would write them."""
    query = select(*(notice.c[name] for name in _JUDGED)).where(notice.c.id.in_(sorted(set(ids)))).order_by(notice.c.id)
    query = query.with_for_update()
    found = {row.id: _History(row) for row in connection.execute(query)}
    facts = select(delivery).where(delivery.c.notice_id.in_(found)).order_by(delivery.c.notice_id, delivery.c.seq)
    for row in connection.execute(facts):
        found[row.notice_id].facts.append(_fact_of(row))
        found[row.notice_id].stored += 1
    return found


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
