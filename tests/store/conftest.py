"""The same tests on both databases: each asks for `url` or an open `store`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.postgres import PostgresServer
from ticket_core.store.store import Store


@contextlib.contextmanager
def running(url: str) -> Iterator[Store]:
    """A store, open for the time being."""
    store = Store(url)
    try:
        store.open()
        yield store
    finally:
        store.close()


def migrate(url: str) -> None:
    """Bring a database to the newest schema."""
    with running(url):
        pass


@pytest.fixture
def migrated_postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty PostgreSQL database with all tables."""
    with postgres_server.database(postgres_server.template("migrated", migrate)) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/gateway.db"
    found: str = request.getfixturevalue("migrated_postgres")
    return found


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open store."""
    with running(url) as opened:
        yield opened
