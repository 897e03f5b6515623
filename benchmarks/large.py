"""What an intake costs in an empty and in a very large database: CPU of both threads, commits included."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import partial

from benchmarks.filling import fill
from benchmarks.house import generic_policy, open_store, scratch
from benchmarks.measure import Found, Outcome, Sample, Scale, Variant, in_turn
from benchmarks.people import draft
from ticket_core.service import intake
from ticket_core.store.store import Store

_PART = "large"
_BOUND = 1.2


async def run(scale: Scale) -> Outcome:
    """Intakes of ever new people, `scale.clients` at a time, now into the one file and now into the other."""
    large = f"{scale.tickets:,} tickets"
    now = datetime.now(UTC)
    gap = timedelta(days=3 * 365) / scale.tickets
    with scratch() as folder:
        path = folder / "large.sqlite3"
        await fill(path, scale.tickets, first_at=now - gap * scale.tickets, due_at=now, gap=gap)
        async with open_store(folder / "empty.sqlite3") as empty, open_store(path) as full:
            variants = {"empty": _variant(empty, scale, 1_000_000), large: _variant(full, scale, 2_000_000)}
            found = Found(_PART, await in_turn(variants, scale.rounds, part=_PART))
    cost = found.ratio("cpu", large, "empty")
    target = found.at_most("CPU per intake in the large database, to the empty one", _BOUND, cost)
    return Outcome(figures=found.figures, targets=(target,))


def _variant(store: Store, scale: Scale, first: int) -> Variant:
    script = partial(intake, policy=generic_policy())

    async def once(number: int) -> Sample:
        people = iter(range(first + number * scale.count, first + (number + 1) * scale.count))

        async def client() -> None:
            for person in people:
                await store.run_each(script, draft(person, datetime.now(UTC)))

        wall, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(client() for _ in range(scale.clients)))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {"rate": scale.count / wall, "cpu": cpu / scale.count * 1e6}

    return once
