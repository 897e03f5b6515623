"""The records of a body: JSON and XML as pushed, XLSX and CSV as exported, row by row.

Sheets of the trade have titles above their header, empty sheets, merged cells, GBK, and dates as text.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from defusedxml import ElementTree
from python_calamine import CalamineWorkbook

from ticket_core.source import Source, plain

#: A sheet that unpacks to more is no export but a bomb.
_MOST_UNPACKED = 1 << 30
_HEADER_WITHIN = 20  # rows
_LEAST_NAMES = 2  # known names that make a row the header
_MOST_ROWS = 1_000_000
_DELIMITERS = ",;\t|"
Record = dict[str, str]


class NoSheet(ValueError):
    """A file holds nothing that can be read as cases; the reason is for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One record with where it stands: the sheet's name and the row as people count it."""

    sheet: str
    number: int
    record: Record


def records_in(body: bytes, media_type: str, source: Source) -> list[Record]:
    """All records of one input.

    Raises:
        ValueError: it is none of the formats, or broken.
    """
    if is_sheet(body, media_type):
        return [row.record for row in rows_in(body, source)]
    start = body.lstrip()[:1]
    return _of_xml(body) if start == b"<" else _of_json(body)


def is_sheet(body: bytes, media_type: str = "") -> bool:
    """Whether this is a file with rows."""
    return body.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")) or "csv" in media_type or "sheet" in media_type


def rows_in(body: bytes, source: Source) -> Iterator[Row]:
    """The rows of a file, one after the other.

    Raises:
        NoSheet: it cannot be read, or no row of it looks like a header of this source.
    """
    found = False
    for sheet, cells in _tables(body):
        header: Sequence[str] | None = None
        for number, row in enumerate(cells, 1):
            texts = [_text(cell) for cell in row]
            if header is None:
                if number > _HEADER_WITHIN:
                    break
                if sum(plain(one) in source.headers for one in texts if one) >= _LEAST_NAMES:
                    header, found = texts, True
                continue
            record = {name: value for name, value in zip(header, texts, strict=False) if name and value}
            if record:
                yield Row(sheet=sheet, number=number, record=record)
    if not found:
        known = "、".join(names[0] for names in (source.case_number, *source.fields.values()))
        raise NoSheet(f"no header row: none of the first {_HEADER_WITHIN} rows has two of {known}")


def _tables(body: bytes) -> Iterator[tuple[str, Iterable[Sequence[Any]]]]:
    if body.startswith(b"PK\x03\x04"):
        _bounded(body)
    if body.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        try:
            book = CalamineWorkbook.from_filelike(io.BytesIO(body))
            for name in book.sheet_names:
                yield name, book.get_sheet_by_name(name).iter_rows()
        except Exception as error:
            raise NoSheet(f"the sheet cannot be read: {type(error).__name__}") from error
        return
    yield "", _csv(body)


def _bounded(body: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            unpacked = sum(one.file_size for one in packed.infolist())
    except zipfile.BadZipFile as error:
        raise NoSheet("the file is broken") from error
    if unpacked > _MOST_UNPACKED:
        raise NoSheet(f"unpacks to more than {_MOST_UNPACKED >> 30} GiB")


def _csv(body: bytes) -> Iterator[list[str]]:
    text = _decoded(body)
    first = text[:8192]
    delimiter = max(_DELIMITERS, key=first.count)
    csv.field_size_limit(10 << 20)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        raise NoSheet(f"the table cannot be read: {error}") from error


def _decoded(body: bytes) -> str:
    """UTF-8 with or without a mark, UTF-16 with one, else the encoding of Chinese Windows."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("gb18030", "replace")


def _text(cell: object) -> str:
    """A cell as people read it: 1.0 is 1, a day has no midnight."""
    match cell:
        case bool():
            return "是" if cell else "否"
        case float() if cell.is_integer():
            return str(int(cell))
        case datetime():
            return cell.strftime("%Y-%m-%d" if cell.time() == datetime.min.time() else "%Y-%m-%d %H:%M:%S")
        case date():
            return cell.isoformat()
        case None:
            return ""
        case _:
            return str(cell).strip()


def _of_json(body: bytes) -> list[Record]:
    document = orjson.loads(body)
    if isinstance(document, dict):
        inner = next(
            (one for one in document.values() if isinstance(one, list) and one and isinstance(one[0], dict)), None
        )
        document = [document] if inner is None else inner
    if not isinstance(document, list) or not document or not all(isinstance(one, dict) for one in document):
        raise ValueError("neither a case nor a list of cases")
    return [_flat(one) for one in document]


def _flat(document: dict[str, Any]) -> Record:
    """The leaves by their last name; of a name that comes twice the first counts."""
    found: Record = {}
    waiting: list[dict[str, Any]] = [document]
    while waiting:
        for name, value in waiting.pop(0).items():
            match value:
                case dict():
                    waiting.append(value)
                case list() if all(isinstance(one, str | int | float) for one in value):
                    found.setdefault(name, "/".join(map(str, value)))
                case str() | int() | float():
                    found.setdefault(name, _text(value))
    return found


def _of_xml(body: bytes) -> list[Record]:
    """Elements without children are values; the elements that hold them are cases."""
    try:
        root = ElementTree.fromstring(body, forbid_dtd=True)
    except Exception as error:
        raise ValueError(f"not XML: {type(error).__name__}") from error
    found = []
    for element in root.iter():
        record = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in element if not len(child)}
        if record:
            found.append(record)
    if not found:
        raise ValueError("no values")
    return found
