"""While the database is away, whoever asks is told to come again; it is no fault of what was asked."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tests.servers.process import free_port
from tests.store.conftest import running
from ticket_core.errors import StoreClosed
from ticket_core.store.store import Store


def test_a_database_that_cannot_be_reached_is_no_fault_of_the_query() -> None:
    store = Store(f"postgresql+psycopg://gateway@127.0.0.1:{free_port()}/gateway?connect_timeout=2")
    with pytest.raises(StoreClosed, match="refused"):
        store.read_now(lambda connection: connection.execute(text("SELECT 1")))
    store.close()


def test_a_query_that_is_wrong_is_its_own_fault() -> None:
    with running("sqlite://") as store, pytest.raises(OperationalError, match="no such table"):
        store.read_now(lambda connection: connection.execute(text("SELECT * FROM nowhere")))
