"""A Bot API server in the test's own event loop: it answers, pushes, limits and fails as Telegram's does.

What it does is written after https://core.telegram.org/bots/api and the words of the real server's answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from gateway.testing import provider
from gateway.testing.loopback import Loopback, hang_up, listening

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawx"  # the example of Telegram's documentation
#: What a method does from now on instead of its work. `dropped` takes it and breaks off before the answer.
Fault = Literal["busy", "blocked", "no chat", "broken", "silent", "dropped", "cut off"]
_TEXT_LIMIT = 4096
Answer = dict[str, Any]
JSON = dict[str, Any]


class Failed(Exception):
    """An answer that is not ok."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.parameters = parameters


@dataclass(slots=True, kw_only=True)
class TelegramServer(Loopback):
    """One bot's cloud: what it was asked for, and what it does.

    `sent` are the messages taken, `asked` all calls. `blocked` and `unknown` are chats, `moved` groups with a new id.
    `strict` refuses a second message to a person within a second, as the real one does.
    """

    token: str = TOKEN
    sent: list[JSON] = field(default_factory=list)
    asked: list[tuple[str, JSON]] = field(default_factory=list)
    pressed: list[str] = field(default_factory=list)  # button presses that were confirmed
    faults: dict[str, Fault] = field(default_factory=dict)
    retry_after: int = 7
    blocked: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    moved: dict[str, int] = field(default_factory=dict)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)  # file id -> path, content
    strict: bool = False
    webhook: str = ""
    secret: str = ""
    allowed: list[str] = field(default_factory=list)
    pushing_failed: str = ""
    _waiting: list[JSON] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: itertools.count(9001))
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _asking: int = 0
    _last: dict[str, float] = field(default_factory=dict)

    # --- What the kit does

    @property
    def settings(self) -> Mapping[str, Any]:
        """What points a bot at it."""
        return {"api_url": self.url}

    @property
    def arrived(self) -> list[provider.Arrived]:
        """Every message taken."""
        return [
            provider.Arrived(reference=one.get("reference", ""), to=(one["chat_id"],), text=one["text"])
            for one in self.sent
        ]

    def behave(self, fault: provider.Fault | None) -> None:
        """Answer sendMessage so from now on."""
        own: Mapping[provider.Fault, Fault] = {
            "busy": "busy",
            "refused": "blocked",
            "silent": "silent",
            "dropped": "dropped",
        }
        self.faults = {"sendMessage": own[fault]} if fault else {}

    # --- What a test does

    async def happen(self, *updates: JSON) -> None:
        """Let these updates wait for whoever asks."""
        async with self._news:
            self._waiting += updates
            self._waiting.sort(key=lambda one: one["update_id"])
            self._news.notify_all()

    @property
    def unconfirmed(self) -> list[int]:
        """The ids of updates that nobody has confirmed."""
        return [one["update_id"] for one in self._waiting]

    async def push(self, update: JSON, *, secret: str | None = None) -> tuple[int, JSON]:
        """Push one update once to the webhook; the answer's status and method call. An answer's call is done."""
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.secret if secret is None else secret}
        async with (
            ClientSession(timeout=ClientTimeout(total=10)) as session,
            session.post(self.webhook, json=update, headers=headers) as response,
        ):
            said = await response.read()
            call = json.loads(said) if said and response.content_type == "application/json" else {}
            if response.status == 200 and call.get("method") == "answerCallbackQuery":
                self.pressed.append(call["callback_query_id"])
            return response.status, call

    async def push_until_taken(self, update: JSON, *, tries: int = 5) -> int:
        """Push as Telegram does: again, after a pause, while the answer is not 2xx; returns how often it took."""
        for number in range(1, tries + 1):
            with contextlib.suppress(ClientError, TimeoutError):
                if (await self.push(update))[0] < 300:
                    return number
            await asyncio.sleep(0.05)
        raise AssertionError(f"not taken in {tries} pushes")

    async def until_sent(self, count: int, seconds: float = 10) -> list[JSON]:
        """The messages that bot sent, as soon as there are `count`."""
        async with asyncio.timeout(seconds):
            while len(self.sent) < count:  # noqa: ASYNC110  the other end tells nobody
                await asyncio.sleep(0.01)
        return self.sent

    # --- What it does

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        if found := re.fullmatch("/file/bot([^/]+)/(.+)", request.path):
            return await self._serve_file(request, found[1], found[2])
        found = re.fullmatch("/bot([^/]+)/([^/]+)", request.path)
        if found is None or found[1] != self.token:
            return _refusal(Failed(401, "Unauthorized"))
        method = found[2]
        asked: JSON = {**request.query, **{name: str(value) for name, value in (await request.post()).items()}}
        self.asked.append((method, asked))
        with self.in_hand() if method == "sendMessage" else contextlib.nullcontext():
            try:
                fault = self.faults.get(method)
                if fault not in (None, "dropped"):
                    return await self._misbehave(request, fault)
                result = await self._work(method, asked)
                if fault == "dropped":
                    return hang_up(request)
                await asyncio.sleep(0.005)
                return web.json_response({"ok": True, "result": result})
            except Failed as failed:
                return _refusal(failed)

    async def _serve_file(self, request: web.Request, token: str, path: str) -> web.StreamResponse:
        content = dict(self.files.values()).get(path)
        if token != self.token or content is None:
            raise web.HTTPNotFound
        fault = self.faults.get("file")
        if fault == "broken":
            raise web.HTTPBadGateway
        if fault == "silent":
            await asyncio.sleep(60)
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        response.content_length = len(content)
        await response.prepare(request)
        await response.write(content[: len(content) // 2] if fault == "cut off" else content)
        if fault == "cut off":
            hang_up(request)
        return response

    async def _misbehave(self, request: web.Request, fault: Fault | None) -> web.StreamResponse:
        match fault:
            case "busy":
                wait = self.retry_after
                return _refusal(Failed(429, f"Too Many Requests: retry after {wait}", retry_after=wait))
            case "blocked":
                return _refusal(Failed(403, "Forbidden: bot was blocked by the user"))
            case "no chat":
                return _refusal(Failed(400, "Bad Request: chat not found"))
            case "broken":
                return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")
            case "silent":
                await asyncio.sleep(60)
        return hang_up(request)

    async def _work(self, method: str, asked: JSON) -> Any:
        match method:
            case "getMe":
                return {"id": 110201543, "is_bot": True, "first_name": "Hotline", "username": "hotline_bot"}
            case "sendMessage":
                return self._take(asked)
            case "answerCallbackQuery":
                self.pressed.append(asked["callback_query_id"])
                return True
            case "getFile":
                return self._find(asked["file_id"])
            case "setWebhook":
                self.webhook, self.secret = asked["url"], asked.get("secret_token", "")
                self.allowed = json.loads(asked.get("allowed_updates", "[]"))
                return True
            case "deleteWebhook":
                self.webhook = self.secret = ""
                return True
            case "getWebhookInfo":
                told = {"url": self.webhook, "has_custom_certificate": False, "pending_update_count": 0}
                now = 1_772_415_000
                return told | (
                    {"last_error_date": now, "last_error_message": self.pushing_failed} if self.pushing_failed else {}
                )
            case "getUpdates":
                return await self._tell(asked)
        raise Failed(404, "Not Found")

    def _take(self, asked: JSON) -> JSON:
        chat, text = asked["chat_id"], asked["text"]
        if chat in self.moved:
            new = self.moved[chat]
            raise Failed(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=new)
        if chat in self.unknown:
            raise Failed(400, "Bad Request: chat not found")
        if chat in self.blocked:
            raise Failed(403, "Forbidden: bot was blocked by the user")
        if not text.strip():
            raise Failed(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > _TEXT_LIMIT:
            raise Failed(400, "Bad Request: message is too long")
        for row in json.loads(asked.get("reply_markup", "{}")).get("inline_keyboard", []):
            if any(not 1 <= len(key["callback_data"].encode()) <= 64 for key in row):
                raise Failed(400, "Bad Request: BUTTON_DATA_INVALID")
        now = asyncio.get_running_loop().time()
        if self.strict and now - self._last.get(chat, -1.0) < 0.95:
            raise Failed(429, "Too Many Requests: retry after 1", retry_after=1)
        self._last[chat] = now
        self.sent.append(asked)
        kind = "supergroup" if chat.startswith("-") else "private"
        return {
            "message_id": next(self._numbers),
            "date": 1_772_415_000,
            "chat": {"id": int(chat), "type": kind},
            "from": {"id": 110201543, "is_bot": True, "first_name": "Hotline"},
            "text": text,
        }

    def _find(self, file_id: str) -> JSON:
        if file_id not in self.files:
            raise Failed(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        path, content = self.files[file_id]
        if len(content) > 20 << 20:
            raise Failed(400, "Bad Request: file is too big")
        return {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": len(content), "file_path": path}

    async def _tell(self, asked: JSON) -> list[JSON]:
        if self.webhook:
            raise Failed(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        if self._asking:
            raise Failed(
                409,
                "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
            )
        offset, limit = int(asked.get("offset", 0)), int(asked.get("limit", 100))
        self._asking += 1
        try:
            async with self._news:
                self._waiting = [one for one in self._waiting if one["update_id"] >= offset]
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait_for(lambda: self._waiting), int(asked.get("timeout", 0)))
                return self._waiting[:limit]
        finally:
            self._asking -= 1


def _refusal(failed: Failed) -> web.Response:
    told: JSON = {"ok": False, "error_code": failed.code, "description": str(failed)}
    if failed.parameters:
        told["parameters"] = failed.parameters
    return web.json_response(told, status=failed.code)


def telegram_server(token: str = TOKEN) -> AbstractAsyncContextManager[TelegramServer]:
    """A server on a free port until the end of the block."""
    return listening(TelegramServer(token=token))
