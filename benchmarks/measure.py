"""Rounds in turn, processes metered from outside, figures and targets: what all parts of the benchmark share."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_TICKS = os.sysconf("SC_CLK_TCK")

#: What one round of one variant showed, by measure.
Sample = Mapping[str, float]
#: Runs one round; its number is given so that no two rounds use the same people.
Variant = Callable[[int], Awaitable[Sample]]

#: unit, which end of the rounds is the best one.
MEASURES: Mapping[str, tuple[str, Callable[[Sequence[float]], float]]] = {
    "rate": ("per second", max),
    "cpu": ("µs each", min),
    "wall": ("µs each", min),
    "p50": ("ms", min),
    "p99": ("ms", min),
    "rss": ("MiB", max),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is measured: `rounds` of `seconds` over HTTP, of `count` items elsewhere; `tickets` in the large one."""

    rounds: int
    seconds: float
    count: int
    tickets: int
    clients: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measure of one variant over all rounds."""

    part: str
    variant: str
    measure: str
    rounds: tuple[float, ...]

    @property
    def unit(self) -> str:
        """What it is counted in."""
        return MEASURES[self.measure][0]

    @property
    def median(self) -> float:
        """The round in the middle."""
        return statistics.median(self.rounds)

    @property
    def best(self) -> float:
        """The best round: the largest rate, the smallest cost, the largest memory."""
        return MEASURES[self.measure][1](self.rounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is to be reached, and what was."""

    part: str
    says: str
    sense: Literal["at least", "at most"]
    bound: float
    value: float

    @property
    def met(self) -> bool:
        """Whether it is reached."""
        return self.value >= self.bound if self.sense == "at least" else self.value <= self.bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All that one part found out, or why it could not run here, or what broke it."""

    figures: tuple[Figure, ...] = ()
    targets: tuple[Target, ...] = ()
    skipped: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


class Found:
    """The figures of one part, for comparing its variants."""

    def __init__(self, part: str, samples: Mapping[str, Sequence[Sample]]) -> None:
        self.part = part
        self.figures = tuple(
            Figure(part=part, variant=variant, measure=measure, rounds=tuple(one[measure] for one in rounds))
            for variant, rounds in samples.items()
            for measure in rounds[0]
        )
        self._best = {(one.variant, one.measure): one.best for one in self.figures}

    def ratio(self, measure: str, variant: str, to: str) -> float:
        """The best round of one variant, as a multiple of the best round of another."""
        return self._best[variant, measure] / self._best[to, measure]

    def best(self, variant: str, measure: str) -> float:
        """The best round."""
        return self._best[variant, measure]

    def at_least(self, says: str, bound: float, value: float) -> Target:
        """A target that more of is better."""
        return Target(part=self.part, says=says, sense="at least", bound=bound, value=value)

    def at_most(self, says: str, bound: float, value: float) -> Target:
        """A target that less of is better."""
        return Target(part=self.part, says=says, sense="at most", bound=bound, value=value)


async def in_turn(variants: Mapping[str, Variant], rounds: int, *, part: str) -> dict[str, list[Sample]]:
    """Run the variants one after the other, round by round (A B A B …), so that all meet the same weather."""
    samples: dict[str, list[Sample]] = {name: [] for name in variants}
    for number in range(rounds):
        for name, run in variants.items():
            sample = await run(number)
            samples[name].append(sample)
            shown = ", ".join(f"{what} {value:,.1f}" for what, value in sample.items())
            say(f"{part}: round {number + 1}: {name}: {shown}")
    return samples


def say(line: str) -> None:
    """Tell whoever waits how far it has got."""
    print(line, file=sys.stderr, flush=True)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads so far, in seconds; resolution 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident(pid: int) -> tuple[float, float]:
    """Memory of a process in MiB: now, and at its peak."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return _mib(lines["VmRSS"]), _mib(lines["VmHWM"])


def _mib(kibibytes: str) -> float:
    return int(kibibytes.split()[0]) / 1024
