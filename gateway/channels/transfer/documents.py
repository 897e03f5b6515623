"""The cases of a push, JSON or XML: where they stand in it, what they say, and the files they bring."""

from __future__ import annotations

import base64
import binascii
import json
import mimetypes
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import orjson
from pydantic import JsonValue

from gateway.channels.elements import read_elements
from gateway.channels.transfer.cells import decoded, text_of
from gateway.message import File
from ticket_core.source import Source, plain

#: As the intake body of the API has it (contract, section 3); what is beyond stays in the journal, and is named.
_MOST_FILES = 10
_LARGEST_FILE = 10 << 20
_LONGEST_NAME = 200
_LONGEST_LINE = 500
#: orjson makes a float of what is larger than 64 bits.
_LONG_NUMBER = re.compile(r"[:,\[]\s*[0-9]{20}")
_Object = dict[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One case of a push: its values by the body's names, its files, and all of it as it was sent."""

    record: dict[str, str]
    files: tuple[File, ...] = ()
    sent: JsonValue


def entries_in(body: bytes, source: Source) -> list[Entry]:
    """The cases of a push, where the source says they are, else the outermost objects that can be one.

    Raises:
        ValueError: it is neither JSON nor XML, or where cases should be is none.
    """
    document = _document(body, source)
    cases = [one for path in source.records for one in _under(document, path.split("."), source)]
    if not cases and source.records and not (isinstance(document, dict) and _is_case(document, source)):
        raise ValueError(f"no case at {' or '.join(source.records)}")
    if not cases:
        cases = list(_outermost(document, source))
    if not cases:
        cases = document if isinstance(document, list) else [document]
    if not cases or not all(isinstance(one, dict) for one in cases):
        raise ValueError("neither a case nor a list of cases")
    return [_entry(cast(_Object, one), source) for one in cases]


def _document(body: bytes, source: Source) -> JsonValue:
    body = body.removeprefix(b"\xef\xbb\xbf")
    document: JsonValue = read_elements(body) if body.lstrip()[:1] == b"<" else _json(decoded(body))
    return document if source.pairs is None else _paired(document, source.pairs)


def _json(text: str) -> JsonValue:
    """A JSON document; with a number of 20 digits or more read by what keeps all of them."""
    document: JsonValue = json.loads(text) if _LONG_NUMBER.search(text) else orjson.loads(text)
    return document


# --- Where the cases are


def _under(value: JsonValue, steps: Sequence[str], source: Source) -> list[JsonValue]:
    """What stands under a path, in each entry of every list on the way; a text on the way is a document of its own."""
    if isinstance(value, str) and value.lstrip()[:1] in ("<", "{", "["):
        value = _document(value.strip().encode(), source)
    if isinstance(value, list):
        return [found for one in value for found in _under(one, steps, source)]
    if not steps:
        return [value]
    if not isinstance(value, dict) or steps[0] not in value:
        return []
    return _under(value[steps[0]], steps[1:], source)


def _outermost(value: JsonValue, source: Source) -> Iterator[JsonValue]:
    """Objects that say all that a case must; in a list one such, or one with a number, makes all of it cases."""
    match value:
        case dict() if _is_case(value, source):
            yield value
        case dict():
            for name, inner in value.items():
                if not _is_attached(name, source):
                    yield from _outermost(inner, source)
        case list() if any(isinstance(one, dict) and _is_listed(one, source) for one in value):
            yield from value
        case list():
            for inner in value:
                yield from _outermost(inner, source)


def _is_case(value: _Object, source: Source) -> bool:
    names = {plain(name) for name in _leaves(value, source)}
    return not names.isdisjoint(source.numbers) and not names.isdisjoint(source.needed)


def _is_listed(value: _Object, source: Source) -> bool:
    """Whether this is one of a list of cases: the number and anything else they say of a case."""
    names = {plain(name) for name in _leaves(value, source)}
    return not names.isdisjoint(source.numbers) and len(names & source.headers) > 1


def _paired(value: JsonValue, pairs: tuple[str, str]) -> JsonValue:
    """The document with objects of a name and a value turned into what they mean."""
    match value:
        case list() if value and all(isinstance(one, dict) and one.keys() >= set(pairs) for one in value):
            return {str(one[pairs[0]]): one[pairs[1]] for one in cast(list[_Object], value)}
        case list():
            return [_paired(one, pairs) for one in value]
        case dict() if value.keys() >= set(pairs):
            return {str(value[pairs[0]]): value[pairs[1]]}
        case dict():
            return {name: _paired(one, pairs) for name, one in value.items()}
        case _:
            return value


# --- What a case says


def _entry(case: _Object, source: Source) -> Entry:
    files: list[File] = []
    record = _leaves(case, source)
    for name, value in _attachments(case, source):
        lines = list(_read_files(value, source, files))
        if lines:
            record[name] = " / ".join(filter(None, [record.get(name, ""), *lines]))
    return Entry(record=record, files=tuple(files), sent=case)


def _leaves(case: _Object, source: Source) -> dict[str, str]:
    """The leaves by their last name, the outer before the inner; of a name that comes twice the first counts."""
    found: dict[str, str] = {}
    waiting: list[_Object] = [case]
    while waiting:
        for name, value in waiting.pop(0).items():
            match value:
                case dict() if not _is_attached(name, source):
                    waiting.append(value)
                case list() if not _is_attached(name, source):
                    found.setdefault(name, "/".join(map(_said, value)))
                case str() | int() | float():
                    found.setdefault(name, text_of(value))
    return found


def _said(value: JsonValue) -> str:
    """An entry of a list within a case, as people read it."""
    match value:
        case dict():
            return ", ".join(f"{name}: {_said(one)}" for name, one in value.items() if one not in (None, ""))
        case list():
            return "/".join(map(_said, value))
        case _:
            return text_of(value)


# --- The files of a case


def _is_attached(name: str, source: Source) -> bool:
    return plain(name) in source.attached_lists


def _attachments(value: JsonValue, source: Source) -> Iterator[tuple[str, JsonValue]]:
    """What stands under a name of the lists of files, with that name."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if not _is_attached(name, source):
                yield from _attachments(inner, source)
            elif isinstance(inner, list | dict):
                yield name, inner


def _read_files(value: JsonValue, source: Source, files: list[File]) -> Iterator[str]:
    """Put what carries content into `files`, and give a line for everything else."""
    match value:
        case list():
            for one in value:
                yield from _read_files(one, source, files)
        case dict():
            named = {plain(name): text_of(one) for name, one in value.items() if isinstance(one, str | int | float)}
            if named.keys().isdisjoint(map(plain, (*source.attached.name, *source.attached.content))):
                for one in value.values():  # a list within the list
                    yield from _read_files(one, source, files)
            elif (file := _file(named, source, len(files) + 1)) is not None and len(files) < _MOST_FILES:
                files.append(file)
            else:
                contents = set(map(plain, source.attached.content))
                yield " ".join(one for key, one in named.items() if one and key not in contents)[:_LONGEST_LINE]
        case None:
            return
        case _:
            yield text_of(value)[:_LONGEST_LINE]


def _file(named: dict[str, str], source: Source, number: int) -> File | None:
    """A file with its content; None where there is none, or too much."""
    content = _content(_first(named, source.attached.content))
    if not content or len(content) > _LARGEST_FILE:
        return None
    name, said = _first(named, source.attached.name), _first(named, source.attached.media_type)
    media_type = said if "/" in said else mimetypes.guess_type(name)[0] or "application/octet-stream"
    return File(name=name[:_LONGEST_NAME] or str(number), media_type=media_type, content=content)


def _first(named: dict[str, str], names: Sequence[str]) -> str:
    return next((value for name in names if (value := named.get(plain(name), ""))), "")


def _content(written: str) -> bytes:
    """The bytes of base64, also as a data URL and in lines; nothing where it is none."""
    if written.startswith("data:"):
        written = written.partition(",")[2]
    try:
        return base64.b64decode("".join(written.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""
