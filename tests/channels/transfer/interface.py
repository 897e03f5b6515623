"""A forwarding body's interface that lists its cases: pages, cursors, credentials and bad days as real ones have."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from gateway.testing.loopback import Loopback, listening
from tests.channels.transfer.at_hand import SECRET

JSON = dict[str, Any]
TOKEN = "synthetic-token"
#: What it does from now on: asks for patience, is broken, takes no credentials, says nothing, answers nonsense.
Fault = Literal["busy", "broken", "locked", "silent", "page", "endless", "refuses"]


@dataclass(slots=True, kw_only=True)
class Interface(Loopback):
    """`cases` in the order in which they were committed there; `asked` is every request's parameters."""

    cases: list[JSON] = field(default_factory=list)
    grows: str = "id"
    size: int = 100
    fault: Fault | None = None
    faults_after: int = 0  # so many pages are still answered well
    ascending: bool = True
    asked: list[JSON] = field(default_factory=list)
    signed: bool = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One page."""
        ask: JSON = dict(request.query) if request.method == "GET" else await request.json()
        self.asked.append(ask)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}" or not await self._is_signed(request):
            return web.json_response({"code": 401, "msg": "who are you"}, status=401)
        self.faults_after -= 1
        if self.fault and self.faults_after < 0:
            return await self._on_a_bad_day()
        rows = [one for one in self.cases if _since(one.get(self.grows), ask.get("since", "0"))]
        if ask.get("until"):
            rows = [one for one in rows if one[self.grows] <= ask["until"]]
        rows.sort(key=lambda one: str(one.get(self.grows)).zfill(20), reverse=not self.ascending)
        size = int(ask.get("size", self.size))
        at = int(ask.get("offset") or int(ask.get("token") or 0) or (int(ask.get("page", 1)) - 1) * size)
        page = {"rows": rows[at : at + size], "next": str(at + size) if at + size < len(rows) else ""}
        return web.json_response({"code": 0, "data": page})

    async def _is_signed(self, request: web.Request) -> bool:
        if not self.signed:
            return True
        said = f"{request.headers['x-timestamp']}\n{request.headers['x-nonce']}\n".encode() + await request.read()
        return hmac.new(SECRET.encode(), said, hashlib.sha256).hexdigest() == request.headers["x-signature"]

    async def _on_a_bad_day(self) -> web.StreamResponse:
        match self.fault:
            case "busy":
                return web.Response(status=429, headers={"Retry-After": "3"})
            case "broken":
                return web.Response(status=502)
            case "locked":
                return web.Response(status=403)
            case "silent":
                await asyncio.sleep(60)
            case "page":
                return web.Response(text="<html>maintenance</html>", content_type="text/html")
            case "endless":
                return web.Response(body=json.dumps({"data": {"rows": ["9" * (17 << 20)]}}).encode())
        return web.json_response({"code": "E17", "data": None})


def _since(value: Any, since: str) -> bool:
    return int(value) > int(since) if since.isdigit() else str(value) >= since


def interface(**how: Any) -> AbstractAsyncContextManager[Interface]:
    """One on a free port."""
    return listening(Interface(**how), "/cases")
