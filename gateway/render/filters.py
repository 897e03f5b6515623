"""Template filters that show times, spans and personal data to people, in Chinese or English.

Locales that begin with ``zh`` read Chinese forms, all others English ones.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from gateway.mask import mask_email, mask_name, mask_phone, mask_text

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

_Shape: TypeAlias = Callable[[datetime], str]


class _Words(NamedTuple):
    """How one language writes times. The `_midnight` shapes get the day that ends with it."""

    when: _Shape
    date: _Shape
    deadline: _Shape
    deadline_midnight: _Shape
    deadline_short: _Shape
    deadline_short_midnight: _Shape
    units: tuple[tuple[int, str, str], ...]
    under_a_minute: str
    between: str


_ZH = _Words(
    when=lambda t: f"{t.year}年{t.month}月{t.day}日{t.hour:02}:{t.minute:02}",
    date=lambda t: f"{t.year}年{t.month}月{t.day}日",
    deadline=lambda t: f"{t.year}年{t.month}月{t.day}日{t.hour:02}:{t.minute:02}",
    deadline_midnight=lambda t: f"{t.year}年{t.month}月{t.day}日24时",
    deadline_short=lambda t: f"{t.month}月{t.day}日{t.hour:02}:{t.minute:02}",
    deadline_short_midnight=lambda t: f"{t.month}月{t.day}日24时",
    units=((86400, "天", "天"), (3600, "小时", "小时"), (60, "分钟", "分钟")),
    under_a_minute="不足1分钟",
    between="",
)
_EN = _Words(
    when=lambda t: f"{t.day} {_MONTHS[t.month - 1]} {t.year}, {t.hour:02}:{t.minute:02}",
    date=lambda t: f"{t.day} {_MONTHS[t.month - 1]} {t.year}",
    deadline=lambda t: f"{t.hour:02}:{t.minute:02} on {t.day} {_MONTHS[t.month - 1]} {t.year}",
    deadline_midnight=lambda t: f"the end of {t.day} {_MONTHS[t.month - 1]} {t.year}",
    deadline_short=lambda t: f"{t.hour:02}:{t.minute:02} {t.day} {_MONTHS[t.month - 1]:.3}",
    deadline_short_midnight=lambda t: f"end of {t.day} {_MONTHS[t.month - 1]:.3}",
    units=((86400, " day", " days"), (3600, " hour", " hours"), (60, " minute", " minutes")),
    under_a_minute="less than a minute",
    between=" ",
)


def filters_of(locale: str) -> dict[str, Callable[..., str]]:
    """The filters by name: `when`, `date`, `deadline`, `deadline_short`, `duration`, `masked`, `clip`.

    The time filters raise ValueError for a naive datetime.
    """
    words = _ZH if locale.lower().startswith("zh") else _EN
    return {
        "when": _aware(words.when),
        "date": _aware(words.date),
        "deadline": _aware(_to_the_end(words.deadline, words.deadline_midnight)),
        "deadline_short": _aware(_to_the_end(words.deadline_short, words.deadline_short_midnight)),
        "duration": lambda value: _duration(value, words),
        "masked": masked,
        "clip": clip,
    }


def masked(value: str) -> str:
    """A name, number or mail address with most of it hidden; what is masked already stays as it is."""
    if "@" in value:
        return mask_email(value)
    if not any(character.isdigit() for character in value):
        return mask_name(value)
    hidden = mask_text(value)
    # Numbers that mask_text does not know for personal ones, such as foreign ones, are personal here.
    return hidden if "*" in hidden else mask_phone(value)


def clip(value: str, length: int) -> str:
    """One line of at most `length` characters, ending in … where something was cut off."""
    line = " ".join(value.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def _aware(shape: _Shape) -> _Shape:
    def show(value: datetime) -> str:
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be shown to anybody")
        return shape(value)

    return show


def _to_the_end(at_time: _Shape, at_midnight: _Shape) -> _Shape:
    """A limit that runs to the end of a day is stored as the next day's 00:00, and nobody reads it so."""

    def show(value: datetime) -> str:
        if value.hour or value.minute or value.second:
            return at_time(value)
        return at_midnight(value - timedelta(days=1))

    return show


def _duration(value: timedelta, words: _Words) -> str:
    """The two largest units of a span, rounded down, without its sign."""
    rest = int(abs(value.total_seconds()))
    parts: list[str] = []
    for seconds, one, many in words.units:
        amount, rest = divmod(rest, seconds)
        if amount:
            parts.append(f"{amount}{one if amount == 1 else many}")
    return words.between.join(parts[:2]) or words.under_a_minute
