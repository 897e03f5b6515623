"""Calls to the HTTP interfaces of chat platforms: bounded in time and size, their tokens fetched once for all."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson

from gateway.channels.base import Choice
from gateway.errors import TransientDelivery

_ANSWER_LIMIT = 1 << 20
_LONGEST_WAIT = timedelta(days=1)
_CUT = "…"
#: https://open.feishu.cn/document/server-docs/im-v1/message-content-description/create_json
_FEISHU_CALL = re.compile(r"<(?=/?at\b)", re.IGNORECASE)
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
#: The largest file that is fetched, and seconds for the whole of it.
FILE_LIMIT = 20 << 20
FILE_TIMEOUT = 60.0
#: Seconds before its end from which a token is not used any more.
_TOKEN_MARGIN = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a platform answered: `document` is its JSON object, empty where it is none; `headers` in small letters."""

    status: int
    document: Mapping[str, Any] = field(default_factory=dict)
    wait: timedelta | None = None
    content: bytes = b""
    media_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def attached(self) -> bool:
        """Whether it is a file that somebody made: what stands in it may look like a refusal."""
        return self.headers.get("content-disposition", "").lower().startswith("attachment")


class TooLong(TransientDelivery):
    """An answer of more bytes than anybody reads: it says nothing of whom we write to."""


class Api:
    """The connections to one platform; no reason it gives holds an address, which may carry a secret."""

    def __init__(self, *, timeout: float, concurrency: int) -> None:
        self._timeout = timeout
        self._concurrency = concurrency
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Let go of connections; the next call makes new ones."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self,
        method: str,
        url: str,
        *,
        json: object = None,
        body: bytes | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = _ANSWER_LIMIT,
        within: float | None = None,
    ) -> Reply:
        """Ask once; `within` so many seconds instead of the usual ones.

        Raises:
            TransientDelivery: nobody answered in time, or the server is not well (5xx, 429).
            TooLong: the answer is longer than `limit` bytes.
        """
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._concurrency)
            self._session = aiohttp.ClientSession(connector=connector)
        sent = dict(headers or {})
        if json is not None:
            body = orjson.dumps(json)
            sent["Content-Type"] = "application/json; charset=utf-8"
        try:
            async with self._session.request(
                method,
                url,
                data=body,
                params=query,
                headers=sent,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=within or self._timeout),
            ) as response:
                content = await _read(response, limit)
                status, wait, kind = response.status, _wait(response), response.content_type
                said = {name.lower(): value for name, value in response.headers.items()}
        except (aiohttp.ClientError, TimeoutError, OSError) as error:  # perhaps it was taken
            raise TransientDelivery(type(error).__name__) from error
        if content is None:
            raise TooLong(f"larger than {limit} bytes")
        if status == 429 or status >= 500:
            raise TransientDelivery(f"HTTP {status}", retry_after=wait)
        return Reply(
            status=status, document=_object(content), wait=wait, content=content, media_type=kind, headers=said
        )


class AccessToken:
    """A token for many calls: fetched when it is first needed, by one while the others wait; renewed before its end."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[tuple[str, float]]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token = ""
        self._until = 0.0

    async def get(self) -> str:
        """A token that is good for some minutes.

        Raises:
            TransientDelivery: it cannot be had now.
        """
        if self._token and self._clock() < self._until:
            return self._token
        async with self._lock:
            if not self._token or self._clock() >= self._until:
                token, seconds = await self._fetch()
                self._until = self._clock() + max(seconds - _TOKEN_MARGIN, seconds / 2)
                self._token = token
        return self._token

    def expire(self, token: str) -> None:
        """The platform does not take this one any more."""
        if token == self._token:
            self._token = ""


def cut(text: str, limit: int, *, mark: str = _CUT) -> str:
    """The text in at most `limit` bytes of UTF-8, cut between characters; `mark` shows that it was cut."""
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    return encoded[: limit - len(mark.encode())].decode(errors="ignore") + mark


def cut_in_json(text: str, limit: int) -> str:
    """The same, where the text may take `limit` bytes as it stands in JSON: line breaks and signs take two or more."""
    if len(orjson.dumps(text)) <= limit:
        return text
    room = limit - len(_CUT.encode())
    longer = bisect_right(range(len(text)), room, key=lambda count: len(orjson.dumps(text[:count])))
    return text[: longer - 1] + _CUT


def uncalling(text: str) -> str:
    """The text without the marks by which Feishu would call people, or everybody: nobody who complains may do that."""
    return _FEISHU_CALL.sub("<\u200b", text)


def with_choices(text: str, choices: Sequence[Choice]) -> str:
    """The text with its buttons as lines, for platforms that have none: what to type, and what it does."""
    lines = [choice.label if choice.says == choice.label else f"{choice.label}: {choice.says}" for choice in choices]
    return "\n".join([text, "", *lines]) if lines else text


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes | None:
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 << 10):
        body += chunk
        if len(body) > limit:
            response.close()
            return None
    return bytes(body)


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        document = orjson.loads(content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _wait(response: aiohttp.ClientResponse) -> timedelta | None:
    """How long to wait: until a date or seconds, as RFC 9110 says it, or Feishu, also in parts of one."""
    said = response.headers.get("Retry-After") or response.headers.get("x-ogw-ratelimit-reset") or ""
    if _SECONDS.fullmatch(said):
        return min(timedelta(seconds=float(said)), _LONGEST_WAIT)
    with contextlib.suppress(ValueError, TypeError):  # no date, or one without a zone
        until = parsedate_to_datetime(said) - datetime.now(UTC)
        return min(max(until, timedelta()), _LONGEST_WAIT)
    return None
