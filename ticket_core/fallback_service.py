"""What failed and what nobody fetched: it goes by the next medium, or is told to those who have to know of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ticket_core.decide.case import Case
from ticket_core.decide.delivery import Fact, RetryLadder
from ticket_core.decide.owed import by_another_way
from ticket_core.errors import UnknownTicket
from ticket_core.model import JSON, Ticket
from ticket_core.policy import Policy
from ticket_core.store.fallback import NOT_FETCHED, LostStep, failed_notices, lost_steps, owe, unfetched
from ticket_core.store.outbox import receive
from ticket_core.store.tickets import load_ticket, load_timers, save
from ticket_core.store.tx import Tx

#: States in which a notice has come to nothing.
LOST = frozenset({"failed", "expired"})


def fall_back(tx: Tx, failed: Sequence[int], now: datetime, policy: Policy) -> None:
    """What follows from these notices that failed or came too late.

    The complainant is owed by another way what they could not tell, each way once for one event; of a step that its
    body did not take there is an event on its ticket.
    """
    if not failed:
        return
    for step in lost_steps(tx.connection, failed):
        try:
            ticket = load_ticket(tx.connection, step.ticket_id, lock=True)
        except UnknownTicket:
            continue
        case = Case.of(ticket, load_timers(tx.connection, [ticket.id])[ticket.id], policy)
        case.happen("step_failed", now, "clock", _told_of(step, ticket, policy))
        save(tx, [case.change()], policy)
    for one in failed_notices(tx.connection, failed):
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


def _told_of(step: LostStep, ticket: Ticket, policy: Policy) -> dict[str, JSON]:
    """What the event says: the step in the body's own words, and why it was not taken."""
    source = policy.sources.get(ticket.source.body) if ticket.source else None
    profile = policy.profiles.get(ticket.profile)
    named = source.steps_in(profile).get(step.event_kind) if source and profile else None
    return {
        "step": named.name if named else step.event_kind,
        "cause": step.cause,
        "channel": step.medium,
        "source": source.label["zh-CN"] if source else "",
        "told": step.notice_id,
    }
