"""The tables in a file, cell by cell: CSV in any encoding, XLSX as a stream, what others make (XLS, ODS), web pages."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from gateway.channels.transfer.cells import clean, encoding_of, text_of
from gateway.channels.transfer.html_rows import is_page, rows_of_page
from gateway.channels.transfer.others import read_apart
from gateway.channels.transfer.xlsx import Book, bounded, opened_zip
from gateway.channels.transfer.xlsx_rows import Merged
from ticket_core.source import Source, plain

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_DELIMITERS = ",;\t|"
_HEAD = 64 << 10  # characters in which the delimiter is found
_LONGEST_CELL = 1 << 20
_DIGIT = re.compile(r"[0-9]")
_CHUNK = 1 << 20
#: What is read at once, and not as a stream, may be no larger.
_MOST_AT_ONCE = 64 << 20


class NoSheet(ValueError):
    """A file holds nothing that can be read as cases; the reason is for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row as people count it, its cells, and how much of the file has been read by then (0 to 1)."""

    number: int
    cells: Sequence[str]
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table. `loose`: its cells stand by delimiters, so that a stray one moves all that follow it."""

    name: str
    lines: Iterator[Line]
    hidden: bool = False
    loose: bool = False


def is_sheet(body: bytes, media_type: str = "") -> bool:
    """Whether this is a file with rows."""
    return body.startswith((_ZIP, _OLE)) or "csv" in media_type or "sheet" in media_type or "excel" in media_type


def tables_in(body: bytes, source: Source) -> Iterator[Table]:
    """The tables of a file, one after the other; read the lines of each before the next.

    Raises:
        NoSheet: it cannot be read, also in the middle of its lines; and whatever the libraries raise for a broken file.
    """
    if is_page(body):
        yield Table(name="", lines=_lines_of_page(body))
        return
    if not body.startswith((_ZIP, _OLE)):
        yield Table(name="", lines=_csv_lines(body, source), loose=True)
        return
    yield from _xlsx(body) if _is_xlsx(body) else _others(body)


def _is_xlsx(body: bytes) -> bool:
    if not body.startswith(_ZIP):
        return False
    with opened_zip(body) as packed:
        names = {name.casefold() for name in packed.namelist()}
    return "[content_types].xml" in names and any(name.endswith(".xml") and "/sheet" in name for name in names)


def _xlsx(body: bytes) -> Iterator[Table]:
    with closing(Book(body)) as book:
        for sheet in book.sheets:
            rows = book.rows(sheet)
            lines = (Line(number=n, cells=[clean(one) for one in cells], share=share) for n, cells, share in rows)
            yield Table(name=sheet.name, lines=lines, hidden=sheet.hidden)


def _others(body: bytes) -> Iterator[Table]:
    """Formats that are read at once: 65,536 rows at most (XLS), or rare (ODS, XLSB)."""
    if body.startswith(_ZIP):
        _measure(body)
    with closing(read_apart(body)) as said:
        for _, group in groupby(_by_sheet(said), key=itemgetter(0)):
            yield _table(map(itemgetter(1), group))


def _lines_of_page(body: bytes) -> Iterator[Line]:
    for number, cells, share in rows_of_page(body):
        yield Line(number=number, cells=[clean(one) for one in cells], share=share)


def _by_sheet(said: Iterator[Any]) -> Iterator[tuple[int, Any]]:
    """Each with the number of the sheet it is about."""
    number = 0
    for one in said:
        number += isinstance(one, dict)
        yield number, one


def _table(said: Iterator[Any]) -> Table:
    about = next(said)
    return Table(name=about["sheet"], lines=_lines(about, said), hidden=about["hidden"])


def _lines(about: Mapping[str, Any], rows: Iterator[list[Any]]) -> Iterator[Line]:
    before = about["left"]  # rows are given from the first, columns from the first used one
    merged = Merged(
        (left - before, top + 1, bottom + 1) for (top, left), (bottom, _) in about["merged"] if bottom > top
    )
    total = max(about["height"], 1)
    for number, cells in enumerate(rows, 1):
        texts = [clean(text_of(_cell(one))) for one in cells]
        if any(texts):
            share = about["before"] + about["share"] * min(number / total, 1.0)
            yield Line(number=number, cells=merged.filled(number, texts), share=share)


def _cell(said: Any) -> object:
    return datetime.fromisoformat(said["at"]) if isinstance(said, dict) else said


def _measure(body: bytes) -> None:
    """Unpack all of it once, in pieces, before a library does it at once: what it says of its size proves nothing."""
    unpacked = 0
    with opened_zip(body) as packed:
        for name in packed.namelist():
            with packed.open(name) as part:
                while chunk := part.read(_CHUNK):
                    unpacked += len(chunk)
                    bounded(unpacked, len(body))
                    if unpacked > _MOST_AT_ONCE:
                        raise NoSheet(f"unpacks to more than {_MOST_AT_ONCE >> 20} MiB; save it as XLSX or CSV")


# --- CSV


def _csv_lines(body: bytes, source: Source) -> Iterator[Line]:
    encoding = encoding_of(body)
    delimiter = _delimiter(_text(body, encoding).read(_HEAD), source)
    csv.field_size_limit(_LONGEST_CELL)
    raw = io.BytesIO(body)
    reader = csv.reader(io.TextIOWrapper(raw, encoding, "replace", newline=""), delimiter=delimiter)
    width = number = 0
    size = max(len(body), 1)
    try:
        for number, cells in enumerate(reader, 1):
            if any("\n" in one for one in cells):
                _refuse_open_quote(cells, delimiter, width, number)
            width = max(width, len(cells))
            if texts := [clean(one) for one in cells]:
                yield Line(number=number, cells=texts, share=min(raw.tell() / size, 1.0))
    except csv.Error as error:
        raise NoSheet(f"the table cannot be read after row {number}: {error}") from error


def _text(body: bytes, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(body), encoding, "replace", newline="")


def _refuse_open_quote(cells: Sequence[str], delimiter: str, width: int, number: int) -> None:
    """A quotation mark that nobody closes makes one cell of all that follows: better said than taken in.

    Raises:
        NoSheet: a cell holds what looks like whole rows.
    """
    shape = _DIGIT.sub("0", cells[0].partition("\n")[0])
    for cell in cells:
        for line in cell.splitlines()[1:]:
            first = _DIGIT.sub("0", line.partition(delimiter)[0].strip('"'))
            if shape and first == shape and line.count(delimiter) >= width - 1:
                raise NoSheet(f"row {number}: a quotation mark is not closed")


def _delimiter(head: str, source: Source) -> str:
    """The one by which a line has the most names of the source; else the most frequent."""

    def names(delimiter: str) -> int:
        try:
            lines = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
            return max((sum(plain(one) in source.headers for one in line if one) for line in lines), default=0)
        except csv.Error:
            return 0

    return max(_DELIMITERS, key=lambda one: (names(one), head.count(one)))
