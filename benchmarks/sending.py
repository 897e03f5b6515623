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

from sqlalchemy import func, select

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
from ticket_core.store.schema import notice
from ticket_core.store.store import Store

_LOOK = 0.02  # seconds between two looks at whether all is sent
_LONGEST = 60  # seconds for one round
_INTAKES_AT_ONCE = 200


class Outbox:
    """A store whose outbox is filled with acknowledgements for one medium, and emptied again."""

    def __init__(self, store: Store, transport: Transport) -> None:
        self._store = store
        self._transport = transport
        self._policy: Policy = generic_policy(people=())  # nobody of the house is told: each intake owes one notice
        self._people: Iterator[int] = count()
        settings = Settings()
        self._dispatcher = Dispatcher(
            store=store,
            policy=self._policy,
            renderer=Renderer(settings.templates_folder),
            keys=Keys(b"benchmark" * 4),
            transports={transport.medium: transport},
            settings=settings,
            health=Health(),
        )

    async def fill(self, notices: int) -> None:
        """Owe so many acknowledgements."""
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

    async def send_all(self) -> None:
        """Let the dispatcher run until nothing is owed any more.

        Raises:
            RuntimeError: when something was not accepted.
            TimeoutError: when it takes a minute.
        """
        running = asyncio.create_task(self._dispatcher.run())
        until = time.monotonic() + _LONGEST
        try:
            while await self._store.read(lambda connection: connection.scalar(_SOMETHING_DUE)):
                if time.monotonic() > until:
                    raise TimeoutError("the outbox is not empty after a minute")
                await asyncio.sleep(_LOOK)
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
        states = await self._store.read(lambda connection: connection.execute(_STATES).all())
        if {state for state, _ in states} != {"accepted"}:
            raise RuntimeError(f"not all was sent: {states}")

    def variant(self, notices: int) -> Variant:
        """Rounds of so many notices; filling the outbox is not measured."""

        async def once(_number: int) -> Sample:
            await self.fill(notices)
            wall, cpu = time.perf_counter(), time.process_time()
            await self.send_all()
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            return {"rate": notices / wall, "cpu": cpu / notices * 1e6}

        return once


_SOMETHING_DUE = select(notice.c.id).where(notice.c.due == 1).limit(1)
_STATES = select(notice.c.state, func.count()).group_by(notice.c.state)
