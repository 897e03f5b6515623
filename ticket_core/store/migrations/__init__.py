"""Bring a database to the newest schema, with Alembic, in the writer's own connection before it writes."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect

_FOLDER = Path(__file__).parent


def upgrade(connection: Connection) -> None:
    """Create or migrate all tables; processes that start at the same time do it one after the other."""
    if _version(connection) == newest():
        return
    from alembic import command  # slow to import, and only the start needs it
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    connection.begin()
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(4211)")
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    command.upgrade(config, "head")
    connection.commit()


def newest() -> str:
    """The newest version there is a migration to; their files begin with it."""
    return max(path.name.partition("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py"))


def _version(connection: Connection) -> str | None:
    """The version a database has; None for an empty one."""
    with connection.begin():
        if not inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return version
