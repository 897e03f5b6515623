"""Random deadlines against the slow model: every unit, clock, roll, overlay and zone, around the days that hurt."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.core.slow_deadline import SlowCalendar, slow_due
from ticket_core.calendar import Calendar, YearFile, load_calendar
from ticket_core.decide.deadline import UNITS, Clock, Roll, Span, Unit, WorkingHours, before, due

ZONES = tuple(
    map(ZoneInfo, ("Asia/Shanghai", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "America/Havana"))
)
OPENING = tuple(
    map(WorkingHours.parse, ("09:00-12:00,13:30-17:30", "00:00-24:00", "22:00-06:00", "01:30-02:15,02:20-08:00"))
)
FIRST, LAST = datetime(2024, 12, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC)
HURTING = (
    *(date(2024, 12, 31), date(2025, 1, 25), date(2025, 3, 8), date(2025, 10, 5), date(2026, 2, 13)),
    *(date(2026, 3, 8), date(2026, 4, 4), date(2026, 6, 18), date(2026, 9, 30), date(2026, 10, 31)),
    *(date(2026, 12, 31), date(2027, 2, 5), date(2027, 3, 14)),
)
# Worked in the random overlays, or no open time would ever lie over a change of the clock: those are Sundays.
CLOCK_CHANGES = tuple(
    date(2026, month, day) for month, day in ((3, 7), (3, 8), (4, 4), (4, 5), (10, 3), (10, 4), (10, 31), (11, 1))
)
MOST: dict[Unit, int] = {"minutes": 600, "hours": 30, "days": 70, "working_days": 50, "months": 14, "same_day": 1}


def calendars() -> tuple[tuple[Calendar, SlowCalendar], ...]:
    """Return the same days twice, as the fast code and as the model know them."""
    draw = random.Random(20261122)
    pairs = [(load_calendar(), SlowCalendar()), (load_calendar(holiday="break"), SlowCalendar(breaks_count=True))]
    for papers, breaks_count in (
        ((), False),
        (("https://example.com/notice",), False),
        (("https://example.com/n",), True),
    ):
        own = {
            date(year, 1, 1) + timedelta(number): draw.random() < 0.5
            for year in (2026, 2027)
            for number in draw.sample(range(365), 40)
        } | dict.fromkeys(CLOCK_CHANGES, False)
        files = [
            YearFile.model_validate(
                {
                    "year": year,
                    "papers": papers,
                    "days": [
                        {"name": "自定", "date": day, "isOffDay": off} for day, off in own.items() if day.year == year
                    ],
                }
            )
            for year in (2026, 2027)
        ]
        published = frozenset({2026, 2027} if papers else ())
        pairs.append(
            (
                load_calendar(files, holiday="break" if breaks_count else "statutory"),
                SlowCalendar(own=own, published=published, breaks_count=breaks_count),
            )
        )
    return tuple(pairs)


CALENDARS = calendars()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    start: datetime
    span: Span
    clock: Clock
    roll: Roll
    calendar: int
    zone: ZoneInfo
    hours: WorkingHours


def random_cases(seed: int, count: int) -> Iterator[Case]:
    draw = random.Random(seed)
    whole_minutes = int((LAST - FIRST).total_seconds()) // 60
    for _ in range(count):
        unit = draw.choice(UNITS)
        clock: Clock = draw.choice(("wall", "working_hours"))
        if draw.random() < 0.5:
            start = FIRST + timedelta(minutes=draw.randrange(whole_minutes))
        else:
            day = draw.choice(HURTING)
            start = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=draw.randrange(-1440, 2880))
        if clock == "wall":  # the model steps through open time by whole minutes
            start += timedelta(microseconds=draw.choice((0, 0, 1, draw.randrange(60_000_000))))
        yield Case(
            start=start,
            span=Span(draw.randint(1, MOST[unit]), unit),
            clock=clock,
            roll=draw.choice(("none", "holiday", "non_working")),
            calendar=draw.randrange(len(CALENDARS)),
            zone=draw.choice(ZONES),
            hours=draw.choice(OPENING),
        )


def disagreements(cases: Iterator[Case]) -> list[tuple[Case, object, object]]:
    """Return at most three cases on which the two disagree, each with both answers."""
    found: list[tuple[Case, object, object]] = []
    for case in cases:
        fast, slow = CALENDARS[case.calendar]
        said = due(
            case.start, case.span, calendar=fast, zone=case.zone, clock=case.clock, roll=case.roll, hours=case.hours
        )
        expected = slow_due(
            case.start,
            case.span.amount,
            case.span.unit,
            calendar=slow,
            zone=case.zone,
            clock=case.clock,
            roll=case.roll,
            hours=case.hours.spans,
        )
        if (said.due_at, said.provisional) != expected:
            found.append((case, said, expected))
            if len(found) == 3:
                break
    return found


def test_twenty_thousand_random_deadlines_agree_with_the_slow_model() -> None:
    assert disagreements(random_cases(seed=0, count=20_000)) == []


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("shard", range(1, 11))
def test_a_million_random_deadlines_agree_with_the_slow_model(shard: int) -> None:
    assert disagreements(random_cases(seed=shard, count=100_000)) == []


def test_open_time_counted_back_from_a_deadline_is_the_latest_start_of_it() -> None:
    for case in random_cases(seed=7, count=4_000):
        if case.span.unit not in ("minutes", "hours"):
            continue
        calendar = CALENDARS[case.calendar][0]
        settings = {"calendar": calendar, "zone": case.zone, "clock": case.clock, "hours": case.hours}
        reached = due(case.start, case.span, **settings).due_at
        latest = before(reached, case.span, **settings)
        assert latest >= case.start
        assert due(latest, case.span, **settings).due_at == reached
        assert due(latest + timedelta(microseconds=1), case.span, **settings).due_at > reached
