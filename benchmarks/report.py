"""What was measured, as a table for people and as one JSON object for programs."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.measure import Outcome, Scale


def as_json(outcomes: Sequence[Outcome], scale: Scale) -> dict[str, Any]:
    """All figures with every round, the targets and whether they are met, and the machine."""
    return {
        "machine": {
            "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 2),
            "system": platform.platform(),
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
        },
        "scale": {name: getattr(scale, name) for name in ("rounds", "seconds", "count", "tickets", "clients")},
        "figures": [
            {
                "part": one.part,
                "variant": one.variant,
                "measure": one.measure,
                "unit": one.unit,
                "median": round(one.median, 2),
                "best": round(one.best, 2),
                "rounds": [round(value, 2) for value in one.rounds],
            }
            for outcome in outcomes
            for one in outcome.figures
        ],
        "targets": [
            {
                "part": one.part,
                "says": one.says,
                "target": f"{one.sense} {one.bound:g}",
                "value": round(one.value, 3),
                "met": one.met,
            }
            for outcome in outcomes
            for one in outcome.targets
        ],
        "skipped": [reason for outcome in outcomes for reason in outcome.skipped],
        "failed": [reason for outcome in outcomes for reason in outcome.failed],
    }


def as_table(outcomes: Sequence[Outcome]) -> str:
    """Medians and best rounds, then the targets; ratios are of best rounds."""
    figures = [
        (one.part, one.variant, f"{one.measure} {one.unit}", f"{one.median:,.1f}", f"{one.best:,.1f}")
        for outcome in outcomes
        for one in outcome.figures
    ]
    targets = [
        (one.part, one.says, f"{one.sense} {one.bound:g}", f"{one.value:.2f}", "met" if one.met else "MISSED")
        for outcome in outcomes
        for one in outcome.targets
    ]
    missing = [f"skipped: {reason}\n" for outcome in outcomes for reason in outcome.skipped]
    missing += [f"FAILED: {reason}\n" for outcome in outcomes for reason in outcome.failed]
    return (
        _columns([("part", "variant", "measure", "median", "best"), *figures])
        + "\n"
        + _columns([("part", "target", "", "value", ""), *targets])
        + "".join(missing)
    )


def _columns(rows: Iterable[tuple[str, ...]]) -> str:
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table)
    return "\n".join(lines) + "\n"
