"""One rung of a ladder 预警 → 催办 → 超期 → 督办 → 通报: whether it speaks, and when to look again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ticket_core.decide.case import Case
from ticket_core.decide.timers import ladder, rung_at
from ticket_core.model import Ticket, TicketChange, Timer
from ticket_core.policy import Policy


def climb(ticket: Ticket, timer: Timer, now: datetime, policy: Policy) -> tuple[Timer, TicketChange | None]:
    """Every rung of `timer` that is due by `now`: the timer afterwards, and what happened to the ticket if anything.

    A rung fires once per due time. One before the deadline is passed over when the deadline itself is past; one whose
    conditions do not hold yet waits for the next urge. A ticket that owes nothing any more ends the timer.
    """
    profile = policy.profiles[ticket.profile]
    if not timer.running or not ticket.open:
        return replace(timer, next_at=None), None
    case = Case.of(ticket, {}, policy)
    happened = False
    fired = list(timer.fired)
    next_at: datetime | None = None
    for rung in ladder(timer, profile):
        if rung.name in fired:
            continue
        at = rung_at(rung, timer.due_at, profile, policy.calendar)
        if at > now:
            next_at = at
            break
        if ticket.urges < rung.urges or (rung.unexplained and ticket.explained):
            continue
        fired.append(rung.name)
        if rung.offset.startswith("-") and timer.due_at <= now:
            continue
        happened = True
        case.happen(
            rung.event, now, "clock", {"deadline": timer.name, "rung": rung.name, "due_at": timer.due_at.isoformat()}
        )
    overdue = timer.due_at <= now
    timer = replace(
        timer,
        fired=tuple(fired),
        next_at=next_at,
        warned_at=timer.warned_at or (now if fired and not overdue else None),
        overdue_at=timer.overdue_at or (now if overdue else None),
    )
    return timer, case.change() if happened else None
