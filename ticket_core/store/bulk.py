"""Many rows into PostgreSQL at once: by COPY, or as one array for each column where some may be there already.

A statement with a parameter for every value of every row is taken apart by the driver each time anew, which cost five
times as much as all else of an intake.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, LargeBinary, SmallInteger, Table, Text
from sqlalchemy.exc import DBAPIError

_TYPES: Mapping[type[Any], str] = {
    BigInteger: "bigint",
    Integer: "integer",
    SmallInteger: "smallint",
    Text: "text",
    LargeBinary: "bytea",
}


def insert(connection: Connection, table: Table, rows: Sequence[Sequence[Any]], *, ignore: bool) -> None:
    """Insert `rows`, each in the order of the table's columns; with `ignore`, those already there are left alone.

    Raises:
        DBAPIError: as SQLAlchemy's own statements do.
    """
    if not rows:
        return
    if ignore:
        connection.exec_driver_sql(_arrays_text(table), tuple(list(column) for column in zip(*rows, strict=True)))
        return
    text = _copy_text(table)
    with _raising_as_sqlalchemy(connection, text), connection.connection.cursor().copy(text) as copy:
        copy.set_types(_types_of(table))
        for row in rows:
            copy.write_row(row)


@contextlib.contextmanager
def _raising_as_sqlalchemy(connection: Connection, statement: str) -> Iterator[None]:
    """By what is raised the store decides whether a batch is run again."""
    driver = connection.dialect.loaded_dbapi.Error
    try:
        yield
    except driver as error:
        gone = connection.dialect.is_disconnect(error, connection.connection.dbapi_connection, None)
        if gone:
            connection.invalidate(error)
        raise DBAPIError.instance(
            statement,
            None,
            error,
            driver,
            hide_parameters=True,
            connection_invalidated=gone,
            dialect=connection.dialect,
        ) from error


@cache
def _types_of(table: Table) -> list[str]:
    return [_TYPES[type(column.type)] for column in table.columns]


@cache
def _copy_text(table: Table) -> str:
    return f"COPY {table.name} ({_names(table)}) FROM STDIN (FORMAT BINARY)"


@cache
def _arrays_text(table: Table) -> str:
    arrays = ", ".join(f"%s::{one}[]" for one in _types_of(table))
    return f"INSERT INTO {table.name} ({_names(table)}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING"  # noqa: S608  our own names


def _names(table: Table) -> str:
    return ", ".join(column.name for column in table.columns)
