"""The process that is killed: takes inputs in and sends notices, and says each time what is committed by now."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from functools import partial
from multiprocessing.connection import Connection

from tests.core.builders import LI, NINE, draft, policy
from ticket_core.decide.delivery import Fact, RetryLadder
from ticket_core.service import intake
from ticket_core.store import outbox
from ticket_core.store.store import Store

_TAKERS = 8
_LATER = NINE + timedelta(days=1)


def work(url: str, first: int, said: Connection) -> None:
    """Take in inputs number `first` and on, without end."""
    asyncio.run(_work(url, first, said))


async def _work(url: str, first: int, said: Connection) -> None:
    store = Store(url)
    store.open()
    said.send(("open", 0, ""))
    numbers = itertools.count(first)
    await asyncio.gather(*(_take(store, numbers, said) for _ in range(_TAKERS)), _send(store, said))


async def _take(store: Store, numbers: itertools.count[int], said: Connection) -> None:
    script = partial(intake, policy=_POLICY)
    for number in numbers:
        one = draft(
            f"{LI}{number % 50:02}",
            NINE + timedelta(seconds=number),
            external_id=str(number),
            service_number=str(number % 3),
            text=f"word{number}",
        )
        taken = await store.run_each(script, one)
        said.send(("taken", number, taken.outcome))


async def _send(store: Store, said: Connection) -> None:
    """Claim, send, record; what is said to be sent is recorded for good."""
    while True:
        owed = await store.run(lambda tx: outbox.claim(tx, _LATER, {"email": 5, "sms": 5}, timedelta(0)))
        for one in owed:
            said.send(("sending", one.id, ""))
        results = [outbox.Result(owed=one, fact=Fact(at=_LATER, status="accepted")) for one in owed]
        await store.run(partial(outbox.record, results=results, ladder=RetryLadder()))
        for one in owed:
            said.send(("sent", one.id, ""))
        await asyncio.sleep(0.005)


_POLICY = policy()
