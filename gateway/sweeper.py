"""The clock of the house: fires the rungs that are due, and goes by the newest calendar."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from types import MappingProxyType

import structlog

from gateway.almanac import Almanac, missing_year
from gateway.errors import ConfigError
from gateway.loops import Health
from ticket_core.calendar_service import recompute
from ticket_core.conversation_service import finish_conversations
from ticket_core.fallback_service import give_up_waiting
from ticket_core.policy import Policy
from ticket_core.service import sweep
from ticket_core.store.set_back import due_again
from ticket_core.store.store import Store

log = structlog.get_logger(__name__)

_PAUSE = 2.0  # seconds; a rung fires at most this much late
_LOOK_AGAIN = 60.0  # seconds between two looks at the folder of year files
_MOST = 200
_MOST_RECOMPUTED = 100  # tickets in one transaction
_SET_BACK = 5.0  # seconds by which a clock may be corrected without a word


class Sweeper:
    """Looks for due rungs every two seconds; `committed` is called when any fired.

    A clock that is set back is told, and holds nothing back that was put off by it. Before the first rung, and when a
    year file has changed, provisional deadlines are computed anew; `adopt` is called
    with the policy that counts from then on. `note` is what an operator should know though all is well. `waits` is how
    long a medium keeps what nobody fetches before it is told by another way.
    """

    def __init__(
        self,
        store: Store,
        policy: Policy,
        health: Health,
        committed: Callable[[], None],
        *,
        almanac: Almanac,
        adopt: Callable[[Policy], None],
        waits: Mapping[str, timedelta] = MappingProxyType({}),
    ) -> None:
        self.note = ""
        self._store = store
        self._policy = policy
        self._health = health
        self._committed = committed
        self._almanac = almanac
        self._adopt = adopt
        self._waits = waits
        self._look_at = 0.0
        self._ahead: float | None = None  # of the clock on the wall, before one that nobody sets
        self._unreadable = ""
        self._recomputed = ""  # the version of the calendar that all deadlines are computed with
        self._noted_on: date | None = None

    async def step(self, now: datetime) -> int:
        """Fire everything due by `now`; returns how many timers were looked at."""
        await self._look_at_clock(now)
        await self._look_at_calendar()
        if self._recomputed != self._policy.calendar.version:
            await self._recompute(now)
        self._note(now)
        looked_at = 0
        while True:
            found = await self._store.run(partial(sweep, now=now, policy=self._policy, most=_MOST))
            found += await self._store.run(partial(finish_conversations, now=now, policy=self._policy, most=_MOST))
            if self._waits:
                late = partial(give_up_waiting, waits=self._waits, now=now, policy=self._policy, most=_MOST)
                found += await self._store.run(late)
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

    async def _look_at_clock(self, now: datetime) -> None:
        """At the start, and whenever the clock was set back, nothing may wait until it is there again."""
        ahead = now.timestamp() - asyncio.get_running_loop().time()
        before, self._ahead = self._ahead, ahead
        if before is not None and before - ahead < _SET_BACK:
            return
        found = await self._store.run(partial(due_again, now=now))
        if before is not None:
            log.warning("clock_set_back", seconds=round(before - ahead), due_again=found)
        if found:
            self._committed()

    async def _look_at_calendar(self) -> None:
        """A file that cannot be read leaves the calendar as it is."""
        time = asyncio.get_running_loop().time()
        if time < self._look_at:
            return
        self._look_at = time + _LOOK_AGAIN
        try:
            calendar = await asyncio.to_thread(self._almanac.changed)
        except ConfigError as error:
            self._unreadable = "; ".join(error.problems)
            log.warning("calendar_unreadable", problems=error.problems)
            return
        if calendar is not None:
            self._unreadable = ""
            self._policy = replace(self._policy, calendar=calendar)
            self._adopt(self._policy)
            log.info("calendar_changed", calendar=calendar.version)

    async def _recompute(self, now: datetime) -> None:
        policy = self._policy
        while found := await self._store.run(partial(recompute, now=now, policy=policy, most=_MOST_RECOMPUTED)):
            log.info("deadlines_recomputed", tickets=found, calendar=policy.calendar.version)
            self._committed()
        self._recomputed = policy.calendar.version

    def _note(self, now: datetime) -> None:
        """What is wanted of the operator, in the log once a day."""
        year = missing_year(self._policy, now)
        missing = f"the days of {year} are not published here: its deadlines are provisional" if year else ""
        self.note = "; ".join(filter(None, (self._unreadable, missing)))
        if year is not None and self._noted_on != now.date():
            self._noted_on = now.date()
            log.warning("calendar_unpublished", year=year)
