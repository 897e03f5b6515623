"""Reading the database beside the process that writes it: no lock, no change, nothing waits."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import OperationalError, ProgrammingError

from gateway.cli.failures import Failed
from gateway.cli.words import say
from gateway.config import Settings
from ticket_core.store.engine import is_sqlite, reader_engine
from ticket_core.store.queries import MOST_PER_PAGE, Page

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reader:
    """One read-only connection; called, it gathers the pages of a list until there are enough rows."""

    connection: Connection

    def __call__(self, limit: int, page: Callable[[Connection, str | None, int], Page[T]]) -> list[T]:
        rows: list[T] = []
        cursor: str | None = None
        while len(rows) < limit:
            found = page(self.connection, cursor, min(limit - len(rows), MOST_PER_PAGE))
            rows += found.rows
            cursor = found.cursor
            if cursor is None:
                break
        return rows


@contextlib.contextmanager
def reading(settings: Settings) -> Iterator[Reader]:
    """A reader of the configured database.

    Raises:
        Failed: there is no database yet, or it cannot be reached.
    """
    url = settings.database.url
    path = make_url(url).database
    if is_sqlite(url) and not (path and Path(path).is_file()):
        raise Failed(say(f"尚无数据库 {path}：先 gateway serve", f"no database {path} yet: run gateway serve"))
    engine = reader_engine(url, 1)
    try:
        with engine.connect() as connection:
            yield Reader(connection)
    except (OperationalError, ProgrammingError) as error:
        raise Failed(say(f"无法读取数据库：{error.orig}", f"the database cannot be read: {error.orig}")) from error
    finally:
        engine.dispose()
