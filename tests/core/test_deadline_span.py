"""How people write spans of time and opening hours."""

from __future__ import annotations

import pytest

from ticket_core.decide.deadline import UNITS, Span, Unit, WorkingHours, parse_span


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("4 working_days", 4, "working_days"),
        ("1 working_day", 1, "working_days"),
        ("3 Working Days", 3, "working_days"),
        ("4 hours", 4, "hours"),
        ("4H", 4, "hours"),
        ("-30 minutes", -30, "minutes"),
        ("一日", 1, "days"),
        ("三日", 3, "days"),
        ("7天", 7, "days"),
        ("7日内", 7, "days"),
        ("7天以内", 7, "days"),
        ("十五分钟", 15, "minutes"),
        ("二十四小时", 24, "hours"),
        ("一百四十四小时", 144, "hours"),
        ("一百零五天", 105, "days"),
        ("半小时", 30, "minutes"),
        ("两个小时", 2, "hours"),
        ("3个工作日", 3, "working_days"),
        ("十个工作日", 10, "working_days"),
        ("5 个工作日", 5, "working_days"),
        ("一个月", 1, "months"),
        ("当日", 1, "same_day"),
        ("same_day", 1, "same_day"),
    ],
)
def test_a_span_is_read_as_the_rule_books_write_it(text: str, amount: int, unit: Unit) -> None:
    assert parse_span(text) == Span(amount, unit)


@pytest.mark.parametrize("unit", UNITS)
def test_a_span_reads_back_what_it_writes(unit: Unit) -> None:
    assert parse_span(str(Span(1, unit))) == Span(1, unit)


@pytest.mark.parametrize(
    "text",
    ["", "三", "小时", "3 weeks", "1.5 hours", "五五日", "--3 days", "个月", "立即", "及时", "半天", "9999999 hours"],
)
def test_a_text_that_is_no_span_is_refused_and_named(text: str) -> None:
    with pytest.raises(ValueError, match=text.removesuffix(" hours") or "''"):
        parse_span(text)


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="fortnights"):
        Span(1, "fortnights")  # type: ignore[arg-type]


def test_opening_hours_are_read_from_one_text_or_a_list() -> None:
    expected = WorkingHours(((540, 720), (810, 1050)))
    assert WorkingHours.parse("09:00-12:00, 13:30-17:30") == expected
    assert WorkingHours.parse(["9:00–12:00", "13:30 至 17:30"]) == expected
    assert WorkingHours.parse("22:00-06:00") == WorkingHours(((1320, 1800),))
    assert WorkingHours.parse("00:00-24:00") == WorkingHours(((0, 1440),))


@pytest.mark.parametrize(
    "written",
    [
        *("", "9-12", "09:00-25:00", "09:61-12:00", "24:00-25:00"),
        *("09:00-12:00,11:00-13:00", "13:00-17:00,09:00-12:00", "06:00-09:00,22:00-07:00"),
    ],
)
def test_impossible_opening_hours_are_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"span|time of day"):
        WorkingHours.parse(written)


def test_an_office_that_never_opens_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one span"):
        WorkingHours(())
