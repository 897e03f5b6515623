"""One transaction as scripts see it: a connection, fast inserts and fresh ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, select, update

from ticket_core.store import bulk
from ticket_core.store.schema import counter

_BLOCK = {"ticket": 100}  # numbers people see: small, since a restart skips the rest of a block
_BLOCK_DEFAULT = 1000
_TAKE_BLOCK = (
    update(counter)
    .where(counter.c.name == bindparam("series"))
    .values(next=counter.c.next + bindparam("size"))
    .returning(counter.c.next)
)
#: Rows per statement, so that few texts are enough for any number of rows and the driver knows them all.
_SIZES = (64, 16, 4, 1)


class Ids:
    """Sequential ids, leased from the database a block at a time; used only by the writer thread."""

    def __init__(self) -> None:
        self._blocks: dict[str, tuple[int, int]] = {}

    def next(self, connection: Connection, series: str) -> int:
        """The next id of `series`; takes a new block in the running transaction when the last one is used up."""
        start, end = self._blocks.get(series, (0, 0))
        if start >= end:
            start, end = self._lease(connection, series)
        self._blocks[series] = (start + 1, end)
        return start

    def forget(self) -> None:
        """Drop all blocks, because the transaction that leased one of them may have been rolled back."""
        self._blocks.clear()

    def _lease(self, connection: Connection, series: str) -> tuple[int, int]:
        size = _BLOCK.get(series.partition(":")[0], _BLOCK_DEFAULT)
        block = {"series": series, "size": size}
        end = connection.execute(_TAKE_BLOCK, block).scalar_one_or_none()
        if end is None:
            placeholder = _placeholder(connection)
            connection.exec_driver_sql(
                f"INSERT INTO counter (name, next) VALUES ({placeholder}, 1) ON CONFLICT DO NOTHING",  # noqa: S608  constant
                (series,),
            )
            end = connection.execute(_TAKE_BLOCK, block).scalar_one()
        return end - size, end


class Overtaken(Exception):
    """Another process changed the row in the meantime; the script is run again."""


class Tx:
    """A running transaction. A script reads through `connection` and writes through `insert` and `connection`."""

    def __init__(self, connection: Connection, ids: Ids) -> None:
        self.connection = connection
        self._ids = ids

    def next_id(self, series: str) -> int:
        """A fresh id, larger than all before it in this process."""
        return self._ids.next(self.connection, series)

    def next_ticket_id(self, day: date) -> int:
        """A fresh ticket id: ``YYMMDD`` of `day` and a serial of eight digits."""
        stamp = day.strftime("%y%m%d")
        return int(stamp) * 10**8 + self.next_id(f"ticket:{stamp}")

    def insert(self, table: Table, rows: Iterable[Sequence[Any]], *, ignore: bool = False) -> None:
        """Insert `rows`, each in the order of the table's columns; with `ignore`, those already there are left alone.

        Goes round SQLAlchemy's per-row work. SQLite takes up to 64 rows with one statement, whose text is made once a
        table and size, from the schema; PostgreSQL takes any number by COPY, which knows no `ignore`.
        """
        values = rows if isinstance(rows, list) else list(rows)
        if self.connection.dialect.name == "postgresql":
            bulk.insert(self.connection, table, values, ignore=ignore)
            return
        start = 0
        for size in _SIZES:
            while len(values) - start >= size:
                some = tuple(chain.from_iterable(values[start : start + size]))
                self.connection.exec_driver_sql(_insert_text(table, ignore, size), some)
                start += size

    def update_rows(
        self, table: Table, rows: list[dict[str, Any]], *keys: str, versions: Mapping[int, int] | None = None
    ) -> None:
        """Update rows of `table`, found by `keys`; every row has the same columns.

        `versions` has by `id` the version that each row must still have.

        Raises:
            Overtaken: when one of them is not there, or has another version by now.
        """
        if not rows:
            return
        statement = update(table).where(*[table.c[key] == bindparam(f"k_{key}") for key in keys])
        if versions is not None:
            statement = statement.where(table.c.version == bindparam("k_version"))
        statement = statement.values({name: bindparam(f"v_{name}") for name in rows[0] if name not in keys})
        for row in rows:
            values = {(f"k_{name}" if name in keys else f"v_{name}"): value for name, value in row.items()}
            if versions is not None:
                values["k_version"] = versions[row["id"]]
            if self.connection.execute(statement, values).rowcount != 1:
                raise Overtaken(f"a row of {table.name} was changed by another process")

    def write_over(self, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Set `columns` of the rows of `table` whose id stands at the end of each of `rows`; round SQLAlchemy too."""
        if rows:
            mark = _placeholder(self.connection)
            chosen = ", ".join(f"{name} = {mark}" for name in columns)
            self.connection.exec_driver_sql(
                f"UPDATE {table.name} SET {chosen} WHERE id = {mark}",  # noqa: S608  our own names
                [tuple(row) for row in rows],
            )

    def upsert(self, table: Table, row: dict[str, Any], *keys: str) -> None:
        """Insert one row, or update the rest of it where `keys` are already there."""
        condition = [table.c[key] == row[key] for key in keys]
        if self.connection.execute(select(table.c[keys[0]]).where(*condition)).first() is None:
            self.connection.execute(insert(table).values(row))
        else:
            self.connection.execute(update(table).where(*condition).values(row))


def _placeholder(connection: Connection) -> str:
    return "?" if connection.dialect.paramstyle == "qmark" else "%s"


@cache
def _insert_text(table: Table, ignore: bool, size: int) -> str:
    names = ", ".join(column.name for column in table.columns)
    one = f"({', '.join(['?'] * len(table.columns))})"
    conflict = " ON CONFLICT DO NOTHING" if ignore else ""
    values = ", ".join([one] * size)
    return f"INSERT INTO {table.name} ({names}) VALUES {values}{conflict}"  # noqa: S608  our own names
