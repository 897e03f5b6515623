"""The report of an import: each row with what became of it and why, as a table or a sheet, in a reader's language."""

from __future__ import annotations

import csv
import functools
import io
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import xlsxwriter

from gateway.shipped import shipped_templates
from ticket_core.number import number_of
from ticket_core.store.imports import ImportedRow

#: First characters that make a sheet take a text for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS = ("row", "sheet", "case_number", "outcome", "ticket", "why")


def why_of(one: ImportedRow, locale: str) -> str:
    """Why a row had its outcome, in words; what the outcome means where there is no more to say."""
    words = _words(locale)
    if not one.why:
        return words["meaning"].get(one.outcome, "")
    return words["glue"]["between"].join(words["why"][reason].format(about=about) for reason, about in one.why)


def problem_of(problem: str, locale: str) -> str:
    """What is wrong with a file, in words; as its reader says it where there are none."""
    for said, words in _words(locale)["file"].items():
        if (found := re.fullmatch(said, problem)) is not None:
            return found.expand(words)
    return problem


def report_of(rows: Iterable[ImportedRow], form: str, locale: str) -> Iterator[bytes]:
    """The report as ``csv`` (UTF-8 with a mark, no cell a formula) or ``xlsx``, in pieces."""
    return iter((_sheet(rows, locale),)) if form == "xlsx" else _table(rows, locale)


def _table(rows: Iterable[ImportedRow], locale: str) -> Iterator[bytes]:
    yield "\ufeff".encode()
    yield _line(_head(locale))
    for one in rows:
        yield _line(_cells(one, locale))


def _sheet(rows: Iterable[ImportedRow], locale: str) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet("report")
    sheet.write_row(0, 0, _head(locale))
    for place, one in enumerate(rows, 1):
        sheet.write_row(place, 0, _cells(one, locale))
    book.close()
    return out.getvalue()


def _head(locale: str) -> tuple[str, ...]:
    return tuple(_words(locale)["column"][name] for name in _COLUMNS)


def _cells(one: ImportedRow, locale: str) -> tuple[str, ...]:
    number = number_of(one.ticket_id) if one.ticket_id else ""
    return str(one.row), one.sheet, one.case_number, one.outcome, number, why_of(one, locale)


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return text.getvalue().encode()


@functools.cache
def _words(locale: str) -> Mapping[str, Mapping[str, str]]:
    folder = shipped_templates() / "imports"
    return tomllib.loads((folder / f"{locale}.toml").read_text("utf-8"))
