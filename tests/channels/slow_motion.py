"""A time that passes when somebody waits for it."""

from __future__ import annotations

import asyncio


class SlowMotion:
    """`slept` are the waits, `now` is the time in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        """What time it is."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)
