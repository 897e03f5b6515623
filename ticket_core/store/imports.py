"""Files of cases that were taken in, and what became of each of their rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, select, update

from ticket_core.store.clock import from_us, to_us
from ticket_core.store.queries import MOST_PER_PAGE, Page, read_cursor, write_cursor
from ticket_core.store.schema import imported, imported_row
from ticket_core.store.tx import Tx

_PAGE = 5_000
#: An import that has told nothing for so long has died with its process.
_SILENT = timedelta(minutes=2)
#: What a person should look at.
PROBLEMS: tuple[str, ...] = ("triage", "refused", "skipped")

#: `broken`: the file could not be read to its end. `stopped`: its process died; the same file again finishes it.
ImportState = Literal["running", "finished", "broken", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an import is: rows by outcome, how much of the file is read (0 to 1), and when it was so."""

    outcomes: Mapping[str, int]
    share: float
    at: datetime
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFile:
    """One file: who brought it, and how far it is; `same_as` is an earlier import of the very same file."""

    id: int
    channel: str
    source: str
    name: str
    sha256: str
    actor: str
    started_at: datetime
    finished_at: datetime | None = None
    progress: Progress
    same_as: int | None = None

    @property
    def rows(self) -> int:
        """How many rows are done."""
        return sum(self.progress.outcomes.values())

    def state(self, now: datetime) -> ImportState:
        """Whether it is on its way, done, or never will be."""
        if self.finished_at is not None:
            return "broken" if self.progress.problem else "finished"
        return "running" if now - self.progress.at < _SILENT else "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRow:
    """What became of one row: the outcome of its input (or ``skipped``), the ticket, and why.

    `why` are reasons with what each is about, such as ``("required", "工单编号")``.
    """

    row: int
    sheet: str
    case_number: str
    outcome: str
    ticket_id: int | None
    why: tuple[tuple[str, str], ...] = ()


def begin_import(tx: Tx, *, channel: str, source: str, name: str, sha256: str, actor: str, at: datetime) -> int:
    """A file comes in; returns its id."""
    import_id = tx.next_id("imported")
    doc = _written(Progress(outcomes={}, share=0.0, at=at))
    tx.insert(imported, [(import_id, channel, source, name[:200], sha256, actor, to_us(at), None, doc)])
    return import_id


def keep_rows(tx: Tx, import_id: int, rows: Sequence[ImportedRow], progress: Progress) -> None:
    """What became of some of its rows, and how far it is with them."""
    tx.insert(
        imported_row,
        [
            (import_id, one.row, one.sheet, one.case_number, one.outcome, one.ticket_id, json.dumps(one.why))
            for one in rows
        ],
        ignore=True,
    )
    tx.connection.execute(update(imported).where(imported.c.id == import_id).values(doc=_written(progress)))


def finish_import(tx: Tx, import_id: int, progress: Progress) -> None:
    """That is all of it; with a `problem`, all that could be read."""
    values = {"doc": _written(progress), "finished_at": to_us(progress.at)}
    tx.connection.execute(update(imported).where(imported.c.id == import_id).values(values))


def load_import(connection: Connection, import_id: int) -> ImportedFile | None:
    """One file."""
    return next(iter(_files(connection, imported.c.id == import_id, 1)), None)


def list_imports(connection: Connection, *, cursor: str | None = None, limit: int = 50) -> Page[ImportedFile]:
    """Files, newest first.

    Raises:
        BadCursor: for a cursor that is not ours.
    """
    limit = max(1, min(limit, MOST_PER_PAGE))
    before = imported.c.id < read_cursor(cursor, 1)[0] if cursor else imported.c.id > 0
    found = _files(connection, before, limit + 1)
    more = write_cursor(found[limit - 1].id) if len(found) > limit else None
    return Page(rows=tuple(found[:limit]), cursor=more)


def list_rows(
    connection: Connection,
    import_id: int,
    *,
    outcomes: Sequence[str] = (),
    cursor: str | None = None,
    limit: int = 50,
) -> Page[ImportedRow]:
    """Rows of a file in their order, those of some `outcomes` only where any are named.

    Raises:
        BadCursor: for a cursor that is not ours.
    """
    limit = max(1, min(limit, MOST_PER_PAGE))
    query = select(imported_row).where(imported_row.c.import_id == import_id).order_by(imported_row.c.row)
    if outcomes:
        query = query.where(imported_row.c.outcome.in_(outcomes))
    if cursor:
        query = query.where(imported_row.c.row > read_cursor(cursor, 1)[0])
    rows = connection.execute(query.limit(limit + 1)).all()
    more = write_cursor(rows[limit - 1].row) if len(rows) > limit else None
    return Page(rows=tuple(map(_row, rows[:limit])), cursor=more)


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
        yield from map(_row, rows)
        if len(rows) < _PAGE:
            return
        last = rows[-1].row


def _files(connection: Connection, condition: ColumnElement[bool], limit: int) -> list[ImportedFile]:
    rows = connection.execute(select(imported).where(condition).order_by(imported.c.id.desc()).limit(limit)).all()
    same = (
        select(imported.c.id, imported.c.source, imported.c.sha256)
        .where(imported.c.sha256.in_({row.sha256 for row in rows}), imported.c.finished_at.is_not(None))
        .order_by(imported.c.id)
    )
    done = connection.execute(same).all() if rows else []
    found = []
    for row in rows:
        earlier = [one.id for one in done if (one.source, one.sha256) == (row.source, row.sha256) and one.id < row.id]
        found.append(
            ImportedFile(
                id=row.id,
                channel=row.channel,
                source=row.source,
                name=row.name,
                sha256=row.sha256,
                actor=row.actor,
                started_at=from_us(row.started_at),
                finished_at=None if row.finished_at is None else from_us(row.finished_at),
                progress=_read(row.doc),
                same_as=earlier[-1] if earlier else None,
            )
        )
    return found


def _row(row: Row[Any]) -> ImportedRow:
    return ImportedRow(
        row=row.row,
        sheet=row.sheet,
        case_number=row.case_number,
        outcome=row.outcome,
        ticket_id=row.ticket_id,
        why=tuple((code, about) for code, about in json.loads(row.detail)),
    )


def _written(progress: Progress) -> str:
    doc = {"outcomes": dict(progress.outcomes), "share": progress.share, "at": to_us(progress.at)}
    return json.dumps({**doc, **({"problem": progress.problem} if progress.problem else {})}, ensure_ascii=False)


def _read(doc: str) -> Progress:
    known = json.loads(doc)
    return Progress(
        outcomes=known["outcomes"], share=known["share"], at=from_us(known["at"]), problem=known.get("problem", "")
    )
