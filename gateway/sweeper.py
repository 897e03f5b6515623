"""The clock of the house: fires the rungs that are due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from gateway.loops import Health
from ticket_core.policy import Policy
from ticket_core.service import sweep
from ticket_core.store.store import Store

_PAUSE = 2.0  # seconds; a rung fires at most this much late
_MOST = 200


class Sweeper:
    """Looks for due rungs every two seconds; `committed` is called when any fired."""

    def __init__(self, store: Store, policy: Policy, health: Health, committed: Callable[[], None]) -> None:
        self._store = store
        self._policy = policy
        self._health = health
        self._committed = committed

    async def step(self, now: datetime) -> int:
        """Fire everything due by `now`; returns how many timers were looked at."""
        looked_at = 0
        while True:
            found = await self._store.run(partial(sweep, now=now, policy=self._policy, most=_MOST))
            looked_at += found
            if found:
                self._committed()
            if found < _MOST:
                return looked_at

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await self.step(datetime.now(UTC))
            self._health.well()
            await asyncio.sleep(_PAUSE)
