"""The rows of one real intake, again and again with other keys: what storage alone costs, without any thought."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.house import generic_policy, open_store
from benchmarks.people import draft
from ticket_core.service import intake
from ticket_core.store.schema import metadata

_FIRST = 1_000  # of inputs and notices, after those of the real one
_SPREAD = 0x9E3779B97F4A7C15  # odd, so that no two of 2^64 hashes are the same; neighbours are far apart
_TABLES = ("inbound", "ticket", "complaint", "contact", "event", "timer", "notice")


class SameRows:
    """Takes the rows of a complaint in the SQLite file that `made` has filled, and says how they look for others."""

    def __init__(self, path: Path) -> None:
        with closing(sqlite3.connect(path)) as database:
            rows = {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in _TABLES}
        columns = {name: [column.name for column in metadata.tables[name].columns] for name in _TABLES}
        self.statements = {
            name: f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns[name]))})" for name in _TABLES
        }
        self._rows = {name: [dict(zip(columns[name], row, strict=True)) for row in rows[name]] for name in _TABLES}
        self._ticket = rows["ticket"][0][0]

    def of(self, number: int, raw: bytes) -> Mapping[str, Sequence[tuple[Any, ...]]]:
        """The rows of the complaint of this number (1 or more) by table, with these bytes in the journal."""
        ticket = {"ticket_id": self._ticket + number}
        inbound = {"inbound_id": _FIRST + number}
        own: Mapping[str, Mapping[str, Any]] = {
            "inbound": {"id": _FIRST + number, "source_key": None, "raw": raw, **ticket},
            "ticket": {"id": self._ticket + number},
            "complaint": {**ticket, **inbound},
        }
        found: dict[str, list[tuple[Any, ...]]] = {}
        for name, rows in self._rows.items():
            for place, row in enumerate(rows):
                keys: Mapping[str, Any] = own.get(name, ticket)
                if name == "contact":
                    keys = {**ticket, "who": (number * len(rows) + place) * _SPREAD % 2**64 - 2**63}
                elif name == "notice":
                    keys = {**ticket, "id": _FIRST + number * len(rows) + place}
                found.setdefault(name, []).append(tuple({**row, **keys}.values()))
        return found


async def made(path: Path) -> SameRows:
    """Make a database of ours with one complaint in it."""
    async with open_store(path) as store:
        await store.run_each(partial(intake, policy=generic_policy()), draft(0, datetime.now(UTC)))
    return SameRows(path)
