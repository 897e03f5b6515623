"""Reads XLS, ODS or XLSB from its standard input, as a program of its own: ``python apart.py MEMORY SECONDS``.

The library makes room at once for all cells that a sheet says it has, and ends the process where there is none: so a
file of a kilobyte could end the gateway. It imports nothing of ours, so that it begins quickly, and knows no secret.
`tables` starts it, and gets JSON, a line for each sheet (an object) and each of its rows (a list).
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum


def bound(memory: int, seconds: int) -> None:
    """Take no more than so many bytes and seconds, where the system knows such limits."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def lines(body: bytes) -> Iterator[Any]:
    """What is said of a book: its sheets, each before its rows; or what is wrong with it."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        for place, about in enumerate(book.sheets_metadata):
            sheet = book.get_sheet_by_name(about.name)
            yield {
                "sheet": about.name,
                "before": place / len(book.sheets_metadata),
                "share": 1 / len(book.sheets_metadata),
                "hidden": about.visible != SheetVisibleEnum.Visible,
                "left": sheet.start[1] if sheet.start else 0,
                "height": sheet.total_height,
                "merged": sheet.merged_cell_ranges or [],
            }
            yield from sheet.iter_rows()
    except PasswordError:
        yield {"problem": "it has a password"}
    except CalamineError as error:
        yield {"problem": str(error)[:200] or "broken"}


def written(cell: object) -> object:
    """A cell that JSON has no form for."""
    return {"at": cell.isoformat()} if isinstance(cell, datetime) else str(cell)


if __name__ == "__main__":
    bound(int(sys.argv[1]), int(sys.argv[2]))
    for one in lines(sys.stdin.buffer.read()):
        sys.stdout.buffer.write(json.dumps(one, default=written).encode() + b"\n")
