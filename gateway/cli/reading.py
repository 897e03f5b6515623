"""Reading the database beside the process that writes it: no lock, no change, nothing waits."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import OperationalError, ProgrammingError

from gateway.cli.failures import Failed, WrongUsage
from gateway.cli.words import say
from gateway.config import Settings
from ticket_core.errors import UnknownTicket
from ticket_core.number import number_of, ticket_id_of
from ticket_core.store.engine import is_sqlite, reader_engine
from ticket_core.store.queries import MOST_PER_PAGE, Page, TicketFile, load_file

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reader:
    """One read-only connection; called, it gathers the pages of a list until there are enough rows."""

    connection: Connection

    def __call__(self, limit: int, page: Callable[[Connection, str | None, int], Page[T]]) -> list[T]:
        return [row for rows in self.pages(page, limit) for row in rows]

    def pages(
        self, page: Callable[[Connection, str | None, int], Page[T]], limit: int = sys.maxsize
    ) -> Iterator[tuple[T, ...]]:
        """The rows of a list, page after page, `limit` of them at most."""
        cursor: str | None = None
        while limit > 0:
            found = page(self.connection, cursor, min(limit, MOST_PER_PAGE))
            yield found.rows
            limit, cursor = limit - len(found.rows), found.cursor
            if cursor is None:
                return

    def file(self, ticket_id: int) -> TicketFile:
        """A ticket, whole.

        Raises:
            Failed: there is no such ticket.
        """
        try:
            return load_file(self.connection, ticket_id)
        except UnknownTicket as error:
            number = number_of(ticket_id)
            raise Failed(say(f"没有工单 {number}", f"no ticket {number}")) from error


def ticket_in(number: str) -> int:
    """The id of the ticket that a user names.

    Raises:
        WrongUsage: it is no ticket's number.
    """
    ticket_id = ticket_id_of(number)
    if ticket_id is None:
        raise WrongUsage(say(f"{number} 不是工单编号", f"{number} is not a ticket number"))
    return ticket_id


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
