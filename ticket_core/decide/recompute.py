"""A provisional deadline, computed anew: the year it touched is published, or the operator's own days have changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ticket_core.calendar import Calendar
from ticket_core.decide.case import Case
from ticket_core.decide.deadline import prolonged
from ticket_core.decide.span import Span
from ticket_core.decide.timers import due_by_rule, move, with_next_rung
from ticket_core.model import Event, Ticket, Timer
from ticket_core.policy import Policy
from ticket_core.profile import Profile

#: Events that moved a due time; each says from where to where.
_MOVED = frozenset({"extended", "deadline_recomputed"})


def is_outdated(timer: Timer, calendar: Calendar) -> bool:
    """Whether a deadline still owed may be another with this calendar."""
    return timer.running and timer.provisional and timer.calendar != calendar.version


def recompute_case(
    ticket: Ticket, timers: Mapping[str, Timer], events: Sequence[Event], now: datetime, policy: Policy
) -> tuple[Case | None, list[Timer]]:
    """What happens to a ticket, None for nothing; and the timers that stay as they are, with their new calendar."""
    profile = policy.profiles[ticket.profile]
    case = Case.of(ticket, timers, policy)
    kept: list[Timer] = []
    for old in timers.values():
        if not is_outdated(old, policy.calendar):
            continue
        new = recomputed(old, ticket, events, profile, policy.calendar)
        if new.due_at == old.due_at and new.provisional:
            kept.append(new)
            continue
        case.set_timer(new)
        case.happen(
            "deadline_recomputed",
            now,
            "clock",
            {
                "deadline": old.name,
                "due_before": old.due_at.isoformat(),
                "due_at": new.due_at.isoformat(),
                "provisional": new.provisional,
                "calendar": policy.calendar.version,
            },
        )
    return (case if case.state["version"] > ticket.version else None), kept


def recomputed(timer: Timer, ticket: Ticket, events: Sequence[Event], profile: Profile, calendar: Calendar) -> Timer:
    """The timer as this calendar has it.

    Its own rule from its own start, but not after the forwarding body's time; then extended as it was. Where the due
    time is another one, the rungs may fire again for it.
    """
    granted_until, spans = _extensions(timer, events)
    if granted_until is not None:
        due_at, provisional = granted_until, False
    else:
        when = due_by_rule(timer.started_at, timer, profile, calendar)
        theirs = (at for name, at in (ticket.source.deadlines if ticket.source else ()) if name == timer.name)
        due_at, provisional = min((when.due_at, *theirs)), when.provisional
    for span in spans:
        later = prolonged(due_at, span, calendar=calendar, zone=profile.tz)
        due_at, provisional = later.due_at, provisional or later.provisional
    new = replace(timer, provisional=provisional, calendar=calendar.version)
    return with_next_rung(new, profile, calendar) if due_at == timer.due_at else move(new, due_at, profile, calendar)


def _extensions(timer: Timer, events: Sequence[Event]) -> tuple[datetime | None, Iterable[Span]]:
    """The extensions that led to the timer's due time, oldest first: each began where the one before it ended.

    Before them the time until which the forwarding body itself granted more, if it did: that is no span of ours.
    """
    if timer.origin != "extension":
        return None, ()
    spans: list[Span] = []
    due_at = timer.due_at
    for event in reversed(events):
        said = event.data
        if event.kind not in _MOVED or said["deadline"] != timer.name or _time(said["due_at"]) != due_at:
            continue
        if event.kind == "extended" and "amount" not in said:
            return due_at, reversed(spans)
        due_at = _time(said["due_before"])
        if event.kind == "extended":
            spans.append(Span(said["amount"], said["unit"]))  # type: ignore[arg-type]  # as the action has checked them
    return None, reversed(spans)


def _time(written: object) -> datetime:
    return datetime.fromisoformat(str(written))
