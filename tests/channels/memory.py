"""What a channel remembers, without a store."""

from __future__ import annotations


class MemoryAtHand:
    """What a channel remembers, kept in a dict."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def get(self, name: str) -> str | None:
        """What was remembered."""
        return self.kept.get(name)

    async def set(self, name: str, value: str) -> None:
        """Remember it."""
        self.kept[name] = value
