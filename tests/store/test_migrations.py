"""The migrations lead from nothing to exactly the tables that the code describes, on both databases."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, func, inspect, select

from tests.core.builders import LI, NINE, draft, policy
from tests.store.conftest import migrate, running
from ticket_core.service import intake
from ticket_core.store import migrations, store
from ticket_core.store.schema import metadata, ticket
from ticket_core.store.tickets import load_ticket


@pytest.fixture(autouse=True)
def _really_migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "migrations", migrations)


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh_url(request: pytest.FixtureRequest) -> str:
    """A database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('tmp_path')}/fresh.db"
    found: str = request.getfixturevalue("postgres_url")
    return found


def test_from_nothing_to_the_tables_of_the_code(fresh_url: str) -> None:
    migrate(fresh_url)
    engine = create_engine(fresh_url)
    with engine.connect() as connection:
        # SQLite says defaults in other words; PostgreSQL compares them itself.
        options = {"compare_type": True, "compare_server_default": connection.dialect.name == "postgresql"}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        tables = set(inspect(connection).get_table_names())
        found = {
            one.name: {index["name"] for index in inspect(connection).get_indexes(one.name)}
            for one in metadata.sorted_tables
        }
    engine.dispose()
    assert tables == {one.name for one in metadata.sorted_tables} | {"alembic_version"}
    # Alembic does not compare conditions of indexes; at least each index is there by name.
    for one in metadata.sorted_tables:
        assert {str(index.name) for index in one.indexes} <= found[one.name]


def test_indexes_have_the_conditions_of_the_code(fresh_url: str) -> None:
    migrate(fresh_url)
    engine = create_engine(fresh_url)
    dialect = engine.dialect.name
    with engine.connect() as connection:
        for one in metadata.sorted_tables:
            kept = {
                index["name"]: (index["column_names"], index.get("dialect_options", {}).get(f"{dialect}_where"))
                for index in inspect(connection).get_indexes(one.name)
            }
            for index in one.indexes:
                columns, where = kept[str(index.name)]
                assert columns == [column.name for column in index.columns]
                assert (where is None) == (index.dialect_options[dialect]["where"] is None), index.name
    engine.dispose()


def test_a_second_start_changes_nothing(fresh_url: str) -> None:
    migrate(fresh_url)
    migrate(fresh_url)


def test_a_start_knows_the_newest_version_by_the_names_of_the_files(fresh_url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.newest()]
    migrate(fresh_url)
    engine = create_engine(fresh_url)
    with engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == migrations.newest()
    engine.dispose()


def test_processes_that_start_at_once_migrate_one_after_the_other(postgres_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, [postgres_url] * 4))


async def test_a_restart_keeps_everything(fresh_url: str) -> None:
    script = partial(intake, policy=policy())
    with running(fresh_url) as store:
        taken = [await store.run_each(script, draft(f"{LI}{n}", NINE, external_id=f"m{n}")) for n in range(3)]
    with running(fresh_url) as store:
        for one in taken:
            assert one.ticket is not None
            assert await store.read(partial(load_ticket, ticket_id=one.ticket.id)) == one.ticket
        again = await asyncio.gather(*(store.run_each(script, draft(LI, external_id=f"m{n}")) for n in range(3)))
        assert {one.outcome for one in again} == {"duplicate"}
        assert await store.read(lambda c: c.execute(select(func.count()).select_from(ticket)).scalar()) == 3
