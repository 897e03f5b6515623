"""Many values as one parameter, and many rows as one value.

A query for a thousand keys has the same text, and the same plan, as one for two. One with such a table is built once
per database kind; each run gives it its values through `values`.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import BigInteger, Connection, Select, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.selectable import TableValuedAlias

_NAME = "many"


def texts(dialect: str) -> TableValuedAlias:
    """A table of texts, with the column `value`."""
    return _table(dialect, Text())


def numbers(dialect: str) -> TableValuedAlias:
    """A table of whole numbers, with the column `value`."""
    return _table(dialect, BigInteger())


def values(connection: Connection, given: Collection[str] | Collection[int]) -> dict[str, Any]:
    """The parameter that fills the table."""
    known: list[Any] = list(given)
    return {_NAME: orjson.dumps(known).decode() if connection.dialect.name == "sqlite" else known}


def fetch(connection: Connection, query: Select[Any], given: Mapping[str, Any]) -> Sequence[Any]:
    """All rows of `query` over numbers and texts, with its columns as attributes; `query` is built once and kept.

    SQLite hands them over as one JSON text: its driver lets the interpreter lock go for each row, and beside a busy
    loop waits as often to get it back. PostgreSQL's has them all at once.
    """
    if connection.dialect.name != "sqlite":
        return connection.execute(query, given).all()
    gathered, row = _gathered(query)
    return [row(*one) for one in orjson.loads(connection.execute(gathered, given).scalar_one())]


@lru_cache
def _gathered(query: Select[Any]) -> tuple[Select[str], Callable[..., Any]]:
    columns = query.subquery().columns
    return (
        select(func.json_group_array(func.json_array(*columns))),
        namedtuple("Row", [column.name for column in columns]),
    )


def _table(dialect: str, kind: Text | BigInteger) -> TableValuedAlias:
    if dialect == "sqlite":
        return func.json_each(bindparam(_NAME, type_=Text())).table_valued("value", name=_NAME)
    return func.unnest(bindparam(_NAME, type_=ARRAY(kind))).table_valued("value", name=_NAME).render_derived()
