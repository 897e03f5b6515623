"""Another city's Open311 endpoint: takes reports, tells of them, and fails as such endpoints do.

After GeoReport v2 (https://wiki.open311.org/GeoReport_v2) and FixMyStreet's updates. It knows no idempotency: what is
posted twice is there twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.testing.provider import BUSY_FOR, Arrived, Fault

KEY = "synthetic-key-of-the-other-city"


def w3(at: datetime) -> str:
    """As the standard writes times."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class Open311Server:
    """The endpoint; `gives` is what it tells who reports: ``id``, ``token`` or ``nothing``."""

    url: str = ""
    key: str = KEY
    gives: str = "id"
    services: frozenset[str] = frozenset({"lamp", "hole"})
    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    updates: list[dict[str, Any]] = field(default_factory=list)
    arrived: list[Arrived] = field(default_factory=list)
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    fault: Fault | None = None
    most_at_once: int = 0
    connections: int = 0
    _in_hand: int = 0

    @property
    def settings(self) -> Mapping[str, Any]:
        """What points a transport at it."""
        return {"url": self.url, "api_key": self.key, "timeout": 0.5}

    def behave(self, fault: Fault | None) -> None:
        """Do this to all that is posted from now on."""
        self.fault = fault

    def say(self, request_id: str, status: str, text: str, at: datetime | None = None) -> str:
        """The other city works on a request; the id of the update."""
        moment = at or datetime.now(UTC)
        update_id = str(len(self.updates) + 1)
        self.updates.append(
            {
                "update_id": update_id,
                "service_request_id": request_id,
                "status": status,
                "description": text,
                "updated_datetime": w3(moment),
                "media_url": None,
            }
        )
        if request_id in self.requests:
            closed = status in ("closed", "fixed", "no_further_action")
            self.requests[request_id] |= {
                "status": "closed" if closed else "open",
                "status_notes": text,
                "updated_datetime": w3(moment),
            }
        return update_id

    async def post_request(self, request: web.Request) -> web.StreamResponse:
        """``POST requests.json``."""
        form = await _form(request)
        wrong = self._refused(form) or self._unknown(form)
        if wrong is not None:
            return wrong
        return await self._taken(request, form, form["service_code"], self._open)

    async def post_update(self, request: web.Request) -> web.StreamResponse:
        """``POST servicerequestupdates.json``; the same update id again is the same update, as FixMyStreet wants it."""
        form = await _form(request)
        if (wrong := self._refused(form)) is not None:
            return wrong
        known = self.requests.get(form.get("service_request_id", ""))
        if known is None:
            return errors(404, "service_request_id not found")
        if missing := {"update_id", "status", "updated_datetime", "description"} - set(form):
            return errors(400, f"missing {sorted(missing)}")
        return await self._taken(request, form, str(known["service_code"]), self._add)

    async def get_requests(self, request: web.Request) -> web.StreamResponse:
        """``GET requests.json``."""
        self.asked.append(("requests", dict(request.query)))
        ids = set(filter(None, request.query.get("service_request_id", "").split(",")))
        code, since = request.query.get("service_code"), request.query.get("start_date", "")
        found = [
            {name: value for name, value in one.items() if name != "said"}
            for request_id, one in self.requests.items()
            if (not ids or request_id in ids)
            and (not code or one["service_code"] == code)
            and one["requested_datetime"] >= since
        ]
        return web.json_response(found)

    async def get_updates(self, request: web.Request) -> web.StreamResponse:
        """``GET servicerequestupdates.json``."""
        self.asked.append(("servicerequestupdates", dict(request.query)))
        since, until = request.query.get("start_date", ""), request.query.get("end_date", "9")
        found = [one for one in self.updates if since <= one["updated_datetime"] <= until]
        self.told.update(one["update_id"] for one in found)
        return web.json_response(found)

    async def get_token(self, request: web.Request) -> web.StreamResponse:
        """``GET tokens/{token}.json``."""
        token = request.match_info["token"]
        return web.json_response([{"service_request_id": token.removeprefix("t"), "token": token}])

    def _refused(self, form: Mapping[str, str]) -> web.Response | None:
        if form.get("api_key") != self.key:
            return errors(403, "Invalid api_key received")
        return None

    def _unknown(self, form: Mapping[str, str]) -> web.Response | None:
        if form.get("service_code") not in self.services:
            return errors(404, "service_code not found")
        if not (form.get("address_string") or form.get("address_id") or (form.get("lat") and form.get("long"))):
            return errors(400, "no location")
        return None

    async def _taken(self, request: web.Request, form: Mapping[str, str], code: str, keep: Any) -> web.StreamResponse:
        self._in_hand += 1
        self.most_at_once = max(self.most_at_once, self._in_hand)
        try:
            match self.fault:
                case "busy":
                    return web.json_response(
                        [], status=429, headers={"Retry-After": str(int(BUSY_FOR.total_seconds()))}
                    )
                case "refused":
                    return errors(400, "not today")
                case "silent":
                    await asyncio.sleep(60)
            reference = request.headers.get("Idempotency-Key", "")
            self.arrived.append(Arrived(reference=reference, to=(code,), text=form["description"]))
            answer = keep(form)
            if self.fault == "dropped":
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            await asyncio.sleep(0.01)
            return web.json_response([answer], status=201)
        finally:
            self._in_hand -= 1

    def _open(self, form: Mapping[str, str]) -> dict[str, Any]:
        request_id = str(638344 + len(self.requests))
        now = w3(datetime.now(UTC))
        self.requests[request_id] = {
            "service_request_id": request_id,
            "status": "open",
            "status_notes": None,
            "service_code": form["service_code"],
            "description": form["description"],
            "requested_datetime": now,
            "updated_datetime": now,
            "said": dict(form),
        }
        match self.gives:
            case "id":
                return {"service_request_id": request_id, "service_notice": None, "account_id": None}
            case "token":
                return {"token": f"t{request_id}"}
            case _:
                return {"service_notice": "thank you"}

    def _add(self, form: Mapping[str, str]) -> dict[str, Any]:
        known = self.requests[form["service_request_id"]].setdefault("heard", {})
        known[form["update_id"]] = dict(form)
        return {"update_id": form["update_id"]}


def errors(status: int, description: str) -> web.Response:
    """The standard's errors document."""
    return web.json_response([{"code": status, "description": description}], status=status)


@contextlib.asynccontextmanager
async def open311_server(**settings: Any) -> AsyncIterator[Open311Server]:
    """The endpoint on a free port."""
    server = Open311Server(**settings)
    app = web.Application()
    app.router.add_post("/v2/requests.json", server.post_request)
    app.router.add_post("/v2/servicerequestupdates.json", server.post_update)
    app.router.add_get("/v2/requests.json", server.get_requests)
    app.router.add_get("/v2/servicerequestupdates.json", server.get_updates)
    app.router.add_get("/v2/tokens/{token}.json", server.get_token)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v2"
    counting = asyncio.create_task(_count(server, runner))
    try:
        yield server
    finally:
        counting.cancel()
        await asyncio.gather(counting, return_exceptions=True)
        await runner.cleanup()


async def _count(server: Open311Server, runner: web.AppRunner) -> None:
    while True:
        server.connections = len(runner.server.connections) if runner.server else 0
        await asyncio.sleep(0.01)


async def _form(request: web.Request) -> dict[str, str]:
    return dict(parse_qsl((await request.read()).decode("ascii"), keep_blank_values=True, strict_parsing=True))
