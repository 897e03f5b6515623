"""Another city's Open311 endpoint: takes reports, tells of them, and fails as such endpoints do.

After GeoReport v2 (https://wiki.open311.org/GeoReport_v2) and FixMyStreet's updates. It knows no idempotency: what is
posted twice is there twice.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.testing.loopback import Loopback, hang_up, listening
from gateway.testing.provider import BUSY_FOR, Arrived, Fault
from gateway.web.open311.documents import written

KEY = "synthetic-key-of-the-other-city"
MOST = 1_000
_ROOTS = {"requests": "service_requests", "servicerequestupdates": "service_request_updates"}


def w3(at: datetime) -> str:
    """As the standard writes times."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True, kw_only=True)
class Open311Server(Loopback):
    """The endpoint; `gives` is what it tells who reports: ``id``, ``token`` or ``nothing``.

    `loses` is what stands before it and answers for it when it has taken something: a status, or 200 with a page of
    its own. It tells the number of a token when it has `numbered` it, and lists requests where it `lists` any.
    """

    key: str = KEY
    gives: str = "id"
    loses: int = 0
    numbered: bool = True
    lists: bool = True
    services: frozenset[str] = frozenset({"lamp", "hole"})
    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    updates: list[dict[str, Any]] = field(default_factory=list)
    arrived: list[Arrived] = field(default_factory=list)
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    fault: Fault | None = None

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

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One call, answered in the form that its path asks for."""
        path, _, form = request.path.removeprefix("/v2/").rpartition(".")
        told = await self._answer(request, path.split("/"))
        if form != "xml" or not isinstance(told, web.Response) or told.content_type != "application/json":
            return told
        root = _ROOTS.get(path, "service_requests") if told.status < 400 else "errors"
        body = written("xml", root, json.loads(told.text or ""))
        return web.Response(body=body, status=told.status, content_type="text/xml")

    async def _answer(self, request: web.Request, path: list[str]) -> web.StreamResponse:
        match request.method, path:
            case "POST", ["requests"]:
                return await self._post_request(request)
            case "POST", ["servicerequestupdates"]:
                return await self._post_update(request)
            case "GET", ["requests"]:
                return self._get_requests(request)
            case "GET", ["servicerequestupdates"]:
                return self._get_updates(request)
            case "GET", ["tokens", token] if not self.numbered:
                return errors(404, f"{token} not found")
            case "GET", ["tokens", token]:
                return web.json_response([{"service_request_id": token.removeprefix("t"), "token": token}])
        return web.Response(status=404)

    async def _post_request(self, request: web.Request) -> web.StreamResponse:
        """``POST requests.json``."""
        form = await _form(request)
        wrong = self._refused(form) or self._unknown(form)
        if wrong is not None:
            return wrong
        return await self._taken(request, form, form["service_code"], self._open)

    async def _post_update(self, request: web.Request) -> web.StreamResponse:
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

    def _get_requests(self, request: web.Request) -> web.StreamResponse:
        """``GET requests.json``."""
        if not self.lists:
            return errors(400, "not implemented")
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

    def _get_updates(self, request: web.Request) -> web.StreamResponse:
        """``GET servicerequestupdates.json``."""
        self.asked.append(("servicerequestupdates", dict(request.query)))
        since, until = request.query.get("start_date", ""), request.query.get("end_date", "9")
        found = [one for one in self.updates if since <= one["updated_datetime"] <= until]
        found = sorted(found, key=lambda one: str(one["updated_datetime"]))[:MOST]
        self.told.update(one["update_id"] for one in found)
        return web.json_response(found[::-1])

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
        with self.in_hand():
            match self.fault:
                case "busy":
                    wait = str(int(BUSY_FOR.total_seconds()))
                    return web.json_response([], status=429, headers={"Retry-After": wait})
                case "refused":
                    return errors(400, "not today")
                case "silent":
                    await asyncio.sleep(60)
            reference = request.headers.get("Idempotency-Key", "")
            self.arrived.append(Arrived(reference=reference, to=(code,), text=form["description"]))
            answer = keep(form)
            if self.fault == "dropped":
                return hang_up(request)
            await asyncio.sleep(0.01)
            if self.loses:
                return web.Response(text="<html>a proxy</html>", status=self.loses, content_type="text/html")
            return web.json_response([answer], status=201)

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


def open311_server(**settings: Any) -> AbstractAsyncContextManager[Open311Server]:
    """The endpoint on a free port."""
    return listening(Open311Server(**settings), "/v2")


async def _form(request: web.Request) -> dict[str, str]:
    return dict(parse_qsl((await request.read()).decode("ascii"), keep_blank_values=True, strict_parsing=True))
