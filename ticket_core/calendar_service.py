"""The transaction script for a new calendar: what was computed without it is computed again (contract, section 6)."""

from __future__ import annotations

from datetime import datetime

from ticket_core.decide.recompute import recompute_case
from ticket_core.model import TicketChange, Timer
from ticket_core.policy import Policy
from ticket_core.store.tickets import load_events, load_outdated_timers, save, write_timers
from ticket_core.store.tx import Tx


def recompute(tx: Tx, now: datetime, policy: Policy, *, most: int = 100) -> int:
    """Compute provisional deadlines with the calendar of `policy`, of at most `most` tickets; returns of how many.

    Run again while it returns `most`. A ticket whose deadline moved, or is certain now, has an event that says so.
    """
    changes: list[TicketChange] = []
    kept: list[Timer] = []
    tickets, timers = load_outdated_timers(tx.connection, policy.calendar.version, most)
    for ticket_id, ticket in tickets.items():
        events = load_events(tx.connection, ticket_id)
        case, same = recompute_case(ticket, timers[ticket_id], events, now, policy)
        kept += same
        if case is not None:
            changes.append(case.change())
    save(tx, changes, policy)
    write_timers(tx, kept)
    return len(tickets)
