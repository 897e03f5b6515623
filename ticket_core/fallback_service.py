"""What a medium could not bring goes by the next one: transaction scripts for what failed and what nobody fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ticket_core.decide.case import Case
from ticket_core.decide.delivery import Fact, RetryLadder
from ticket_core.decide.owed import by_another_way
from ticket_core.errors import UnknownTicket
from ticket_core.policy import Policy
from ticket_core.store.fallback import failed_notices, owe, unfetched
from ticket_core.store.outbox import receive
from ticket_core.store.tickets import load_ticket, load_timers, save
from ticket_core.store.tx import Tx

NOT_FETCHED = "not_fetched"


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


def give_up_waiting(tx: Tx, waits: Mapping[str, timedelta], now: datetime, policy: Policy, most: int = 50) -> int:
    """Tell by another way what lay ready on a medium for longer than it waits; returns how many notices that were.

    They are expired, and delivered all the same once somebody confirms them.
    """
    count = 0
    for medium, wait in waits.items():
        late = unfetched(tx.connection, medium, now - wait, most)
        fact = Fact(at=now, status="expired", kind="receipt", detail=NOT_FETCHED)
        receive(tx, [(notice_id, fact) for notice_id in late], RetryLadder())
        fall_back(tx, late, now, policy)
        count += len(late)
    return count
