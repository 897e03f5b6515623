"""What the parser of an XLSX part hears, collected: shared texts, rows, and what merged cells say in each of theirs."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable
from functools import lru_cache

from gateway.channels.transfer.cells import text_of

Cells = list[str]
_MOST_COLUMNS = 512
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class SharedTexts:
    """Collects shared texts; what only tells how to pronounce one is left out."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._text: list[str] = []
        self._in_text = self._spoken = False

    def start(self, name: str, _given: dict[str, str]) -> None:
        """An element begins."""
        if name == "t":
            self._in_text = not self._spoken
        elif name == "rPh":
            self._spoken = True

    def end(self, name: str) -> None:
        """An element ends."""
        if name == "t":
            self._in_text = False
        elif name == "rPh":
            self._spoken = False
        elif name == "si":
            self.texts.append(unescaped("".join(self._text)))
            self._text.clear()

    def said(self, text: str) -> None:
        """Text between."""
        if self._in_text:
            self._text.append(text)


class Rows:
    """Collects the rows of a sheet; places that are not told follow the one before."""

    def __init__(
        self, rows: deque[tuple[int, Cells]], text: Callable[[int], str], moment: Callable[[float, int], str]
    ) -> None:
        """`text` is a shared text by its number, `moment` what a number with a style shows."""
        self._rows = rows
        self._text_of = text
        self._moment = moment
        self._number = 0
        self._cells: Cells = []
        self._column = -1
        self._type = ""
        self._style = -1
        self._text: list[str] = []
        self._in_text = self._spoken = False

    def start(self, name: str, given: dict[str, str]) -> None:
        """An element begins."""
        if name == "c":
            found = _REFERENCE.match(given.get("r", ""))
            self._column = column_of(found[1]) if found else self._column + 1
            self._type, self._style = given.get("t", "n"), int(given.get("s", "0"))
        elif name == "v" or name == "t":
            self._in_text = not self._spoken
        elif name == "rPh":
            self._spoken = True
        elif name == "row":
            self._number = int(given.get("r", self._number + 1))
            self._cells, self._column = [], -1

    def end(self, name: str) -> None:
        """An element ends."""
        if name == "v" or name == "t":
            self._in_text = False
        elif name == "c":
            if self._text:
                self._put(self._shown("".join(self._text)))
                self._text.clear()
        elif name == "rPh":
            self._spoken = False
        elif name == "row" and self._cells:
            self._rows.append((self._number, self._cells))

    def said(self, text: str) -> None:
        """Text between."""
        if self._in_text:
            self._text.append(text)

    def _shown(self, text: str) -> str:
        match self._type:
            case "s":
                return self._text_of(int(text))
            case "n":
                try:
                    return self._moment(float(text), self._style)
                except ValueError:
                    return text
            case "e":
                return ""
            case "b":
                return text_of(text.strip() in ("1", "true"))
            case "d":
                return text
            case _:
                return unescaped(text)

    def _put(self, text: str) -> None:
        if not 0 <= self._column < _MOST_COLUMNS:
            return
        self._cells += [""] * (self._column + 1 - len(self._cells))
        self._cells[self._column] = text


class Merged:
    """Fills cells merged downwards, as the rows come."""

    def __init__(self, merges: Iterable[tuple[int, int, int]]) -> None:
        """`merges`: column, first and last row of each."""
        self._firsts = sorted((first, column, last) for column, first, last in merges)
        self._open: dict[int, tuple[int, str]] = {}  # column -> its last row, and what it says

    def filled(self, number: int, cells: Cells) -> Cells:
        """The row with what stands above it in its merged cells."""
        if self._open:
            for column, (last, text) in list(self._open.items()):
                if number > last:
                    del self._open[column]
                elif column >= len(cells) or not cells[column]:
                    cells += [""] * (column + 1 - len(cells))
                    cells[column] = text
        place = bisect_left(self._firsts, (number, -1, 0))
        while place < len(self._firsts) and self._firsts[place][0] == number:
            _, column, last = self._firsts[place]
            if column < len(cells) and cells[column]:
                self._open[column] = (last, cells[column])
            place += 1
        return cells


@lru_cache(maxsize=1024)
def column_of(letters: str) -> int:
    """A is 0, Z is 25, AA is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def unescaped(text: str) -> str:
    """The text with what XML could not hold, such as ``_x000D_`` for a carriage return (ECMA-376-1, 22.9.2.19)."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
