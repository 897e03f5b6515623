"""From one case as a forwarding body sends it to the messages it says, by the body's own rules."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from ticket_core.model import Kind
from ticket_core.source import ACTS, Place, Source, plain

_LONGEST_CASE_NUMBER = 100
#: Day 0 of the serial numbers that sheets keep dates as.
_SHEET_EPOCH = date(1899, 12, 30)
_SERIAL = re.compile(r"[1-9][0-9]{4}(?:\.[0-9]+)?")
_DATE = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
    r"(?:[T\s]*(\d{1,2})\s*[:时点]\s*(\d{1,2})?(?:\s*[:分]\s*(\d{1,2})(?:\.\d+)?)?\s*[分秒]?)?\s*(Z|[+-]\d{2}:?\d{2})?"
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?")
_YES = frozenset({"是", "y", "yes", "true", "1", "保密", "匿名", "实名", "需要"})
_NO = frozenset({"", "否", "n", "no", "false", "0", "不保密", "非匿名", "公开", "不需要"})
_FLAGS: tuple[Place, ...] = ("anonymous", "confidential", "real_name")


class BadRow(ValueError):
    """A record cannot be taken as a case; `problems` has a reason for each of their fields."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in problems.items()))
        self.problems = dict(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One message of a case: its id, its intake body with ``source``, and when the person complained."""

    external_id: str
    fields: Mapping[str, Any]
    text: str
    subject: str = ""
    lodged_at: datetime | None = None
    split_from: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One record as it is understood; of a case that is several things at once the later parts split from the first."""

    number: str
    parts: tuple[Part, ...] = field(default_factory=tuple)


def read_case(record: Mapping[str, str | None], source: Source) -> Case:
    """Understand one record.

    The id of a part is the case's number and a hash of what the record says: the same again is the same input, a
    correction is another one of the same case.

    Raises:
        BadRow: with every problem, by their field.
    """
    reader = _Reader({plain(name): (name, (value or "").strip()) for name, value in record.items() if name}, source)
    number = reader.first(source.case_number)[:_LONGEST_CASE_NUMBER]
    if not number:
        reader.problems[source.case_number[0]] = "required"
    said = {place: reader.first(names) for place, names in source.fields.items()}
    for place in source.required:
        if not said.get(place):
            reader.problems[source.fields[place][0]] = "required"
    act = reader.word("act", said.get("act", "")) or "transfer"
    if act not in ACTS:
        act = "transfer"
    sent_at = reader.moment("sent_at")
    lodged_at = reader.moment("lodged_at")
    kinds = _kinds(reader, said.get("kind", ""), source)
    deadlines = tuple(reader.deadlines())
    shared: dict[str, Any] = {
        "text": said.get("text", ""),
        "subject": said.get("subject", ""),
        "category": _category(said.get("category", ""), source),
        "priority": reader.word("priority", said.get("priority", "")),
        "respondent": said.get("respondent", ""),
        "service_number": said.get("service_number", ""),
        "occurred_at": reader.moment("occurred_at"),
        "place": said.get("place", ""),
        "entry": said.get("entry", ""),
    }
    who = {"name": said.get("name", ""), "phone": said.get("phone", ""), "email": said.get("email", "")}
    flags = {place: reader.flag(place, said.get(place, "")) for place in _FLAGS}
    unnamed = source.unnamed.get(who["name"])
    if unnamed is not None:  # what stands in the place of a name is why there is none
        who["name"], flags[unnamed] = "", True
    if reader.problems:
        raise BadRow(reader.problems)
    other = {"other_number": said["other_number"][:_LONGEST_CASE_NUMBER]} if said.get("other_number") else {}
    digest = _digest(record, source)
    parts: list[Part] = []
    for kind, track in kinds:
        hidden = flags["confidential"] or kind in source.confidential_kinds
        parts.append(
            Part(
                external_id=f"{source.name}:{number}{f':{track}' if track else ''}#{digest}",
                fields={
                    **shared,
                    "kind": kind,
                    "complainant": {**who, **flags, "confidential": hidden},
                    "source": {
                        "body": source.name,
                        "case_number": number,
                        "deadlines": deadlines,
                        "track": track,
                        "act": act,
                        "sent_at": sent_at,
                        **other,
                    },
                },
                text=shared["text"],
                subject=shared["subject"],
                lodged_at=lodged_at,
                split_from=parts[0].external_id if parts else "",
            )
        )
    return Case(number=number, parts=tuple(parts))


def read_moment(written: str, source: Source, *, end_of_day: bool = False) -> datetime:
    """A time as sheets and interfaces write it; a date alone is its first moment, or with `end_of_day` its last.

    Raises:
        ValueError: it is none.
    """
    text = written.strip()
    if _SERIAL.fullmatch(text):
        days = float(text)
        at = datetime.combine(_SHEET_EPOCH, time()) + timedelta(seconds=round(days * 86400))
        alone = days == int(days)
        zone: str | None = None
    else:
        found = _DATE.fullmatch(text) or _COMPACT.fullmatch(text)
        if found is None:
            raise ValueError("not a time")
        year, month, day, hour, minute, second, *rest = (*found.groups(), None)
        zone = rest[0] if rest else None
        alone = hour is None
        if hour == "24":
            at = datetime(int(year), int(month), int(day)) + timedelta(days=1)  # noqa: DTZ001  the zone follows
        else:
            at = datetime(  # noqa: DTZ001  the zone follows
                int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0)
            )
    if alone and end_of_day:
        at += timedelta(days=1)
    if zone:
        return datetime.fromisoformat(f"{at.isoformat()}{'+00:00' if zone == 'Z' else zone}").astimezone(UTC)
    return at.replace(tzinfo=source.tz)


@dataclass(slots=True)
class _Reader:
    record: Mapping[str, tuple[str, str]]
    source: Source
    problems: dict[str, str] = field(default_factory=dict)

    def first(self, names: tuple[str, ...]) -> str:
        """The first of these fields that says something."""
        return next((value for name in names if (value := self.record.get(plain(name), ("", ""))[1])), "")

    def named(self, names: tuple[str, ...]) -> tuple[str, str]:
        """The same with the name it stands under."""
        found = ((self.record[plain(name)]) for name in names if plain(name) in self.record)
        return next((one for one in found if one[1]), ("", ""))

    def word(self, place: Place, said: str) -> str:
        """Our word for theirs; empty where there is none, which is no mistake: their lists grow."""
        words = {plain(theirs): ours for theirs, ours in self.source.values.get(place, {}).items()}
        return words.get(plain(said), "")

    def moment(self, place: Place) -> datetime | None:
        """A time; one that cannot be read is a problem."""
        name, said = self.named(self.source.fields.get(place, ()))
        if not said:
            return None
        try:
            return read_moment(said, self.source)
        except ValueError:
            self.problems[name] = "not a time"
            return None

    def flag(self, place: Place, said: str) -> bool:
        """Yes or no."""
        word = self.word(place, said) or plain(said)
        if word in _YES:
            return True
        if word not in _NO:
            self.problems[self.named(self.source.fields[place])[0]] = "neither yes nor no"
        return False

    def deadlines(self) -> list[tuple[str, datetime]]:
        """Their own limits."""
        found = []
        for limit, names in self.source.deadlines.items():
            name, said = self.named(names)
            if not said:
                continue
            try:
                found.append((limit, read_moment(said, self.source, end_of_day=True)))
            except ValueError:
                self.problems[name] = "not a time"
        return found


def _kinds(reader: _Reader, said: str, source: Source) -> list[tuple[Kind, str]]:
    """Each kind that the case is, with the track that tells its ticket apart where it is several."""
    word = plain(said)
    for theirs, kinds in source.tracks.items():
        if plain(theirs) == word:
            return [(kind, kind) for kind in kinds]
    kind: Any = reader.word("kind", said) or source.default_kind
    tracked = {one for kinds in source.tracks.values() for one in kinds}
    return [(kind, kind if kind in tracked else "")]


def _category(said: str, source: Source) -> tuple[str, ...]:
    for separator in source.category_separators:
        if separator in said:
            return tuple(part.strip() for part in said.split(separator) if part.strip())[:4]
    return (said,) if said else ()


def _digest(record: Mapping[str, str | None], source: Source) -> str:
    """What the record says in fields that mean something; a column of their own desk, such as a status, is no news."""
    said = sorted(
        (plain(name), " ".join(value.split()))
        for name, value in record.items()
        if value and plain(name) in source.headers
    )
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()[:24]
