"""A time that passes when somebody waits for it."""

from __future__ import annotations

import asyncio

from gateway.channels.pace import Pace


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


def slow_motion(pace: Pace) -> SlowMotion:
    """Let its turns pass in a time of their own."""
    motion = SlowMotion()
    pace.clock, pace.sleep = motion.clock, motion.sleep
    return motion
