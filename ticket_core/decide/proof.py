"""The working behind a deadline as lines of text, for a person who asks why; never on the way of a decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from itertools import groupby
from typing import Final, TypeVar

from ticket_core.calendar import Calendar
from ticket_core.decide.span import Span
from ticket_core.decide.working_hours import OpenTime

MOST_STEPS: Final = 34
"""How many step lines a proof shows; with its frame it stays within 40 lines."""

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "zh-CN": {
        "weekdays": "周一 周二 周三 周四 周五 周六 周日",
        "minutes": "{} 分钟",
        "hours": "{} 小时",
        "days": "{} 天",
        "working_days": "{} 个工作日",
        "months": "{} 个月",
        "same_day": "当日",
        "from": "起算 {at}({zone}),期限 {span}",
        "range": "{} 至 {}",
        "start": "{} 起算日不计",
        "worked": "{days} 第{number}个工作日",
        "worked_run": "{days} 第{first}至{number}个工作日",
        "make_up": "{days} 调休上班 第{number}个工作日",
        "weekend": "{days} 周末 不计",
        "break": "{days} {name} 放假 不计",
        "counted": "{days} 计 {count} 天",
        "month": "{months}后的同日,短月取末日:{day}",
        "rolled": "{days} {name} 不作末日 顺延",
        "weekend_name": "周末",
        "open": "{day} {opens}–{closes} 计 {length} 累计 {total}",
        "elapsed": "按自然时间连续计算",
        "left_out": "……略去 {} 行……",
        "due": "截止 {}",
        "provisional": "涉及尚未公布放假安排的年份,结果为暂定",
        "version": "日历版本 {}",
    },
    "en": {
        "weekdays": "Mon Tue Wed Thu Fri Sat Sun",
        "minutes": "{} minutes",
        "hours": "{} hours",
        "days": "{} days",
        "working_days": "{} working days",
        "months": "{} months",
        "same_day": "the same day",
        "from": "From {at} ({zone}): {span}",
        "range": "{} to {}",
        "start": "{} start day, not counted",
        "worked": "{days} working day {number}",
        "worked_run": "{days} working days {first} to {number}",
        "make_up": "{days} make-up day, working day {number}",
        "weekend": "{days} weekend, not counted",
        "break": "{days} holiday ({name}), not counted",
        "counted": "{days} {count} days",
        "month": "the same day {months} later, or the last of a shorter month: {day}",
        "rolled": "{days} {name}, cannot be the last day, moves on",
        "weekend_name": "weekend",
        "open": "{day} {opens}-{closes} counts {length}, in all {total}",
        "elapsed": "counted as elapsed time",
        "left_out": "... {} lines left out ...",
        "due": "Due {}",
        "provisional": "touches a year whose notice is not published yet: provisional",
        "version": "calendar {}",
    },
}

Words = Mapping[str, str]
Kind = TypeVar("Kind")


def words_of(locale: str) -> Words:
    """Return the wording of a locale: English for any `en`, else Chinese."""
    return _WORDS["en" if locale.lower().startswith("en") else "zh-CN"]


def framed(
    steps: Iterable[str],
    *,
    start: datetime,
    span: Span,
    due_at: datetime,
    zone: tzinfo,
    provisional: bool,
    version: str,
    words: Words,
) -> tuple[str, ...]:
    """Put the start before the steps, and the due time, the provisional mark and the calendar's version after
    them."""
    until = due_at.astimezone(zone)
    whole_day = span.unit not in ("minutes", "hours")
    # The end of a day reads as 24:00 of that day, the way the rule books write it.
    ended = f"{_day(until.date() - timedelta(1), words)} 24:00" if whole_day else _moment(until, words)
    return (
        words["from"].format(at=_moment(start.astimezone(zone), words), zone=zone, span=_written(span, words)),
        *_shortened(list(steps), words),
        words["due"].format(ended),
        *([words["provisional"]] if provisional else []),
        words["version"].format(version),
    )


def day_steps(first: date, last: date, rolled: date, span: Span, calendar: Calendar, words: Words) -> Iterator[str]:
    """Yield how a span of days gets from its start day to its last day and over the days it rolls past."""
    yield from _COUNTING[span.unit](first, last, span, calendar, words)
    for _, run in _runs(last, rolled - timedelta(1), lambda day: calendar.name_of(day) or words["weekend_name"]):
        name = calendar.name_of(run[0]) or words["weekend_name"]
        yield words["rolled"].format(days=_days(run, words), name=name)


def open_steps(stretches: Iterable[OpenTime], due_at: datetime, zone: tzinfo, words: Words) -> Iterator[str]:
    """Yield each stretch of open time up to the due time, with its length and the sum so far."""
    total = timedelta()
    for stretch in stretches:
        closes_at = min(stretch.closes_at, due_at)
        total += closes_at - stretch.opens_at
        yield words["open"].format(
            day=_day(stretch.day, words),
            opens=_clock(stretch.opens_at.astimezone(zone)),
            closes=_clock(closes_at.astimezone(zone)),
            length=_length(closes_at - stretch.opens_at),
            total=_length(total),
        )
        if stretch.closes_at >= due_at:
            return


def _working_steps(first: date, last: date, _: Span, calendar: Calendar, words: Words) -> Iterator[str]:
    yield words["start"].format(_day(first, words))

    def kind(day: date) -> tuple[str, str]:
        if calendar.is_working(day):
            return ("worked" if day.weekday() < 5 else "make_up"), ""
        name = calendar.name_of(day)
        return ("break", name) if name else ("weekend", "")

    runs = list(_runs(first + timedelta(1), last, kind))
    each_day = len(runs) + sum(len(run) - 1 for (name, _), run in runs if name == "worked") < MOST_STEPS
    number = 0
    for (status, name), run in runs:
        if status not in ("worked", "make_up"):
            yield words[status].format(days=_days(run, words), name=name)
            continue
        number += len(run)
        if each_day or len(run) == 1:
            for offset, day in enumerate(run, number - len(run) + 1):
                yield words[status].format(days=_day(day, words), number=offset)
        else:
            yield words["worked_run"].format(days=_days(run, words), first=number - len(run) + 1, number=number)


def _plain_steps(first: date, last: date, span: Span, _: Calendar, words: Words) -> Iterator[str]:
    yield words["start"].format(_day(first, words))
    yield words["counted"].format(days=_days((first + timedelta(1), last), words), count=span.amount)


def _month_steps(_: date, last: date, span: Span, __: Calendar, words: Words) -> Iterator[str]:
    yield words["month"].format(months=_written(span, words), day=_day(last, words))


_COUNTING: Final[Mapping[str, Callable[[date, date, Span, Calendar, Words], Iterable[str]]]] = {
    "working_days": _working_steps,
    "days": _plain_steps,
    "months": _month_steps,
    "same_day": lambda *_: (),
}


def _runs(first: date, last: date, key: Callable[[date], Kind]) -> Iterator[tuple[Kind, list[date]]]:
    days = (date.fromordinal(ordinal) for ordinal in range(first.toordinal(), last.toordinal() + 1))
    return ((kind, list(run)) for kind, run in groupby(days, key))


def _shortened(steps: list[str], words: Words) -> list[str]:
    if len(steps) <= MOST_STEPS:
        return steps
    half = (MOST_STEPS - 1) // 2
    return [*steps[:half], words["left_out"].format(len(steps) - 2 * half), *steps[-half:]]


def _day(day: date, words: Words) -> str:
    return f"{day} {words['weekdays'].split()[day.weekday()]}"


def _days(run: Sequence[date], words: Words) -> str:
    first, last = _day(run[0], words), _day(run[-1], words)
    return first if first == last else words["range"].format(first, last)


def _moment(at: datetime, words: Words) -> str:
    return f"{_day(at.date(), words)} {_clock(at)}"


def _clock(at: datetime) -> str:
    """Return the time of day, with seconds only where there are some."""
    return at.strftime("%H:%M:%S" if at.second else "%H:%M")


def _length(length: timedelta) -> str:
    """Return hours and minutes, the hours beyond a day too: 28:30."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    return f"{minutes // 60}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "")


def _written(span: Span, words: Words) -> str:
    text = words[span.unit].format(span.amount)
    return text.removesuffix("s") if span.amount == 1 else text  # the English plural; no Chinese unit ends so
