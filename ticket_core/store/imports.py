"""Files of cases that were taken in, and what became of each of their rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from ticket_core.store.clock import from_us, to_us
from ticket_core.store.schema import imported, imported_row
from ticket_core.store.tx import Tx

_PAGE = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFile:
    """One file: who brought it, and how many of its rows had which outcome; unfinished while `finished_at` is None."""

    id: int
    channel: str
    source: str
    name: str
    sha256: str
    actor: str
    started_at: datetime
    finished_at: datetime | None = None
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRow:
    """What became of one row: the outcome of its input, the ticket, and why where it could not be understood."""

    row: int
    sheet: str
    case_number: str
    outcome: str
    ticket_id: int | None
    detail: str


def begin_import(tx: Tx, *, channel: str, source: str, name: str, sha256: str, actor: str, at: datetime) -> int:
    """A file comes in; returns its id."""
    import_id = tx.next_id("imported")
    tx.insert(imported, [(import_id, channel, source, name[:200], sha256, actor, to_us(at), None, "{}")])
    return import_id


def keep_rows(tx: Tx, import_id: int, rows: Sequence[ImportedRow]) -> None:
    """What became of some of its rows."""
    tx.insert(
        imported_row,
        [(import_id, one.row, one.sheet, one.case_number, one.outcome, one.ticket_id, one.detail) for one in rows],
        ignore=True,
    )


def finish_import(tx: Tx, import_id: int, outcomes: Mapping[str, int], at: datetime | None) -> None:
    """How many rows had which outcome so far; with `at` that is all of it."""
    values = {"doc": json.dumps(dict(outcomes)), "finished_at": None if at is None else to_us(at)}
    tx.connection.execute(update(imported).where(imported.c.id == import_id).values(values))


def load_import(connection: Connection, import_id: int) -> ImportedFile | None:
    """One file."""
    return next(iter(_files(connection, imported.c.id == import_id, 1)), None)


def list_imports(connection: Connection, limit: int = 50) -> list[ImportedFile]:
    """The newest files, newest first."""
    return _files(connection, imported.c.id > 0, limit)


def _files(connection: Connection, condition: object, limit: int) -> list[ImportedFile]:
    query = select(imported).where(condition).order_by(imported.c.id.desc()).limit(limit)  # type: ignore[arg-type]
    return [
        ImportedFile(
            id=row.id,
            channel=row.channel,
            source=row.source,
            name=row.name,
            sha256=row.sha256,
            actor=row.actor,
            started_at=from_us(row.started_at),
            finished_at=None if row.finished_at is None else from_us(row.finished_at),
            outcomes=json.loads(row.doc or "{}"),
        )
        for row in connection.execute(query)
    ]


def rows_of_import(connection: Connection, import_id: int) -> Iterator[ImportedRow]:
    """All rows of a file in their order, a page at a time."""
    last = 0
    while True:
        query = (
            select(imported_row)
            .where(imported_row.c.import_id == import_id, imported_row.c.row > last)
            .order_by(imported_row.c.row)
            .limit(_PAGE)
        )
        rows = connection.execute(query).all()
        for row in rows:
            yield ImportedRow(
                row=row.row,
                sheet=row.sheet,
                case_number=row.case_number,
                outcome=row.outcome,
                ticket_id=row.ticket_id,
                detail=row.detail,
            )
        if len(rows) < _PAGE:
            return
        last = rows[-1].row
