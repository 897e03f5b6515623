"""How far each channel has read: one text per channel and name, which only the channel understands."""

from __future__ import annotations

from sqlalchemy import Connection, select

from ticket_core.store.schema import cursor
from ticket_core.store.tx import Tx


def load_cursor(connection: Connection, channel: str, name: str) -> str | None:
    """What was kept last; None when nothing ever was."""
    query = select(cursor.c.value).where(cursor.c.channel == channel, cursor.c.name == name)
    return connection.execute(query).scalar_one_or_none()


def save_cursor(tx: Tx, channel: str, name: str, value: str) -> None:
    """Keep `value` in the place of what was kept before."""
    tx.upsert(cursor, {"channel": channel, "name": name, "value": value}, "channel", "name")
