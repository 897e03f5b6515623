"""When things are due: the golden cases of the law and the rule books, one row each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from ticket_core.calendar import YearFile, load_calendar
from ticket_core.decide.deadline import (
    Clock,
    Due,
    Roll,
    Span,
    WorkingHours,
    after,
    before,
    due,
    next_open,
    parse_span,
    shift,
)

CHINA = load_calendar()
BREAKS = load_calendar(holiday="break")
SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
OFFICE = WorkingHours.parse("09:00-12:00, 13:30-17:30")
NIGHT = WorkingHours.parse("22:00-06:00")


def local(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def day_due(start: str, span: str, roll: Roll = "none") -> str:
    """Return the last day of a deadline, checking that it ends at 24:00."""
    found = due(local(start), parse_span(span), calendar=CHINA, zone=SHANGHAI, roll=roll).due_at
    end = found.astimezone(SHANGHAI)
    assert (end.hour, end.minute, end.second, end.microsecond) == (0, 0, 0, 0)
    return str(end.date() - timedelta(days=1))


@pytest.mark.parametrize(
    ("start", "count", "last"),
    [
        ("2025-01-24", 3, "2025-02-05"),
        ("2025-01-24", 7, "2025-02-10"),
        ("2025-09-26", 7, "2025-10-13"),
        ("2025-09-30", 1, "2025-10-09"),
        ("2025-10-10", 3, "2025-10-14"),
        ("2025-12-31", 1, "2026-01-04"),
        ("2026-02-13", 1, "2026-02-14"),
        ("2026-02-13", 3, "2026-02-25"),
        ("2026-02-13", 5, "2026-02-27"),
        ("2026-04-30", 4, "2026-05-09"),
        ("2026-09-18", 7, "2026-09-29"),
        ("2026-09-30", 1, "2026-10-08"),
        ("2026-09-30", 4, "2026-10-12"),
        ("2026-09-30", 5, "2026-10-13"),
    ],
)
@pytest.mark.parametrize("time_of_day", ["00:00:00", "10:00:00", "23:59:59.999999"])
def test_working_days_skip_breaks_and_count_make_up_days(start: str, count: int, last: str, time_of_day: str) -> None:
    assert day_due(f"{start}T{time_of_day}", f"{count} working_days") == last


@pytest.mark.parametrize(
    ("start", "span", "end"),
    [
        ("2026-09-30T17:30", "1 hours", "2026-09-30T18:30"),
        ("2026-09-30T17:30", "4 hours", "2026-09-30T21:30"),
        ("2026-09-30T17:30", "144 hours", "2026-10-06T17:30"),
        ("2026-09-30T23:50", "十五分钟", "2026-10-01T00:05"),
        ("2026-10-01T08:00:01", "24小时", "2026-10-02T08:00:01"),
    ],
)
def test_hours_and_minutes_run_through_holidays(start: str, span: str, end: str) -> None:
    found = due(local(start), parse_span(span), calendar=CHINA, zone=SHANGHAI, roll="non_working")
    assert found == Due(due_at=local(end).astimezone(UTC), provisional=False)
    assert found.due_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("start", "span", "roll", "last"),
    [
        ("2026-02-10T09:00", "15日", "none", "2026-02-25"),
        ("2026-04-20T09:00", "60日", "none", "2026-06-19"),
        ("2026-04-20T09:00", "60日", "holiday", "2026-06-20"),
        ("2026-04-20T09:00", "60日", "non_working", "2026-06-22"),
        ("2026-09-28T09:00", "3日", "holiday", "2026-10-04"),
        ("2026-09-28T09:00", "3日", "non_working", "2026-10-08"),
        ("2026-10-09T09:00", "一日", "non_working", "2026-10-10"),
        ("2026-11-20T09:00", "一日", "holiday", "2026-11-21"),
        ("2026-01-31T09:00", "一个月", "none", "2026-02-28"),
        ("2024-01-31T09:00", "一个月", "none", "2024-02-29"),
        ("2026-03-15T09:00", "1 months", "none", "2026-04-15"),
        ("2025-11-30T09:00", "3 months", "none", "2026-02-28"),
        ("2025-12-31T09:00", "6 months", "none", "2026-06-30"),
        ("2026-09-30T23:59", "当日", "none", "2026-09-30"),
        ("2026-10-01T00:00", "当日", "none", "2026-10-01"),
        ("2026-10-01T00:00", "当日", "non_working", "2026-10-08"),
    ],
)
def test_days_months_and_the_same_day_end_at_midnight_and_roll_as_told(
    start: str, span: str, roll: Roll, last: str
) -> None:
    assert day_due(start, span, roll) == last


def test_the_whole_break_rolls_where_the_operator_reads_holiday_so() -> None:
    found = due(local("2026-04-20T09:00"), Span(60, "days"), calendar=BREAKS, zone=SHANGHAI, roll="holiday")
    assert found.due_at == local("2026-06-23T00:00")


@pytest.mark.parametrize(
    ("start", "span", "roll", "provisional"),
    [
        ("2026-12-29", "2 working_days", "none", False),
        ("2026-12-30", "2 working_days", "none", True),
        ("2026-12-31", "1 working_days", "none", True),
        ("2026-12-31", "3 days", "none", False),
        ("2026-12-28", "4 days", "holiday", True),
        ("2026-12-28", "2 days", "holiday", False),
        ("2026-12-31", "48 hours", "non_working", False),
        ("2003-12-30", "1 working_days", "none", True),
        ("2003-12-31", "2 working_days", "none", False),
    ],
)
def test_only_a_day_looked_up_in_an_unpublished_year_makes_a_deadline_provisional(
    start: str, span: str, roll: Roll, provisional: bool
) -> None:
    found = due(local(f"{start}T09:00"), parse_span(span), calendar=CHINA, zone=SHANGHAI, roll=roll)
    assert found.provisional is provisional


@pytest.mark.parametrize(
    ("start", "span", "end"),
    [
        ("2026-11-20T09:00", "4 hours", "2026-11-20T14:30"),  # over lunch
        ("2026-11-20T09:00", "3 hours", "2026-11-20T12:00"),  # exactly at closing, not at the next opening
        ("2026-11-20T12:30", "1 minutes", "2026-11-20T13:31"),
        ("2026-11-20T17:00", "60 minutes", "2026-11-23T09:30"),  # over the weekend
        ("2026-11-20T20:00", "1 hours", "2026-11-23T10:00"),  # lodged after hours
        ("2026-11-21T08:00", "7 hours", "2026-11-23T17:30"),
        ("2026-09-30T17:00:30", "1 hours", "2026-10-08T09:30:30"),  # over the National Day break
        ("2026-10-10T17:00", "1 hours", "2026-10-12T09:30"),  # a Saturday that is worked
    ],
)
def test_working_hours_count_only_while_open(start: str, span: str, end: str) -> None:
    found = due(local(start), parse_span(span), calendar=CHINA, zone=SHANGHAI, clock="working_hours", hours=OFFICE)
    assert found.due_at == local(end)


@pytest.mark.parametrize(
    ("start", "span", "end"),
    [
        ("2026-11-20T23:00", "4 hours", "2026-11-21T03:00"),  # Friday's shift goes on into Saturday
        ("2026-11-21T03:00", "4 hours", "2026-11-23T23:00"),
        ("2026-11-21T06:00", "1 hours", "2026-11-23T23:00"),
        ("2026-09-30T21:00", "9 hours", "2026-10-08T23:00"),
    ],
)
def test_a_shift_past_midnight_belongs_to_the_day_it_begins_on(start: str, span: str, end: str) -> None:
    found = due(local(start), parse_span(span), calendar=CHINA, zone=SHANGHAI, clock="working_hours", hours=NIGHT)
    assert found.due_at == local(end)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-03-07T12:00", 24, "2026-03-08T13:00"),  # clocks go forward at 02:00 on the 8th
        ("2026-10-31T12:00", 24, "2026-11-01T11:00"),  # and back on 1 November
    ],
)
def test_wall_hours_are_elapsed_hours_on_the_days_the_clock_changes(start: str, hours: int, end: str) -> None:
    found = due(local(start, NEW_YORK), Span(hours, "hours"), calendar=CHINA, zone=NEW_YORK)
    assert found.due_at == local(end, NEW_YORK).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "length", "end"), [("2026-03-07", 23, "2026-03-09"), ("2026-10-31", 25, "2026-11-02")]
)
def test_the_last_day_is_as_long_as_the_clock_makes_it(start: str, length: int, end: str) -> None:
    last_midnight = local(f"{start}T00:00", NEW_YORK).astimezone(UTC) + timedelta(days=1)
    found = due(local(f"{start}T12:00", NEW_YORK), Span(1, "days"), calendar=CHINA, zone=NEW_YORK).due_at
    assert found == local(f"{end}T00:00", NEW_YORK).astimezone(UTC) == last_midnight + timedelta(hours=length)


def test_a_night_shift_over_a_change_of_the_clock_counts_real_hours() -> None:
    london = ZoneInfo("Europe/London")  # clocks go back at 02:00 on Sunday 2026-10-25
    worked = {"name": "值班", "date": "2026-10-24", "isOffDay": False}
    saturday_worked = load_calendar([YearFile.model_validate({"year": 2026, "days": [worked]})])
    found = due(
        local("2026-10-24T22:00", london),
        Span(8, "hours"),
        calendar=saturday_worked,
        zone=london,
        clock="working_hours",
        hours=NIGHT,
    )
    assert found.due_at == local("2026-10-25T05:00", london).astimezone(UTC)


def test_the_start_day_is_the_day_in_the_zone_and_not_in_utc() -> None:
    late_in_utc = datetime(2026, 9, 29, 16, 30, tzinfo=UTC)  # already the 30th in Shanghai
    assert due(late_in_utc, Span(4, "working_days"), calendar=CHINA, zone=SHANGHAI).due_at == local("2026-10-13")
    elsewhere = late_in_utc.astimezone(timezone(timedelta(hours=-8)))
    assert due(elsewhere, Span(4, "working_days"), calendar=CHINA, zone=SHANGHAI).due_at == local("2026-10-13")


@pytest.mark.parametrize(
    ("span", "clock", "problem"),
    [
        (Span(0, "hours"), "wall", "at least 1"),
        (Span(-3, "working_days"), "wall", "at least 1"),
        (Span(4, "hours"), "working_hours", "needs working hours"),
        (Span(50_000, "working_days"), "wall", r"1970\.\.2100"),
        (Span(1_000_000, "months"), "wall", "leave the calendar"),
        (Span(1_000_000, "working_days"), "wall", r"1970\.\.2100"),
    ],
)
def test_a_senseless_rule_is_refused(span: Span, clock: Clock, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        due(local("2026-11-20T09:00"), span, calendar=CHINA, zone=SHANGHAI, clock=clock)


def test_a_time_without_a_zone_is_refused() -> None:
    naive = local("2026-11-20T09:00").replace(tzinfo=None)
    with pytest.raises(ValueError, match="without a time zone"):
        due(naive, Span(1, "days"), calendar=CHINA, zone=SHANGHAI)
    with pytest.raises(ValueError, match="without a time zone"):
        before(naive, Span(1, "days"), calendar=CHINA, zone=SHANGHAI)


@pytest.mark.parametrize(
    ("due_at", "span", "warned_at"),
    [
        ("2026-10-13T00:00", "30 minutes", "2026-10-12T23:30"),
        ("2026-10-13T00:00", "1 working_days", "2026-10-12T00:00"),  # the last full working day is still ahead
        ("2026-10-13T00:00", "2 working_days", "2026-10-10T00:00"),
        ("2026-10-12T00:00", "1 working_days", "2026-10-10T00:00"),  # due at the end of a Sunday
        ("2026-10-12T18:30", "1 working_days", "2026-10-10T18:30"),
        ("2026-10-08T18:30", "1 working_days", "2026-09-30T18:30"),
        ("2026-10-08T18:30", "1 days", "2026-10-07T18:30"),
        ("2026-10-08T00:00", "3 days", "2026-10-05T00:00"),
        ("2026-03-31T18:00", "1 months", "2026-02-28T18:00"),
        ("2026-10-13T00:00", "当日", "2026-10-12T00:00"),
        ("2026-10-12T18:30", "当日", "2026-10-12T00:00"),
    ],
)
def test_a_reminder_leaves_the_whole_span_before_the_due_time(due_at: str, span: str, warned_at: str) -> None:
    asked = parse_span(span)
    assert before(local(due_at), asked, calendar=CHINA, zone=SHANGHAI) == local(warned_at)
    assert shift(local(due_at), Span(-asked.amount, asked.unit), calendar=CHINA, zone=SHANGHAI) == local(warned_at)


@pytest.mark.parametrize(
    ("due_at", "span", "warned_at"),
    [
        ("2026-11-23T10:00", "30 minutes", "2026-11-23T09:30"),
        ("2026-11-23T10:00", "2 hours", "2026-11-20T16:30"),  # Friday afternoon, not the night before
        ("2026-11-23T00:00", "2 hours", "2026-11-20T15:30"),
        ("2026-10-08T09:00", "1 hours", "2026-09-30T16:30"),
        ("2026-11-20T14:00", "210 minutes", "2026-11-20T09:00"),  # as early as the opening, not last evening's closing
    ],
)
def test_a_reminder_in_working_hours_is_counted_back_over_open_time(due_at: str, span: str, warned_at: str) -> None:
    found = before(local(due_at), parse_span(span), calendar=CHINA, zone=SHANGHAI, clock="working_hours", hours=OFFICE)
    assert found == local(warned_at)


@pytest.mark.parametrize(
    ("due_at", "span", "rung_at"),
    [
        ("2026-10-01T00:00", "5 working_days", "2026-10-14T00:00"),  # end of 10-13, the fifth full working day
        ("2026-09-30T18:30", "5 working_days", "2026-10-14T00:00"),
        ("2026-10-01T00:00:00.000001", "5 working_days", "2026-10-14T00:00"),
        ("2026-11-14T00:00", "5 working_days", "2026-11-21T00:00"),
        ("2026-11-16T00:00", "5 working_days", "2026-11-21T00:00"),
        ("2026-11-16T00:00:01", "5 working_days", "2026-11-24T00:00"),
        ("2026-11-16T00:00", "1 days", "2026-11-17T00:00"),
        ("2026-11-16T10:00", "2 hours", "2026-11-16T12:00"),
        ("2026-11-16T10:00", "0 hours", "2026-11-16T10:00"),
    ],
)
def test_an_overdue_rung_comes_after_full_days(due_at: str, span: str, rung_at: str) -> None:
    assert after(local(due_at), parse_span(span), calendar=CHINA, zone=SHANGHAI) == local(rung_at)
    assert shift(local(due_at), parse_span(span), calendar=CHINA, zone=SHANGHAI) == local(rung_at)


def test_before_and_after_take_no_negative_span() -> None:
    for move in (before, after):
        with pytest.raises(ValueError, match="before or after"):
            move(local("2026-11-16T10:00"), Span(-1, "hours"), calendar=CHINA, zone=SHANGHAI)


@pytest.mark.parametrize(
    ("at", "opens_at"),
    [
        ("2026-11-20T10:00", "2026-11-20T10:00"),
        ("2026-11-20T12:00", "2026-11-20T13:30"),
        ("2026-11-20T17:30", "2026-11-23T09:00"),
        ("2026-10-01T00:00", "2026-10-08T09:00"),
    ],
)
def test_the_next_opening_is_now_or_the_next_worked_morning(at: str, opens_at: str) -> None:
    assert next_open(local(at), calendar=CHINA, zone=SHANGHAI, hours=OFFICE) == local(opens_at)
