"""Which days are worked in China: published years, the operator's own days, and a mark on what is not known yet.

A published year comes from `chinese_calendar` (2004 onwards) or from a year file that names its papers. Any other
year has weekends and the statutory days of the law and nothing else, and what is computed with it is provisional.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from itertools import accumulate, compress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, ValidationError, model_validator

from ticket_core.statute import statutory_days

FIRST_YEAR, LAST_YEAR = 1970, 2100
"""The years a calendar can answer for; arithmetic that leaves them is a ValueError."""

HolidayReading = Literal["statutory", "break"]

_EPOCH = date(FIRST_YEAR, 1, 1).toordinal()
_DAYS = date(LAST_YEAR + 1, 1, 1).toordinal() - _EPOCH
_WORKING, _WEEKEND, _BREAK, _STATUTORY = range(4)  # the kind of a day, one byte each
_HOLIDAY_FROM: Mapping[HolidayReading, int] = {"statutory": _STATUTORY, "break": _BREAK}


def _plain_date(value: object) -> object:
    """Take a date or its ISO text; pydantic alone would read a number as a Unix time."""
    return value if isinstance(value, date) else date.fromisoformat(str(value))


class YearDay(BaseModel):
    """One day of a year file that differs from its weekday, or confirms it."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)
    name: str = Field(min_length=1)
    date: Annotated[date, BeforeValidator(_plain_date)]
    is_off_day: StrictBool = Field(alias="isOffDay")


class YearFile(BaseModel):
    """A year's notice, or an operator's own days: `{year, papers[], days[{name,date,isOffDay}]}`.

    With papers it publishes the year; without, it only adds days. December days of the year before are allowed,
    because a notice may move them. Source of the form: github.com/NateScarlet/holiday-cn.
    """

    model_config = ConfigDict(frozen=True)
    year: int = Field(ge=FIRST_YEAR, le=LAST_YEAR)
    papers: tuple[str, ...] = ()
    days: tuple[YearDay, ...] = ()

    @model_validator(mode="after")
    def _days_belong_and_agree(self) -> YearFile:
        problems: list[str] = []
        seen: dict[date, bool] = {}
        for day in self.days:
            if (day.date.year, day.date.month) != (self.year - 1, 12) and day.date.year != self.year:
                problems.append(f"{day.date} is not in {self.year}")
            if seen.setdefault(day.date, day.is_off_day) != day.is_off_day:
                problems.append(f"{day.date} is both worked and off")
        if problems:
            raise ValueError("; ".join(problems))
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The days of 1970..2100, immutable and safe to share between threads; every question costs a few array look-ups.

    Two calendars are equal when their versions are; the version changes with the library, the year files and the
    reading of "holiday". Raises ValueError for a day outside the range.
    """

    version: str
    _kinds: bytes = field(repr=False, compare=False)
    _rank: array[int] = field(repr=False, compare=False)  # working days up to and including each day
    _worked: array[int] = field(repr=False, compare=False)  # ordinals of the working days
    _published: frozenset[int] = field(repr=False, compare=False)
    _names: Mapping[date, str] = field(repr=False, compare=False)
    _holiday_from: int = field(repr=False, compare=False)

    def is_working(self, day: date) -> bool:
        """Say whether the day is worked, make-up days included."""
        return self._kinds[_index(day)] == _WORKING

    def is_holiday(self, day: date) -> bool:
        """Say whether the day is a 法定节假日 in the reading the calendar was loaded with (see `load_calendar`)."""
        return self._kinds[_index(day)] >= self._holiday_from

    def is_published(self, day: date) -> bool:
        """Say whether the notice for the day's year is known."""
        return day.year in self._published

    def all_published(self, first: date, last: date) -> bool:
        """Say whether every year from the first day to the last is published."""
        if first.year == last.year:
            return first.year in self._published
        return all(year in self._published for year in range(first.year, last.year + 1))

    def name_of(self, day: date) -> str | None:
        """Return the Chinese name of the holiday, or of the one a make-up day belongs to; None without one."""
        return self._names.get(day)

    def add_working_days(self, day: date, count: int) -> date:
        """Return the `count`-th working day after the day, or before it for a negative count.

        The day itself never counts. Raises ValueError for a count of 0 and for a result outside the calendar.
        """
        rank = self._rank[_index(day)]
        if count > 0:
            position = rank + count - 1
        elif count < 0:
            position = rank + count - (self._kinds[_index(day)] == _WORKING)
        else:
            raise ValueError("0 working days name no day")
        if not 0 <= position < len(self._worked):
            raise ValueError(f"{count} working days from {day} leave the years {FIRST_YEAR}..{LAST_YEAR}")
        return date.fromordinal(self._worked[position])

    def next_not_holiday(self, day: date) -> date:
        """Return the day itself or the first day after it that is not a holiday."""
        while self.is_holiday(day):
            day += timedelta(1)
        return day

    def next_working(self, day: date) -> date:
        """Return the day itself or the first working day after it."""
        return day if self.is_working(day) else self.add_working_days(day, 1)


def load_calendar(overlays: Iterable[YearFile] = (), *, holiday: HolidayReading = "statutory") -> Calendar:
    """Build the calendar from the library's published years and the operator's year files, later files winning.

    A file's days win over the library's; days it does not name stay. `holiday` settles what 法定节假日 means when a
    last day rolls (市场监督管理投诉举报处理办法 art. 45): `statutory`, the days the law itself names, gives the
    earlier deadline and is the default; `break` takes the whole break of the notice, adjacent 调休 days off included.
    """
    files = tuple(overlays)
    library_version, library_years, library_days = _library()
    kinds = bytearray(_DAYS)
    for weekday in (5, 6):  # ordinal 1 was a Monday
        kinds[(weekday + 1 - _EPOCH) % 7 :: 7] = bytes([_WEEKEND]) * len(range((weekday + 1 - _EPOCH) % 7, _DAYS, 7))
    names: dict[date, str] = {}
    statutory: set[date] = set()
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        for day, name in statutory_days(year):
            kinds[day.toordinal() - _EPOCH], names[day] = _STATUTORY, name
            statutory.add(day)
    own_days = ((day.date, day.name, day.is_off_day) for file in files for day in file.days)
    for day, name, is_off in (*library_days, *own_days):
        off_kind = _STATUTORY if day in statutory else _BREAK
        kinds[day.toordinal() - _EPOCH], names[day] = off_kind if is_off else _WORKING, name
    return Calendar(
        version="+".join((f"chinesecalendar-{library_version}", *_fingerprint(files, holiday))),
        _kinds=bytes(kinds),
        _rank=array("i", accumulate(kind == _WORKING for kind in kinds)),
        _worked=array("i", compress(range(_EPOCH, _EPOCH + _DAYS), (kind == _WORKING for kind in kinds))),
        _published=library_years | {file.year for file in files if file.papers},
        _names=names,
        _holiday_from=_HOLIDAY_FROM[holiday],
    )


def read_year_files(folder: Path) -> tuple[YearFile, ...]:
    """Read every `*.json` year file of a folder in the order of their names.

    Raises ValueError with all problems of all files, one a line: file, key, reason. Raises OSError when a file or the
    folder cannot be read.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"no folder of year files: {folder}")
    files: list[YearFile] = []
    problems: list[str] = []
    for path in sorted(folder.glob("*.json")):
        try:
            files.append(YearFile.model_validate_json(path.read_bytes()))
        except ValidationError as error:
            for problem in error.errors(include_url=False):
                key = ".".join(map(str, problem["loc"])) or "file"
                problems.append(f"{path.name}: {key}: {problem['msg']}")
    if problems:
        raise ValueError("\n".join(problems))
    return tuple(files)


def unpublished_year(calendar: Calendar, today: date) -> int | None:
    """Return the year whose notice is missing though it is time for it: this one, in December the next; else None.

    The State Council publishes a year's notice in the October or November before it.
    """
    years = (today, date(today.year + 1, 1, 1)) if today.month == 12 else (today,)
    return next((day.year for day in years if not calendar.is_published(day)), None)


def _index(day: date) -> int:
    index = day.toordinal() - _EPOCH
    if not 0 <= index < _DAYS:
        raise ValueError(f"{day} is outside the years {FIRST_YEAR}..{LAST_YEAR}")
    return index


def _fingerprint(files: tuple[YearFile, ...], holiday: HolidayReading) -> tuple[str, ...]:
    """Return the parts of the version that the operator chose; none for a plain calendar."""
    content = "\n".join(file.model_dump_json() for file in files)
    digest = (hashlib.sha256(content.encode()).hexdigest()[:12],) if files else ()
    return digest if holiday == "statutory" else (*digest, holiday)


@lru_cache(maxsize=1)
def _library() -> tuple[str, frozenset[int], tuple[tuple[date, str, bool], ...]]:
    """Return the library's version, its years and its days as (day, name, is off).

    Its tables are read and not its functions: those search all years on every call. The import is here because most
    commands never ask for a day.
    """
    import chinese_calendar
    from chinese_calendar.constants import Holiday, holidays, workdays

    chinese: dict[str, str] = {kind.value: kind.chinese for kind in Holiday}
    off = [(day, chinese[name], True) for day, name in holidays.items()]
    worked = [(day, chinese[name], False) for day, name in workdays.items()]
    years = [day.year for day in holidays]
    return chinese_calendar.__version__, frozenset(range(min(years), max(years) + 1)), (*off, *worked)
