"""Intake over HTTP with everything, beside a bare handler that parses the same JSON, on SQLite and on PostgreSQL."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.children import Child, module, serving
from benchmarks.house import scratch
from benchmarks.load import Load, post_all
from benchmarks.measure import Found, Outcome, Sample, Scale, Target, Variant, cpu_seconds, in_turn, resident
from benchmarks.people import body, repeating
from tests.servers.postgres import postgres_server
from tests.servers.process import free_port

_BARE, _PLAIN, _GATEWAY, _REPEATS = (
    "bare, parses only",
    "bare, same rows by sqlite3",
    "gateway",
    "gateway, 1 in 10 repeats",
)
_PATH = "/api/v1/complaints"
_PER_ROUND = 1_000_000  # people set aside for one round of one variant: no two rounds have one in common
_REPEAT_EVERY = 10
_WARM_SECONDS = 0.5
# A commit is on the disk when it is answered, as with SQLite's synchronous=FULL.
_DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
_MEMORY = 150.0  # MiB
_FLAT = 1.1

_CONFIG = """
profile = "generic"
secret_file = "{folder}/secret"

[database]
url = "{url}"

[dispatch]
enabled = false

[http]
port = {port}
intakes_per_minute = 0
requests_per_minute = 0

[[people]]
name = "zhao"
groups = ["service"]
email = "zhao@example.com"
phone = "13800000001"

[[people]]
name = "sun"
roles = ["supervisor"]
email = "sun@example.com"
phone = "13800000002"
"""


async def run(scale: Scale) -> Outcome:
    """SQLite: the gateway, the bare handler, and the bare handler with group commits of the same rows."""
    part = "http"
    with scratch() as folder, contextlib.ExitStack() as stack:
        bare = stack.enter_context(module("benchmarks.bare", folder))
        plain = stack.enter_context(module("benchmarks.bare", folder, str(folder / "plain.sqlite3")))
        gateway = stack.enter_context(_gateway(folder, f"sqlite:///{folder}/gateway.sqlite3"))
        repeats = repeating(body, _REPEAT_EVERY)
        variants = {
            _BARE: await _variant(bare, "/", scale, 1),
            _PLAIN: await _variant(plain, "/", scale, 2),
            _GATEWAY: await _variant(gateway, _PATH, scale, 3),
            _REPEATS: await _variant(gateway, _PATH, scale, 6, repeats),
        }
        found = Found(part, await in_turn(variants, scale.rounds, part=part))
        peak = resident(gateway.pid)[1]
    return Outcome(figures=found.figures, targets=(*_targets(found, 0.4), *_memory(found, peak)))


async def run_postgres(scale: Scale) -> Outcome:
    """The same on PostgreSQL, with its own bound."""
    part = "postgres"
    with scratch() as folder, contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(postgres_server(**_DURABLE))
        except pytest.skip.Exception as missing:
            return Outcome(skipped=(f"{part}: {missing}",))
        url = stack.enter_context(server.database())
        bare = stack.enter_context(module("benchmarks.bare", folder))
        gateway = stack.enter_context(_gateway(folder, url))
        variants = {
            _BARE: await _variant(bare, "/", scale, 1),
            _GATEWAY: await _variant(gateway, _PATH, scale, 3),
        }
        found = Found(part, await in_turn(variants, scale.rounds, part=part))
    return Outcome(figures=found.figures, targets=_targets(found, 0.3)[:1])


@contextlib.contextmanager
def _gateway(folder: Path, url: str) -> Iterator[Child]:
    port = free_port()
    config = folder / "gateway.toml"
    config.write_text(_CONFIG.format(folder=folder, url=url, port=port), encoding="utf-8")
    command = [str(Path(sys.executable).parent / "gateway"), "serve", "--config", str(config)]
    with serving(command, port, folder / "gateway.log") as child:
        yield child


async def _variant(
    server: Child, path: str, scale: Scale, block: int, bodies: Callable[[int], bytes] = body
) -> Variant:
    async def load(number: int, seconds: float) -> Load:
        first = (block * 10 + number) * _PER_ROUND // 10
        made = await post_all(
            "127.0.0.1",
            server.port,
            path,
            lambda person: bodies(first + person),
            clients=scale.clients,
            seconds=seconds,
        )
        if set(made.statuses) != {201}:
            raise RuntimeError(f"not everything was taken in: {made.statuses}")
        return made

    async def once(number: int) -> Sample:
        cpu = cpu_seconds(server.pid)
        made = await load(number, scale.seconds)
        cpu = cpu_seconds(server.pid) - cpu
        return {
            "rate": made.rate,
            "cpu": cpu / made.requests * 1e6,
            "p50": made.median_ms,
            "p99": made.p99_ms,
            "rss": resident(server.pid)[0],
        }

    await load(9, _WARM_SECONDS)
    return once


def _targets(found: Found, least: float) -> tuple[Target, ...]:
    return (
        found.at_least("requests per second, to the bare handler", least, found.ratio("rate", _GATEWAY, _BARE)),
        found.at_most("server CPU per request, to the bare handler", 2.5, found.ratio("cpu", _GATEWAY, _BARE)),
        found.at_most("99th percentile of latency, to the bare handler", 3.0, found.ratio("p99", _GATEWAY, _BARE)),
    )


def _memory(found: Found, peak: float) -> tuple[Target, ...]:
    """Peak over the whole part; flat is the last round against the second, when everything is warm."""
    rounds = next(one.rounds for one in found.figures if one.variant == _REPEATS and one.measure == "rss")
    growth = rounds[-1] / rounds[min(1, len(rounds) - 1)]
    return (
        found.at_most("peak memory of the gateway, MiB", _MEMORY, peak),
        found.at_most("memory after the last round, to the second", _FLAT, growth),
    )
