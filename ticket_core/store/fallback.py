"""Notices that failed for good, with what they told of and by which ways it was told already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, or_, select, text

from ticket_core.model import Event, Notice
from ticket_core.store.clock import from_us, to_us
from ticket_core.store.rows import event_of, notice_row
from ticket_core.store.schema import UNFETCHED, event, notice
from ticket_core.store.tx import Tx

#: Why a notice that lay ready has expired.
NOT_FETCHED = "not_fetched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A notice to a complainant that never arrived; `tried` are medium and address of all that told the same."""

    notice: Notice
    cause: str
    event: Event
    tried: frozenset[tuple[str, str]]


def failed_notices(connection: Connection, ids: Sequence[int]) -> Iterator[Failed]:
    """Those of `ids` that are due to complainants, because of an event, and failed or were never fetched."""
    query = select(notice).where(
        notice.c.id.in_(ids),
        notice.c.role == "complainant",
        notice.c.event_seq > 0,
        or_(notice.c.state == "failed", and_(notice.c.state == "expired", notice.c.cause == NOT_FETCHED)),
    )
    for row in connection.execute(query.order_by(notice.c.id)).all():
        same = (notice.c.ticket_id == row.ticket_id) & (notice.c.event_seq == row.event_seq)
        alike = select(notice.c.medium, notice.c.address).where(same, notice.c.notice == row.notice)
        happened = select(event).where(event.c.ticket_id == row.ticket_id, event.c.seq == row.event_seq)
        told_of = connection.execute(happened).first()
        if told_of is not None:
            was = Notice(
                ticket_id=row.ticket_id,
                event_seq=row.event_seq,
                notice=row.notice,
                role=row.role,
                medium=row.medium,
                address=row.address,
                send_at=from_us(row.send_at),
            )
            tried = frozenset((medium, address) for medium, address in connection.execute(alike))
            yield Failed(notice=was, cause=row.cause, event=event_of(told_of), tried=tried)


def unfetched(connection: Connection, medium: str, since: datetime, most: int) -> list[int]:
    """Notices of a medium that tell of an event, lie ready since then or longer, and that nobody has confirmed."""
    # Written out, not bound: so that PostgreSQL sees that the index holds all there can be.
    lies_ready = text(UNFETCHED)
    query = select(notice.c.id).where(lies_ready, notice.c.medium == medium, notice.c.send_at <= to_us(since))
    query = query.order_by(notice.c.send_at).limit(most).with_for_update(skip_locked=True)
    return list(connection.execute(query).scalars())


@dataclass(frozen=True, slots=True, kw_only=True)
class LostStep:
    """A step that its forwarding body did not take, and never will by this way."""

    notice_id: int
    ticket_id: int
    event_kind: str
    medium: str
    cause: str


def lost_steps(connection: Connection, ids: Sequence[int]) -> list[LostStep]:
    """Those of `ids` that are steps back to a forwarding body and came to nothing."""
    happened = (event.c.ticket_id == notice.c.ticket_id) & (event.c.seq == notice.c.event_seq)
    query = (
        select(notice.c.id, notice.c.ticket_id, event.c.kind, notice.c.medium, notice.c.cause)
        .join(event, happened)
        .where(notice.c.id.in_(ids), notice.c.role == "source", notice.c.state.in_(("failed", "expired")))
        .order_by(notice.c.id)
    )
    return [
        LostStep(notice_id=row.id, ticket_id=row.ticket_id, event_kind=row.kind, medium=row.medium, cause=row.cause)
        for row in connection.execute(query)
    ]


def owe(tx: Tx, one: Notice) -> None:
    """Put a notice into the outbox, due at its time."""
    tx.insert(notice, [notice_row(tx.next_id("notice"), one, to_us(one.send_at))])
