"""The form of GeoReport v2 as it is posted: its values, its answers to questions, and what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, unquote_plus

from gateway.files import clean_name, media_type_of
from gateway.message import File
from gateway.web.open311.multipart import is_multipart, made_of, parts_in
from gateway.web.open311.settings import LISTS, Attribute, Service

LONGEST_DESCRIPTION = 4_000  # characters, GeoReport v2
_LONGEST_ANSWER = 2_000
_MOST_FIELDS = 500
_ATTRIBUTE = re.compile(r"attribute\[([^\[\]]{1,64})\](?:\[\d*\])?")
_KEY = "api_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What was posted. Of a name that comes several times all values are kept, without those that are empty."""

    values: Mapping[str, tuple[str, ...]]
    answers: Mapping[str, tuple[str, ...]]
    files: tuple[File, ...] = ()

    def first(self, name: str) -> str:
        """The first value of this name; an empty one is none (GeoReport v2, Optional Arguments)."""
        return next(iter(self.values.get(name, ())), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """What is wrong with one field; `kind` and `context` as in `gateway.web.words.REASONS`."""

    field: str
    kind: str
    context: Mapping[str, object]


def read_form(body: bytes) -> Form:
    """The form of a body; every part of it that has a file name is a file, whatever it is called.

    Raises:
        ValueError: it is none, or not in UTF-8.
    """
    values: dict[str, list[str]] = {}
    answers: dict[str, list[str]] = {}
    files: tuple[File, ...] = ()
    if is_multipart(body):
        parts = parts_in(body)
        pairs = [(one.name, one.content.decode()) for one in parts if one.file_name is None]
        files = tuple(_file(one.file_name, one.content) for one in parts if one.file_name is not None and one.content)
    else:
        pairs = parse_qsl(
            body.decode(),
            keep_blank_values=True,
            strict_parsing=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    for name, value in pairs:
        if not value.strip():
            continue
        asked = _ATTRIBUTE.fullmatch(name)
        place, key = (answers, asked[1]) if asked else (values, name)
        place.setdefault(key, []).append(value.strip())
    return Form(
        values={name: tuple(some) for name, some in values.items()},
        answers={name: tuple(some) for name, some in answers.items()},
        files=files,
    )


def apart_from_key(body: bytes) -> tuple[bytes, str]:
    """The body without its ``api_key``, and that key: a journal keeps no secrets. Its values stay byte for byte."""
    if is_multipart(body):
        parts = parts_in(body)
        keys = [one.content.decode(errors="replace").strip() for one in parts if one.name == _KEY]
        return made_of([one for one in parts if one.name != _KEY]), keys[-1] if keys else ""
    key, kept = "", []
    for part in body.split(b"&"):
        name, _, value = part.partition(b"=")
        if name.strip() == _KEY.encode():
            key = unquote_plus(value.decode("latin-1")).strip()
        else:
            kept.append(part)
    return b"&".join(kept), key


def wrong_in(form: Form, service: Service) -> Iterator[Wrong]:
    """All that is wrong with a report about this service."""
    yield from _wrong_place(form)
    for name, longest in (("description", LONGEST_DESCRIPTION), ("address_string", 1_000), ("address_id", 100)):
        if len(form.first(name)) > longest:
            yield Wrong(field=name, kind="string_too_long", context={"max_length": longest})
    for asked in service.attributes:
        yield from _wrong_answer(asked, form.answers.get(asked.code, ()))


def place_of(form: Form) -> tuple[float, float] | None:
    """Latitude and longitude (WGS 84); None where they are not given or are none."""
    try:
        lat, long = float(form.first("lat")), float(form.first("long"))
    except ValueError:
        return None
    return (lat, long) if -90 <= lat <= 90 and -180 <= long <= 180 else None


def _file(name: str, content: bytes) -> File:
    media_type = media_type_of(content) or "application/octet-stream"
    return File(name=clean_name(name) or "media", media_type=media_type, content=content)


def _wrong_place(form: Form) -> Iterator[Wrong]:
    given = [name for name in ("lat", "long") if form.first(name)]
    if given and place_of(form) is None:
        yield Wrong(field="lat, long", kind="coordinates", context={})
    elif not (given or form.first("address_string") or form.first("address_id")):
        yield Wrong(field="lat, long, address_string, address_id", kind="no_location", context={})


def _wrong_answer(asked: Attribute, given: tuple[str, ...]) -> Iterator[Wrong]:
    field = f"attribute[{asked.code}]"
    if not given:
        if asked.required and asked.variable:
            yield Wrong(field=field, kind="missing", context={})
        return
    if asked.datatype in LISTS and (unknown := [one for one in given if one not in asked.values]):
        yield Wrong(field=field, kind="literal_error", context={"expected": ", ".join(asked.values), "given": unknown})
    elif len(given) > 1 and asked.datatype != "multivaluelist":
        yield Wrong(field=field, kind="too_long", context={"max_length": 1})
    elif asked.datatype == "number" and not _is_number(given[0]):
        yield Wrong(field=field, kind="number", context={})
    elif asked.datatype == "datetime" and moment(given[0]) is None:
        yield Wrong(field=field, kind="w3_time", context={})
    elif any(len(one) > _LONGEST_ANSWER for one in given):
        yield Wrong(field=field, kind="string_too_long", context={"max_length": _LONGEST_ANSWER})


def moment(written: str) -> datetime | None:
    """A time of the W3C's format with its zone; None for anything else. A blank was a plus before it was decoded."""
    try:
        at = datetime.fromisoformat(written.strip().replace(" ", "+"))
    except ValueError:
        return None
    return at if at.tzinfo is not None and 1900 < at.year < 2200 else None


def _is_number(written: str) -> bool:
    try:
        float(written)
    except ValueError:
        return False
    return True
