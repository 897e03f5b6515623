"""What one look at the clock costs when few timers are due, among few and among very many open ones."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.filling import fill
from benchmarks.house import generic_policy, open_store, scratch
from benchmarks.measure import Found, Outcome, Sample, Scale, Variant, in_turn
from ticket_core.service import sweep
from ticket_core.store.clock import from_us
from ticket_core.store.schema import timer
from ticket_core.store.store import Store

_PART = "sweep"
_BOUND = 1.2
_FEW = 1_000
_DUE = 2  # timers at each sweep
_GAP = timedelta(seconds=1)  # between the due times of two timers


async def run(scale: Scale) -> Outcome:
    """Sweeps at moments `_DUE` timers apart, in turn in both databases."""
    open_timers = max(scale.tickets // 10, _FEW)
    sweeps = min(scale.count // 30 + 1, _FEW // (_DUE * scale.rounds))  # all rounds find as many due as they look for
    few, many = f"{_FEW:,} open", f"{open_timers:,} open, few due"
    with scratch() as folder:
        low, high = folder / "few.sqlite3", folder / "many.sqlite3"
        await _fill(low, _FEW)
        await _fill(high, open_timers)
        async with open_store(low) as small, open_store(high) as large:
            variants = {few: await _variant(small, sweeps), many: await _variant(large, sweeps)}
            found = Found(_PART, await in_turn(variants, scale.rounds, part=_PART))
    cost = found.ratio("cpu", many, few)
    target = found.at_most(f"CPU per sweep among {open_timers:,} timers, to {_FEW:,}", _BOUND, cost)
    return Outcome(figures=found.figures, targets=(target,))


async def _fill(path: Path, open_timers: int) -> None:
    now = datetime.now(UTC)
    await fill(path, open_timers, first_at=now - _GAP * open_timers, due_at=now, gap=_GAP)


async def _variant(store: Store, sweeps: int) -> Variant:
    policy = generic_policy()
    first = from_us(await store.read(lambda connection: connection.scalar(select(func.min(timer.c.next_at))) or 0))

    async def once(number: int) -> Sample:
        wall, cpu = time.perf_counter(), time.process_time()
        for step in range(number * sweeps, (number + 1) * sweeps):
            now = first + _GAP * (_DUE * (step + 1) - 1)
            fired = await store.run(partial(sweep, now=now, policy=policy))
            if fired != _DUE:
                raise RuntimeError(f"{fired} timers were due instead of {_DUE}")
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {"cpu": cpu / sweeps * 1e6, "wall": wall / sweeps * 1e6}

    return once
