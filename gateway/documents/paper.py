"""A letter on paper: text in a small markup, set line by line into a PDF with Chinese characters.

``# `` begins a title, ``> `` what stands at the right, ``- `` a paragraph that is not indented; an empty line is a gap.
A line that begins with `PLAIN` is text, whatever follows. Pages are numbered as in GB/T 9704-2012, 7.5.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from fpdf import FPDF

from gateway.documents.writing import PLAIN

#: Where systems keep fonts with Chinese characters; the first that is there is taken.
FONTS = (
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/wqy-zenhei/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/arphic/uming.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/System/Library/Fonts/STHeiti Light.ttc",
    "/System/Library/Fonts/Supplemental/Songti.ttc",
    "C:/Windows/Fonts/simsun.ttc",
    "C:/Windows/Fonts/simhei.ttf",
)
_MARGIN, _WIDTH = 28, 154  # mm, of A4
_SIZE, _TITLE, _LINE = 14, 20, 9.5  # points, points, mm
_FOOT, _NUMBER = 20, 10.5  # mm from the edge, points
_INDENT = "\u3000\u3000"
#: Never at the beginning of a line.
_CLOSING = frozenset("，。、；：？！）】》」』”’…％,.;:?!)]}%")
_WORD = re.compile(r"[!-~\u00c0-\u024f]+|\s|.", re.DOTALL)


def find_font(configured: Path | None) -> Path:
    """The font to write with.

    Raises:
        LookupError: there is none, and what to do about it.
    """
    if configured is not None:
        if not configured.is_file():
            raise LookupError(f"documents.font: {configured} does not exist")
        return configured
    found = next((Path(one) for one in FONTS if Path(one).is_file()), None)
    if found is None:
        raise LookupError(
            "no font with Chinese characters found: set documents.font, or install one such as wqy-zenhei"
        )
    return found


def page_of(text: str, configured: Path | None) -> bytes:
    """The letter as PDF.

    Raises:
        LookupError: there is no font, or it lacks a character: a document with a hole is none.
    """
    font = find_font(configured)
    text = text.replace("\t", "    ")
    if missing := sorted(set(text) - _characters(font) - {"\n", "\r", " ", PLAIN}):
        raise LookupError(f"{font.name} lacks {' '.join(missing[:10])}: set documents.font to another, or write DOCX")
    logging.getLogger("fontTools.subset").setLevel(logging.ERROR)
    page = _Paper(format="A4")
    page.set_margins(_MARGIN, _MARGIN, _MARGIN)
    page.set_auto_page_break(True, _MARGIN)
    page.add_font("paper", "", str(font))
    page.add_page()
    for line in text.strip().splitlines():
        _set(page, line.rstrip())
    return bytes(page.output())


class _Paper(FPDF):
    """Pages with their number at the foot."""

    def footer(self) -> None:
        """Write it; called at the end of each page."""
        self.set_y(-_FOOT)
        self.set_font("paper", "", _NUMBER)
        self.cell(_WIDTH, _LINE, f"— {self.page_no()} —", align="C")


def _set(page: Any, line: str) -> None:
    mark, _, rest = line.partition(" ")
    rest, line = rest.replace(PLAIN, ""), line.replace(PLAIN, "")
    size, align, said = _SIZE, "L", _INDENT + line
    if mark == "#":
        size, align, said = _TITLE, "C", rest
    elif mark == ">":
        align, said = "R", rest
    elif mark == "-":
        said = rest
    page.set_font("paper", "", size)
    for row in _rows(page, said if line else ""):
        page.cell(_WIDTH, _LINE * size / _SIZE, row, align=align, new_x="LMARGIN", new_y="NEXT")


def _rows(page: Any, text: str) -> Iterator[str]:
    """The lines of a paragraph: Chinese breaks anywhere but before what closes, words and numbers stay whole."""
    row = ""
    for piece in (cut for word in _WORD.findall(text) for cut in _cut(page, word)):
        if row and page.get_string_width(row + piece) > _WIDTH and piece not in _CLOSING:
            yield row
            row = ""
            if piece.isspace():
                continue
        row += piece
    yield row


def _cut(page: Any, piece: str) -> Iterator[str]:
    """A word that is longer than a line, in pieces."""
    while page.get_string_width(piece) > _WIDTH:
        most = next(n for n in range(len(piece), 0, -1) if page.get_string_width(piece[:n]) <= _WIDTH)
        yield piece[:most]
        piece = piece[most:]
    yield piece


@lru_cache(maxsize=4)
def _characters(font: Path) -> frozenset[str]:
    from fontTools.ttLib import TTFont

    with TTFont(font, fontNumber=0, lazy=True) as opened:
        return frozenset(map(chr, opened.getBestCmap()))
