"""The obvious model of a deadline: one day or one minute at a time, from other data than the fast code's.

It shares no line with `ticket_core.calendar` or `ticket_core.decide`. Days come from the functions of
`chinese_calendar` and, for years it does not know, from the `holidays` package; overlays are a plain dictionary.
"""

from __future__ import annotations

import calendar as months_of_year
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache

import chinese_calendar
import holidays

ONE_DAY, ONE_MINUTE = timedelta(days=1), timedelta(minutes=1)
_MADE_BY_NOTICE = ("Day off", "observed")


@cache
def second_opinion(year: int) -> dict[date, str]:
    return dict(holidays.country_holidays("CN", years=year, language="en_US"))


@cache
def statutory(day: date) -> bool:
    """Say whether the law itself names the day; what the yearly notice added is marked in the package's names."""
    names = second_opinion(day.year).get(day, "")
    return any(not any(mark in name for mark in _MADE_BY_NOTICE) for name in names.split("; ") if name)


@cache
def known(year: int) -> bool:
    try:
        chinese_calendar.is_workday(date(year, 6, 1))
    except NotImplementedError:
        return False
    return True


@cache
def worked_by_notice(day: date) -> bool:
    return bool(chinese_calendar.is_workday(day)) if known(day.year) else day.weekday() < 5 and not statutory(day)


@cache
def in_a_break(day: date) -> bool:
    return known(day.year) and day in chinese_calendar.constants.holidays


@dataclass(frozen=True, kw_only=True)
class SlowCalendar:
    """Own days over the notices; `published` are years that an own file with papers covers."""

    own: dict[date, bool] = field(default_factory=dict)  # the day, and whether it is off
    published: frozenset[int] = frozenset()
    breaks_count: bool = False

    def works(self, day: date) -> bool:
        return not self.own[day] if day in self.own else worked_by_notice(day)

    def rests_by_law(self, day: date) -> bool:
        if self.works(day):
            return False
        return statutory(day) or (self.breaks_count and (in_a_break(day) or day in self.own))

    def is_known(self, day: date) -> bool:
        return day.year in self.published or known(day.year)


def slow_due(
    start: datetime,
    amount: int,
    unit: str,
    *,
    calendar: SlowCalendar,
    zone: tzinfo,
    clock: str,
    roll: str,
    hours: tuple[tuple[int, int], ...],
) -> tuple[datetime, bool]:
    """Return the due instant in UTC and whether it is provisional."""
    if unit in ("minutes", "hours"):
        minutes = amount * (60 if unit == "hours" else 1)
        if clock == "working_hours":
            return slow_open_minutes(start, minutes, calendar, zone, hours)
        return start.astimezone(UTC) + minutes * ONE_MINUTE, False
    asked: list[date] = []
    last = start.astimezone(zone).date()
    match unit:
        case "days":
            for _ in range(amount):
                last += ONE_DAY
        case "working_days":
            left = amount
            while left:
                last += ONE_DAY
                asked.append(last)
                left -= calendar.works(last)
        case "months":
            number = last.day
            for _ in range(amount):
                last = last.replace(day=1) + 31 * ONE_DAY
            last = last.replace(day=min(number, months_of_year.monthrange(last.year, last.month)[1]))
    if roll != "none":
        asked.append(last)
        while calendar.rests_by_law(last) if roll == "holiday" else not calendar.works(last):
            last += ONE_DAY
            asked.append(last)
    return slow_midnight(last + ONE_DAY, zone), not all(calendar.is_known(day) for day in asked)


def slow_midnight(day: date, zone: tzinfo) -> datetime:
    """Return the first instant of a day: walk up to it a quarter of an hour at a time, the step of all zones in use."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    while at.astimezone(zone).date() < day:
        at += timedelta(minutes=15)
    return at


def slow_open_minutes(
    start: datetime, minutes: int, calendar: SlowCalendar, zone: tzinfo, hours: tuple[tuple[int, int], ...]
) -> tuple[datetime, bool]:
    """Count whole open minutes from a start on a whole minute; due at the end of the last."""
    first = start.astimezone(zone).date()
    if any(end > 1440 for _, end in hours):
        first -= ONE_DAY
    asked, day, left, past = [], first - ONE_DAY, minutes, int(start.timestamp()) // 60
    while left:
        day += ONE_DAY
        asked.append(day)
        if not calendar.works(day):
            continue
        for minute in open_minutes(day, zone, hours):
            if minute >= past:
                past = minute + 1
                left -= 1
                if not left:
                    break
    return datetime.fromtimestamp(past * 60, UTC), not all(calendar.is_known(day) for day in asked)


@cache
def open_minutes(day: date, zone: tzinfo, hours: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    """Return the minutes since 1970 that a working day's spans cover."""
    covered: set[int] = set()
    for start, end in hours:
        covered.update(range(_minute(day, start, zone), _minute(day, end, zone)))
    return tuple(sorted(covered))


def _minute(day: date, minute: int, zone: tzinfo) -> int:
    face = datetime(day.year, day.month, day.day) + minute * ONE_MINUTE  # noqa: DTZ001 - the clock's face, then its zone
    return int(face.replace(tzinfo=zone).timestamp()) // 60
