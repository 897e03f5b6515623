"""Where a channel remembers how far it has read: in the database, beside what it has read."""

from __future__ import annotations

from ticket_core.store.cursors import load_cursor, save_cursor
from ticket_core.store.store import Store


class StoreMemory:
    """The memory of one channel (`gateway.channels.base.Memory`), kept in the store's cursors."""

    def __init__(self, store: Store, channel: str) -> None:
        self._store = store
        self._channel = channel

    async def get(self, name: str) -> str | None:
        """What was remembered under `name`; None when nothing ever was."""
        return await self._store.read(lambda connection: load_cursor(connection, self._channel, name))

    async def set(self, name: str, value: str) -> None:
        """Remember `value`; returns after its commit.

        Raises:
            StoreBusy, StoreClosed: nothing is remembered.
        """
        await self._store.run(lambda tx: save_cursor(tx, self._channel, name, value))
