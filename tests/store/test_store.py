"""The writer: many scripts share a commit, a bad one is rolled back alone, nobody is answered before the commit."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, func, select
from sqlalchemy.exc import IntegrityError

from tests.core.builders import NINE, draft, policy
from tests.store.conftest import running
from ticket_core.errors import StoreBusy, StoreClosed, StoreLocked
from ticket_core.service import intake
from ticket_core.store import store as store_module
from ticket_core.store.schema import meta
from ticket_core.store.store import Store
from ticket_core.store.tx import Tx


def put(name: str, value: str = "") -> Callable[[Tx], str]:
    """A script that writes one row and returns its name."""

    def script(tx: Tx) -> str:
        tx.insert(meta, [(name, value)])
        return name

    return script


def put_each(tx: Tx, names: Sequence[str]) -> list[str]:
    """The same for all names at once."""
    tx.insert(meta, [(name, "") for name in names])
    return list(names)


def fail(tx: Tx) -> None:
    """A script that writes and then fails."""
    tx.insert(meta, [("half", "")])
    raise ZeroDivisionError


def names(connection: Connection) -> list[str]:
    """All rows, sorted."""
    return sorted(connection.execute(select(meta.c.name)).scalars())


class Gate:
    """A script that holds the writer until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, _tx: Tx) -> None:
        self.reached.set()
        self.opened.wait(20)


async def until(reached: threading.Event) -> None:
    """Wait for another thread."""
    assert await asyncio.to_thread(reached.wait, 20)


async def test_what_waits_at_the_same_time_shares_one_commit(store: Store) -> None:
    gate = Gate()
    held = asyncio.ensure_future(store.run(gate))
    await until(gate.reached)
    commits: list[int] = []
    event.listen(store._writer, "commit", lambda _connection: commits.append(1))
    waiting = [asyncio.ensure_future(store.run(put(f"run{n}"))) for n in range(20)]
    waiting += [asyncio.ensure_future(store.run_each(put_each, f"each{n}")) for n in range(20)]
    await asyncio.sleep(0)
    gate.opened.set()
    answers = await asyncio.gather(held, *waiting)
    assert answers[1:] == [f"run{n}" for n in range(20)] + [f"each{n}" for n in range(20)]
    assert len(await store.read(names)) == 40
    assert len(commits) == 2  # the gate's own, and one for all forty


async def test_a_failing_script_is_rolled_back_alone(store: Store) -> None:
    answers = await asyncio.gather(
        store.run(put("before")), store.run(fail), store.run(put("after")), return_exceptions=True
    )
    assert answers[0] == "before"
    assert isinstance(answers[1], ZeroDivisionError)
    assert await store.read(names) == ["after", "before"]


async def test_one_bad_item_of_many_is_rolled_back_alone(store: Store) -> None:
    def script(tx: Tx, items: Sequence[str]) -> list[str]:
        tx.insert(meta, [(item, "") for item in items])
        if "bad" in items:
            raise ZeroDivisionError
        return [item.upper() for item in items]

    gate = Gate()
    held = asyncio.ensure_future(store.run(gate))
    await until(gate.reached)
    waiting = [asyncio.ensure_future(store.run_each(script, item)) for item in ("a", "bad", "b")]
    await asyncio.sleep(0)
    gate.opened.set()
    await held
    a, bad, b = await asyncio.gather(*waiting, return_exceptions=True)
    assert (a, b) == ("A", "B")
    assert isinstance(bad, ZeroDivisionError)
    assert await store.read(names) == ["a", "b"]


async def test_nobody_is_answered_before_the_commit(store: Store) -> None:
    seen: list[bool] = []
    answered = asyncio.Event()

    def at_commit(_connection: Connection) -> None:
        seen.append(answered.is_set())

    event.listen(store._writer, "commit", at_commit)
    await store.run(put("one"))
    answered.set()
    assert seen == [False]
    assert await store.read(names) == ["one"]


async def test_a_caller_that_went_away_loses_nothing_of_the_others(store: Store) -> None:
    gate = Gate()
    held = asyncio.ensure_future(store.run(gate))
    await until(gate.reached)
    gone = asyncio.ensure_future(store.run(put("gone")))
    stays = asyncio.ensure_future(store.run(put("stays")))
    await asyncio.sleep(0)
    gone.cancel()
    gate.opened.set()
    await held
    assert await stays == "stays"
    assert await store.read(names) == ["gone", "stays"]


async def test_ids_are_never_given_twice_over_failures_and_restarts(url: str) -> None:
    given: list[int] = []

    def script(tx: Tx) -> None:
        given.append(tx.next_id("inbound"))
        tx.next_ticket_id(NINE.date())

    def failing(tx: Tx) -> None:
        script(tx)
        given.pop()  # rolled back: nobody saw it
        raise ZeroDivisionError

    for _ in range(3):
        with running(url) as store:
            for _ in range(5):
                await asyncio.gather(
                    *(store.run(one) for one in (failing, script, script)),
                    return_exceptions=True,
                )
    assert len(given) == 30
    assert given == sorted(set(given))


async def test_ids_of_two_processes_never_meet(migrated_postgres: str) -> None:
    with running(migrated_postgres) as one, running(migrated_postgres) as two:

        def take(tx: Tx) -> list[int]:
            return [tx.next_ticket_id(NINE.date()) for _ in range(70)]

        taken = await asyncio.gather(*(store.run(take) for _ in range(5) for store in (one, two)))
    every = [number for some in taken for number in some]
    assert len(set(every)) == 700


async def test_a_full_queue_refuses_and_takes_nothing_in(store: Store) -> None:
    gate = Gate()
    held = asyncio.ensure_future(store.run(gate))
    await until(gate.reached)
    limit = store_module._LONGEST_QUEUE
    waiting = [asyncio.ensure_future(store.run_each(put_each, f"n{n}")) for n in range(limit)]
    await asyncio.sleep(0)
    assert store.waiting == limit
    with pytest.raises(StoreBusy):
        await store.run(put("too much"))
    gate.opened.set()
    await asyncio.gather(held, *waiting)
    assert len(await store.read(names)) == limit


async def test_a_shut_store_takes_nothing_in(url: str) -> None:
    with running(url) as store:
        waiting = asyncio.ensure_future(store.run(put("one")))
        await asyncio.sleep(0)
    assert await waiting == "one"  # what waited is written first
    with pytest.raises(StoreClosed):
        await store.run(put("two"))
    with running(url) as again:
        assert await again.read(names) == ["one"]


async def test_a_reader_does_not_wait_for_the_writer(store: Store) -> None:
    await store.run(put("before"))
    gate = Gate()

    def write_and_wait(tx: Tx) -> None:
        tx.insert(meta, [("unseen", "")])
        gate(tx)

    held = asyncio.ensure_future(store.run(write_and_wait))
    await until(gate.reached)
    assert await asyncio.wait_for(store.read(names), 2) == ["before"]
    gate.opened.set()
    await held
    assert await store.read(names) == ["before", "unseen"]


async def test_one_read_sees_one_state(store: Store) -> None:
    await store.run(put("before"))
    first_look, written = threading.Event(), threading.Event()

    def look_twice(connection: Connection) -> list[list[str]]:
        found = [names(connection)]
        first_look.set()
        written.wait(20)
        return [*found, names(connection)]

    looking = asyncio.ensure_future(store.read(look_twice))
    await until(first_look)
    await store.run(put("between"))
    written.set()
    assert await looking == [["before"], ["before"]]


async def test_a_read_cannot_write(store: Store) -> None:
    def write(connection: Connection) -> None:
        connection.execute(meta.insert().values(name="no", value=""))

    with pytest.raises(Exception, match=r"readonly|read-only"):
        await store.read(write)
    assert await store.read(names) == []


async def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    naive = datetime(2026, 11, 20, 9)  # noqa: DTZ001  the point of the test
    with pytest.raises((ValueError, TypeError)):
        await store.run(lambda tx: intake(tx, [draft(when=naive)], policy()))
    with pytest.raises((ValueError, TypeError)):
        await store.run(lambda tx: intake(tx, [draft(occurred_at=naive)], policy()))
    assert await store.read(lambda connection: connection.execute(select(func.count()).select_from(meta)).scalar()) == 0


_HOLD = """
import sys
from ticket_core.store.store import Store
store = Store(sys.argv[1])
store.open()
print("open", flush=True)
sys.stdin.read()
store.close()
"""


def test_a_second_process_cannot_open_the_same_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/gateway.db"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        with pytest.raises(StoreLocked, match=str(child.pid)), running(url):
            pass
        child.kill()
    with running(url):  # whoever died holds nothing
        pass


async def test_what_lost_a_race_is_run_again(migrated_postgres: str) -> None:
    """Two processes put the same row there at once: one is told of the other's, none of an error."""
    both = threading.Barrier(2)

    def once(tx: Tx) -> str:
        if tx.connection.execute(select(meta.c.name).where(meta.c.name == "one")).first():
            return "found"
        both.wait(5)
        tx.insert(meta, [("one", "")])
        return "put"

    with running(migrated_postgres) as one, running(migrated_postgres) as two:
        assert sorted(await asyncio.gather(one.run(once), two.run(once))) == ["found", "put"]


async def test_a_deadlock_is_run_again(migrated_postgres: str) -> None:
    def lock(tx: Tx, name: str) -> None:
        tx.connection.execute(select(meta).where(meta.c.name == name).with_for_update())

    both = threading.Barrier(2)
    runs: list[str] = []

    def crosswise(first: str, second: str) -> Callable[[Tx], None]:
        def script(tx: Tx) -> None:
            lock(tx, first)
            runs.append(first)
            if runs.count(first) == 1:
                both.wait(5)
            lock(tx, second)

        return script

    with running(migrated_postgres) as one, running(migrated_postgres) as two:
        await one.run(put("a"))
        await one.run(put("b"))
        await asyncio.gather(one.run(crosswise("a", "b")), two.run(crosswise("b", "a")))
    assert len(runs) == 3  # one of the two twice


async def test_a_lost_connection_is_replaced(migrated_postgres: str) -> None:
    runs = []

    def dropped(tx: Tx) -> str:
        runs.append(1)
        if len(runs) == 1:
            tx.connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        return put("survived")(tx)

    with running(migrated_postgres) as store:
        assert await store.run(dropped) == "survived"
        assert await store.read(names) == ["survived"]
    assert len(runs) == 2


async def test_a_row_that_is_really_there_twice_is_the_callers_error(store: Store) -> None:
    await store.run(put("one"))
    answers = await asyncio.gather(store.run(put("one")), store.run(put("two")), return_exceptions=True)
    assert type(answers[0]).__name__ == "IntegrityError"
    assert answers[1] == "two"


async def test_nobody_of_a_batch_is_told_it_is_kept_when_the_disk_was_full_for_one(tmp_path: Path) -> None:
    def overflow(tx: Tx) -> None:
        tx.connection.exec_driver_sql("PRAGMA max_page_count = 1")  # as large as it is now, and no page more
        try:
            tx.insert(meta, [("large", "x" * 1_000_000)])
        finally:
            tx.connection.exec_driver_sql("PRAGMA max_page_count = 1000000")

    with running(f"sqlite:///{tmp_path / 'full.sqlite3'}") as store:
        gate = Gate()
        first = asyncio.ensure_future(store.run(gate))
        await until(gate.reached)
        waiting = [asyncio.ensure_future(store.run(one)) for one in (put("before"), overflow, put("after"))]
        await asyncio.sleep(0)
        gate.opened.set()
        await first
        told = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(one) for one in told] == [StoreClosed] * 3
        assert "disk is full" in store.failure
        assert not {"before", "after", "large"} & set(await store.read(names))
        assert await store.run(put("later")) == "later"
        assert store.failure == ""


async def test_everybody_is_told_to_come_again_while_the_database_can_only_be_read(store: Store) -> None:
    """As after PostgreSQL has failed over and we still talk with what is a standby now."""

    def write_what_can_only_be_read(tx: Tx) -> None:
        lite = tx.connection.dialect.name == "sqlite"
        tx.connection.exec_driver_sql("PRAGMA query_only = ON" if lite else "SET TRANSACTION READ ONLY")
        try:
            put("no")(tx)
        finally:
            if lite:
                tx.connection.exec_driver_sql("PRAGMA query_only = OFF")

    gate = Gate()
    first = asyncio.ensure_future(store.run(gate))
    await until(gate.reached)
    scripts = (put("before"), write_what_can_only_be_read, put("after"))
    waiting = [asyncio.ensure_future(store.run(one)) for one in scripts]
    await asyncio.sleep(0)
    gate.opened.set()
    await first
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in told] == [StoreClosed] * 3
    assert "read" in store.failure
    assert await store.read(names) == []
    assert await store.run(put("later")) == "later"
    assert store.failure == ""


async def test_an_error_of_the_database_shows_no_values(store: Store) -> None:
    await store.run(put("李小明"))
    with pytest.raises(IntegrityError) as caught:
        await store.run(put("李小明"))
    said = "\n".join(
        line for line in str(caught.value).splitlines() if not line.startswith("DETAIL:")
    )  # left out of logs
    assert "李小明" not in said
