"""What a medium could not bring goes by the next one: the transaction script for notices that failed for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select

from ticket_core.decide.case import Case
from ticket_core.decide.owed import by_another_way
from ticket_core.errors import UnknownTicket
from ticket_core.model import Notice
from ticket_core.policy import Policy
from ticket_core.store.clock import from_us, to_us
from ticket_core.store.rows import event_of, notice_row
from ticket_core.store.schema import event, notice
from ticket_core.store.tickets import load_ticket, load_timers, save
from ticket_core.store.tx import Tx


def fall_back(tx: Tx, failed: Sequence[int], now: datetime, policy: Policy) -> None:
    """Owe the complainant by another way what these notices could not tell; each way is tried once for one event."""
    if not failed:
        return
    query = select(notice).where(
        notice.c.id.in_(failed), notice.c.role == "complainant", notice.c.event_seq > 0, notice.c.state == "failed"
    )
    for row in tx.connection.execute(query.order_by(notice.c.id)).all():
        try:
            ticket = load_ticket(tx.connection, row.ticket_id, lock=True)
        except UnknownTicket:
            continue
        same = (notice.c.ticket_id == row.ticket_id) & (notice.c.event_seq == row.event_seq)
        alike = select(notice.c.medium, notice.c.address).where(same, notice.c.notice == row.notice)
        tried = {(medium, address) for medium, address in tx.connection.execute(alike)}
        happened = select(event).where(event.c.ticket_id == row.ticket_id, event.c.seq == row.event_seq)
        cause = tx.connection.execute(happened).first()
        profile = policy.profiles.get(ticket.profile)
        if cause is None or profile is None:
            continue
        was = Notice(
            ticket_id=ticket.id,
            event_seq=row.event_seq,
            notice=row.notice,
            role=row.role,
            medium=row.medium,
            address=row.address,
            send_at=from_us(row.send_at),
        )
        other = by_another_way(ticket, event_of(cause), profile, was, tried)
        if other is None:
            continue
        case = Case.of(ticket, load_timers(tx.connection, [ticket.id])[ticket.id], policy)
        told = {"notice": row.notice, "from": row.medium, "to": other.medium, "cause": row.cause}
        case.happen("fell_back", now, "clock", told)
        save(tx, [case.change()], policy)
        owing = replace(other, send_at=now)
        tx.insert(notice, [notice_row(tx.next_id("notice"), owing, to_us(now))])
