"""Bring a database to the newest schema, with Alembic, in the writer's own connection before it writes."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

_FOLDER = Path(__file__).parent


def upgrade(connection: Connection) -> None:
    """Create or migrate all tables; processes that start at the same time do it one after the other."""
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
