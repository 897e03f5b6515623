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
_FEW, _MANY = 1_000, 100_000
_DUE = 2  # timers at each sweep
_SWEEPS = 100  # in a round; all rounds together stay below the few timers there are
_GAP = timedelta(seconds=1)  # between the due times of two timers


async def run(scale: Scale) -> Outcome:
    """Sweeps at moments `_DUE` timers apart, in turn in both databases."""
    rounds = min(scale.rounds, _FEW // (_DUE * _SWEEPS))
    names = {open_timers: f"{open_timers:,} open" for open_timers in (_FEW, _MANY)}
    with scratch() as folder:
        few, many = folder / "few.sqlite3", folder / "many.sqlite3"
        for path, open_timers in ((few, _FEW), (many, _MANY)):
            await _fill(path, open_timers)
        async with open_store(few) as low, open_store(many) as high:
            variants = {names[_FEW]: await _variant(low), names[_MANY]: await _variant(high)}
            found = Found(_PART, await in_turn(variants, rounds, part=_PART))
    cost = found.ratio("cpu", names[_MANY], names[_FEW])
    target = found.at_most(f"CPU per sweep among {_MANY:,} timers, to {_FEW:,}", _BOUND, cost)
    return Outcome(figures=found.figures, targets=(target,))


async def _fill(path: Path, open_timers: int) -> None:
    now = datetime.now(UTC)
    await fill(path, open_timers, first_at=now - _GAP * open_timers, due_at=now, gap=_GAP)


async def _variant(store: Store) -> Variant:
    policy = generic_policy()
    first = from_us(await store.read(lambda connection: connection.scalar(select(func.min(timer.c.next_at))) or 0))

    async def once(number: int) -> Sample:
        wall, cpu = time.perf_counter(), time.process_time()
        for step in range(number * _SWEEPS, (number + 1) * _SWEEPS):
            now = first + _GAP * (_DUE * (step + 1) - 1)
            fired = await store.run(partial(sweep, now=now, policy=policy))
            if fired != _DUE:
                raise RuntimeError(f"{fired} timers were due instead of {_DUE}")
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {"cpu": cpu / _SWEEPS * 1e6, "wall": wall / _SWEEPS * 1e6}

    return once
