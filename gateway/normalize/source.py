"""From one case as a forwarding body sends it to the messages it says, by the body's own rules."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.message import File
from gateway.normalize.moment import read_moment
from ticket_core.model import Kind
from ticket_core.source import ACTS, Place, Source, plain

_LONGEST_CASE_NUMBER = 100
#: What stands in the place of a number where there is none.
_NO_NUMBER = frozenset({"null", "none", "nan", "n/a", "na", "nil"})
#: A number that a program has shortened for display: its last digits are gone.
_SHORTENED = re.compile(r"[0-9](?:\.[0-9]+)?E\+[0-9]{2,}", re.IGNORECASE)
_POINT_ZERO = re.compile(r"([0-9]{5,})\.0+")
#: What stands in the place of a time or of yes and no where there is none; so does the zero of a program's calendar.
_UNSAID = _NO_NUMBER | {"-", "--", "---", "—", "——", "/", "\\", "无", "暂无", "空", "0"}
_NO_TIME = re.compile(r"0?0:00(?::00)?|(?:0000[-/.年]0?0|1900[-/.年]0?1)[-/.月]0?0(?!\d).*")
_FIRST_YEAR = 1971
_YES = frozenset({"是", "y", "yes", "true", "1", "保密", "匿名", "实名", "需要"})
_NO = frozenset({"", "否", "n", "no", "false", "0", "不保密", "非匿名", "公开", "不需要"})
#: Messages about a case that we have; they need not tell it again.
_ABOUT = frozenset({"urge", "withdraw", "extension"})
_FLAGS: tuple[Place, ...] = ("anonymous", "confidential", "real_name")


class BadRow(ValueError):
    """A record cannot be taken as a case; `problems` has a reason for each of their fields, `number` is the case's."""

    def __init__(self, problems: Mapping[str, str], number: str = "") -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in problems.items()))
        self.problems = dict(problems)
        self.number = number


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


def read_case(record: Mapping[str, str | None], source: Source, files: Sequence[File] = ()) -> Case:
    """Understand one record with its files.

    The id of a part is the case's number and a hash of what the record says: the same again is the same input, a
    correction is another one of the same case.

    Raises:
        BadRow: with every problem, by their field.
    """
    reader = _Reader({plain(name): (name, (value or "").strip()) for name, value in record.items() if name}, source)
    number = _case_number(reader, source)
    said = {place: reader.first(names) for place, names in source.fields.items()}
    act = reader.word("act", said.get("act", "")) or "transfer"
    if act not in ACTS:
        act = "transfer"
    if act in _ABOUT and not said.get("text"):
        said["text"] = said["act"]  # 督办 says enough about a case that we have
    for place in source.required:
        if not said.get(place):
            reader.problems[source.fields[place][0]] = "required"
    sent_at = reader.moment("sent_at")
    lodged_at = reader.moment("lodged_at")
    said.setdefault("respondent", "")
    kinds = _kinds(reader, said.get("kind", ""), source)
    deadlines = tuple(reader.deadlines())
    shared: dict[str, Any] = {
        "subject": said.get("subject", ""),
        "category": _category(said.get("category", ""), source),
        "priority": reader.word("priority", said.get("priority", "")),
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
        raise BadRow(reader.problems, number)
    other = {"other_number": said["other_number"][:_LONGEST_CASE_NUMBER]} if said.get("other_number") else {}
    digest = _digest(record, source, files)
    parts: list[Part] = []
    for kind, track in kinds:
        hidden = flags["confidential"] or kind in source.confidential_kinds
        of_others = {one for other, names in source.only.items() if len(kinds) > 1 and other != kind for one in names}
        text = "\n".join(filter(None, [reader.text(of_others) or said.get("text", ""), *reader.attached()]))
        parts.append(
            Part(
                external_id=f"{source.name}:{number}{f':{track}' if track else ''}#{digest}",
                fields={
                    **shared,
                    "text": text,
                    "respondent": reader.first(source.fields.get("respondent", ()), of_others) or said["respondent"],
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
                text=text,
                subject=shared["subject"],
                lodged_at=lodged_at,
                split_from=parts[0].external_id if parts else "",
            )
        )
    return Case(number=number, parts=tuple(parts))


def _case_number(reader: _Reader, source: Source) -> str:
    """Their number of the case; one that is none, or not whole, is a problem: two cases must not become one."""
    name, written = reader.named(source.case_number)
    number = unicodedata.normalize("NFKC", written).strip()
    number = whole[1] if (whole := _POINT_ZERO.fullmatch(number)) else number
    if not any(one.isalnum() and one.isascii() for one in number) or number.casefold() in _NO_NUMBER:
        reader.problems[name or source.case_number[0]] = "required"
    elif _SHORTENED.fullmatch(number):
        reader.problems[name] = "its last digits are lost"
    return number[:_LONGEST_CASE_NUMBER]


@dataclass(slots=True)
class _Reader:
    record: Mapping[str, tuple[str, str]]
    source: Source
    problems: dict[str, str] = field(default_factory=dict)

    def first(self, names: tuple[str, ...], but: Collection[str] = ()) -> str:
        """The first of these fields, `but` of some, that says something."""
        return next(
            (value for name in names if name not in but and (value := self.record.get(plain(name), ("", ""))[1])), ""
        )

    def text(self, but: Collection[str]) -> str:
        """What the case says: the first of its texts, `but` of some, then under their names those that say more."""
        known = {plain(name): None for name in self.source.fields.get("text", ()) if name not in but}
        said = [self.record[name] for name in known if self.record.get(name, ("", ""))[1]]
        main = said[0][1] if said else ""
        fields = self.source.fields.items()
        told = {plain(name) for place, names in fields if place != "text" for name in names}  # as a subject, perhaps
        more = [f"{name}: {value}" for name, value in said[1:] if value not in main and plain(name) not in told]
        return "\n".join([main, *more])

    def named(self, names: tuple[str, ...]) -> tuple[str, str]:
        """The same with the name it stands under."""
        found = ((self.record[plain(name)]) for name in names if plain(name) in self.record)
        return next((one for one in found if one[1]), ("", ""))

    def attached(self) -> list[str]:
        """What is said of files that are not here, each under its own name."""
        lists = self.source.attached_lists
        return [f"{name}: {value}" for key, (name, value) in self.record.items() if key in lists and value]

    def word(self, place: Place, said: str) -> str:
        """Our word for theirs; empty where there is none, which is no mistake: their lists grow."""
        words = {plain(theirs): ours for theirs, ours in self.source.values.get(place, {}).items()}
        return words.get(plain(said), "")

    def moment(self, place: Place) -> datetime | None:
        """A time; one that cannot be read is a problem."""
        return self._moment(*self.named(self.source.fields.get(place, ())))

    def _moment(self, name: str, said: str, *, end_of_day: bool = False) -> datetime | None:
        if said.casefold() in _UNSAID or _NO_TIME.fullmatch(said):
            return None
        try:
            at = read_moment(said, self.source.tz, end_of_day=end_of_day) if said else None
        except ValueError:
            self.problems[name] = "not a time"
            return None
        return at if at is not None and at.year >= _FIRST_YEAR else None

    def flag(self, place: Place, said: str) -> bool:
        """Yes or no."""
        word = self.word(place, said) or plain(said)
        if word in _YES:
            return True
        if word not in _NO | _UNSAID:
            self.problems[self.named(self.source.fields[place])[0]] = "neither yes nor no"
        return False

    def deadlines(self) -> list[tuple[str, datetime]]:
        """Their own limits."""
        given = {
            limit: self._moment(*self.named(names), end_of_day=True) for limit, names in self.source.deadlines.items()
        }
        return [(limit, at) for limit, at in given.items() if at is not None]


def _kinds(reader: _Reader, said: str, source: Source) -> list[tuple[Kind, str]]:
    """Each kind that the case is, with the track that tells its ticket apart where it is several."""
    word = plain(said)
    for theirs, kinds in source.tracks.items():
        if plain(theirs) == word:
            return [(kind, kind) for kind in kinds]
    kind: Any = reader.word("kind", said)
    texts = source.fields.get("text", ())
    spoken = [one for one, names in source.only.items() if reader.first(tuple(name for name in texts if name in names))]
    if len(spoken) > 1 and not kind:
        return [(one, one) for one in spoken]
    kind = kind or (spoken[0] if spoken else source.default_kind)
    tracked = {one for kinds in source.tracks.values() for one in kinds}
    return [(kind, kind if kind in tracked else "")]


def _category(said: str, source: Source) -> tuple[str, ...]:
    for separator in source.category_separators:
        if separator in said:
            return tuple(part.strip() for part in said.split(separator) if part.strip())[:4]
    return (said,) if said else ()


def _digest(record: Mapping[str, str | None], source: Source, files: Sequence[File]) -> str:
    """What the record says in fields that mean something; a column of their own desk, such as a status, is no news."""
    known = source.headers | source.attached_lists
    said = sorted(
        (plain(name), " ".join(value.split())) for name, value in record.items() if value and plain(name) in known
    )
    said += sorted(("", hashlib.sha256(one.content).hexdigest()) for one in files)
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()[:24]
