"""Fetches attachments that lie at a provider, after the commit of the message that named them, until they came."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from gateway.channels.base import Fetching, PermanentDelivery, TransientDelivery
from gateway.loops import Health
from gateway.message import File
from gateway.reception import Reception
from ticket_core import model
from ticket_core.file_service import file_came, file_failed
from ticket_core.store.files import AwaitedFile, claim_files, next_file_due

log = structlog.get_logger(__name__)

_AT_A_TIME = 4
_TIME_LIMIT = timedelta(minutes=2)
_LEASE = timedelta(minutes=5)  # longer than the time limit: nobody else begins while somebody is at it
_PAUSE = timedelta(seconds=2)  # how late a file that another process heard of is found at most


class Fetcher:
    """Looks for due files of each of `channels` every two seconds, and fetches up to four of it at a time."""

    def __init__(self, reception: Reception, channels: Mapping[str, Fetching], health: Health) -> None:
        self._reception = reception
        self._channels = channels
        self._health = health

    async def run(self) -> None:
        """Go on until cancelled; a channel whose provider hangs holds up no other's files.

        Raises:
            StoreError: when the store fails; `run` may be called again.
        """
        if not self._channels:
            self._health.well()
            return
        loops = [asyncio.create_task(self._look_after(name)) for name in self._channels]
        try:
            await asyncio.gather(*loops)
        finally:
            for one in loops:
                one.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    async def _look_after(self, channel: str) -> None:
        while True:
            taken = await self.step(datetime.now(UTC), channel)
            self._health.well()
            if taken < _AT_A_TIME:
                await asyncio.sleep(_PAUSE.total_seconds())

    async def step(self, now: datetime, channel: str) -> int:
        """Fetch what is due of a channel by `now`, at most four; returns how many were taken in hand."""
        store, one = self._reception.store, {channel}
        next_at = await store.read(partial(next_file_due, channels=one))
        if next_at is None or next_at > now:
            return 0
        due = await store.run(partial(claim_files, now=now, channels=one, most=_AT_A_TIME, lease=_LEASE))
        await asyncio.gather(*(self._fetch(one, now) for one in due))
        return len(due)

    async def _fetch(self, one: AwaitedFile, now: datetime) -> None:
        policy, run = self._reception.policy, self._reception.store.run
        problem, wait, final = "", None, False
        try:
            async with asyncio.timeout(_TIME_LIMIT.total_seconds()):
                file = await self._channels[one.channel].fetch(one.reference)
        except TransientDelivery as error:
            problem, wait = error.reason, error.retry_after
        except PermanentDelivery as error:
            problem, final = f"{error.status} {error.reason}".strip(), True
        except Exception as error:  # a fault in one adapter is not that of all files
            problem = type(error).__name__
        else:
            await run(partial(file_came, one=one, file=_kept(file), now=now, policy=policy))
            return
        log.warning("file_not_fetched", channel=one.channel, attempts=one.attempts, problem=problem, final=final)
        failed = partial(file_failed, one=one, problem=problem, now=now, policy=policy, wait=wait, final=final)
        await run(failed)


def _kept(file: File) -> model.File:
    return model.File(name=file.name, media_type=file.media_type, content=file.content)
