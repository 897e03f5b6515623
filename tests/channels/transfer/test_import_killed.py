"""kill -9 in the middle of an import, again and again, and the same file once more: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from gateway.testing.house import opened_house
from tests.channels.transfer.importer import work
from tests.channels.transfer.test_sheets import row, table
from ticket_core.store.imports import list_imports, rows_of_import
from ticket_core.store.schema import complaint, inbound, ticket

_ROWS = 700  # three batches and a half
_KILLS = 10


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_import_that_is_killed_at_any_moment_is_finished_by_the_same_file(tmp_path: Path) -> None:
    file = tmp_path / "诉求件.csv"
    rows = [row(number) for number in range(1, _ROWS + 1)]
    rows[400] = row(401, 受理时间="昨天")  # one that nobody understands
    rows.insert(600, row(7))  # and one that stands twice
    file.write_bytes(table(*rows))
    asyncio.run(_looked(tmp_path, lambda _: None))  # the schema, before anybody is killed
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["tests.channels.transfer.importer", "alembic.command", "alembic.config"])
    chance = random.Random(11)
    begun = 0
    for _ in range(_KILLS):
        said, mouth = server.Pipe(duplex=False)
        victim = server.Process(target=work, args=(str(tmp_path), str(file), mouth))
        victim.start()
        mouth.close()
        words = chance.randint(1, 5)  # at the beginning, or after so many batches
        while words and said.poll(60) and said.recv()[0] != "done":
            words -= 1
        begun += 1
        time.sleep(chance.uniform(0, 0.12))
        victim.kill()
        victim.join()
        said.close()
        victim.close()
    assert begun == _KILLS
    said, mouth = server.Pipe(duplex=False)
    last = server.Process(target=work, args=(str(tmp_path), str(file), mouth))
    last.start()
    while (word := said.recv())[0] != "done":
        pass
    last.join()
    asyncio.run(_looked(tmp_path, lambda connection: _check(connection, word[1][0], len(rows))))


async def _looked(folder: Path, look: Callable[[Connection], None]) -> None:
    async with opened_house(folder) as house:
        await house.store.read(look)


def _check(connection: Connection, import_id: int, rows: int) -> None:
    """One ticket for each case, one line in the journal for each input, and a report of every row."""
    cases = connection.execute(select(ticket.c.source_case).where(ticket.c.source_case != "")).scalars().all()
    assert sorted(cases) == [f"CD{number:06}" for number in range(1, _ROWS + 1) if number != 401]
    assert connection.execute(select(func.count()).select_from(ticket)).scalar() == _ROWS
    assert connection.execute(select(func.count()).select_from(complaint)).scalar() == _ROWS
    keys = connection.execute(select(inbound.c.source_key)).scalars().all()
    assert len(keys) == len(set(keys)) == _ROWS
    lines = list(rows_of_import(connection, import_id))
    assert [one.row for one in lines] == list(range(1, rows + 1))
    assert all(one.ticket_id for one in lines)
    assert {one.outcome for one in lines} <= {"opened", "duplicate", "triage"}
    assert lines[0].ticket_id is not None and lines[600].ticket_id == lines[6].ticket_id
    files = list_imports(connection, limit=200).rows
    assert next(one.id for one in files if one.finished_at is not None) == import_id
    for one in files:  # what a killed one has reported is so
        counted = list(rows_of_import(connection, one.id))
        assert [line.row for line in counted] == list(range(1, len(counted) + 1))
        assert one.rows == len(counted)
