"""A ticket's deadlines: when they start, what meets them, which rung comes next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from ticket_core.calendar import Calendar
from ticket_core.decide.deadline import due, shift
from ticket_core.decide.span import Span, parse_span
from ticket_core.decide.working_hours import WorkingHours
from ticket_core.model import FINISHED, Timer
from ticket_core.profile import DeadlineRule, Profile, Rung

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
    hours = working_hours(profile.working_hours) if rule.clock == "working_hours" else None
    when = due(
        at,
        Span(rule.amount, rule.unit),
        calendar=calendar,
        zone=profile.tz,
        clock=rule.clock,
        roll=rule.roll,
        hours=hours,
    )
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
        next_at=rung_at(next_rung(profile, rule.name, ()), when.due_at, profile, calendar),
    )


def next_rung(profile: Profile, name: str, fired: tuple[str, ...]) -> Rung | None:
    """The first rung of a deadline's ladder that has not fired."""
    for rung in profile.ladder_of.get(name, ()):
        if rung.name not in fired:
            return rung
    return None


def rung_at(rung: Rung | None, due_at: datetime, profile: Profile, calendar: Calendar) -> datetime | None:
    """When a rung of a deadline due at `due_at` fires; None for no rung."""
    if rung is None:
        return None
    return shift(due_at, _parse_span(rung.offset), calendar=calendar, zone=profile.tz)


def earlier(old: Timer | None, new: Timer) -> Timer:
    """Of a running timer and a newly started one, the one that is due first: a deadline never moves later by itself."""
    return old if old is not None and old.running and old.due_at <= new.due_at else new


def move(timer: Timer, due_at: datetime, profile: Profile, calendar: Calendar, **changes: object) -> Timer:
    """The timer with another due time; its rungs may fire again for it."""
    next_at = rung_at(next_rung(profile, timer.name, ()), due_at, profile, calendar)
    return replace(timer, due_at=due_at, fired=(), next_at=next_at, overdue_at=None, warned_at=None, **changes)  # type: ignore[arg-type]


def settle(timers: Mapping[str, Timer], event: str, stage: str, at: datetime, profile: Profile) -> dict[str, Timer]:
    """The timers that an event of this kind, or the stage it leads to, brings to an end."""
    ended: dict[str, Timer] = {}
    for name, timer in timers.items():
        if not timer.running:
            continue
        if event in profile.stops_of.get(name, ()):
            ended[name] = replace(timer, met_at=at, next_at=None)
        elif stage in FINISHED:
            ended[name] = replace(timer, cancelled_at=at, next_at=None)
    return ended
