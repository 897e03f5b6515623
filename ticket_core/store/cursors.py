"""How far each channel has read: one text per channel and name, which only the channel understands."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from ticket_core.store.schema import cursor
from ticket_core.store.tx import Tx


def load_cursor(connection: Connection, channel: str, name: str) -> str | None:
    """What was kept last; None when nothing ever was."""
    query = select(cursor.c.value).where(cursor.c.channel == channel, cursor.c.name == name)
    return connection.execute(query).scalar_one_or_none()


def save_cursor(tx: Tx, channel: str, name: str, value: str) -> None:
    """Keep `value` in the place of what was kept before."""
    tx.upsert(cursor, {"channel": channel, "name": name, "value": value}, "channel", "name")


def swap_cursor(tx: Tx, channel: str, name: str, old: str | None, value: str) -> bool:
    """Keep `value` if what was kept last is still `old`; of several who try at once one succeeds."""
    tx.insert(cursor, [(channel, name, "")], ignore=True)
    place = (cursor.c.channel == channel) & (cursor.c.name == name) & (cursor.c.value == (old or ""))
    return tx.connection.execute(update(cursor).where(place).values(value=value)).rowcount == 1
