"""Feishu's servers in the test's own event loop: tokens, codes, limits and bad days as the real ones have.

Written after https://open.feishu.cn/document/server-docs/im-v1/message/create, …/message/reply, …/message/get-2,
…/authentication-management/access-token/tenant_access_token_internal and …/api-call-guide/frequency-control; its clock
is virtual. The platform's own SDK talks with it in tests/channels/feishu/test_sdk.py.
"""

from __future__ import annotations

import json
import re
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiohttp import web

from gateway.testing.loopback import listening
from gateway.testing.provider import Arrived
from tests.servers.platform import JSON, Fault, Platform

APP_ID, SECRET = "cli_9f5343c580712544", "synthetic-secret"
_LIFE = 7200.0
_BODY_LIMIT = 150 * 1024
_REMEMBERS = 3600.0  # seconds for which a `uuid` is known
_KINDS = {"open_id": "ou_", "union_id": "on_", "chat_id": "oc_"}


@dataclass(slots=True, kw_only=True)
class FeishuServer(Platform):
    """One platform.

    `gone` are messages that cannot be replied to, `strangers` people who cannot be written to. A token is given out
    again while it is good for half an hour more, as the platform does.
    """

    token_asks: int = 0
    refusal: int = 230013
    wait: str = "7"
    strangers: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    no_cards: int = 0  # the code by which it refuses cards
    forwarded: dict[str, JSON] = field(default_factory=dict)
    _known: dict[str, tuple[float, str]] = field(default_factory=dict)
    _good: dict[str, float] = field(default_factory=dict)

    def forget_tokens(self) -> None:
        """The tokens that were given out are not good any more."""
        self._good.clear()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        path = request.path.removeprefix("/open-apis")
        if path == "/auth/v3/tenant_access_token/internal":
            return self._give_token(await request.json())
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not token:
            return _said(99991661, "Missing access token for authorization.", 400)
        if self._good.get(token, 0.0) <= self.now or self.stale:
            return _said(99991663, "Invalid access token for authorization.", 400)
        if request.method == "POST" and path == "/im/v1/messages":
            return await self.send(request, partial(self._checked, request, ""))
        if request.method == "POST" and (reply := re.fullmatch(r"/im/v1/messages/([^/]+)/reply", path)):
            return await self.send(request, partial(self._checked, request, reply[1]))
        if resource := re.fullmatch(r"/im/v1/messages/([^/]+)/resources/([^/]+)", path):
            return self._file(resource[1], resource[2], request.query.get("type", ""))
        if message := re.fullmatch(r"/im/v1/messages/([^/]+)", path):
            return self._message(message[1])
        return web.Response(status=404)

    def _give_token(self, said: JSON) -> web.Response:
        self.token_asks += 1
        if said.get("app_id") != APP_ID or said.get("app_secret") != self.secret:
            return _said(10014, "app secret invalid")
        token, until = next(reversed(self._good.items()), ("", 0.0))
        if until - self.now < 1800:
            self.tokens += 1
            token, until = f"t-{self.tokens}", self.now + _LIFE
            self._good[token] = until
        given = {"code": 0, "msg": "ok", "tenant_access_token": token, "expire": int(until - self.now)}
        return web.json_response(given)

    def read(self, sent: JSON) -> Arrived:
        """To a person, or under a message."""
        text = json.loads(sent["content"]).get("text", "")  # a card has none
        return Arrived(reference=sent["reference"], to=(sent["to"],), text=text)

    def refused(self, fault: Fault) -> web.Response:
        """Not now, not to this person now, or never."""
        match fault:
            case "busy":
                return _said(99991400, "request trigger frequency limit", 429, {"x-ogw-ratelimit-reset": self.wait})
            case "too fast":
                return _said(230020, "This operation triggers the frequency limit.", 400)
        return _said(self.refusal, "refused", 400)

    def _checked(self, request: web.Request, under: str, body: bytes, said: JSON) -> web.Response:
        said |= {"under": under, "to": said.get("receive_id", under)}
        if len(body) > _BODY_LIMIT:
            return _said(230025, "The length of the message content reaches its limit.", 400)
        if under in self.gone:
            return _said(230011, "The message was withdrawn.", 400)
        kind = _KINDS.get(request.query.get("receive_id_type", ""), "")
        if not under and (not kind or not said["receive_id"].startswith(kind)):
            return _said(230001, "invalid receive_id", 400)
        if said["to"] in self.strangers:
            return _said(230013, "Bot has NO availability to this user.", 400)
        if said["msg_type"] == "interactive" and self.no_cards:
            return _said(self.no_cards, "Failed to create card content", 400)
        json.loads(said["content"])
        return web.json_response({"code": 0, "msg": "success", "data": {"message_id": self._take(said)}})

    def _take(self, said: JSON) -> str:
        """The id of the message; of one with a `uuid` that came within an hour, that of the first."""
        at, number = self._known.get(said["uuid"], (-_REMEMBERS, ""))
        if self.now - at < _REMEMBERS:
            return number
        self.sent.append(said)
        number = f"om_sent{len(self.sent)}"
        self._known[said["uuid"]] = self.now, number
        return number

    def _file(self, message_id: str, key: str, kind: str) -> web.Response:
        found = self.files.get(f"{message_id}/{key}")
        if found is None:
            return _said(234003, "File not in msg.", 400)
        if (kind == "image") != key.startswith("img_"):
            return _said(234001, "Invalid request param.", 400)
        return web.Response(body=found[1], content_type=found[0])

    def _message(self, message_id: str) -> web.Response:
        if message_id not in self.forwarded:
            return _said(230110, "Action unavailable as the message has been deleted.", 400)
        return web.json_response({"code": 0, "msg": "success", "data": self.forwarded[message_id]})


def feishu_server(**settings: Any) -> AbstractAsyncContextManager[FeishuServer]:
    """The platform on a free port."""
    return listening(FeishuServer(**settings))


def _said(code: int, message: str, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"code": code, "msg": message}, status=status, headers=headers)
