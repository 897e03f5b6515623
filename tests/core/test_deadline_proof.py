"""The working behind a deadline, as a person reads it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from ticket_core.calendar import load_calendar
from ticket_core.decide.deadline import WorkingHours, parse_span, proof

CHINA = load_calendar()
SHANGHAI = ZoneInfo("Asia/Shanghai")
RECEIVED = datetime(2026, 9, 30, 17, 30, tzinfo=SHANGHAI)


def test_working_days_are_told_day_by_day_in_chinese() -> None:
    told = proof(RECEIVED, parse_span("4个工作日"), calendar=CHINA, zone=SHANGHAI)
    assert told == (
        "起算 2026-09-30 周三 17:30(Asia/Shanghai),期限 4 个工作日",
        "2026-09-30 周三 起算日不计",
        "2026-10-01 周四 至 2026-10-07 周三 国庆节 放假 不计",
        "2026-10-08 周四 第1个工作日",
        "2026-10-09 周五 第2个工作日",
        "2026-10-10 周六 调休上班 第3个工作日",
        "2026-10-11 周日 周末 不计",
        "2026-10-12 周一 第4个工作日",
        "截止 2026-10-12 周一 24:00",
        f"日历版本 {CHINA.version}",
    )


def test_working_days_are_told_in_english() -> None:
    told = proof(RECEIVED, parse_span("4 working_days"), calendar=CHINA, zone=SHANGHAI, locale="en-GB")
    assert told[0] == "From 2026-09-30 Wed 17:30 (Asia/Shanghai): 4 working days"
    assert "2026-10-10 Sat make-up day, working day 3" in told
    assert told[-2] == "Due 2026-10-12 Mon 24:00"


def test_a_rolled_last_day_is_told() -> None:
    accepted = datetime(2026, 4, 20, 9, tzinfo=SHANGHAI)
    told = proof(accepted, parse_span("60日"), calendar=CHINA, zone=SHANGHAI, roll="non_working")
    assert told[2:-1] == (
        "2026-04-21 周二 至 2026-06-19 周五 计 60 天",
        "2026-06-19 周五 至 2026-06-21 周日 端午 不作末日 顺延",
        "截止 2026-06-22 周一 24:00",
    )


def test_open_time_is_told_stretch_by_stretch() -> None:
    hours = WorkingHours.parse("09:00-12:00,13:30-17:30")
    start = datetime(2026, 11, 20, 16, 45, 30, tzinfo=SHANGHAI)
    told = proof(start, parse_span("4 hours"), calendar=CHINA, zone=SHANGHAI, clock="working_hours", hours=hours)
    assert told[1:-1] == (
        "2026-11-20 周五 16:45:30–17:30 计 0:44:30 累计 0:44:30",
        "2026-11-23 周一 09:00–12:00 计 3:00 累计 3:44:30",
        "2026-11-23 周一 13:30–13:45:30 计 0:15:30 累计 4:00",
        "截止 2026-11-23 周一 13:45:30",
    )


def test_a_provisional_deadline_says_so() -> None:
    told = proof(RECEIVED, parse_span("90 working_days"), calendar=CHINA, zone=SHANGHAI)
    assert "涉及尚未公布放假安排的年份,结果为暂定" in told


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
@pytest.mark.parametrize(
    "span", ["45 working_days", "2000 working_days", "900 hours", "3650 days", "十五分钟", "一个月", "当日"]
)
def test_a_proof_never_fills_more_than_a_screen(span: str, locale: str) -> None:
    hours = WorkingHours.parse("09:00-12:00,13:30-17:30")
    told = proof(
        RECEIVED,
        parse_span(span),
        calendar=CHINA,
        zone=SHANGHAI,
        clock="working_hours",
        roll="non_working",
        hours=hours,
        locale=locale,
    )
    assert 3 <= len(told) <= 40
    assert all(line and "{" not in line for line in told)


def test_weeks_are_summed_up_before_lines_are_left_out() -> None:
    told = proof(datetime(2026, 3, 2, 9, tzinfo=SHANGHAI), parse_span("45个工作日"), calendar=CHINA, zone=SHANGHAI)
    assert "2026-03-09 周一 至 2026-03-13 周五 第5至9个工作日" in told
    assert not any("略去" in line for line in told)
