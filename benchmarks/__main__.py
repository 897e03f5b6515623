"""python -m benchmarks [--only PART]... [--quick] [--rounds N] [--tickets N]

Progress goes to standard error; a table and one JSON object to standard output.
"""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace

import uvloop

from benchmarks import http_intake, large, mail, sms, smtp, sweep
from benchmarks.measure import Outcome, Scale, say
from benchmarks.report import as_json, as_table

PARTS: Mapping[str, Callable[[Scale], Coroutine[None, None, Outcome]]] = {
    "http": http_intake.run,
    "postgres": http_intake.run_postgres,
    "mail": mail.run,
    "smtp": smtp.run,
    "sms": sms.run,
    "sweep": sweep.run,
    "large": large.run,
}
_WHOLE = Scale(rounds=3, seconds=6.0, count=3000, tickets=1_000_000)
_QUICK = Scale(rounds=2, seconds=1.0, count=200, tickets=10_000)


def main() -> None:
    """Measure and print."""
    wanted = argparse.ArgumentParser(prog="python -m benchmarks", description="What the gateway costs.")
    wanted.add_argument("--only", action="append", choices=[*PARTS], help="one part; may be repeated (default: all)")
    wanted.add_argument("--quick", action="store_true", help="a minute instead of ten; the figures mean little")
    wanted.add_argument("--rounds", type=_positive, help="rounds of each variant (default: 3)")
    wanted.add_argument("--tickets", type=_positive, help="tickets in the large database (default: 1,000,000)")
    given = wanted.parse_args()
    scale = _QUICK if given.quick else _WHOLE
    scale = replace(scale, rounds=given.rounds or scale.rounds, tickets=given.tickets or scale.tickets)
    outcomes = [_run(name, scale) for name in given.only or PARTS]
    print(as_table(outcomes))
    print(json.dumps(as_json(outcomes, scale), ensure_ascii=False))
    sys.exit(int(any(outcome.failed for outcome in outcomes)))


def _run(name: str, scale: Scale) -> Outcome:
    """One part; what another one found out is not lost when it fails."""
    say(f"== {name}")
    try:
        return uvloop.run(PARTS[name](scale))
    except Exception as error:
        traceback.print_exc()
        return Outcome(failed=(f"{name}: {type(error).__name__}: {error}",))


def _positive(written: str) -> int:
    number = int(written)
    if number < 1:
        raise ValueError("must be at least 1")
    return number


if __name__ == "__main__":
    main()
