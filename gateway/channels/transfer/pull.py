"""Cases that we ask a forwarding body for: what is newer than the last look, taken in before the place moves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import orjson

from gateway.channels.base import Parsed, Polling
from gateway.channels.paths import found, text_of
from gateway.channels.transfer.channel import Cases
from gateway.channels.transfer.growth import Growth, Ids, Times
from gateway.channels.transfer.pages import Pages, Pull, PullFailed
from gateway.channels.transfer.settings import TransferSettings
from gateway.errors import ConfigError
from gateway.message import Raw

_LONGEST_WAIT = timedelta(hours=1)
#: A look that found nothing new: a sign of life.
_QUIET = b"[]"
Done = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PullSettings(TransferSettings):
    """``kind = "transfer-pull"``: the settings of ``transfer``, and the interface that is asked."""

    pull: Pull


class TransferPull(Polling, Cases):
    """A forwarding body whose interface we ask.

    The place is what has grown, as far as all older cases are committed. With ``paging = "cursor"`` it moves with each
    page, else at the end of a look, so that after a crash the look begins anew: what comes twice has one effect.
    """

    Settings: ClassVar[type[Any]] = PullSettings
    settings: PullSettings

    def __init__(self, name: str, settings: PullSettings) -> None:
        super().__init__(name, settings)
        self._growth: Growth = (
            Times(settings.pull, self.source.tz) if settings.pull.by == "time" else Ids(settings.pull)
        )
        self._pages = Pages(settings.pull, self._api, self._signature, self._envelope)
        self._not_before = 0.0  # by the machine's clock: when the interface wants to be asked again
        try:
            self._growth.before(settings.pull.start)
        except ValueError as error:
            raise ConfigError([f"pull.start: {error}"]) from error
        if settings.pull.paging == "token" and not settings.pull.next:
            raise ConfigError(["pull.next: required where paging is token"])
        if settings.pull.method == "GET" and settings.signing.place == "body" and self._signature.signs:
            raise ConfigError(["pull.method: must be POST where the body is signed"])

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """The case, or the cases of a file; nothing for a look that found none."""
        return [] if raw.body == _QUIET else super().parse(raw)

    async def poll(self) -> AsyncIterator[tuple[Raw, Done]]:
        """Ask now and then, until something fails; an interface that wants to be left alone is."""
        await asyncio.sleep(max(0.0, self._not_before - time.monotonic()))
        while True:
            try:
                async for one in self._look():
                    yield one
            except PullFailed as error:
                if error.wait is not None:
                    self._not_before = time.monotonic() + min(error.wait, _LONGEST_WAIT).total_seconds()
                raise
            yield self._raw(_QUIET), _nothing
            await asyncio.sleep(self.settings.pull.every)

    async def _look(self) -> AsyncIterator[tuple[Raw, Done]]:
        pull, growth, now = self.settings.pull, self._growth, datetime.now(UTC)
        place = await self.memory.get("place") or pull.start
        asked, more = growth.before(place), True
        self.trouble.pop("place", None)
        while more:
            newest, size = "", 0
            async for items in self._pages.since(asked, growth.written(now)):
                for item in items:
                    yield self._raw(orjson.dumps(item)), _nothing
                size = len(items)
                newest = growth.latest([newest, *(text_of(found(item, pull.grows)) for item in items)], now)
            # All that was yielded is committed by now: nobody asks for the next one before.
            place = await self._moved(place, growth.latest([place, newest], now))
            if size and not newest:
                self.trouble["place"] = f"{pull.grows}: no case has one that can be read and is not ahead of our clock"
            more = pull.paging == "cursor" and size >= pull.page_size
            if more and newest in ("", asked):
                raise PullFailed(f"{pull.grows}: a whole page has the same; page_size must be larger")
            asked = newest

    async def _moved(self, place: str, reached: str) -> str:
        if reached != place:
            await self.memory.set("place", reached)
        return reached

    def _raw(self, body: bytes) -> Raw:
        return Raw(channel=self.name, body=body, received_at=datetime.now(UTC), media_type="application/json")


async def _nothing() -> None:
    """The place moves with a page or a look, not with a case."""
