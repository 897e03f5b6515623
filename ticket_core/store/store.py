"""The store: transaction scripts, run by one writer thread that commits many of them at once.

A script is a plain synchronous function of a `Tx`. Scripts that wait at the same time share one transaction and one
flush to disk; each caller is answered after that commit and not before. A failing script is rolled back alone. Scripts
must be pure database work: one that lost a race is run again.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from ticket_core.errors import StoreBusy, StoreClosed
from ticket_core.store import migrations
from ticket_core.store.engine import is_sqlite, reader_engine, sole_process, writer_engine
from ticket_core.store.tx import Ids, Overtaken, Tx

T = TypeVar("T")
Item = TypeVar("Item")
Script = Callable[[Tx], T]
#: A script for many items at once; it returns one result per item, in order.
EachScript = Callable[[Tx, Sequence[Item]], Sequence[T]]

_LARGEST_BATCH = 256
_LONGEST_QUEUE = 4096
_READERS = 4
#: What says that the database itself can write nothing now, whatever the script: classes and codes of PostgreSQL
#: (25006: it became a standby; 53: disk or memory full; 57: being shut down; 58: its disk fails), results of SQLite.
_UNABLE_CLASSES = ("25006", "53", "57P", "58")
_UNABLE_RESULTS = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN}
#: How often a batch is run when another process got in the way. PostgreSQL: serialization failure, deadlock, and a row
#: that somebody else put there first, which a second look nearly always finds.
_RUNS = {"40001": 8, "40P01": 8, "23505": 3}
_MOST_RUNS = 8


@dataclass(frozen=True, slots=True)
class _Job:
    script: Callable[..., Any]
    item: Any
    each: bool
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class Store:
    """One database. Open it before use; `run`, `run_each` and `read` may be awaited from any loop."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._queue: queue.Queue[_Job | None] = queue.Queue(_LONGEST_QUEUE)
        self._ids = Ids()
        self._held = contextlib.ExitStack()
        self._writer = writer_engine(url)
        self._reader = reader_engine(url, _READERS)
        self._pool = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")
        self._thread = threading.Thread(target=self._write_all, name="store-writer", daemon=True)
        self._open = False
        self.failure: str = ""  # why the last commit failed; empty while all is well

    def open(self) -> None:
        """Take the file, migrate it and start writing.

        Raises:
            StoreLocked: when another process holds the SQLite file.
        """
        self._held.enter_context(sole_process(self.url))
        with self._writer.connect() as connection:
            migrations.upgrade(connection)
        self._open = True
        self._thread.start()

    def close(self) -> None:
        """Write what waits, then let go of everything."""
        if self._open:
            self._open = False
            self._queue.put(None)
            self._thread.join()
        self._pool.shutdown(wait=True)
        self._reader.dispose()
        self._writer.dispose()
        self._held.close()

    async def run(self, script: Script[T]) -> T:
        """The result of `script`, after its commit.

        Raises:
            StoreBusy: when too much waits to be written.
            StoreClosed: when the store is shut or the commit failed.
        """
        return await self._submit(script, None, each=False)  # type: ignore[no-any-return]

    async def run_each(self, script: EachScript[Item, T], item: Item) -> T:
        """As `run`, for a script that serves all waiting items with one set of statements."""
        return await self._submit(script, item, each=True)  # type: ignore[no-any-return]

    async def read(self, query: Callable[[Connection], T]) -> T:
        """The result of `query` on a read-only snapshot; never waits for the writer."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.read_now, query)

    def read_now(self, query: Callable[[Connection], T]) -> T:
        """As `read`, from a thread without a loop.

        Raises:
            StoreClosed: when the database cannot be read now.
        """
        try:
            with self._reader.connect() as connection:
                return query(connection)
        except OperationalError as error:
            if is_sqlite(self.url) and not _is_unable(error):
                raise  # a query that is wrong
            raise StoreClosed(_why(error)) from error

    @property
    def waiting(self) -> int:
        """How many scripts wait to be written."""
        return self._queue.qsize()

    def _submit(self, script: Callable[..., Any], item: Any, *, each: bool) -> asyncio.Future[Any]:
        if not self._open:
            raise StoreClosed("the store is shut")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        try:
            self._queue.put_nowait(_Job(script, item, each, loop, future))
        except queue.Full:
            raise StoreBusy("too many inputs wait to be written") from None
        return future

    def _write_all(self) -> None:
        last = False
        while not last:
            jobs, last = self._drain()
            if not jobs:
                continue
            try:
                results = self._commit(jobs)
                self.failure = ""
            except Exception as error:  # the commit itself failed: nobody was served, everybody is told
                self._ids.forget()
                self.failure = _why(error)
                failed = StoreClosed(f"the commit failed: {type(error).__name__}")
                failed.__cause__ = error
                results = [(None, failed)] * len(jobs)
            _answer(jobs, results)

    def _drain(self) -> tuple[list[_Job], bool]:
        """What waits now: at least one job, at most a batch; and whether this is the end."""
        jobs: list[_Job] = []
        job = self._queue.get()
        while True:
            if job is None:
                return jobs, True
            jobs.append(job)
            if len(jobs) >= _LARGEST_BATCH:
                return jobs, False
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return jobs, False

    def _commit(self, jobs: list[_Job]) -> list[tuple[Any, BaseException | None]]:
        for attempt in Retrying(
            retry=retry_if_exception(lambda error: bool(_runs(error))),
            stop=stop_after_attempt(_MOST_RUNS),
            wait=wait_random_exponential(0.01, 0.5),
            reraise=True,
        ):
            with attempt, self._writer.connect() as connection:
                _begin(connection)
                try:
                    results = self._run_groups(Tx(connection, self._ids), jobs, attempt.retry_state.attempt_number)
                    _commit(connection)
                except BaseException as error:
                    connection.rollback()
                    self._ids.forget()
                    if _is_unable(error.__cause__) and not is_sqlite(self.url):
                        connection.invalidate()  # another server may be the one that writes by now
                    raise
        return results

    def _run_groups(self, tx: Tx, jobs: list[_Job], run: int) -> list[tuple[Any, BaseException | None]]:
        """Every job's result; jobs of one each-script run as one. Raises what is worth another run of the batch."""
        results: list[tuple[Any, BaseException | None]] = [(None, None)] * len(jobs)
        groups: dict[object, list[int]] = {}
        for index, job in enumerate(jobs):
            groups.setdefault(job.script if job.each else index, []).append(index)
        for places in groups.values():
            try:
                for place, value in zip(places, self._run_group(tx, [jobs[place] for place in places]), strict=True):
                    results[place] = (value, None)
            except StoreClosed:  # the transaction is gone, and with it what all the others wrote
                raise
            except Exception as error:
                if run < _runs(error):
                    raise
                if len(places) == 1:
                    results[places[0]] = (None, error)
                    continue
                for place in places:  # one of them is bad: find out which, each by itself
                    try:
                        results[place] = (self._run_group(tx, [jobs[place]])[0], None)
                    except StoreClosed:
                        raise
                    except Exception as alone:
                        if run < _runs(alone):
                            raise
                        results[place] = (None, alone)
        return results

    def _run_group(self, tx: Tx, jobs: list[_Job]) -> Sequence[Any]:
        tx.connection.exec_driver_sql("SAVEPOINT script")
        try:
            if jobs[0].each:
                values: Sequence[Any] = jobs[0].script(tx, [job.item for job in jobs])
            else:
                values = [jobs[0].script(tx)]
        except Exception as error:
            if tx.connection.invalidated:  # nothing to roll back to: the server dropped us
                raise
            if _is_unable(error) or _is_rolled_back(tx.connection):
                raise StoreClosed("the transaction was rolled back") from error
            tx.connection.exec_driver_sql("ROLLBACK TO SAVEPOINT script")
            tx.connection.exec_driver_sql("RELEASE SAVEPOINT script")
            self._ids.forget()
            raise
        tx.connection.exec_driver_sql("RELEASE SAVEPOINT script")
        return values


def _begin(connection: Connection) -> None:
    connection.begin()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _is_rolled_back(connection: Connection) -> bool:
    """Whether SQLite has ended the transaction by itself, as it does when the disk is full: a savepoint is no help."""
    driver = connection.connection.dbapi_connection
    return isinstance(driver, sqlite3.Connection) and not driver.in_transaction


def _is_unable(error: BaseException | None) -> bool:
    """Whether the database can write nothing now: that is no script's fault, and everybody is to be told alike."""
    if not isinstance(error, DBAPIError):
        return False
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _UNABLE_RESULTS
    return str(getattr(error.orig, "sqlstate", "")).startswith(_UNABLE_CLASSES)


def _why(error: BaseException) -> str:
    """What the database said, without the values that were to be written."""
    while isinstance(error, StoreClosed) and error.__cause__ is not None:
        error = error.__cause__
    said = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return f"{type(said).__name__}: {str(said).partition(chr(10))[0]}"[:200]


def _commit(connection: Connection) -> None:
    try:
        connection.commit()
    except DBAPIError as error:  # nobody knows whether it was done, so it is not run again
        raise StoreClosed("the commit failed") from error


def _runs(error: BaseException) -> int:
    """How often to run what failed so: another process was in the way, or the connection went before the commit."""
    if isinstance(error, Overtaken):
        return _MOST_RUNS
    if not isinstance(error, DBAPIError):
        return 0
    if isinstance(error, OperationalError) and error.connection_invalidated:
        return _MOST_RUNS
    return _RUNS.get(getattr(error.orig, "sqlstate", ""), 0)


def _answer(jobs: list[_Job], results: list[tuple[Any, BaseException | None]]) -> None:
    """Wake every caller, each loop once."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any, BaseException | None]]] = {}
    for job, (value, error) in zip(jobs, results, strict=True):
        loops.setdefault(job.loop, []).append((job.future, value, error))
    for loop, answers in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, answers)


def _resolve(answers: list[tuple[asyncio.Future[Any], Any, BaseException | None]]) -> None:
    for future, value, error in answers:
        if future.done():
            continue  # the caller has gone; what it wrote stays written
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)
