"""Who listens now: bounded, by visitor and address; and the watch that wakes them when something was said.

What was said stands in the store alone. Here is only who must be told to look: by this process at once, of what other
processes did within two seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from aiohttp import web

from gateway.channels.base import Hosted
from gateway.web.limits import Buckets
from gateway.web.problems import Problem
from ticket_core.store.store import Store
from ticket_core.store.transcript import load_marks

_PER_VISITOR = 6  # browser windows
_PER_ADDRESS = 60  # behind one address there may be a whole training room
_LOOK_EVERY = 2.0  # seconds
_COME_AGAIN = 10  # seconds, for whoever finds no place

Key = tuple[str, str]  # channel and account


class Visits:
    """The listening pages of the chats in `channels`."""

    def __init__(self, channels: Mapping[str, Hosted]) -> None:
        self.channels = channels
        self.is_closing = False
        self._news: defaultdict[Key, set[asyncio.Event]] = defaultdict(set)
        self._by_address: Counter[str] = Counter()
        self._by_channel: Counter[str] = Counter()
        self._buckets = {name: Buckets(one.messages_per_minute, time.monotonic) for name, one in channels.items()}

    def count(self, channel: Hosted, account: str) -> None:
        """Count a push of this visitor.

        Raises:
            Problem: 429 with the limit and when to come back.
        """
        if wait := self._buckets[channel.name].wait(account):
            headers = {"Retry-After": str(wait)}
            limit = channel.messages_per_minute
            raise Problem(429, "too-many-messages", headers=headers, limit=limit, seconds=wait)

    @contextlib.contextmanager
    def listening(self, channel: Hosted, account: str, address: str) -> Iterator[asyncio.Event]:
        """A place for one page; the event is set when it should look again. An empty address is not counted.

        Raises:
            Problem: 429 for a visitor or an address with too many of them, 503 when all places are taken.
        """
        key = (channel.name, account)
        crowded = len(self._news.get(key, ())) >= _PER_VISITOR
        crowded = crowded or (address != "" and self._by_address[address] >= _PER_ADDRESS)
        if crowded or self._by_channel[channel.name] >= channel.connections:
            again = {"Retry-After": str(_COME_AGAIN)}
            raise Problem(429 if crowded else 503, "too-many-windows", headers=again, seconds=_COME_AGAIN)
        news = asyncio.Event()
        self._news[key].add(news)
        self._by_address[address] += 1
        self._by_channel[channel.name] += 1
        try:
            yield news
        finally:
            self._by_channel[channel.name] -= 1
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]
            self._news[key].discard(news)
            if not self._news[key]:
                del self._news[key]

    def wake(self, channel: str, account: str) -> None:
        """Something was said there."""
        for news in self._news.get((channel, account), ()):
            news.set()

    def close(self) -> None:
        """Have all pages let go."""
        self.is_closing = True
        for events in self._news.values():
            for news in events:
                news.set()

    async def watch(self, store: Store, well: Callable[[], None]) -> None:
        """Look for what other processes took in and sent, until cancelled; `well` is called after each look.

        Raises:
            StoreError: it cannot be looked; `watch` may be called again.
        """
        known: dict[Key, tuple[int, ...]] = {}
        while True:
            marks = await self._marks(store)
            well()
            for key, mark in marks.items():
                if known.get(key) != mark:
                    self.wake(*key)
            known = marks
            await asyncio.sleep(_LOOK_EVERY)

    async def _marks(self, store: Store) -> dict[Key, tuple[int, ...]]:
        marks: dict[Key, tuple[int, ...]] = {}
        accounts: defaultdict[str, list[str]] = defaultdict(list)
        for channel, account in self._news:
            accounts[channel].append(account)
        for channel, some in accounts.items():
            found = await store.read(partial(load_marks, channel=channel, accounts=some))
            marks |= {(channel, account): found.get(account, ()) for account in some}
        return marks


VISITS: Final[web.AppKey[Visits]] = web.AppKey("visits", Visits)
