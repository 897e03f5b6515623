"""A new SQLite file of a test is a copy of one that was migrated once: that takes a tenth of the time."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool

from ticket_core.store import migrations, store


class Copying:
    """Stands in for `ticket_core.store.migrations` where a store opens."""

    def __init__(self) -> None:
        self._model: sqlite3.Connection | None = None

    def upgrade(self, connection: Connection) -> None:
        """As the original does, on a file that has no tables by copying; all else is left to the original."""
        fresh = connection.connection.driver_connection
        if not isinstance(fresh, sqlite3.Connection) or fresh.execute("PRAGMA schema_version").fetchone() != (0,):
            migrations.upgrade(connection)
            return
        if self._model is None:
            self._model = _migrated()
        self._model.backup(fresh)


def _migrated() -> sqlite3.Connection:
    model = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    with create_engine("sqlite://", creator=lambda: model, poolclass=StaticPool).connect() as connection:
        migrations.upgrade(connection)
    return model


@contextlib.contextmanager
def copied_databases() -> Iterator[None]:
    """New SQLite files are copies until the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "migrations", Copying())
        yield
