"""Minutes that count only while the office is open: a value for the opening times, and walks over them in both
directions.

A span becomes two instants, its opening and its closing on the clock of the zone, and what lies between is counted as
real elapsed time. So a night shift over a change to summer time is an hour shorter, and every answer is an instant
that exists. A clock time that a change skips or repeats is read with the offset before the change (PEP 495, fold 0).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from ticket_core.calendar import Calendar

_DAY = 24 * 60
_WRITTEN = re.compile(r"(\d\d?):(\d\d)\s*[-–—~至]\s*(\d\d?):(\d\d)")


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """The opening spans of a working day, as (start, end) in minutes since midnight, in order.

    The start is 0..1439; the end is up to a day later, so 22:00-06:00 is (1320, 1800) and belongs to the day it
    begins on. Raises ValueError for no span, an empty one, or spans that overlap, also into the next morning.
    """

    spans: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        if not self.spans:
            raise ValueError("working hours need at least one span")
        for start, end in self.spans:
            if not (0 <= start < _DAY and start < end <= start + _DAY):
                raise ValueError(f"not a span of a day, in minutes: {start}-{end}")
        starts = [start for start, _ in self.spans[1:]] + [self.spans[0][0] + _DAY]
        for (start, end), following in zip(self.spans, starts, strict=True):
            if end > following:
                raise ValueError(f"spans overlap or are out of order after {start}-{end}")

    @classmethod
    def parse(cls, written: str | Iterable[str]) -> WorkingHours:
        """Read `09:00-12:00, 13:30-17:30`, or a list of such spans; an end not after its start is on the next day.

        Raises ValueError naming the span.
        """
        texts = re.split(r"[,,;;、]", written) if isinstance(written, str) else written
        return cls(tuple(_span(text) for text in texts))


def _span(text: str) -> tuple[int, int]:
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"not a span like 09:00-12:00: {text!r}")
    hour, minute, last_hour, last_minute = map(int, found.groups())
    start, end = hour * 60 + minute, last_hour * 60 + last_minute
    if minute > 59 or last_minute > 59 or start >= _DAY or end > _DAY:
        raise ValueError(f"no such time of day: {text!r}")
    return start, end if end > start else end + _DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTime:
    """One stretch of open time in UTC, and the working day it belongs to."""

    day: date
    opens_at: datetime
    closes_at: datetime


def open_times(start: datetime, calendar: Calendar, zone: tzinfo, hours: WorkingHours) -> Iterator[OpenTime]:
    """Yield the open time from an instant on, in order, the first stretch cut to begin there; it ends with the
    calendar."""
    cursor = start.astimezone(UTC)
    # A day earlier, for the shift that began yesterday and is still on.
    day = calendar.next_working(cursor.astimezone(zone).date() - timedelta(1))
    while True:
        for opening, closing in hours.spans:
            opens_at, closes_at = max(_instant(day, opening, zone), cursor), _instant(day, closing, zone)
            if opens_at < closes_at:
                yield OpenTime(day=day, opens_at=opens_at, closes_at=closes_at)
                cursor = closes_at
        day = calendar.add_working_days(day, 1)


def open_times_before(end: datetime, calendar: Calendar, zone: tzinfo, hours: WorkingHours) -> Iterator[OpenTime]:
    """Yield the open time up to an instant, latest first, the first stretch cut to end there; it ends with the
    calendar."""
    cursor = end.astimezone(UTC)
    day = cursor.astimezone(zone).date()
    if not calendar.is_working(day):
        day = calendar.add_working_days(day, -1)
    while True:
        for opening, closing in reversed(hours.spans):
            opens_at, closes_at = _instant(day, opening, zone), min(_instant(day, closing, zone), cursor)
            if opens_at < closes_at:
                yield OpenTime(day=day, opens_at=opens_at, closes_at=closes_at)
                cursor = opens_at
        day = calendar.add_working_days(day, -1)


def count_forward(
    start: datetime, amount: timedelta, calendar: Calendar, zone: tzinfo, hours: WorkingHours
) -> tuple[datetime, date]:
    """Return the earliest instant by which the amount (positive) of open time has passed, and the working day it is
    in."""
    for stretch in open_times(start, calendar, zone, hours):
        length = stretch.closes_at - stretch.opens_at
        if amount <= length:
            return stretch.opens_at + amount, stretch.day
        amount -= length
    raise AssertionError("open time ends only with an error")


def count_back(end: datetime, amount: timedelta, calendar: Calendar, zone: tzinfo, hours: WorkingHours) -> datetime:
    """Return the latest instant with the amount (positive) of open time left before the end."""
    for stretch in open_times_before(end, calendar, zone, hours):
        length = stretch.closes_at - stretch.opens_at
        if amount <= length:
            return stretch.closes_at - amount
        amount -= length
    raise AssertionError("open time ends only with an error")


def _instant(day: date, minute: int, zone: tzinfo) -> datetime:
    """Return the instant of a clock time given in minutes since the day's midnight, up to two days."""
    days, minute = divmod(minute, _DAY)
    return datetime.combine(day + timedelta(days), time(*divmod(minute, 60)), zone).astimezone(UTC)
