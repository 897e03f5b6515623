"""XLSX (ECMA-376) as a stream: rows one after the other, in memory that does not grow with their number.

A sheet may unpack to a thousand times its size, so what is really unpacked is counted, and so is the time it takes;
texts that cells share wait in a temporary file.
"""

from __future__ import annotations

import io
import os
import posixpath
import re
import tempfile
import time
import zipfile
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from xml.parsers import expat

from gateway.channels.transfer.cells import number_text, text_of
from gateway.channels.transfer.xlsx_rows import Cells, Merged, Rows, SharedTexts, column_of

_CHUNK = 64 << 10
MOST_UNPACKED = 1 << 30
_ENTRY, _MOST_PARTS = b"PK\x01\x02", 10_000  # each is an object in memory before any of them is looked at
#: How much more than its size a file may unpack to; small ones may more, since empty rows with borders shrink well.
_MOST_RATIO = 200
_SMALL = 64 << 20
_LONGEST_READ = 300.0  # seconds of our own work
_MOST_MERGES = 200_000
#: Formats of dates that need no definition (18.8.30, and 27 to 36, 50 to 58 of Chinese Excel).
_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_NOT_OF_FORMAT = re.compile(r'"[^"]*"|\\.|\[(?![hms]+\])[^\]]*\]|_.|\*.', re.IGNORECASE)
_OF_DATE = re.compile(r"[ymdhs年月日时分秒]", re.IGNORECASE)
_ZEROS = re.compile(r"0{2,30}")
_MERGED = re.compile(rb"""mergeCell\s[^>]*?ref\s*=\s*["']([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})["']""")
#: Elements of most writers have no prefix, which saves a call for each of millions.
_PREFIXED = re.compile(rb"<\w+:(?:worksheet|sst|styleSheet|workbook|Relationships)\b")
#: Day 0 of the serial numbers of dates, and that of old files from Macs.
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001  sheets know no zone
_LAST_SERIAL = 2_958_466.0  # 9999-12-31


class TooLarge(ValueError):
    """It unpacks to more than a sheet of cases can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One sheet of a book."""

    name: str
    hidden: bool
    part: str


class Book:
    """An open XLSX file. Close it: its texts are in a temporary file."""

    def __init__(self, body: bytes) -> None:
        """Raises ValueError, or what the libraries raise, for a broken file."""
        self._size = max(len(body), 1)
        self._zip = opened_zip(body)
        self._names = {name.casefold(): name for name in self._zip.namelist()}
        self._unpacked: dict[str, int] = {}
        self._worked = 0.0
        self._texts = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        self._ends = array("Q", [0])
        self._dates: list[bool] = []
        self._widths: list[int] = []
        self._epoch = _EPOCH
        self.text = lru_cache(maxsize=2048)(self._text)
        self.sheets: list[Sheet] = []
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        """Find the parts, and read all but the sheets."""
        main = self._target("_rels/.rels", "", lambda one: one.get("Type", "").endswith("/officeDocument"))
        self._main = main or "xl/workbook.xml"
        rels = posixpath.join(posixpath.dirname(self._main), "_rels", posixpath.basename(self._main) + ".rels")
        self.sheets = self._read_sheets(rels)
        self._read_styles(self._target(rels, self._main, lambda one: one.get("Type", "").endswith("/styles")))
        self._read_texts(self._target(rels, self._main, lambda one: one.get("Type", "").endswith("/sharedStrings")))

    def close(self) -> None:
        """Let the temporary file go."""
        self._texts.close()
        self._zip.close()

    def rows(self, sheet: Sheet) -> Iterator[tuple[int, Cells, float]]:
        """The rows with anything in them: number, cells, and how much of all sheets is read by then.

        A cell that is merged downwards says the same in each of its rows.
        """
        merged = Merged(self._merges(sheet.part))
        rows: deque[tuple[int, Cells]] = deque()
        reader = Rows(rows, self.text, self.moment)
        sizes = {one.part: self._zip.getinfo(self._names[one.part.casefold()]).file_size for one in self.sheets}
        total = max(sum(sizes.values()), 1)
        read = sum(sizes[one.part] for one in self.sheets[: self.sheets.index(sheet)])
        for size in self._parse(sheet.part, reader.start, reader.end, reader.said):
            read += size
            while rows:
                number, cells = rows.popleft()
                yield number, merged.filled(number, cells), min(read / total, 1.0)

    def moment(self, serial: float, style: int) -> str:
        """What a number with this style shows."""
        if not (0 <= style < len(self._dates) and self._dates[style] and 0 <= serial < _LAST_SERIAL):
            width = self._widths[style] if 0 <= style < len(self._widths) else 0
            return number_text(serial).zfill(width)
        at = self._epoch + timedelta(seconds=round(serial * 86400))
        return f"{at:%H:%M:%S}" if serial < 1 else text_of(at)

    # --- Parts

    def _read_sheets(self, rels: str) -> list[Sheet]:
        targets = {one.get("Id", ""): one for one in self._relations(rels)}
        found: list[Sheet] = []

        def start(name: str, given: dict[str, str]) -> None:
            if name == "sheet":
                own = next((value for key, value in given.items() if _local(key) == "id"), "")
                if (relation := targets.get(own)) is not None:
                    part = _resolved(self._main, relation.get("Target", ""))
                    if part.casefold() in self._names:
                        hidden = given.get("state", "visible") != "visible"
                        found.append(Sheet(name=given.get("name", ""), hidden=hidden, part=part))
            elif name == "workbookPr" and given.get("date1904", "0") in ("1", "true"):
                self._epoch = _EPOCH_1904

        self._whole(self._main, start)
        return found

    def _relations(self, part: str) -> list[dict[str, str]]:
        found: list[dict[str, str]] = []
        if part.casefold() in self._names:
            self._whole(part, lambda name, given: found.append(given) if name == "Relationship" else None)
        return found

    def _target(self, rels: str, base: str, wanted: Callable[[dict[str, str]], bool]) -> str:
        return next((_resolved(base, one.get("Target", "")) for one in self._relations(rels) if wanted(one)), "")

    def _read_styles(self, part: str) -> None:
        """Which styles show a number as a date, and which with zeros before it."""
        if part.casefold() not in self._names:
            return
        codes: dict[int, bool] = {}
        widths: dict[int, int] = {}
        place = [False]

        def start(name: str, given: dict[str, str]) -> None:
            if name == "numFmt":
                code = _NOT_OF_FORMAT.sub("", given.get("formatCode", "").partition(";")[0])
                codes[int(given.get("numFmtId", "-1"))] = _OF_DATE.search(code.replace("General", "")) is not None
                widths[int(given.get("numFmtId", "-1"))] = len(code) if _ZEROS.fullmatch(code) else 0
            elif name in ("cellXfs", "cellStyleXfs"):
                place[0] = name == "cellXfs"
            elif name == "xf" and place[0]:
                one = int(given.get("numFmtId", "0"))
                self._dates.append(codes.get(one, one in _DATES))
                self._widths.append(widths.get(one, 0))

        self._whole(part, start)

    def _read_texts(self, part: str) -> None:
        """Put the shared texts into the file, and remember where each ends."""
        if part.casefold() not in self._names:
            return
        shared = SharedTexts()
        for _ in self._parse(part, shared.start, shared.end, shared.said):
            for text in shared.texts:
                content = text.encode("utf-8", "replace")
                self._texts.write(content)
                self._ends.append(self._ends[-1] + len(content))
            shared.texts.clear()
        self._texts.flush()

    def _text(self, index: int) -> str:
        if not 0 <= index < len(self._ends) - 1:
            return ""
        start, end = self._ends[index], self._ends[index + 1]
        return os.pread(self._texts.fileno(), end - start, start).decode("utf-8", "replace")

    def _merges(self, part: str) -> list[tuple[int, int, int]]:
        """What is merged downwards: column, first and last row. It stands behind the rows: the part is read twice."""
        found: list[tuple[int, int, int]] = []
        rest = b""
        for chunk in self._chunks(part):
            text = rest + chunk
            if b"mergeCell" in text:
                for one in _MERGED.finditer(text):
                    first, last = int(one[2]), int(one[4])
                    if last > first and len(found) < _MOST_MERGES:
                        found.append((column_of(one[1].decode()), first, last))
                rest = text[text.rfind(b"<") :]
            else:
                rest = text[-32:]
        return sorted(set(found))

    # --- Reading

    def _whole(self, part: str, start: Callable[[str, dict[str, str]], Any]) -> None:
        for _ in self._parse(part, start, None, None):
            pass

    def _parse(
        self,
        part: str,
        start: Callable[[str, dict[str, str]], Any],
        end: Callable[[str], Any] | None,
        said: Callable[[str], Any] | None,
    ) -> Iterator[int]:
        """Parse a part, a chunk at a time; yields the size of each.

        Raises:
            ValueError: it is broken, has a document type, or takes too long.
        """
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.CharacterDataHandler = said
        parser.StartDoctypeDeclHandler = _refuse_doctype
        for number, chunk in enumerate(self._chunks(part)):
            if number == 0 and _PREFIXED.search(chunk):
                parser.StartElementHandler = lambda name, given: start(_local(name), given)
                parser.EndElementHandler = None if end is None else lambda name: end(_local(name))
            began = time.perf_counter()
            parser.Parse(chunk, False)
            self._worked += time.perf_counter() - began
            if self._worked > _LONGEST_READ:
                raise TooLarge(f"takes longer than {_LONGEST_READ:.0f} seconds to read")
            yield len(chunk)
        parser.Parse(b"", True)

    def _chunks(self, part: str) -> Iterator[bytes]:
        """A part unpacked; what has been unpacked of all parts together is bounded."""
        read = 0
        known = self._unpacked.get(part, 0)
        with self._zip.open(self._names[part.casefold()]) as packed:
            while chunk := packed.read(_CHUNK):
                read += len(chunk)
                if read > known:
                    self._unpacked[part] = read
                    bounded(sum(self._unpacked.values()), self._size)
                yield chunk


def opened_zip(body: bytes) -> zipfile.ZipFile:
    """The archive, as long as it is one that a book can be.

    Raises:
        TooLarge: it has more parts than a book, or is packed in a way by which one read can become gigabytes: ECMA-376
            part 2 and ODF part 2 know deflate alone.
    """
    if body.count(_ENTRY) > _MOST_PARTS:
        raise TooLarge(f"has more than {_MOST_PARTS} parts")
    packed = zipfile.ZipFile(io.BytesIO(body))
    if any(one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for one in packed.infolist()):
        packed.close()
        raise TooLarge("is packed in an unknown way")
    return packed


def bounded(unpacked: int, size: int) -> None:
    """Refuse a file of `size` bytes that has unpacked to so many.

    Raises:
        TooLarge: it is no export but a bomb.
    """
    if unpacked > MOST_UNPACKED:
        raise TooLarge(f"unpacks to more than {MOST_UNPACKED >> 20} MiB")
    if unpacked > _SMALL and unpacked > _MOST_RATIO * size:
        raise TooLarge(f"unpacks to more than {_MOST_RATIO} times its size")


def _refuse_doctype(*_: object) -> None:
    raise ValueError("has a document type")


@lru_cache(maxsize=1024)
def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _resolved(base: str, target: str) -> str:
    """The name of a part that another one refers to."""
    if target.startswith("/"):
        return target[1:]
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), target))
