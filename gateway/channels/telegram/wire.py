"""The Bot API over aiohttp: a network backend for python-telegram-bot, and what must be read without trusting it.

python-telegram-bot's own backend logs addresses, which hold the token; and it parses a batch of updates as a whole, so
that one it cannot parse would hold up all others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
from telegram.error import BadRequest, NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData
from yarl import URL

from gateway.channels.base import PermanentDelivery, TransientDelivery
from gateway.channels.telegram.settings import TelegramSettings
from gateway.message import File

#: The largest file that a bot may download (https://core.telegram.org/bots/api#getfile).
FILE_LIMIT = 20 << 20
_FILE_TIMEOUT = 60.0  # seconds for a whole file
_ANSWER_LIMIT = 16 << 20
_MOST_UPDATES = 50  # at a time
_BESIDES_SENDS = 8  # connections for the long poll, confirmations and files, so that no send waits for them
_LONGEST_HOLD = timedelta(days=1)
#: Relative, as the cloud's are; a server started with --local tells absolute ones of its own disk.
_PATH = re.compile(r"(?!/)(?!.*\.\.)[A-Za-z0-9_./-]{1,512}")


class TooFast(TelegramError):
    """429: nothing more before `wait` has passed."""

    __slots__ = ("wait",)

    def __init__(self, wait: timedelta) -> None:
        super().__init__("Too Many Requests")
        self.wait = wait


class Wire(BaseRequest):
    """The connections of one bot; no reason it gives holds the token."""

    def __init__(self, settings: TelegramSettings) -> None:
        self._settings = settings
        self._base = f"{settings.api_url.rstrip('/')}/bot{settings.token}"
        self._files = f"{settings.api_url.rstrip('/')}/file/bot{settings.token}"
        self._session: aiohttp.ClientSession | None = None

    # --- What python-telegram-bot asks of a backend

    @property
    def read_timeout(self) -> float | None:
        """Seconds for a call."""
        return self._settings.timeout

    async def initialize(self) -> None:
        """Connections are made when there is something to say."""

    async def shutdown(self) -> None:
        """Close them."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = None,
        write_timeout: Any = None,
        connect_timeout: Any = None,
        pool_timeout: Any = None,
    ) -> tuple[int, bytes]:
        """One request; `read_timeout` bounds it as a whole."""
        limit = float(read_timeout) if isinstance(read_timeout, int | float) else self._settings.timeout
        form = request_data.json_parameters if request_data else None
        try:
            async with self._asked(method, url, limit, form) as response:
                body = await _read(response, _ANSWER_LIMIT)
        except TimeoutError as error:
            raise TimedOut from error
        except (aiohttp.ClientError, OSError) as error:
            raise NetworkError(type(error).__name__) from error
        if body is None:
            raise NetworkError("the answer is too long")
        if response.status == 429:
            raise TooFast(_wait(body))
        return response.status, body

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """The answer; one that is none is not logged, unlike by the base.

        Half a surrogate pair in one update must not make the others unreadable, so the parser is the lenient one.
        """
        try:
            answer = json.loads(payload.decode("utf-8", "replace"))
        except ValueError as error:
            raise NetworkError("the answer is not JSON") from error
        if not isinstance(answer, dict) or (answer.get("ok") is True and "result" not in answer):
            raise NetworkError("the answer is not one of the Bot API")
        return answer

    # --- What is read as it came

    async def updates(self, offset: int, allowed: Sequence[str]) -> list[dict[str, Any]]:
        """Wait for updates from `offset` on (0: from the first that was not confirmed), oldest first."""
        wait = self._settings.long_poll
        asked = {"timeout": wait, "limit": _MOST_UPDATES, "allowed_updates": orjson.dumps(allowed).decode()}
        if offset:
            asked["offset"] = offset
        url = f"{self._base}/getUpdates?{urlencode(asked)}"
        told = await self.post(url, read_timeout=wait + self._settings.timeout)
        updates = told if isinstance(told, list) else None
        if updates is None or not all(isinstance(one, dict) and type(one.get("update_id")) is int for one in updates):
            raise NetworkError("the answer holds no updates")
        return updates

    async def file(self, file_id: str) -> File:
        """Fetch a file.

        Raises:
            TransientDelivery: another try may help.
            PermanentDelivery: it is gone, larger than `FILE_LIMIT`, or not served.
        """
        try:
            told = await self.post(f"{self._base}/getFile?{urlencode({'file_id': file_id})}")
        except BadRequest as error:  # "file is too big", "wrong file_id or the file is temporarily unavailable"
            raise PermanentDelivery(error.message, status="400") from error
        except TelegramError as error:
            raise postponed(error) from error
        path = str(told.get("file_path") or "") if isinstance(told, Mapping) else ""
        if not _PATH.fullmatch(path):
            raise PermanentDelivery("the Bot API server does not serve this file; run it without --local")
        try:
            async with self._asked("GET", f"{self._files}/{path}", _FILE_TIMEOUT) as response:
                content = await _read(response, FILE_LIMIT)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise TransientDelivery(type(error).__name__) from error
        if response.status in (408, 429) or response.status >= 500:
            raise TransientDelivery(f"the file was not served: {response.status}")
        if response.status != 200:
            raise PermanentDelivery("the file is not served", status=str(response.status))
        if content is None:
            raise PermanentDelivery(f"larger than {FILE_LIMIT >> 20} MB")
        return File(name=path.rpartition("/")[2], media_type=response.content_type, content=content, reference=file_id)

    def _asked(
        self, method: str, url: str, limit: float, form: Mapping[str, str] | None = None
    ) -> aiohttp.client._RequestContextManager:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._settings.concurrency + _BESIDES_SENDS)
            self._session = aiohttp.ClientSession(connector=connector)
        return self._session.request(
            method,
            URL(url, encoded=True),
            data=form,
            proxy=self._settings.proxy or None,
            timeout=aiohttp.ClientTimeout(total=limit),
            allow_redirects=False,
        )


def postponed(error: TelegramError) -> TransientDelivery:
    """A failure that is not the recipient's, as the outbox understands it."""
    match error:
        case TooFast(wait=wait):
            return TransientDelivery("Telegram asks to wait", retry_after=wait)
        case TimedOut():
            return TransientDelivery("no answer in time")
        case _:
            return TransientDelivery(error.message or type(error).__name__)


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """The body; None when it is longer than `limit` bytes, and the rest is not read."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 << 10):
        body += chunk
        if len(body) > limit:
            response.close()
            return None
    return bytes(body)


def _wait(body: bytes) -> timedelta:
    """How long a 429 asks to wait; a second where it does not say."""
    try:
        seconds = orjson.loads(body)["parameters"]["retry_after"]
        return min(max(timedelta(seconds=seconds), timedelta(seconds=1)), _LONGEST_HOLD)
    except (ValueError, KeyError, TypeError, OverflowError):
        return timedelta(seconds=1)
