"""Times as people, sheets and interfaces of the trade write them."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta, tzinfo

#: Day 0 of the serial numbers that sheets keep dates as.
_SHEET_EPOCH = date(1899, 12, 30)
_SERIAL = re.compile(r"[1-9][0-9]{4}(?:\.[0-9]+)?")
_COMPACT = re.compile(r"(20[0-9]{2})([01][0-9])([0-3][0-9])\s?(?:([0-2][0-9])(?:([0-5][0-9])([0-5][0-9])?)?)?(?:\.0)?")
#: Seconds or milliseconds since 1970, for the years 2001 to 2033.
_UNIX = re.compile(r"(1[0-9]{9})([0-9]{3})?")
#: As Java prints a time that nobody has told it how to: CST is the time of China there.
_JAVA = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([0-3][0-9]) ([0-2][0-9]):([0-5][0-9]):([0-5][0-9]) CST (20[0-9]{2})"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAY = re.compile(r"[(\[]?(?:星期|礼拜|周)[一二三四五六日天1-7][)\]]?")
_ENDS = re.compile(r"(?:之前|以前|前|止|为止)$")
_NUMERAL = re.compile(r"[〇零○一二三四五六七八九十]+")
_NUMERALS = {**{digit: value for value, digit in enumerate("〇一二三四五六七八九")}, "零": 0, "○": 0}
_WRITTEN = re.compile(
    r"([0-9]{4})\s*[-/.年]\s*([0-9]{1,2})\s*[-/.月]\s*([0-9]{1,2})\s*[日号]?"
    r"(?:[T\s,]*(?P<part>凌晨|清晨|早上|早晨|上午|中午|午间|下午|傍晚|晚上|夜间|晚|am|pm)?\s*"
    r"(?P<hour>[0-9]{1,2})\s*[:时点]\s*钟?(?:"
    r"(?P<minute>[0-9]{1,2})\s*(?:[:分]\s*(?:(?P<second>[0-9]{1,2})(?:[.,][0-9]+)?\s*秒?)?)?"
    r"|(?P<quarter>半|[123]刻)|整)?\s*(?P<after>am|pm)?)?"
    r"\s*(?P<zone>z|[+-][0-9]{2}:?[0-9]{2})?",
    re.IGNORECASE,
)
#: From which hour on a part of the day counts twelve more, and which hour it is that twelve means.
_AFTERNOON = frozenset({"下午", "傍晚", "晚上", "夜间", "晚", "pm"})
_NIGHT = frozenset({"晚上", "夜间", "晚"})
_MORNING = frozenset({"凌晨", "am"})


def read_moment(written: str, zone: tzinfo, *, end_of_day: bool = False) -> datetime:
    """A time as it was written, in `zone` unless it says its own; a date alone is its first moment, or the last.

    Raises:
        ValueError: it is none, or one that could be several, such as 11/3/2026.
    """
    try:
        return _moment(written, zone, end_of_day)
    except OverflowError as error:  # the end of 9999-12-31
        raise ValueError("not a time") from error


def _moment(written: str, zone: tzinfo, end_of_day: bool) -> datetime:
    text = unicodedata.normalize("NFKC", written).strip()
    if unix := _UNIX.fullmatch(text):
        return datetime.fromtimestamp(int(text) / (1000 if unix[2] else 1), UTC).astimezone(zone)
    if _SERIAL.fullmatch(text):
        days = float(text)
        at = datetime.combine(_SHEET_EPOCH, time()) + timedelta(seconds=round(days * 86400))
        return _in(zone, at, alone=days == int(days), end_of_day=end_of_day)
    if (java := _JAVA.fullmatch(text)) and java[1] in _MONTHS:
        at = _at(java[6], _MONTHS.index(java[1]) + 1, *java.group(2, 3, 4, 5))
        return _in(zone, at, alone=False, end_of_day=end_of_day)
    if compact := _COMPACT.fullmatch(text):
        return _in(zone, _at(*compact.groups()), alone=compact[4] is None, end_of_day=end_of_day)
    found = _WRITTEN.fullmatch(_ENDS.sub("", _arabic(_WEEKDAY.sub(" ", text))).strip())
    if found is None:
        raise ValueError("not a time")
    year, month, day = found[1], found[2], found[3]
    hour, days = _hour(int(found["hour"] or 0), (found["part"] or found["after"] or "").lower())
    quarter = found["quarter"]
    minute = 30 if quarter == "半" else 15 * int(quarter[0]) if quarter else int(found["minute"] or 0)
    at = _at(year, month, day, hour, minute, found["second"]) + timedelta(days=days)
    if said := found["zone"]:
        offset = "+00:00" if said in "zZ" else said
        return datetime.fromisoformat(f"{at.isoformat()}{offset}").astimezone(UTC)
    return _in(zone, at, alone=found["hour"] is None, end_of_day=end_of_day)


def _in(zone: tzinfo, at: datetime, *, alone: bool, end_of_day: bool) -> datetime:
    return (at + timedelta(days=1) if alone and end_of_day else at).replace(tzinfo=zone)


def _at(*parts: str | int | None) -> datetime:
    """24:00 is the first moment of the next day."""
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    if hour == 24 and not minute and not second:
        return datetime(year, month, day) + timedelta(days=1)  # noqa: DTZ001  the zone follows
    return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001  the zone follows


def _hour(hour: int, part: str) -> tuple[int, int]:
    """The hour of 24, and how many days later: 下午3点 is 15, 晚上12点 the midnight that follows."""
    if part in _NIGHT and hour == 12:
        return 0, 1
    if part in _MORNING and hour == 12:
        return 0, 0
    if (part in _AFTERNOON and hour < 12) or (part in ("中午", "午间") and hour < 3):
        return hour + 12, 0
    return hour, 0


def _arabic(text: str) -> str:
    """二〇二六年十一月三日 with digits."""
    return _NUMERAL.sub(lambda found: str(_number(found[0])), text)


def _number(numeral: str) -> int:
    tens, ten, ones = numeral.partition("十")
    if ten:
        return 10 * (_NUMERALS.get(tens, 0) if tens else 1) + (_NUMERALS.get(ones, 0) if ones else 0)
    return int("".join(str(_NUMERALS[digit]) for digit in numeral))
