"""WeCom's and WeChat's servers in the test's own event loop: tokens, codes, limits and bad days as the real ones have.

Written after https://developer.work.weixin.qq.com/document/path/91039 (tokens), /90236, /94677, /94670 and
https://developers.weixin.qq.com/doc/service/api/customer/message/api_sendcustommessage; its clock is virtual.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiohttp import web

from gateway.testing.loopback import listening
from gateway.testing.provider import Arrived
from tests.servers.platform import JSON, Fault, Platform

_SENDS = ("/cgi-bin/message/send", "/cgi-bin/message/custom/send", "/cgi-bin/kf/send_msg", "/cgi-bin/aibot/response")
_LIFE = 7200.0
_ANSWERS, _WINDOW = 5, 48 * 3600.0
_TEXT_LIMIT = 2048


@dataclass(slots=True, kw_only=True)
class WeComServer(Platform):
    """One platform.

    `heard` is when an account last wrote: who stands in it is answered 5 times in 48 hours. `used` are the answer
    codes of bots that were used up. `messages` are those that 微信客服 keeps; a place in them is its cursor.
    """

    asked: list[JSON] = field(default_factory=list)
    busy: int = 45009
    refusal: int = 40003
    heard: dict[str, float] = field(default_factory=dict)
    answered: dict[str, int] = field(default_factory=dict)
    nobody: set[str] = field(default_factory=set)
    unlicensed: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    videos: set[str] = field(default_factory=set)  # files of which only the place is told
    messages: list[JSON] = field(default_factory=list)
    tickets: set[str] = field(default_factory=set)
    page: int = 1000
    stuck: bool = False  # it says that there is more and tells no new place
    _token: str = ""
    _until: float = 0.0

    def forget_tokens(self) -> None:
        """The token that was given out is not good any more, as after a new one was asked for elsewhere."""
        self._token = ""

    def hears(self, account: str) -> None:
        """The person writes: from now on there are five answers."""
        self.heard[account], self.answered[account] = self.now, 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        match request.path:
            case "/cgi-bin/gettoken":
                return self._give_token(request.query.get("corpsecret", ""))
            case "/cgi-bin/stable_token":
                return self._give_token((await request.json())["secret"])
            case "/cgi-bin/aibot/response":
                return await self.send(request, partial(self._take, request))
        if request.path.startswith("/store/"):
            name = request.path.removeprefix("/store/")
            return self._file(name) if name in self.files else web.Response(status=404)
        token = request.query.get("access_token", "")
        if not token or token != self._token:
            return _said(40014, "invalid access_token")
        if self.now >= self._until or self.stale:
            return _said(42001, "access_token expired")
        if request.path in _SENDS:
            return await self.send(request, partial(self._take, request))
        if request.path == "/cgi-bin/media/get":
            name = request.query["media_id"]
            return (
                web.json_response({"video_url": f"{self.url}/store/{name}"})
                if name in self.videos
                else self._file(name)
            )
        if request.path == "/cgi-bin/kf/sync_msg":
            return self._sync(await request.json())
        return web.Response(status=404)

    def _give_token(self, secret: str) -> web.Response:
        if secret != self.secret:
            return _said(40001, "invalid credential")
        self.tokens += 1
        self._token, self._until = f"TOKEN-{self.tokens}", self.now + _LIFE
        return web.json_response({"errcode": 0, "errmsg": "ok", "access_token": self._token, "expires_in": int(_LIFE)})

    def read(self, sent: JSON) -> Arrived:
        """To a person; a bot's answer is bound to what it answers."""
        said = sent[sent["msgtype"]]
        text = str(said.get("content") or said.get("head_content"))
        return Arrived(reference=sent["reference"], to=(str(sent.get("touser", "lisi")),), text=text)

    def refused(self, fault: Fault) -> web.Response:
        """Not now, or never."""
        return _said(self.busy, "api freq out of limit") if fault == "busy" else _said(self.refusal, "invalid")

    def _take(self, request: web.Request, _body: bytes, said: JSON) -> web.Response:
        if "response_code" in request.query:
            if request.query["response_code"] in self.used:
                return _said(40058, "response_code used")
            if self.fault != "dropped":  # the kit wants what it lost an answer of to arrive twice
                self.used.add(request.query["response_code"])
            self.sent.append(said)
            return _said(0, "ok")
        to, text = said["touser"], said.get("text", {}).get("content", "")
        if len(text.encode()) > _TEXT_LIMIT:
            return _said(45002, "content size out of limit")
        if to in self.heard:
            wechat = request.path == "/cgi-bin/message/custom/send"
            if self.now - self.heard[to] > _WINDOW:
                return _said(45015 if wechat else 95002, "response out of time limit")
            if self.answered[to] >= _ANSWERS:
                return _said(45047 if wechat else 95001, "out of response count limit")
            self.answered[to] += 1
        self.sent.append(said)
        nobody = {"invaliduser": to.lower()} if to in self.nobody else {}
        nobody |= {"unlicenseduser": to.lower()} if to in self.unlicensed else {}
        return web.json_response({"errcode": 0, "errmsg": "ok", "msgid": said.get("msgid", "MSGID-1"), **nobody})

    def _sync(self, ask: JSON) -> web.Response:
        self.asked.append(ask)
        if "token" in ask and ask["token"] not in self.tickets:
            return _said(95007, "invalid msg token")
        start = int(ask.get("cursor") or 0)
        end = min(start + min(self.page, ask["limit"]), len(self.messages))
        return web.json_response(
            {
                "errcode": 0,
                "errmsg": "ok",
                "next_cursor": str(end),
                "has_more": int(end < len(self.messages) or self.stuck),
                "msg_list": self.messages[start:end],
            }
        )

    def _file(self, name: str) -> web.Response:
        if name not in self.files:
            return _said(40007, "invalid media_id")
        media_type, content = self.files[name]
        shown = {"Content-disposition": f'attachment; filename="{name}"'}
        return web.Response(body=content, content_type=media_type, headers=shown)


def wecom_server(**settings: Any) -> AbstractAsyncContextManager[WeComServer]:
    """The platform on a free port."""
    return listening(WeComServer(**settings))


def _said(code: int, message: str) -> web.Response:
    return web.json_response({"errcode": code, "errmsg": message})
