"""The `Date` header: when the writer says it was written."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_tz

_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10,
    "nov": 11, "dec": 12,
}  # fmt: skip
_RFC5322 = re.compile(
    r"(?:[A-Za-z\u4e00-\u9fff]{2,9}\.?,?\s*)?(\d{1,2})[\s-]([A-Za-z]{3})[a-z]*[\s-](\d{4})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?"
    r"(?:\.\d+)?\s*(.*)"
)
_YEAR_FIRST = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})日?[T\s]*(?:[(（]?星期.[)）]?\s*)?(?:(上午|下午|晚上)\s*)?"
    r"(\d{1,2})[:：](\d{2})(?:[:：](\d{2}))?(?:\.\d+)?\s*(.*)"
)
_OFFSET = re.compile(r"(?:GMT|UTC)?\s*([+-])(\d{2}):?(\d{2})\b")
_CHINA = timezone(timedelta(hours=8))
# "CST" is China Standard Time to everybody who writes to a Chinese organisation, and -0600 to the standard library.
_ZONES = {"GMT": 0, "UTC": 0, "UT": 0, "Z": 0, "CST": 8, "HKT": 8, "JST": 9, "KST": 9, "EST": -5, "EDT": -4, "PST": -8}


def parse_date(value: bytes) -> tuple[datetime | None, str | None]:
    """An aware datetime between the years 1980 and 2199, or None; and a sentence when something had to be assumed.

    A time without zone is China Standard Time, and so is the zone name CST.
    """
    text = value[:200].decode("utf-8", "replace").strip()
    if not text:
        return None, None
    odd = None
    moment: datetime | None = None
    try:
        if found := _RFC5322.match(text):
            day, month, year, hour, minute, second, rest = found.groups()
            number = _MONTHS.get(month.lower())
            if number:
                zone, odd = _zone(rest)
                moment = _moment(int(year), number, int(day), int(hour), int(minute), int(second or 0), zone)
        elif found := _YEAR_FIRST.match(text):
            year, month, day, half, hour, minute, second, rest = found.groups()
            late = 12 if half in ("下午", "晚上") and int(hour) < 12 else 0
            zone, odd = _zone(rest)
            moment = _moment(int(year), int(month), int(day), int(hour) + late, int(minute), int(second or 0), zone)
        if moment is None and (parts := parsedate_tz(text)):
            zone = timezone(timedelta(seconds=parts[9])) if parts[9] is not None and "CST" not in text else _CHINA
            moment = _moment(*parts[:6], zone)
    except (ValueError, OverflowError, TypeError, IndexError):
        moment = None
    if moment is None or not 1980 <= moment.year <= 2199:
        return None, "the date cannot be read"
    return moment, odd


def _moment(year: int, month: int, day: int, hour: int, minute: int, second: int, zone: timezone) -> datetime:
    return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)  # 60 is a leap second


def _zone(rest: str) -> tuple[timezone, str | None]:
    found = _OFFSET.match(rest)
    if found:
        minutes = int(found[2]) * 60 + int(found[3])
        return timezone(timedelta(minutes=-minutes if found[1] == "-" else minutes)), None
    name = rest.strip("() \t")[:3].upper()
    if name[:1] == "Z":
        name = "Z"
    if name in _ZONES or name[:2] == "UT":
        return timezone(timedelta(hours=_ZONES.get(name, 0))), None
    return _CHINA, "the date has no zone, taken as China Standard Time"
