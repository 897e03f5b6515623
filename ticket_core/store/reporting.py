"""What forwarding bodies have not heard of: the steps that wait to be reported, and the cases of a reply sheet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ticket_core.decide.reply import Reported, report_by
from ticket_core.model import Ticket
from ticket_core.policy import Policy
from ticket_core.store.replies import WaitingStep, events_of, waiting_steps
from ticket_core.store.tickets import load_tickets, load_timers

#: Whether somebody may see the personal data of a ticket.
May = Callable[[Ticket], bool]
#: Steps in one sheet; what is left goes into the next.
MOST_STEPS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreported:
    """A step that waits, what the body calls it, and by when it should have heard of it."""

    step: WaitingStep
    name: str
    ticket: Ticket
    due_at: datetime | None


def unreported(
    connection: Connection, policy: Policy, *, source: str = "", ticket_id: int | None = None
) -> list[Unreported]:
    """What is to be reported, the most urgent first; then what has no limit, oldest first."""
    steps = waiting_steps(connection, source=source, ticket_id=ticket_id)
    ids = {one.ticket_id for one in steps}
    tickets, timers = load_tickets(connection, ids), load_timers(connection, ids)
    found = []
    for one in steps:
        ticket, rules = tickets[one.ticket_id], policy.sources.get(one.source)
        profile = policy.profiles.get(ticket.profile)
        name, due_at = one.event.kind, None
        if rules is not None and profile is not None:
            step = rules.steps_in(profile).get(one.event.kind)
            name = step.name if step else name
            due_at = report_by(one.event, ticket, timers[ticket.id], rules, profile, policy.calendar)
        found.append(Unreported(step=one, name=name, ticket=ticket, due_at=due_at))
    return sorted(found, key=lambda one: (one.due_at is None, one.due_at or one.step.event.at, one.step.notice_id))


def cases_to_report(
    connection: Connection, *, source: str, since: datetime | None = None, may: May | None = None
) -> tuple[list[Reported], list[int]]:
    """What waits for one body, by case in the order in which the cases first waited, and the notices that stand for it.

    `since` leaves out steps that happened before, `may` cases that it does not allow.
    """
    steps = waiting_steps(connection, source=source, since=since)
    tickets = load_tickets(connection, {one.ticket_id for one in steps})
    allowed = [one for one in steps if may is None or may(tickets[one.ticket_id])][:MOST_STEPS]
    by_case: dict[int, list[WaitingStep]] = {}
    for one in allowed:
        by_case.setdefault(one.ticket_id, []).append(one)
    events = events_of(connection, list(by_case))
    cases = [
        Reported(
            ticket=tickets[ticket_id],
            events=events[ticket_id],
            steps=sorted((one.event for one in some), key=lambda event: event.seq),
        )
        for ticket_id, some in by_case.items()
    ]
    return cases, [one.notice_id for one in allowed]
