"""Many values as one parameter: a query for a thousand keys has the same text, and the same plan, as one for two.

A query with such a table is built once per database kind; each run gives it its values through `values`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson
from sqlalchemy import BigInteger, Connection, Text, bindparam, func
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


def _table(dialect: str, kind: Text | BigInteger) -> TableValuedAlias:
    if dialect == "sqlite":
        return func.json_each(bindparam(_NAME, type_=Text())).table_valued("value", name=_NAME)
    return func.unnest(bindparam(_NAME, type_=ARRAY(kind))).table_valued("value", name=_NAME).render_derived()
