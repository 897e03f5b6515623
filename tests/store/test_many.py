"""Many values as one parameter and many rows as one value: the same on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, Select, bindparam, select

from ticket_core.store import many
from ticket_core.store.schema import event
from ticket_core.store.store import Store

TEXTS = ('{"a": "b"}', "李明\n\t\"quoted\" 'and' \\ back", "😀 \u2028 \x01", "")


@pytest.fixture
async def events(store: Store) -> Store:
    rows = [(2**40, seq, text, 2**62 + seq, "", text) for seq, text in enumerate(TEXTS, 1)]
    await store.run(lambda tx: tx.insert(event, rows))
    return store


def query(dialect: str) -> Select[Any]:
    wanted = many.numbers(dialect)
    missing = select(event.c.kind).where(event.c.seq == 99).scalar_subquery()
    return (
        select(event.c.seq, event.c.at, event.c.data.label("said"), missing.label("missing"))
        .select_from(wanted)
        .join(event, (event.c.seq == wanted.c.value) & (event.c.ticket_id == bindparam("of")))
    )


async def test_rows_come_as_they_are_kept(events: Store) -> None:
    def read(connection: Connection) -> list[tuple[int, int, str, None]]:
        given = {"of": 2**40, **many.values(connection, [3, 1, 2, 4, 77])}
        rows = many.fetch(connection, query(connection.dialect.name), given)
        return sorted((row.seq, row.at, row.said, row.missing) for row in rows)

    expected = [(seq, 2**62 + seq, text, None) for seq, text in enumerate(TEXTS, 1)]
    assert await events.read(read) == expected


async def test_where_nothing_is_found_there_are_no_rows(events: Store) -> None:
    def read(connection: Connection) -> list[Any]:
        given = {"of": 1, **many.values(connection, [])}
        return list(many.fetch(connection, query(connection.dialect.name), given))

    assert await events.read(read) == []
