"""What the operator's Prometheus counts: inputs and notices by outcome, and what waits. No personal data is a label."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Meters:
    """The counters of one gateway, apart from any other in the process."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self._inputs = Counter(
            "gateway_inputs", "Inputs taken in, by channel and outcome.", ["channel", "outcome"], registry=registry
        )
        self._notices = Counter("gateway_notices", "Steps of notices, by new state.", ["state"], registry=registry)
        self._waiting_notices = Gauge(
            "gateway_notices_waiting", "Notices that the dispatcher still owes, by state.", ["state"], registry=registry
        )
        self._waiting_scripts = Gauge(
            "gateway_store_queue", "Changes that wait for the next commit.", registry=registry
        )
        self._up = Gauge("gateway_part_up", "1 while a part of the gateway is well.", ["part"], registry=registry)
        self._known: dict[tuple[str, str], Counter] = {}

    def count_input(self, channel: str, outcome: str) -> None:
        """One input was taken in."""
        key = (channel, outcome)
        counter = self._known.get(key)
        if counter is None:
            counter = self._known[key] = self._inputs.labels(channel, outcome)
        counter.inc()

    def count_notice(self, state: str) -> None:
        """One notice came into this state."""
        self._notices.labels(state).inc()

    def show(self, *, waiting_notices: Mapping[str, int], waiting_scripts: int, parts: Mapping[str, bool]) -> bytes:
        """Everything in the text format of Prometheus, with the gauges as they are now."""
        self._waiting_notices.clear()
        for state, count in waiting_notices.items():
            self._waiting_notices.labels(state).set(count)
        self._waiting_scripts.set(waiting_scripts)
        for part, well in parts.items():
            self._up.labels(part).set(int(well))
        return generate_latest(self._registry)


METERS: web.AppKey[Meters] = web.AppKey("meters", Meters)
