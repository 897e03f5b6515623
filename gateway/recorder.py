"""Writes down what came of each send: many in one transaction, and nothing is forgotten when the store fails."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta

from ticket_core.decide.delivery import RetryLadder
from ticket_core.fallback_service import LOST, fall_back
from ticket_core.policy import Policy
from ticket_core.store.outbox import Owed, Result, give_back, record
from ticket_core.store.store import Store
from ticket_core.store.tx import Tx

_GATHER = timedelta(milliseconds=100)


class Recorder:
    """Gathers results and notices that are given back, and writes them a batch at a time.

    `written` is called after each commit with the results and the states their notices came into.
    """

    def __init__(
        self,
        *,
        store: Store,
        policy: Policy,
        ladder: RetryLadder,
        batch: int,
        clock: Callable[[], datetime],
        written: Callable[[list[Result], list[str]], None],
    ) -> None:
        self._store = store
        self._policy = policy
        self._ladder = ladder
        self._batch = batch
        self._clock = clock
        self._written = written
        self._results: list[Result] = []
        self._unused: list[Owed] = []
        self._some = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = False

    @property
    def behind(self) -> bool:
        """Whether the store takes nothing, so that nothing more should be sent."""
        return len(self._results) > self._batch * 4

    def add(self, result: Result) -> None:
        """This came of one send."""
        self._results.append(result)
        self._some.set()
        if len(self._results) >= self._batch:
            self._full.set()

    def give_back(self, *owed: Owed) -> None:
        """These were claimed and not begun: others may have them at once."""
        self._unused += owed
        self._some.set()

    async def run(self) -> None:
        """Write until `close`.

        Raises:
            StoreError: when the store fails; what was not written is kept.
        """
        self._closing = False
        while not self._closing:
            await self._some.wait()
            if not self._closing:
                with contextlib.suppress(TimeoutError):  # one transaction for many results
                    await asyncio.wait_for(self._full.wait(), _GATHER.total_seconds())
            await self.flush()

    def close(self) -> None:
        """Let `run` write what there is and return."""
        self._closing = True
        self._some.set()
        self._full.set()

    async def flush(self) -> None:
        """Write all there is in one transaction; on failure it is kept for the next time.

        Raises:
            StoreError: the store failed.
        """
        self._some.clear()
        self._full.clear()
        results, self._results = self._results, []
        unused, self._unused = self._unused, []
        if not results and not unused:
            return
        now = self._clock()

        def write(tx: Tx) -> list[str]:
            states = record(tx, results, self._ladder)
            give_back(tx, unused, now)
            fall_back(tx, [one for one, state in states if state in LOST], now, self._policy)
            return [state for _, state in states]

        try:
            states = await self._store.run(write)
        except BaseException:
            self._results = [*results, *self._results]
            self._some.set()
            raise
        self._written(results, states)
