"""A database with very many tickets, made in minutes by copying the rows of one real ticket with other keys."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks.house import generic_policy, open_store
from benchmarks.measure import say
from benchmarks.people import draft
from ticket_core.service import intake
from ticket_core.store.clock import to_us
from ticket_core.store.schema import metadata

_FIRST_TICKET = 200101_00000000  # a day long ago, so that new tickets come after all of them
_FIRST_ID = 1_000_000  # of inputs and notices; the real one is before
#: Which columns differ from copy to copy `n`, and how. `:at` is when copy 0 came, `:gap` is between two copies (µs).
_OTHERS: Mapping[str, Mapping[str, str]] = {
    "inbound": {
        "id": ":inbound + n",
        "ticket_id": ":ticket + n",
        "source_key": "'web:' || printf('%07d-', abs(random()) % 10000000) || n",
        "sha256": "lower(hex(randomblob(32)))",
        "received_at": ":at + n * :gap",
    },
    "ticket": {
        "id": ":ticket + n",
        "received_at": ":at + n * :gap",
        "lodged_at": ":at + n * :gap",
        "updated_at": ":at + n * :gap",
    },
    "complaint": {
        "ticket_id": ":ticket + n",
        "inbound_id": ":inbound + n",
        "received_at": ":at + n * :gap",
        "lodged_at": ":at + n * :gap",
    },
    # As many identities as there are copies, in no order.
    "contact": {"who": "random()", "ticket_id": ":ticket + n", "lodged_at": ":at + n * :gap"},
    "event": {"ticket_id": ":ticket + n", "at": ":at + n * :gap"},
    "timer": {"ticket_id": ":ticket + n", "due_at": ":due + n * :gap", "next_at": ":due - :ahead + n * :gap"},
    "notice": {
        "id": ":notice + n * :notices + id - :first_notice",
        "ticket_id": ":ticket + n",
        "address": "CASE medium WHEN 'sms' THEN '+861380' ELSE 'p' END || printf('%07d', abs(random()) % 10000000)",
        "created_at": ":at + n * :gap",
        "send_at": ":at + n * :gap",
        "state": "'delivered'",
        "due": "0",
    },
}


async def fill(path: Path, tickets: int, *, first_at: datetime, due_at: datetime, gap: timedelta) -> None:
    """Make a database with so many open tickets, all indexes in place, every timer running, every notice delivered.

    They came from `first_at` on, one every `gap`; their deadlines are due from `due_at` on, in the same order.
    """
    started = time.monotonic()
    async with open_store(path) as store:
        await store.run_each(partial(intake, policy=generic_policy()), draft(0, datetime.now(UTC)))
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000", "temp_store=MEMORY"):
            database.execute(f"PRAGMA {pragma}")
        notices, first_notice = database.execute("SELECT count(*), min(id) FROM notice").fetchone()
        (ahead,) = database.execute("SELECT due_at - next_at FROM timer").fetchone()
        given = {
            "copies": tickets,
            "at": to_us(first_at),
            "due": to_us(due_at),
            "gap": gap // timedelta(microseconds=1),
            "ahead": ahead,
            "ticket": _FIRST_TICKET,
            "inbound": _FIRST_ID,
            "notice": _FIRST_ID,
            "notices": notices,
            "first_notice": first_notice,
        }
        for table, others in _OTHERS.items():
            _copy(database, table, others, given)
        database.execute("UPDATE counter SET next = next + ? + ? * ?", (_FIRST_ID, tickets, notices))
    say(f"filled {path.name} with {tickets:,} tickets in {time.monotonic() - started:.0f} s")


def _copy(database: sqlite3.Connection, table: str, others: Mapping[str, str], given: Mapping[str, int]) -> None:
    columns = [column.name for column in metadata.tables[table].columns]
    chosen = ", ".join(others.get(name, name) for name in columns)
    database.execute(f"CREATE TEMP TABLE one AS SELECT * FROM {table}")
    database.execute("BEGIN")
    database.execute(
        "WITH RECURSIVE copy(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < :copies) "
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM copy, temp.one",
        given,
    )
    database.execute("COMMIT")
    database.execute("DROP TABLE temp.one")
