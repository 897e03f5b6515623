"""The connection of a robot in stream mode: opened by us, kept while we live, each message answered after its commit.

https://opensource.dingtalk.com/developerpedia/docs/learn/stream/protocol

The platform sends a message to a robot once and does not care what becomes of it. So what has come is held here until
it is committed, whatever happens to the store, and the next connection stands before the old one is let go.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
import structlog

from gateway.channels.api import Api
from gateway.channels.dingtalk.settings import DingTalkSettings
from gateway.errors import TransientDelivery

log = structlog.get_logger(__name__)

TOPIC = "/v1.0/im/bot/messages/get"
#: A sign of life.
QUIET = b'{"type":"SYSTEM","headers":{"topic":"connected"}}'
_AGENT = "complaint-gateway/1.0"
_HEARTBEAT = 30.0  # seconds after which a silent connection is asked whether it is still there
_ANSWERED_WITHIN = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
#: Messages that wait for their commit; beyond them nothing more is read.
_MOST_WAITING = 500

Done = Callable[[], Awaitable[None]]
_Socket = aiohttp.ClientWebSocketResponse


@dataclass(slots=True)
class _Frame:
    body: bytes
    answer: dict[str, Any]
    socket: _Socket


class Stream:
    """The connection; `trouble` hears under ``stream`` why there is none, `limit` is the largest frame in bytes."""

    def __init__(self, settings: DingTalkSettings, api: Api, trouble: dict[str, str], limit: int) -> None:
        self._settings = settings
        self._api = api
        self._trouble = trouble
        self._limit = limit
        self.sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
        self._waiting: deque[_Frame] = deque()
        self._room = asyncio.Semaphore(_MOST_WAITING)
        self._news = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def frames(self) -> AsyncIterator[tuple[bytes, Done]]:
        """What has come, oldest first, each with what is to be awaited after its commit; signs of life between.

        What was not committed is told again when this is asked again; the connection stays meanwhile.
        """
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep())
            self._keeper.add_done_callback(lambda _task: self._news.set())
        while True:
            self._news.clear()
            while self._waiting:
                frame = self._waiting[0]
                yield frame.body, lambda frame=frame: self._done(frame)  # type: ignore[misc]
            if self._keeper.done():
                self._keeper.result()  # a fault of ours: the loop tells it and comes again
                return
            if "stream" not in self._trouble:
                yield QUIET, _nothing
            await self._news.wait()

    async def close(self) -> None:
        """Let go of the connection."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None

    async def _done(self, frame: _Frame) -> None:
        if self._waiting and self._waiting[0] is frame:
            self._waiting.popleft()
            self._room.release()
        await _answer(frame.socket, frame.answer)

    # --- The connection

    async def _keep(self) -> None:
        async with aiohttp.ClientSession() as session, contextlib.AsyncExitStack() as held:
            pause = _FIRST_PAUSE
            self._trouble.setdefault("stream", "no connection yet")
            while True:
                began = asyncio.get_running_loop().time()
                asked_to = False
                try:
                    socket = await self._connected(session)
                    await held.aclose()  # the connection before, which the platform asked us to end
                    held.push_async_callback(socket.close)
                    self._trouble.pop("stream", None)
                    self._news.set()
                    asked_to = await self._heard_all(socket)
                    if not asked_to:
                        self._tell("the connection was lost")
                except (aiohttp.ClientError, OSError, TimeoutError, TransientDelivery) as error:
                    reason = error.reason if isinstance(error, TransientDelivery) else type(error).__name__
                    self._tell(f"no connection: {reason}")
                lasted = asyncio.get_running_loop().time() - began
                if lasted > _LONGEST_PAUSE:
                    pause = _FIRST_PAUSE
                if not (asked_to and lasted > _FIRST_PAUSE):
                    await self.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  jitter, no secret
                    pause = min(pause * 2, _LONGEST_PAUSE)

    async def _connected(self, session: aiohttp.ClientSession) -> _Socket:
        asked = {
            "clientId": self._settings.app_key,
            "clientSecret": self._settings.app_secret,
            "subscriptions": [{"type": "CALLBACK", "topic": TOPIC}],
            "ua": _AGENT,
        }
        place = self._settings.api_url.rstrip("/")
        reply = await self._api.call("POST", f"{place}/v1.0/gateway/connections/open", json=asked)
        match reply.document:
            case {"endpoint": str(endpoint), "ticket": str(ticket)} if self._trusts(endpoint):
                async with asyncio.timeout(self._settings.timeout):
                    return await session.ws_connect(
                        endpoint,
                        params={"ticket": ticket},
                        heartbeat=_HEARTBEAT,
                        max_msg_size=self._limit,
                        timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
                    )
        raise TransientDelivery(f"{reply.status} {str(reply.document.get('code', ''))[:64]}")

    def _trusts(self, endpoint: str) -> bool:
        return urlsplit(endpoint).scheme == ("wss" if self._settings.api_url.startswith("https://") else "ws")

    async def _heard_all(self, socket: _Socket) -> bool:
        """Hear the platform out; True when it asks us to connect anew, False when the connection was lost."""
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            if await self._hear(socket, message.data):
                return True
        return False

    async def _hear(self, socket: _Socket, text: str) -> bool:
        try:
            frame = orjson.loads(text)
        except ValueError:
            frame = None
        match frame:
            case {"type": "SYSTEM", "headers": {"topic": "disconnect"}}:
                return True
            case {"type": "SYSTEM", "headers": dict(headers)}:
                await _answer(socket, _taken(headers, str(frame.get("data") or "{}")))
                self._news.set()
                return False
            case {"type": "CALLBACK", "headers": {"topic": topic} as headers, "data": str(body)} if topic == TOPIC:
                answer = _taken(headers, '{"response":null}')
            case {"headers": dict(headers)}:  # what we did not ask for; kept as it came
                body, answer = text, _taken(headers, '{"status":"SUCCESS","message":"kept"}')
            case _:
                body, answer = text, {}
        await self._room.acquire()
        self._waiting.append(_Frame(body.encode("utf-8", "surrogatepass"), answer, socket))
        self._news.set()
        return False

    def _tell(self, reason: str) -> None:
        if self._trouble.get("stream") != reason:
            log.warning("stream_failed", reason=reason)
        self._trouble["stream"] = reason


def _taken(headers: dict[str, Any], about: str) -> dict[str, Any]:
    said = {"messageId": str(headers.get("messageId") or ""), "contentType": "application/json"}
    return {"code": 200, "headers": said, "message": "OK", "data": about}


async def _answer(socket: _Socket, answer: dict[str, Any]) -> None:
    """Tell the platform; where it has gone away it may say it again, and is known."""
    if answer and not socket.closed:
        with contextlib.suppress(ConnectionError, aiohttp.ClientError, TimeoutError):
            async with asyncio.timeout(_ANSWERED_WITHIN):
                await socket.send_str(orjson.dumps(answer).decode())


async def _nothing() -> None:
    """A sign of life leaves nothing to mark."""
