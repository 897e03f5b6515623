"""Liveness, readiness by part, and metrics, for the operator."""

from __future__ import annotations

from aiohttp import web

from gateway.web.callers import is_one_of
from gateway.web.keys import LIMITS, NOTES, PARTS, RECEPTION
from gateway.web.meters import CONTENT_TYPE, METERS
from gateway.web.problems import Problem
from gateway.web.routes import answer
from ticket_core.store.journals import count_notices


def add_health(app: web.Application) -> None:
    """Serve ``/healthz``, ``/readyz`` and ``/metrics``."""
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)


async def healthz(_request: web.Request) -> web.Response:
    """The process answers."""
    return answer({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """How each part is; 503 when one is not well. What is wrong with it is for those who run the house."""
    reasons = {name: ask() for name, ask in request.app[PARTS].items()}
    failure = request.app[RECEPTION].store.failure
    if failure:
        reasons["database"] = f"last commit failed: {failure}"
    well = not any(reasons.values())
    if not _may_watch(request):
        return answer({"status": "ok" if well else "unavailable"}, 200 if well else 503)
    parts: dict[str, dict[str, object]] = {
        name: {"ok": not reason, "reason": reason or ""} for name, reason in reasons.items()
    }
    for name, ask in request.app.get(NOTES, {}).items():
        if note := ask():
            parts[name]["note"] = note
    return answer({"status": "ok" if well else "unavailable", "parts": parts}, 200 if well else 503)


async def metrics(request: web.Request) -> web.Response:
    """Counters and gauges for Prometheus."""
    if not _may_watch(request):
        raise Problem(403, "forbidden")
    store = request.app[RECEPTION].store
    shown = request.app[METERS].show(
        waiting_notices=await store.read(count_notices),
        waiting_scripts=store.waiting,
        parts={name: not ask() for name, ask in request.app[PARTS].items()},
    )
    return web.Response(body=shown, headers={"Content-Type": CONTENT_TYPE})


def _may_watch(request: web.Request) -> bool:
    watchers = request.app[LIMITS].watchers
    return watchers is None or is_one_of(request, watchers)
