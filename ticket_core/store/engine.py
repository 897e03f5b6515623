"""Engines: one that writes, one that reads, and the lock that keeps a second process out of a SQLite file.

SQLite before 3.51.3 can lose committed rows when two connections write or checkpoint a WAL file at the same instant, so
exactly one process holds the file, one connection in it writes and checkpoints, and readers never do either.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.pool import QueuePool, StaticPool

from ticket_core.errors import StoreLocked

#: What a savepoint may have to take back is kept in memory: it is one batch.
_WRITER_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=5000",
    "cache_size=-32768",
    "temp_store=MEMORY",
)
_READER_PRAGMAS = ("query_only=ON", "wal_autocheckpoint=0", "busy_timeout=5000")


def is_sqlite(url: str) -> bool:
    """Whether `url` names a SQLite database."""
    return make_url(url).get_backend_name() == "sqlite"


def writer_engine(url: str) -> Engine:
    """The engine whose one connection writes."""
    if is_sqlite(url):
        path = make_url(url).database
        if path:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        engine = _engine(url, poolclass=StaticPool, connect_args={"isolation_level": None, "check_same_thread": False})
        _on_connect(engine, _WRITER_PRAGMAS)
        return engine
    return _engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True)


def reader_engine(url: str, size: int) -> Engine:
    """The engine for reads, with at most `size` connections."""
    if is_sqlite(url):
        engine = _engine(
            url, poolclass=QueuePool, pool_size=size, max_overflow=0, connect_args={"isolation_level": None}
        )
        _on_connect(engine, _READER_PRAGMAS)
        # Without it each statement would see a state of its own.
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        return engine
    return _engine(
        url, pool_size=size, max_overflow=0, pool_pre_ping=True, isolation_level="REPEATABLE READ"
    ).execution_options(postgresql_readonly=True)


def _engine(url: str, **settings: Any) -> Engine:
    """An engine whose errors show no values: those are people's names, numbers and words, and errors are logged."""
    return create_engine(url, hide_parameters=True, **settings)


def _on_connect(engine: Engine, pragmas: tuple[str, ...]) -> None:
    def apply(connection: Any, _record: object) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    event.listen(engine, "connect", apply)


@contextlib.contextmanager
def sole_process(url: str) -> Iterator[None]:
    """Hold the SQLite file for this process; nothing to do for PostgreSQL.

    Raises:
        StoreLocked: when another process holds it.
    """
    path = make_url(url).database
    if not is_sqlite(url) or not path or path == ":memory:":
        yield
        return
    lock = Path(path + ".lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            held.seek(0)
            owner = held.read().strip() or "unknown"
            raise StoreLocked(f"{path} is in use by process {owner}") from error
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        yield
