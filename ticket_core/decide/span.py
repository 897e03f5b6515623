"""How long: an amount and a unit, and how people write it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal, get_args

Unit = Literal["minutes", "hours", "days", "working_days", "months", "same_day"]
UNITS: Final[tuple[Unit, ...]] = get_args(Unit)

_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """An amount of one unit; a negative amount means before a time, for a rung of a ladder.

    `same_day` means the end of the day itself: its amount is ignored, and 1 by custom. Raises ValueError for an
    unknown unit and for an amount beyond a million either way.
    """

    amount: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise ValueError(f"unknown unit {self.unit!r}, known are {', '.join(UNITS)}")
        if abs(self.amount) > _MOST:
            raise ValueError(f"amount {self.amount} is beyond {_MOST}")

    def __str__(self) -> str:
        return "same_day" if self.unit == "same_day" else f"{self.amount} {self.unit}"


_WORDS: Final[dict[str, Unit]] = {
    "minute": "minutes", "minutes": "minutes", "min": "minutes", "分钟": "minutes", "分": "minutes",
    "hour": "hours", "hours": "hours", "h": "hours", "小时": "hours", "时": "hours", "钟头": "hours",
    "day": "days", "days": "days", "日": "days", "天": "days", "自然日": "days", "日历日": "days",
    "working_day": "working_days", "working_days": "working_days", "工作日": "working_days",
    "month": "months", "months": "months", "月": "months",
}  # fmt: skip
_SAME_DAY: Final = frozenset({"same_day", "1 same_day", "当日", "当天", "当日毕"})
_DIGITS: Final = {digit: value for value, digit in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2}
_TENS: Final = {"十": 10, "百": 100}
_WRITTEN = re.compile(r"(?P<amount>[+-]?\d+|[〇零一二两三四五六七八九十百]+|半)\s*个?\s*(?P<word>[a-z_]+|[^\W\d_]+)")


def parse_span(text: str) -> Span:
    """Read a span as profiles and rule books write it.

    Such as `4 working_days`, `-30 minutes`, `4H`, `3个工作日`, `十五分钟`, `一个月`, `当日`. 日 and 天 without 工作
    are calendar days. A closing 内 (以内, 之内) is dropped, 半小时 is 30 minutes. Raises ValueError naming the text.
    """
    plain = re.sub(r"[之以]?内$", "", unicodedata.normalize("NFKC", text).strip().lower())
    plain = re.sub(r"working[\s-]days?", "working_days", plain)
    if plain in _SAME_DAY:
        return Span(1, "same_day")
    found = _WRITTEN.fullmatch(plain)
    unit = _WORDS.get(found["word"]) if found else None
    if found is None or unit is None:
        raise ValueError(f"not a span of time: {text!r}; write for example '4 working_days', '3个工作日' or '当日'")
    if found["amount"] == "半":
        if unit != "hours":
            raise ValueError(f"not a span of time: {text!r}; 半 is understood before 小时 only")
        return Span(30, "minutes")
    return Span(_number(found["amount"], text), unit)


def _number(written: str, text: str) -> int:
    """Read digits, or a Chinese numeral below a thousand: 五, 十五, 二十四, 一百二十, 一百零五."""
    if written.lstrip("+-").isdecimal():
        return int(written)
    total, digit = 0, None
    for sign in written:
        if sign in _TENS:
            total, digit = total + _TENS[sign] * (1 if digit is None else digit), None
        elif digit is None or digit == 0:
            digit = _DIGITS[sign]
        else:
            raise ValueError(f"not a number: {written!r} in {text!r}")
    return total + (digit or 0)
