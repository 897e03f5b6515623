"""How times, spans and personal data are shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.render.filters import clip, filters_of, masked

CHINA = timezone(timedelta(hours=8))
MORNING = datetime(2026, 9, 30, 8, 5, tzinfo=CHINA)
DAY_END = datetime(2027, 1, 1, 0, 0, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("locale", "name", "at", "shown"),
    [
        ("zh-CN", "when", MORNING, "2026年9月30日08:05"),
        ("zh-CN", "date", MORNING, "2026年9月30日"),
        ("zh-CN", "deadline", MORNING, "2026年9月30日08:05"),
        ("zh-CN", "deadline", DAY_END, "2026年12月31日24时"),
        ("zh-CN", "deadline_short", MORNING, "9月30日08:05"),
        ("zh-CN", "deadline_short", DAY_END, "12月31日24时"),
        ("zh-CN", "when", DAY_END, "2027年1月1日00:00"),
        ("en", "when", MORNING, "30 September 2026, 08:05"),
        ("en", "date", MORNING, "30 September 2026"),
        ("en", "deadline", MORNING, "08:05 on 30 September 2026"),
        ("en", "deadline", DAY_END, "the end of 31 December 2026"),
        ("en", "deadline_short", MORNING, "08:05 30 Sep"),
        ("en", "deadline_short", DAY_END, "end of 31 Dec"),
        ("en", "when", datetime(2026, 9, 30, 0, 5, tzinfo=UTC), "30 September 2026, 00:05"),
    ],
)
def test_a_time_is_read_as_people_write_it(locale: str, name: str, at: datetime, shown: str) -> None:
    assert filters_of(locale)[name](at) == shown


@pytest.mark.parametrize("name", ["when", "date", "deadline", "deadline_short"])
def test_a_time_without_a_zone_is_shown_to_nobody(name: str) -> None:
    with pytest.raises(ValueError, match="naive"):
        filters_of("zh-CN")[name](MORNING.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("span", "chinese", "english"),
    [
        (timedelta(hours=4), "4小时", "4 hours"),
        (timedelta(hours=1, minutes=30), "1小时30分钟", "1 hour 30 minutes"),
        (-timedelta(hours=1, minutes=30), "1小时30分钟", "1 hour 30 minutes"),
        (timedelta(days=5, hours=3, minutes=2), "5天3小时", "5 days 3 hours"),
        (timedelta(days=1, minutes=1), "1天1分钟", "1 day 1 minute"),
        (timedelta(seconds=59), "不足1分钟", "less than a minute"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(span: timedelta, chinese: str, english: str) -> None:
    assert (filters_of("zh-CN")["duration"](span), filters_of("en")["duration"](span)) == (chinese, english)


@pytest.mark.parametrize(
    ("open_", "hidden"),
    [
        ("13800001234", "138****1234"),
        ("138****1234", "138****1234"),
        ("010-12345678", "010****5678"),
        ("+442070000123", "442****0123"),
        ("12345", "12345"),  # a hotline is nobody's number
        ("李小明", "李**"),
        ("欧阳修", "欧阳*"),
        ("li@example.com", "l***@example.com"),
    ],
)
def test_a_mask_hides_most_of_a_person(open_: str, hidden: str) -> None:
    assert masked(open_) == hidden


def test_a_mask_of_a_mask_is_the_same_mask() -> None:
    for value in ("13800001234", "李小明", "欧阳修", "li@example.com"):
        assert masked(masked(value)) == masked(value)


def test_a_clipped_text_is_one_line_of_the_length_it_may_have() -> None:
    assert clip("宽带\n断网", 10) == "宽带 断网"
    assert clip("宽带断网三天", 4) == "宽带断…"
    assert clip("宽带断网", 4) == "宽带断网"
