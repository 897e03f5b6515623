"""How fast Telegram lets a bot speak: one message a second to a person, 20 a minute to a group, 30 a second in all.

https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from gateway.errors import TransientDelivery

#: Seconds that a notice waits for its turn inside a send; one that must wait longer goes back to the outbox.
LONGEST_WAIT = 10.0
_MOST_CHATS = 10_000
_ALL = ""


class Pace:
    """Turns by chat. What Telegram asks for with 429 holds the chat; when it asks so in two chats, the whole bot."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.clock = clock
        self._sleep = sleep
        self._person = _Bucket(every=1.0, burst=1)
        self._group = _Bucket(every=3.0, burst=20)
        self._bot = _Bucket(every=1 / 30, burst=30)
        self._held: dict[str, float] = {}

    async def turn(self, chat: str) -> None:
        """Wait until a message may go to `chat`.

        Raises:
            TransientDelivery: that takes longer than `LONGEST_WAIT`, and how long.
        """
        bucket = self._group if chat.startswith("-") else self._person
        now = self.clock()
        await self._queue(bucket, chat, max(self._held_for(chat, now), bucket.wait(chat, now)))
        await self._queue(self._bot, _ALL, self._bot.wait(_ALL, self.clock()))  # not before: others would wait with it
        if (held := self._held_for(chat, self.clock())) > 0.05:  # somebody was told to wait meanwhile
            raise TransientDelivery("Telegram asked to wait", retry_after=timedelta(seconds=held))

    async def _queue(self, bucket: _Bucket, key: str, wait: float) -> None:
        if wait > LONGEST_WAIT:
            raise TransientDelivery("more than Telegram takes at a time", retry_after=timedelta(seconds=wait))
        bucket.take(key, self.clock() + max(wait, 0.0))
        if wait > 0:
            await self._sleep(wait)

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
    """Turns by key: one `every` so many seconds, and up to `burst` at once after a rest."""

    def __init__(self, *, every: float, burst: int) -> None:
        self._every = every
        self._ahead = every * (burst - 1)
        self._next: dict[str, float] = {}  # when the next turn would come at an even pace

    def wait(self, key: str, now: float) -> float:
        """Seconds until the next turn."""
        return max(0.0, self._next.get(key, 0.0) - self._ahead - now)

    def take(self, key: str, at: float) -> None:
        """Use the turn at this time."""
        if len(self._next) >= _MOST_CHATS:
            self._next = {one: due for one, due in self._next.items() if due > at}
        self._next[key] = max(self._next.get(key, 0.0), at) + self._every
