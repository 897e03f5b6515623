"""DingTalk's servers in the test's own event loop: tokens, sessions, files, connections and bad days as theirs have.

Written after https://opensource.dingtalk.com/developerpedia/docs/learn/stream/protocol and the pages about robots of
open.dingtalk.com; its clock is virtual. The platform's own SDK talks with it in tests/channels/dingtalk/test_sdk.py.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import aiohttp
from aiohttp import web

from gateway.testing.loopback import listening
from gateway.testing.provider import Arrived
from tests.servers.platform import JSON, Fault, Platform

APP_KEY, SECRET = "dingue4kfzdxbyn0pjqd", "synthetic-secret"
TOPIC = "/v1.0/im/bot/messages/get"
_LIFE = 7200.0
_TICKET_LIFE = 90.0
_PARAM_LIMIT = 15_000
_BODY_LIMIT = 20_000
_A_MINUTE = 20


@dataclass(slots=True, kw_only=True)
class DingTalkServer(Platform):
    """One platform.

    `sessions` are those that take answers, `strangers` people outside the robot's scope, `flooded` those who were
    written to too often. `acks` are the answers to what was sent over connections, of which `open` are there now.
    """

    refusal: str = "staffId.notExisted"
    wait: str = "7"
    sessions: set[str] = field(default_factory=set)
    over: Literal["a code", "500"] = "a code"
    said_at: dict[str, list[float]] = field(default_factory=dict)
    strangers: set[str] = field(default_factory=set)
    flooded: set[str] = field(default_factory=set)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    closed: bool = False  # to new connections
    opened: list[JSON] = field(default_factory=list)
    open: list[web.WebSocketResponse] = field(default_factory=list)
    acks: list[JSON] = field(default_factory=list)
    acked: asyncio.Event = field(default_factory=asyncio.Event)
    _tickets: dict[str, float] = field(default_factory=dict)
    _frames: int = 0
    _token: str = ""
    _until: float = 0.0

    def forget_tokens(self) -> None:
        """The token that was given out is not good any more."""
        self._token = ""

    # --- Calls

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        match request.path:
            case "/v1.0/oauth2/accessToken":
                return self._give_token(await request.json())
            case "/v1.0/gateway/connections/open":
                return self._give_ticket(await request.json())
            case "/connect":
                return await self._connect(request)
            case "/robot/sendBySession":
                return await self.send(request, partial(self._there, request.query.get("session", "")))
        if request.path.startswith("/store/"):
            return self._file(request.path.removeprefix("/store/"))
        token = request.headers.get("x-acs-dingtalk-access-token", "")
        if not token or token != self._token or self.now >= self._until or self.stale:
            return _refused(400, "InvalidAuthentication")
        match request.path:
            case "/v1.0/robot/oToMessages/batchSend":
                return await self.send(request, self._to_person)
            case "/v1.0/robot/messageFiles/download":
                asked = await request.json()
                code = asked["downloadCode"]
                if asked["robotCode"] != APP_KEY:
                    return _refused(400, "invalidParameter.robotCode.notExsit")
                if code not in self.files:
                    return _refused(400, "invalidParameter.downloadCode")
                return web.json_response({"downloadUrl": f"{self.url}/store/{code}"})
        return web.Response(status=404)

    def _give_token(self, said: JSON) -> web.Response:
        if (said.get("appKey"), said.get("appSecret")) != (APP_KEY, self.secret):
            return _refused(400, "invalidClientIdOrSecret")
        self.tokens += 1
        self._token, self._until = f"TOKEN-{self.tokens}", self.now + _LIFE
        return web.json_response({"accessToken": self._token, "expireIn": int(_LIFE)})

    def read(self, sent: JSON) -> Arrived:
        """To a person."""
        said = json.loads(sent["msgParam"])["content"]
        return Arrived(reference=sent["reference"], to=tuple(sent["userIds"]), text=said)

    def refused(self, fault: Fault) -> web.Response:
        """Not now, or never."""
        if fault == "refused":
            return _refused(400, self.refusal)
        code = "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"
        return web.json_response({"code": code}, status=403, headers={"Retry-After": self.wait})

    def _there(self, session: str, body: bytes, said: JSON) -> web.Response:
        if session not in self.sessions:
            return web.Response(status=500) if self.over == "500" else _said(300001, "session 不存在")
        if len(body) > _BODY_LIMIT:
            return _said(460101, "message too long")
        lately = [at for at in self.said_at.get(session, []) if self.now - at < 60]
        self.said_at[session] = [*lately, self.now]
        if len(lately) >= _A_MINUTE:
            return _said(130101, "send too fast")
        self.sent.append({**said, "session": session})
        return _said(0, "ok")

    def _to_person(self, body: bytes, said: JSON) -> web.Response:
        (to,) = said["userIds"]
        if len(said["msgParam"].encode()) > _PARAM_LIMIT:
            return _refused(400, "invalidParameter.msgParam.tooLong")
        done = {
            "processQueryKey": f"key-{len(self.sent)}",
            "invalidStaffIdList": [to] if to in self.strangers else [],
            "flowControlledStaffIdList": [to] if to in self.flooded else [],
        }
        if to not in self.strangers | self.flooded:
            self.sent.append(said)
        return web.json_response(done)

    def _file(self, name: str) -> web.Response:
        media_type, content = self.files[name]
        return web.Response(body=content, content_type=media_type)

    # --- Connections

    def _give_ticket(self, said: JSON) -> web.Response:
        self.opened.append(said)
        if self.closed:
            return _refused(503, "unavailable")
        if (said.get("clientId"), said.get("clientSecret")) != (APP_KEY, self.secret):
            return _refused(401, "authFailed")
        ticket = f"ticket-{len(self.opened)}"
        self._tickets[ticket] = self.now + _TICKET_LIFE
        return web.json_response({"endpoint": f"{self.url.replace('http', 'ws', 1)}/connect", "ticket": ticket})

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        until = self._tickets.pop(request.query.get("ticket", ""), 0.0)  # good once
        if until <= self.now:
            return web.Response(status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.open.append(socket)
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self.acks.append(json.loads(message.data))
                    self.acked.set()
        finally:
            self.open.remove(socket)
        return socket

    def frame(self, body: str, *, kind: str = "CALLBACK", topic: str = TOPIC, number: str = "") -> JSON:
        """A message as it goes over a connection."""
        self._frames += 1
        headers = {
            "appId": "1305d5f5-484f-97d9",
            "contentType": "application/json",
            "messageId": number or f"frame-{self._frames}",
            "time": "1690362102194",
            "topic": topic,
        }
        return {"specVersion": "1.0", "type": kind, "headers": headers, "data": body}

    async def push(self, frame: JSON, *, within: float = 5.0) -> JSON | None:
        """Send it over the newest connection; what was answered to it, None when nothing was in time."""
        async with asyncio.timeout(10):
            while not self.open:  # noqa: ASYNC110  it tells nobody
                await asyncio.sleep(0.01)
        await self.open[-1].send_str(json.dumps(frame, ensure_ascii=False))
        number = frame["headers"]["messageId"]
        try:
            async with asyncio.timeout(within):
                while True:
                    for ack in self.acks:
                        if ack["headers"]["messageId"] == number:
                            return ack
                    self.acked.clear()
                    await self.acked.wait()
        except TimeoutError:
            return None


def dingtalk_server(**settings: Any) -> AbstractAsyncContextManager[DingTalkServer]:
    """The platform on a free port."""
    return listening(DingTalkServer(**settings))


def _said(code: int, message: str) -> web.Response:
    return web.json_response({"errcode": code, "errmsg": message})


def _refused(status: int, code: str) -> web.Response:
    return web.json_response({"code": code, "requestid": "30EE8654", "message": code}, status=status)
