"""What a medium could not bring goes by the next one: the transaction script for notices that failed for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ticket_core.decide.case import Case
from ticket_core.decide.owed import by_another_way
from ticket_core.errors import UnknownTicket
from ticket_core.policy import Policy
from ticket_core.store.fallback import failed_notices, owe
from ticket_core.store.tickets import load_ticket, load_timers, save
from ticket_core.store.tx import Tx


def fall_back(tx: Tx, failed: Sequence[int], now: datetime, policy: Policy) -> None:
    """Owe the complainant by another way what these notices could not tell; each way is tried once for one event."""
    for one in failed_notices(tx.connection, failed) if failed else ():
        try:
            ticket = load_ticket(tx.connection, one.notice.ticket_id, lock=True)
        except UnknownTicket:
            continue
        profile = policy.profiles.get(ticket.profile)
        other = by_another_way(ticket, one.event, profile, one.notice, one.tried) if profile else None
        if other is None:
            continue
        case = Case.of(ticket, load_timers(tx.connection, [ticket.id])[ticket.id], policy)
        told = {"notice": other.notice, "from": one.notice.medium, "to": other.medium, "cause": one.cause}
        case.happen("fell_back", now, "clock", told)
        save(tx, [case.change()], policy)
        owe(tx, replace(other, send_at=now))
