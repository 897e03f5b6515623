"""Files of cases: taken in row by row with everything, and a report that says what became of each row and why."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import TypeVar

import xlsxwriter

from gateway.channels.base import SheetRow, Tabular
from gateway.message import Accepted, Raw
from gateway.reception import Reception
from ticket_core.number import number_of, ticket_id_of
from ticket_core.store.imports import (
    ImportedFile,
    ImportedRow,
    begin_import,
    finish_import,
    keep_rows,
    load_import,
)

T = TypeVar("T")

_AT_A_TIME = 200  # rows on their way at the same time: they share commits, and others get their turn between them
#: First characters that make a sheet take a text for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
HEAD = ("row 行", "sheet 工作表", "case number 对方编号", "outcome 结果", "ticket 工单", "detail 说明")


class Imports:
    """Files of cases by the forwarding body they are from; `channels` by its name."""

    def __init__(self, reception: Reception, channels: Mapping[str, Tabular]) -> None:
        self._reception = reception
        self._channels = channels

    async def take(self, source: str, body: bytes, *, name: str, actor: str) -> ImportedFile:
        """Take a file in; returns when all of it is committed.

        Raises:
            LookupError: no channel takes files of this source.
            ValueError: the file cannot be read, and why.
        """
        channel = self._channels.get(source)
        if channel is None:
            raise LookupError(source)
        return await import_file(self._reception, channel, body, name=name, actor=actor)

    def report(self, form: str, rows: Iterable[ImportedRow]) -> bytes:
        """The row-by-row report as ``csv`` or ``xlsx``."""
        return report_xlsx(rows) if form == "xlsx" else b"".join(report_csv(rows))


async def import_file(
    reception: Reception,
    channel: Tabular,
    body: bytes,
    *,
    name: str,
    actor: str,
    told: Callable[[int], None] = lambda _rows: None,
) -> ImportedFile:
    """Take a file in; returns when all of it is committed. `told` hears how many rows are done.

    Whatever was taken in before, by a broken-off import too, has no second effect. Rows of one case keep their order.

    Raises:
        ValueError: the file cannot be read; nothing of it was taken in, or what came before the broken part.
        StoreError: the store failed; import it again.
    """
    store, at = reception.store, datetime.now(UTC)
    raw = Raw(channel=channel.name, body=body, received_at=at, actor=actor)
    rows = channel.rows(raw)
    first = await asyncio.to_thread(_some, rows)  # what is no sheet leaves no import behind
    digest = hashlib.sha256(body).hexdigest()
    import_id = await store.run(
        partial(
            begin_import,
            channel=channel.name,
            source=channel.source_name,
            name=name,
            sha256=digest,
            actor=actor,
            at=at,
        )
    )
    outcomes: Counter[str] = Counter()
    done = 0
    some = first
    while some:
        lines = await _taken(reception, some, done)
        outcomes.update(line.outcome for line in lines)
        done += len(some)
        await store.run(partial(keep_rows, import_id=import_id, rows=lines))
        told(done)
        some = await asyncio.to_thread(_some, rows)
    await store.run(partial(finish_import, import_id=import_id, outcomes=outcomes, at=datetime.now(UTC)))
    made = await store.read(partial(load_import, import_id=import_id))
    assert made is not None
    return made


def _some(rows: Iterator[T]) -> list[T]:
    return list(islice(rows, _AT_A_TIME))


async def _taken(reception: Reception, rows: Sequence[SheetRow], before: int) -> list[ImportedRow]:
    """Take some rows in together, in their order."""
    messages = [message for row in rows for message in row.messages]
    accepted = iter(await asyncio.gather(*(reception.receive(message) for message in messages)))
    return [_line(row, [next(accepted) for _ in row.messages], place) for place, row in enumerate(rows, before + 1)]


def _line(row: SheetRow, accepted: Sequence[Accepted], place: int) -> ImportedRow:
    """A row's line; of a case that is two tickets the first, and the other in words."""
    where = f"{row.sheet} {row.number or ''}".strip()
    if not accepted:
        return ImportedRow(
            row=place, sheet=where, case_number="", outcome="skipped", ticket_id=None, detail=row.problem
        )
    main = accepted[0]
    others = [f"{one.outcome} {one.ticket or ''}".strip() for one in accepted[1:]]
    return ImportedRow(
        row=place,
        sheet=where,
        case_number=row.case_number,
        outcome=main.outcome,
        ticket_id=ticket_id_of(main.ticket) if main.ticket else None,
        detail="; ".join(filter(None, [row.problem, *others])),
    )


def report_csv(rows: Iterable[ImportedRow]) -> Iterator[bytes]:
    """The report as a table for people: UTF-8 with a mark, no cell a formula."""
    yield "\ufeff".encode()
    yield _csv_line(HEAD)
    for one in rows:
        yield _csv_line(_cells(one))


def report_xlsx(rows: Iterable[ImportedRow]) -> bytes:
    """The report as a sheet; texts stay texts."""
    out = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(out, options)
    sheet = book.add_worksheet("report")
    sheet.write_row(0, 0, HEAD)
    for place, one in enumerate(rows, 1):
        sheet.write_row(place, 0, _cells(one))
    book.close()
    return out.getvalue()


def _cells(one: ImportedRow) -> tuple[str, ...]:
    number = number_of(one.ticket_id) if one.ticket_id else ""
    return str(one.row), one.sheet, one.case_number, one.outcome, number, one.detail


def _csv_line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return text.getvalue().encode()
