"""Tables as files for people: CSV and XLSX in which what somebody wrote stays a text and never becomes a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Literal

import xlsxwriter

Form = Literal["csv", "xlsx"]
MEDIA_TYPES: dict[str, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
#: First characters that make a program take a cell for a formula; the wide ones are typed in Chinese and mean the same.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_LONGEST_CELL = 32_767  # characters that a sheet holds; more is lost without a word
_MOST_ROWS = 1_000_000  # in one worksheet; further rows go on in the next


def csv_of(rows: Iterable[Sequence[str]], encoding: str = "utf-8-sig") -> Iterator[bytes]:
    """The rows as CSV, a part for each; what looks like a formula has an apostrophe before it."""
    if encoding == "utf-8-sig":
        yield "\ufeff".encode()
    plain = "utf-8" if encoding == "utf-8-sig" else encoding
    for row in rows:
        text = io.StringIO()
        csv.writer(text).writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row])
        yield text.getvalue().encode(plain, "replace")


class CsvFile:
    """A CSV that is written row by row, with the mark by which spreadsheets know its encoding."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out, self._encoding = out, "utf-8-sig"

    def add(self, rows: Iterable[Sequence[str]]) -> None:
        """Write further rows."""
        self._out.writelines(csv_of(rows, self._encoding))
        self._encoding = "utf-8"  # the mark stands at the beginning alone

    def close(self) -> None:
        """It ends with its last row."""


class Workbook:
    """A workbook that is written row by row with little memory; all its cells are texts."""

    def __init__(self, out: IO[bytes], sheet: str, *, title: str = "") -> None:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(out, options)
        self._sheet, self._pages = sheet, 0
        self._turn()
        if title:
            self.add([[title]])

    def add(self, rows: Iterable[Sequence[str]]) -> None:
        """Write further rows; beyond a million they go on in another sheet of the book."""
        for row in rows:
            if self._place >= _MOST_ROWS:
                self._turn()
            for column, cell in enumerate(row):
                self._page.write_string(self._place, column, _cut(cell))
            self._place += 1

    def close(self) -> None:
        """Write what a workbook ends with."""
        self._book.close()

    def _turn(self) -> None:
        self._pages += 1
        name = self._sheet if self._pages == 1 else f"{self._sheet[:27]} {self._pages}"
        self._page, self._place = self._book.add_worksheet(name), 0


def table_in(out: IO[bytes], form: str, sheet: str) -> CsvFile | Workbook:
    """A file in this form, to which rows are added."""
    return Workbook(out, sheet) if form == "xlsx" else CsvFile(out)


def xlsx_of(rows: Iterable[Sequence[str]], sheet: str, *, title: str = "") -> bytes:
    """The rows as a workbook."""
    out = io.BytesIO()
    book = Workbook(out, sheet, title=title)
    book.add(rows)
    book.close()
    return out.getvalue()


def _cut(cell: str) -> str:
    return cell if len(cell) <= _LONGEST_CELL else cell[: _LONGEST_CELL - 1] + "…"
