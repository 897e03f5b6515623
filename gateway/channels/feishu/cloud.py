"""The HTTP interface of Feishu and Lark: one tenant token for all calls, and what their codes mean.

https://open.feishu.cn/document/server-docs/im-v1/message/create, …/message/reply, …/message/get-2 (files),
https://open.feishu.cn/document/server-docs/api-call-guide/frequency-control, …/generic-error-code
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Mapping
from datetime import timedelta
from typing import Any

from gateway.channels.api import FILE_LIMIT, FILE_TIMEOUT, AccessToken, Api, Reply, TooLong
from gateway.channels.feishu.settings import FeishuSettings
from gateway.errors import PermanentDelivery, TransientDelivery
from gateway.message import File

#: The token is not taken any more: a new one, and the call once again.
_STALE = frozenset({99991661, 99991663, 99991664, 99991665, 99991671, 99991677})
#: Too fast, and how long to wait where the answer does not say.
_TOO_FAST: Mapping[int, timedelta] = {
    99991400: timedelta(seconds=1),  # the application
    230020: timedelta(seconds=1),  # this person or group
    11232: timedelta(seconds=10),  # the application's messages
    230049: timedelta(seconds=1),  # the same message is on its way
}
#: The message that was to be answered is not there any more, or nothing can be said under it.
GONE = frozenset({230002, 230011, 230018, 230019, 230035, 230050, 230071, 230072, 230110, 230111, 232009})
#: It will never be taken. What is not here is of our set-up: somebody mends it, so the notice waits for that.
NEVER = GONE | frozenset(
    {
        230001,  # a parameter is wrong
        230013,  # the bot is not available to this person
        230015,  # no such private chat
        230022,  # refused by the content check
        230025,  # too long
        230028,  # refused by the tenant's content check
        230029,  # has left the organisation
        230034,  # no such person or group
        230036,  # the tenant's key was deleted
        230038,  # a person of another organisation
        230053,  # has stopped messages of the bot
        230075,  # an encrypted chat
    }
)
#: For what can be said in another way too: it is not worth waiting until somebody has mended something.
ANY_CODE = range(1, 1 << 63)
#: The file will never be had: no such message or file, not in this chat, too large, of a kind that is not given out.
_NO_FILE = frozenset({230110, 234001, 234003, 234004, 234006, 234037, 234038, 234041, 234042, 234043})


class Cloud:
    """Calls in the name of one application; `trouble` hears when its credentials are not taken, until they are."""

    def __init__(
        self,
        settings: FeishuSettings,
        trouble: dict[str, str],
        *,
        concurrency: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place = f"{settings.api_url.rstrip('/')}/open-apis"
        self._credentials = {"app_id": settings.app_id, "app_secret": settings.app_secret}
        self._trouble = trouble
        self._api = Api(timeout=settings.timeout, concurrency=concurrency)
        self._token = AccessToken(self._fetch_token, clock)

    async def close(self) -> None:
        """Let go of connections."""
        await self._api.close()

    async def call(
        self, path: str, said: object, reference: str, never: Container[int] = NEVER, **query: str
    ) -> Mapping[str, Any]:
        """Say something by POST; the `data` of the answer. Codes in `never` say that it will never be taken.

        Raises:
            TransientDelivery: later, or when the operator has mended something.
            PermanentDelivery: the platform will never do it; `status` is its code.
        """
        marked = {"X-Request-Id": reference}  # for whoever compares logs
        reply = await self._asked("POST", path, query, json=said, headers=marked)
        code = _code(reply)
        if reply.status == 200 and code == 0:
            found = reply.document.get("data")
            return found if isinstance(found, Mapping) else {}
        raise _refusal(reply, code, never)

    async def file(self, reference: str) -> File:
        """A file of a message, up to 20 MB; with the key ``-`` the messages that it forwards, as JSON."""
        message_id, key, kind, name = reference.split(" ", 3)
        if key == "-":
            path, query = f"/im/v1/messages/{message_id}", {}
        else:
            path, query = f"/im/v1/messages/{message_id}/resources/{key}", {"type": kind}
        try:
            reply = await self._asked("GET", path, query, limit=FILE_LIMIT, within=FILE_TIMEOUT)
        except TooLong as error:
            raise PermanentDelivery(error.reason) from error
        if reply.status != 200:  # what is in the file may look like a refusal
            raise _refusal(reply, _code(reply), _NO_FILE)
        return File(name=name, media_type=reply.media_type or "application/octet-stream", content=reply.content)

    async def _asked(self, method: str, path: str, query: Mapping[str, str], **more: Any) -> Reply:
        marked = dict(more.pop("headers", {}))
        for last in (False, True):
            token = await self._token.get()
            headers = {**marked, "Authorization": f"Bearer {token}"}
            reply = await self._api.call(method, f"{self._place}{path}", query=query, headers=headers, **more)
            if (method == "GET" and reply.status == 200) or _code(reply) not in _STALE:
                return reply
            self._token.expire(token)
            if last:
                return reply
        raise AssertionError("unreachable")

    async def _fetch_token(self) -> tuple[str, float]:
        url = f"{self._place}/auth/v3/tenant_access_token/internal"
        reply = await self._api.call("POST", url, json=self._credentials)
        token, seconds = reply.document.get("tenant_access_token"), reply.document.get("expire")
        if isinstance(token, str) and token and isinstance(seconds, int) and seconds > 0:
            self._trouble.pop("credentials", None)
            return token, float(seconds)
        said = f"no access token: {reply.status} {_code(reply)}"
        self._trouble["credentials"] = said
        raise TransientDelivery(said)


def _refusal(reply: Reply, code: int | None, never: Container[int]) -> TransientDelivery | PermanentDelivery:
    said = f"{reply.status} {code}"  # their texts may hold what was said
    if code is not None and code in _TOO_FAST:
        return TransientDelivery(said, retry_after=reply.wait or _TOO_FAST[code])
    if code is not None and code in never:
        return PermanentDelivery(said, status=str(code))
    return TransientDelivery(said)


def _code(reply: Reply) -> int | None:
    code = reply.document.get("code")
    return code if isinstance(code, int) else None
