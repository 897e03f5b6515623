"""A ticket's deadlines: when they start, what meets them, which rung comes next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from ticket_core.calendar import Calendar
from ticket_core.decide.deadline import Clock, Due, Roll, due, shift
from ticket_core.decide.span import Span, Unit, parse_span
from ticket_core.decide.working_hours import WorkingHours
from ticket_core.model import FINISHED, JSON, Source, Timer
from ticket_core.profile import DeadlineRule, Profile, Rung

#: What meets a deadline that only the forwarding body knows.
_ANSWERED = frozenset({"answered"})
_parse_span = lru_cache(maxsize=512)(parse_span)


@lru_cache(maxsize=64)
def working_hours(written: tuple[tuple[str, str], ...]) -> WorkingHours:
    """The working hours of a profile."""
    return WorkingHours.parse([f"{opens}-{closes}" for opens, closes in written])


def rules_for(
    profile: Profile,
    start: str,
    received_at: datetime,
    *,
    kind: str,
    grade: str,
    priority: str,
    source: str,
    stage: str,
) -> Iterable[DeadlineRule]:
    """The rules that an event of kind `start` sets going on such a ticket, valid on the day it was received."""
    for rule in profile.rules_of.get(start, ()):
        if not rule.when.matches(kind=kind, grade=grade, priority=priority, source=source, stage=stage):
            continue
        if rule.valid_from is not None or rule.valid_to is not None:
            day = received_at.astimezone(profile.tz).date()
            if (rule.valid_from and day < rule.valid_from) or (rule.valid_to and day > rule.valid_to):
                continue
        yield rule


def start_timer(rule: DeadlineRule, ticket_id: int, at: datetime, profile: Profile, calendar: Calendar) -> Timer:
    """The timer of a rule that starts now."""
    when = due_by_rule(at, rule, profile, calendar)
    return Timer(
        ticket_id=ticket_id,
        name=rule.name,
        amount=rule.amount,
        unit=rule.unit,
        clock=rule.clock,
        roll=rule.roll,
        started_at=at,
        due_at=when.due_at,
        provisional=when.provisional,
        calendar=calendar.version,
        next_at=_next_at(ladder(rule, profile), (), when.due_at, profile, calendar),
    )


def due_by_rule(at: datetime, rule: DeadlineRule | Timer, profile: Profile, calendar: Calendar) -> Due:
    """When a deadline that starts at `at` is due: by a rule, or by the one that a timer keeps."""
    hours = working_hours(profile.working_hours) if rule.clock == "working_hours" else None
    span = Span(rule.amount, cast("Unit", rule.unit))
    clock, roll = cast("Clock", rule.clock), cast("Roll", rule.roll)
    return due(at, span, calendar=calendar, zone=profile.tz, clock=clock, roll=roll, hours=hours)


def ladder(one: Timer | DeadlineRule, profile: Profile) -> tuple[Rung, ...]:
    """The rungs of a deadline, in order."""
    if one.unit:
        return profile.ladder_of.get((one.name, one.amount, one.unit), ())
    return next((rungs for (name, _, _), rungs in profile.ladder_of.items() if name == one.name), ())


def _next_at(
    rungs: tuple[Rung, ...], fired: tuple[str, ...], due_at: datetime, profile: Profile, calendar: Calendar
) -> datetime | None:
    rung = next((rung for rung in rungs if rung.name not in fired), None)
    return None if rung is None else rung_at(rung, due_at, profile, calendar)


def with_next_rung(timer: Timer, profile: Profile, calendar: Calendar) -> Timer:
    """The timer, to be looked at when the first of its rungs that has not fired is to fire.

    One that only the forwarding body knows may have no rungs; then it only becomes overdue.
    """
    if timer.overdue_at is None and not ladder(timer, profile):
        return replace(timer, next_at=None if timer.unit else timer.due_at)
    return replace(timer, next_at=_next_at(ladder(timer, profile), timer.fired, timer.due_at, profile, calendar))


def rung_at(rung: Rung, due_at: datetime, profile: Profile, calendar: Calendar) -> datetime:
    """When a rung of a deadline due at `due_at` fires."""
    return shift(due_at, _parse_span(rung.offset), calendar=calendar, zone=profile.tz)


def earlier(old: Timer | None, new: Timer) -> Timer:
    """Of a running timer and a newly started one, the one that is due first: a deadline never moves later by itself."""
    return old if old is not None and old.running and old.due_at <= new.due_at else new


def move(timer: Timer, due_at: datetime, profile: Profile, calendar: Calendar, **changes: object) -> Timer:
    """The timer with another due time; its rungs may fire again for it."""
    moved = replace(timer, due_at=due_at, fired=(), overdue_at=None, warned_at=None, **changes)  # type: ignore[arg-type]
    return with_next_rung(moved, profile, calendar)


def as_json(timer: Timer) -> JSON:
    """A running timer as an event keeps it, to put it back later."""
    return {
        "due_at": timer.due_at.isoformat(),
        "started_at": timer.started_at.isoformat(),
        "rule": [timer.amount, timer.unit, timer.clock, timer.roll],
        "origin": timer.origin,
        "provisional": timer.provisional,
        "calendar": timer.calendar,
        "fired": list(timer.fired),
    }


def put_back(timer: Timer, kept: Mapping[str, Any], profile: Profile, calendar: Calendar) -> Timer:
    """The timer as `as_json` kept it; rungs that spoke for that due time stay silent."""
    amount, unit, clock, roll = kept["rule"]
    back = replace(
        timer,
        amount=amount,
        unit=unit,
        clock=clock,
        roll=roll,
        origin=kept["origin"],
        provisional=kept["provisional"],
        calendar=kept["calendar"],
        started_at=datetime.fromisoformat(kept["started_at"]),
        due_at=datetime.fromisoformat(kept["due_at"]),
        fired=tuple(kept["fired"]),
        overdue_at=None,
        warned_at=None,
    )
    return with_next_rung(back, profile, calendar)


def from_source(
    ours: Timer | None,
    name: str,
    due_at: datetime,
    *,
    ticket_id: int,
    at: datetime,
    profile: Profile,
    calendar: Calendar,
) -> Timer:
    """Our deadline, at the forwarding body's time where that is earlier (contract, section 6).

    Both are kept: ours follows from the timer's rule and start, theirs stands in the ticket's source. One we have no
    rule for climbs the ladder of its name, if there is one.
    """
    if ours is None:
        theirs = Timer(ticket_id=ticket_id, name=name, amount=0, unit="", started_at=at, due_at=due_at, origin="source")
        return with_next_rung(theirs, profile, calendar)
    return ours if ours.due_at <= due_at else move(ours, due_at, profile, calendar, origin="source")


def their_limit(source: Source | None, name: str) -> datetime | None:
    """The forwarding body's own time for a deadline: what it granted, else what it sent; None where it said nothing."""
    return (dict(source.deadlines) | dict(source.granted)).get(name) if source else None


def settle(timers: Mapping[str, Timer], event: str, stage: str, at: datetime, profile: Profile) -> dict[str, Timer]:
    """The timers that an event of this kind, or the stage it leads to, brings to an end."""
    ended: dict[str, Timer] = {}
    for name, timer in timers.items():
        if not timer.running:
            continue
        if event in profile.stops_of.get(name, _ANSWERED):
            ended[name] = replace(timer, met_at=at, next_at=None)
        elif stage in FINISHED:
            ended[name] = replace(timer, cancelled_at=at, next_at=None)
    return ended


def promise(timers: Iterable[Timer], profile: Profile) -> Timer | None:
    """What the complainant was promised: the last running deadline that an answer meets; the others lead to it."""
    owed = [one for one in timers if one.running and "answered" in profile.stops_of.get(one.name, ())]
    return max(owed, key=lambda one: one.due_at, default=None)
