"""Emptying an outbox of acknowledgements through the dispatcher, whatever the transport."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import count

from benchmarks.house import generic_policy
from benchmarks.measure import Sample, Variant
from benchmarks.people import draft
from gateway.channels.base import Transport
from gateway.config import Settings
from gateway.dispatch import Dispatcher
from gateway.keys import Keys
from gateway.loops import Health
from gateway.render import Renderer
from ticket_core.model import TicketDraft
from ticket_core.policy import Policy
from ticket_core.service import intake
from ticket_core.store.store import Store

_LONGEST = 60  # seconds for one round
_INTAKES_AT_ONCE = 200


class Outbox:
    """A store whose outbox is filled with acknowledgements for one medium, and emptied again."""

    def __init__(self, store: Store, transport: Transport) -> None:
        self._store = store
        self._transport = transport
        self._policy: Policy = generic_policy(people=())  # nobody of the house is told: each intake owes one notice
        self._people: Iterator[int] = count()
        self._owed = 0
        self._done = asyncio.Event()
        settings = Settings()
        self._dispatcher = Dispatcher(
            store=store,
            policy=self._policy,
            renderer=Renderer(settings.templates_folder),
            keys=Keys(b"benchmark" * 4),
            transports={transport.medium: transport},
            settings=settings,
            health=Health(),
            notice_counted=self._recorded,
        )

    async def fill(self, notices: int) -> None:
        """Owe so many acknowledgements."""
        self._owed += notices
        script = partial(intake, policy=self._policy)
        for start in range(0, notices, _INTAKES_AT_ONCE):
            some = [self._draft() for _ in range(min(_INTAKES_AT_ONCE, notices - start))]
            await asyncio.gather(*(self._store.run_each(script, one) for one in some))

    def _draft(self) -> TicketDraft:
        one = draft(next(self._people), datetime.now(UTC))
        known = one.complainant
        if self._transport.medium == "email":
            return replace(one, complainant=replace(known, phones=(), mobile=""))
        return replace(one, complainant=replace(known, emails=()))

    def _recorded(self, state: str) -> None:
        if state != "accepted":
            raise RuntimeError(f"a notice is {state}")
        self._owed -= 1
        if not self._owed:
            self._done.set()

    async def send_all(self) -> None:
        """Let the dispatcher run until all that is owed is sent and on record.

        Raises:
            RuntimeError: when something was not accepted.
            TimeoutError: when it takes a minute.
        """
        self._done.clear()
        running = asyncio.create_task(self._dispatcher.run())
        done = asyncio.create_task(self._done.wait())
        try:
            await asyncio.wait({running, done}, timeout=_LONGEST, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
            elif not done.done():
                raise TimeoutError("the outbox is not empty after a minute")
        finally:
            done.cancel()
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    def variant(self, notices: int) -> Variant:
        """Rounds of so many notices; filling the outbox is not measured."""

        async def once(_number: int) -> Sample:
            await self.fill(notices)
            wall, cpu = time.perf_counter(), time.process_time()
            await self.send_all()
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            return {"rate": notices / wall, "cpu": cpu / notices * 1e6}

        return once
