"""Rows of a web page that calls itself an XLS: the usual export of older offices, which Excel opens all the same."""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from gateway.channels.transfer.cells import decoded
from gateway.channels.transfer.xlsx import TooLarge

_LARGEST = 8 << 20  # it is held at once, in many times its size
_MOST_COLUMNS = 512
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def is_page(body: bytes) -> bool:
    """Whether this is a page with a table."""
    head = body[: 64 << 10].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return head.startswith(b"<") and b"<table" in head


def rows_of_page(body: bytes) -> Iterator[tuple[int, list[str], float]]:
    """Number, cells, and how much is read by then. A cell over several rows says the same in each.

    Raises:
        ValueError: it is larger than such an export is.
    """
    if len(body) > _LARGEST:
        raise TooLarge(f"a web page larger than {_LARGEST >> 20} MiB; save it as XLSX")
    rows = LexborHTMLParser(_BREAK.sub("\n", decoded(body))).css("tr")
    below: dict[int, tuple[int, str]] = {}  # column -> for how many more rows, and what it says
    for number, row in enumerate(rows, 1):
        cells: list[str] = []
        for cell in (one for one in row.iter() if one.tag in ("td", "th")):
            _fill(cells, below)
            text, across, down = cell.text().strip(), _span(cell, "colspan"), _span(cell, "rowspan")
            if len(cells) + across > _MOST_COLUMNS:
                break
            if down > 1:
                below.update(dict.fromkeys(range(len(cells) + 1, len(cells) + across), (down - 1, "")))
                below[len(cells)] = (down - 1, text)
            cells += [text, *[""] * (across - 1)]
        _fill(cells, below)
        yield number, cells, number / len(rows)


def _fill(cells: list[str], below: dict[int, tuple[int, str]]) -> None:
    """Put in what reaches down into the next columns of this row."""
    while len(cells) in below:
        left, text = below.pop(len(cells))
        if left > 1:
            below[len(cells)] = (left - 1, text)
        cells.append(text)


def _span(cell: LexborNode, name: str) -> int:
    written = cell.attributes.get(name) or ""
    return max(int(written), 1) if re.fullmatch(r"[0-9]{1,5}", written) else 1
