"""The calendar: published years against a second opinion, year files, honest ignorance."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import holidays
import pytest

from tests.core.slow_deadline import statutory
from ticket_core.calendar import Calendar, YearFile, load_calendar, read_year_files


@pytest.fixture(scope="module")
def china() -> Calendar:
    return load_calendar()


def days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(number) for number in range((last - first).days + 1)]


def year_file(year: int, papers: tuple[str, ...] = (), **days: bool) -> YearFile:
    named = [{"name": "自定", "date": day[1:].replace("_", "-"), "isOffDay": off} for day, off in days.items()]
    return YearFile.model_validate({"year": year, "papers": papers, "days": named})


def test_every_day_of_the_published_years_agrees_with_a_second_library(china: Calendar) -> None:
    second = holidays.country_holidays("CN", years=range(2018, 2027))
    every = days_between(date(2018, 1, 1), date(2026, 12, 31))
    assert len(every) == 3287
    assert [day for day in every if china.is_working(day) != second.is_working_day(day)] == []


def test_statutory_days_agree_with_a_second_library_from_2008_to_2050(china: Calendar) -> None:
    # Added by one notice each, and filed under the law by the second library: the 2015 parade, the 2020 epidemic.
    by_notice = [date(2015, 9, 3), date(2020, 1, 31), date(2020, 2, 1), date(2020, 2, 2)]
    every = days_between(date(2008, 1, 1), date(2050, 12, 31))
    assert [day for day in every if china.is_holiday(day) != statutory(day)] == by_notice


@pytest.mark.parametrize(
    ("day", "works"),
    [
        *((day, True) for day in ("2025-01-26", "2025-10-11", "2026-01-04", "2026-02-14", "2026-10-10", "2026-11-20")),
        *((day, False) for day in ("2026-01-02", "2026-10-07", "2026-11-21")),
    ],
)
def test_make_up_days_are_worked_and_breaks_are_not(china: Calendar, day: str, works: bool) -> None:
    assert china.is_working(date.fromisoformat(day)) is works


def test_a_break_holds_statutory_days_and_days_moved_to_it(china: Calendar) -> None:
    whole_break = load_calendar(holiday="break")
    dragon_boat = days_between(date(2026, 6, 18), date(2026, 6, 22))
    assert [china.is_holiday(day) for day in dragon_boat] == [False, True, False, False, False]
    assert [whole_break.is_holiday(day) for day in dragon_boat] == [False, True, True, True, False]
    assert [china.is_working(day) for day in dragon_boat] == [True, False, False, False, True]


def test_an_unpublished_year_knows_weekends_and_the_law_and_no_make_up_days(china: Calendar) -> None:
    year = days_between(date(2027, 1, 1), date(2027, 12, 31))
    assert not any(china.is_published(day) for day in year)
    assert [day for day in year if day.weekday() >= 5 and china.is_working(day)] == []
    off_on_weekdays = {f"{day:%m-%d}" for day in year if day.weekday() < 5 and not china.is_working(day)}
    assert off_on_weekdays == {"01-01", "02-05", "02-08", "04-05", "06-09", "09-15", "10-01"}


def test_years_before_the_library_are_unpublished_too(china: Calendar) -> None:
    assert not china.is_published(date(2003, 12, 31))
    assert china.is_published(date(2004, 1, 1))


def test_a_file_with_papers_publishes_its_year() -> None:
    own = load_calendar([year_file(2027, ("https://example.com/notice",), d2027_02_20=False, d2027_02_09=True)])
    assert own.is_published(date(2027, 7, 1))
    assert own.is_working(date(2027, 2, 20))
    assert not own.is_working(date(2027, 2, 9))


def test_a_file_without_papers_adds_days_and_publishes_nothing() -> None:
    own = load_calendar([year_file(2026, d2026_11_25=True), year_file(2027, d2027_03_03=True)])
    assert not own.is_working(date(2026, 11, 25))
    assert own.is_working(date(2026, 10, 10))  # the library's days stay
    assert not own.is_working(date(2027, 3, 3))
    assert not own.is_published(date(2027, 3, 3))


def test_own_days_win_over_the_library_and_later_files_over_earlier() -> None:
    first, second = year_file(2026, d2026_10_10=True, d2026_10_09=True), year_file(2026, d2026_10_09=False)
    own = load_calendar([first, second])
    assert not own.is_working(date(2026, 10, 10))
    assert own.is_working(date(2026, 10, 9))
    assert not load_calendar([second, first]).is_working(date(2026, 10, 9))


def test_a_notice_may_move_december_days_of_the_year_before() -> None:
    own = load_calendar([year_file(2027, ("https://example.com/notice",), d2026_12_26=False)])
    assert own.is_working(date(2026, 12, 26))


def test_the_version_names_the_library_and_changes_with_the_days(china: Calendar) -> None:
    versions = [
        china.version,
        load_calendar(holiday="break").version,
        load_calendar([year_file(2026, d2026_11_25=True)]).version,
        load_calendar([year_file(2026, d2026_11_25=False)]).version,
        load_calendar([year_file(2026, ("https://example.com/notice",), d2026_11_25=False)]).version,
    ]
    assert len(set(versions)) == len(versions)
    assert all(version.startswith("chinesecalendar-") for version in versions)
    assert load_calendar([year_file(2026, d2026_11_25=True)]) == load_calendar([year_file(2026, d2026_11_25=True)])


def test_counting_forth_and_back_visits_the_same_working_days(china: Calendar) -> None:
    monday = date(2026, 10, 12)
    assert china.add_working_days(date(2026, 10, 11), 1) == monday
    assert china.add_working_days(monday, -1) == date(2026, 10, 10)
    assert china.add_working_days(date(2026, 10, 11), -1) == date(2026, 10, 10)
    for day in filter(china.is_working, days_between(date(2025, 12, 20), date(2026, 3, 10))):
        assert china.add_working_days(china.add_working_days(day, 7), -7) == day


def test_a_day_or_a_sum_outside_the_years_is_refused(china: Calendar) -> None:
    for refused in (
        lambda: china.is_working(date(1969, 12, 31)),
        lambda: china.is_working(date(2101, 1, 1)),
        lambda: china.add_working_days(date(2100, 12, 20), 30),
        lambda: china.add_working_days(date(1970, 1, 5), -30),
        lambda: china.add_working_days(date(2026, 1, 5), 0),
    ):
        with pytest.raises(ValueError, match=r"1970\.\.2100|name no day"):
            refused()


def test_year_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    common_form = {
        "$schema": "https://example.com/schema.json",
        "year": 2027,
        "papers": ["https://example.com/notice"],
        "days": [{"name": "元旦", "date": "2027-01-01", "isOffDay": True}],
    }
    (tmp_path / "2027.json").write_text(json.dumps(common_form), encoding="utf-8")
    (tmp_path / "2026-local.json").write_text('{"year": 2026}', encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not a year")
    assert [(file.year, len(file.days)) for file in read_year_files(tmp_path)] == [(2026, 0), (2027, 1)]


def test_all_problems_of_all_year_files_are_told_at_once(tmp_path: Path) -> None:
    bad_fields = {"year": 1812, "days": [{"name": "", "date": "2026-02-30", "isOffDay": "yes"}]}
    bad_days = {
        "year": 2026,
        "days": [
            {"name": "甲", "date": "2024-05-05", "isOffDay": True},
            {"name": "乙", "date": "2026-05-05", "isOffDay": True},
            {"name": "丙", "date": "2026-05-05", "isOffDay": False},
        ],
    }
    (tmp_path / "a.json").write_text(json.dumps(bad_fields))
    (tmp_path / "b.json").write_text(json.dumps(bad_days))
    (tmp_path / "c.json").write_text("{")
    with pytest.raises(ValueError, match=r"a\.json") as told:
        read_year_files(tmp_path)
    report = str(told.value)
    for problem in ("a.json: year:", "a.json: days.0.name:", "a.json: days.0.date:", "a.json: days.0.isOffDay:"):
        assert problem in report
    assert "2024-05-05 is not in 2026; 2026-05-05 is both worked and off" in report
    assert "c.json: file:" in report


def test_the_library_is_not_imported_before_a_calendar_is_loaded() -> None:
    program = (
        "import sys, ticket_core.calendar, ticket_core.decide.deadline; sys.exit('chinese_calendar' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
