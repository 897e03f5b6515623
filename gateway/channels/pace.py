"""Turns at platforms that limit how fast one may speak: to one place, in all, and never while they ask for peace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from gateway.errors import TransientDelivery

#: Seconds that a notice waits for its turn inside a send; one that must wait longer goes back to the outbox.
LONGEST_WAIT = 10.0
_MOST_CHATS = 10_000
_ALL = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One message `every` so many seconds, and up to `burst` at once after a rest."""

    every: float
    burst: int


class Pace:
    """Turns by chat. What the platform asks for holds the chat; when it asks so in two chats, all of them.

    `platform` names it in reasons, `rate` is that of one chat, `in_all` that of everything.
    """

    def __init__(
        self,
        platform: str,
        rate: Callable[[str], Rate],
        in_all: Rate,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.clock = clock
        self.sleep = sleep
        self._platform = platform
        self._rate = rate
        self._chats: dict[Rate, _Bucket] = {}
        self._everything = _Bucket(in_all)
        self._held: dict[str, float] = {}

    async def turn(self, chat: str) -> None:
        """Wait until a message may go to `chat`.

        Raises:
            TransientDelivery: that takes longer than `LONGEST_WAIT`, and how long.
        """
        rate = self._rate(chat)
        bucket = self._chats.setdefault(rate, _Bucket(rate))
        now = self.clock()
        await self._queue(bucket, chat, max(self._held_for(chat, now), bucket.wait(chat, now)))
        # Not before: others would wait with it.
        await self._queue(self._everything, _ALL, self._everything.wait(_ALL, self.clock()))
        if (held := self._held_for(chat, self.clock())) > 0.05:  # somebody was told to wait meanwhile
            raise TransientDelivery(f"{self._platform} asked to wait", retry_after=timedelta(seconds=held))

    async def _queue(self, bucket: _Bucket, key: str, wait: float) -> None:
        if wait > LONGEST_WAIT:
            raise TransientDelivery(f"more than {self._platform} takes at a time", retry_after=timedelta(seconds=wait))
        bucket.take(key, self.clock() + max(wait, 0.0))
        if wait > 0:
            await self.sleep(wait)

    def hold(self, chat: str, wait: timedelta) -> None:
        """Send nothing to `chat` for so long."""
        now = self.clock()
        self._held = {one: until for one, until in self._held.items() if until > now}
        until = now + wait.total_seconds()
        if any(one not in (chat, _ALL) for one in self._held) or len(self._held) >= _MOST_CHATS:
            self._held[_ALL] = max(self._held.get(_ALL, 0.0), until)
        self._held[chat] = until

    def _held_for(self, chat: str, now: float) -> float:
        return max(self._held.get(chat, 0.0), self._held.get(_ALL, 0.0)) - now


class _Bucket:
    """Turns by key at one rate."""

    def __init__(self, rate: Rate) -> None:
        self._every = rate.every
        self._ahead = rate.every * (rate.burst - 1)
        self._next: dict[str, float] = {}  # when the next turn would come at an even pace

    def wait(self, key: str, now: float) -> float:
        """Seconds until the next turn."""
        return max(0.0, self._next.get(key, 0.0) - self._ahead - now)

    def take(self, key: str, at: float) -> None:
        """Use the turn at this time."""
        if len(self._next) >= _MOST_CHATS:
            self._next = {one: due for one, due in self._next.items() if due > at}
        self._next[key] = max(self._next.get(key, 0.0), at) + self._every
