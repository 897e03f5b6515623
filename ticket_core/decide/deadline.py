"""When something is due: pure arithmetic over instants, days and a calendar (contract, section 6).

- `minutes` and `hours` run from the start: on the wall clock as elapsed time, or with `working_hours` only while
  open.
- `days` and `working_days` do not count the start day and are due at its last day's end: 24:00 in the zone, which is
  00:00 of the next day. The clock does not change them.
- `months` are due at the end of the same day number, or of the last day of a shorter month; `same_day` at the end of
  the day.
- A roll moves a last day, so it concerns days, months and the same day, never hours.
- An amount below 1 is refused: a deadline in the past or at once is a slip of the pen in a rule.
"""

from __future__ import annotations

import calendar as months_of_year
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal

from ticket_core.calendar import Calendar
from ticket_core.decide.proof import day_steps, framed, open_steps, words_of
from ticket_core.decide.span import UNITS, Span, Unit, parse_span
from ticket_core.decide.working_hours import WorkingHours, count_back, count_forward, open_times

__all__ = [
    "UNITS", "Clock", "Due", "Roll", "Span", "Unit", "WorkingHours", "after", "before", "due", "last_day", "next_open",
    "parse_span", "prolonged", "proof", "shift",
]  # fmt: skip

Clock = Literal["wall", "working_hours"]
Roll = Literal["none", "holiday", "non_working"]

_INSTANT = timedelta(microseconds=1)
_LENGTHS: Mapping[Unit, timedelta] = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The instant something is due, in UTC, and whether it may move when a year's notice is published."""

    due_at: datetime
    provisional: bool = False


def due(
    start: datetime,
    span: Span,
    *,
    calendar: Calendar,
    zone: tzinfo,
    clock: Clock = "wall",
    roll: Roll = "none",
    hours: WorkingHours | None = None,
) -> Due:
    """Return when a span that begins at an aware instant is due.

    Provisional means that a day had to be looked up in a year not yet published. Raises ValueError for a naive start,
    an amount below 1, a `working_hours` clock without hours, or a result outside the calendar's years.
    """
    if start.tzinfo is None:
        raise ValueError("a start without a time zone")
    if span.amount < 1:
        raise ValueError(f"a deadline needs an amount of at least 1, not {span}")
    length = _LENGTHS.get(span.unit)
    if length is None:
        first = start.astimezone(zone).date()
        _, rolled, certain = last_day(first, span, calendar, roll)
        return Due(due_at=_end_of(rolled, zone), provisional=not certain)
    if clock == "wall":
        return Due(due_at=start.astimezone(UTC) + length * span.amount)
    hours = _required(hours)
    due_at, day = count_forward(start, length * span.amount, calendar, zone, hours)
    looked_up_from = start.astimezone(zone).date() - timedelta(hours.spans[-1][1] > 24 * 60)
    return Due(due_at=due_at, provisional=not calendar.all_published(looked_up_from, day))


def last_day(first: date, span: Span, calendar: Calendar, roll: Roll = "none") -> tuple[date, date, bool]:
    """Return the last day of a span of days from a start day, the day it rolls to, and whether all days asked are
    published."""
    last = _LAST_DAY[span.unit](first, span.amount, calendar)
    rolled = _ROLLED[roll](last, calendar)
    if span.unit == "working_days":
        return last, rolled, calendar.all_published(first + timedelta(1), rolled)
    return last, rolled, roll == "none" or calendar.all_published(last, rolled)


def before(
    due_at: datetime,
    span: Span,
    *,
    calendar: Calendar,
    zone: tzinfo,
    clock: Clock = "wall",
    hours: WorkingHours | None = None,
) -> datetime:
    """Return the instant (UTC) a span before a due time: the latest that leaves the whole span.

    It is not `due` backwards: days and months keep the clock time of `due_at`, so "1 working_days" before the 24:00
    that ends Monday is Monday 00:00, and before 18:30 it is 18:30 of the working day before. `same_day` is the
    beginning of the day that `due_at` is in or ends. An amount of 0 is `due_at`; raises ValueError below that and as
    `due` does. Whether a reminder may go out at such an hour is for `next_open` and quiet hours to say.
    """
    due_at = _checked(due_at, span)
    length = _LENGTHS.get(span.unit)
    if span.amount == 0:
        return due_at
    if length is not None:
        if clock == "wall":
            return due_at - length * span.amount
        return count_back(due_at, length * span.amount, calendar, zone, _required(hours))
    if span.unit == "same_day":
        ended = (due_at - _INSTANT).astimezone(zone).date()
        return _end_of(ended - timedelta(1), zone)
    local = due_at.astimezone(zone)
    day = _LAST_DAY[span.unit](local.date(), -span.amount, calendar)
    return datetime.combine(day, local.time(), zone).astimezone(UTC)


def after(
    due_at: datetime,
    span: Span,
    *,
    calendar: Calendar,
    zone: tzinfo,
    clock: Clock = "wall",
    hours: WorkingHours | None = None,
) -> datetime:
    """Return the instant (UTC) at which a whole span has passed since a due time.

    Days are full days: "5 working_days" after the 24:00 that ends Friday is the end of the fifth working day after
    that Friday, and so it is after Friday 18:30. An amount of 0 is `due_at`; raises ValueError below that and as
    `due` does.
    """
    return prolonged(due_at, span, calendar=calendar, zone=zone, clock=clock, hours=hours).due_at


def prolonged(
    due_at: datetime,
    span: Span,
    *,
    calendar: Calendar,
    zone: tzinfo,
    clock: Clock = "wall",
    hours: WorkingHours | None = None,
) -> Due:
    """Return what `after` returns, and whether it may move when a year's notice is published."""
    due_at = _checked(due_at, span)
    if span.amount == 0:
        return Due(due_at=due_at)
    if span.unit in _LENGTHS:
        return due(due_at, span, calendar=calendar, zone=zone, clock=clock, hours=hours)
    # Midnight belongs to the day it ends, so the next day is the first full one.
    return due(due_at - _INSTANT, span, calendar=calendar, zone=zone)


def shift(
    due_at: datetime,
    span: Span,
    *,
    calendar: Calendar,
    zone: tzinfo,
    clock: Clock = "wall",
    hours: WorkingHours | None = None,
) -> datetime:
    """Return the instant of a ladder's rung: `before` the due time for a negative amount, `after` it for any
    other."""
    move = before if span.amount < 0 else after
    return move(due_at, Span(abs(span.amount), span.unit), calendar=calendar, zone=zone, clock=clock, hours=hours)


def next_open(at: datetime, *, calendar: Calendar, zone: tzinfo, hours: WorkingHours) -> datetime:
    """Return the instant itself while the office is open, else the next opening (UTC)."""
    return next(open_times(at, calendar, zone, hours)).opens_at


def proof(
    start: datetime,
    span: Span,
    *,
    calendar: Calendar,
    zone: tzinfo,
    clock: Clock = "wall",
    roll: Roll = "none",
    hours: WorkingHours | None = None,
    locale: str = "zh-CN",
) -> tuple[str, ...]:
    """Explain `due` step by step, in Chinese or for an `en` locale in English; at most 40 lines, long runs summed up.

    Slow, for a person who asks. Raises ValueError as `due` does.
    """
    words = words_of(locale)
    result = due(start, span, calendar=calendar, zone=zone, clock=clock, roll=roll, hours=hours)
    steps: Iterable[str]
    if span.unit not in _LENGTHS:
        first = start.astimezone(zone).date()
        last, rolled, _ = last_day(first, span, calendar, roll)
        steps = day_steps(first, last, rolled, span, calendar, words)
    elif clock == "wall":
        steps = (words["elapsed"],)
    else:
        steps = open_steps(open_times(start, calendar, zone, _required(hours)), result.due_at, zone, words)
    return framed(
        steps,
        start=start,
        span=span,
        due_at=result.due_at,
        zone=zone,
        provisional=result.provisional,
        version=calendar.version,
        words=words,
    )


def _same_number(first: date, count: int, _: Calendar) -> date:
    year, month = divmod(first.year * 12 + first.month - 1 + count, 12)
    if not 1 <= year <= 9999:
        raise ValueError(f"{count} months from {first} leave the calendar")
    return date(year, month + 1, min(first.day, months_of_year.monthrange(year, month + 1)[1]))


def _plain_days(first: date, count: int, _: Calendar) -> date:
    try:
        return first + timedelta(count)
    except OverflowError:
        raise ValueError(f"{count} days from {first} leave the calendar") from None


_LAST_DAY: Mapping[Unit, Callable[[date, int, Calendar], date]] = {
    "days": _plain_days,
    "working_days": lambda first, count, calendar: calendar.add_working_days(first, count),
    "months": _same_number,
    "same_day": lambda first, _count, _calendar: first,
}
_ROLLED: Mapping[Roll, Callable[[date, Calendar], date]] = {
    "none": lambda day, _: day,
    "holiday": lambda day, calendar: calendar.next_not_holiday(day),
    "non_working": lambda day, calendar: calendar.next_working(day),
}


def _end_of(day: date, zone: tzinfo) -> datetime:
    """Return 24:00 of a day in a zone; the first of two midnights where a change of the clock repeats it."""
    day += timedelta(1)
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _checked(due_at: datetime, span: Span) -> datetime:
    if due_at.tzinfo is None:
        raise ValueError("a due time without a time zone")
    if span.amount < 0:
        raise ValueError(f"say before or after, not {span}")
    return due_at.astimezone(UTC)


def _required(hours: WorkingHours | None) -> WorkingHours:
    if hours is None:
        raise ValueError("the working_hours clock needs working hours")
    return hours
