"""The HTTP interface of DingTalk: one access token for all calls, and what its codes mean.

https://open.dingtalk.com/document/orgapp/obtain-the-access_token-of-an-internal-app,
…/chatbots-send-one-on-one-chat-messages-in-batches, …/download-the-file-content-of-the-robot-receiving-message
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson

from gateway.channels.api import FILE_LIMIT, FILE_TIMEOUT, AccessToken, Api, Reply, TooLong
from gateway.channels.dingtalk.settings import DingTalkSettings
from gateway.errors import PermanentDelivery, TransientDelivery
from gateway.message import File

#: The token is not taken any more: a new one, and the call once again.
_STALE = frozenset({"InvalidAuthentication", "40014", "42001", "40001"})
#: Words in a code that say: too fast.
_TOO_FAST = ("QpsLimit", "Throttl", "TooMany", "FlowControl", "flowControl")
#: How long somebody is left in peace who was written to too often.
_PEACE = timedelta(minutes=1)
#: It will never be taken. What is not here is of our set-up: somebody mends it, so the notice waits for that.
_NEVER = ("staffId.", "invalidParameter.userIds", "invalidParameter.msg", "userId.")
#: The code of a file is not known, or not any more; whatever else is mended or tried for a day.
_NO_FILE = ("invalidParameter.downloadCode",)
#: Codes of a session that say: later. Any other says that it is over, and the person can still be written to.
_LATER_THERE: Mapping[int, timedelta] = {
    130101: timedelta(minutes=10),  # more than 20 a minute: silent for ten
    410100: timedelta(minutes=10),
    660026: timedelta(minutes=10),
    -1: timedelta(seconds=10),  # the platform is busy
}


class SessionOver(Exception):
    """Nothing is taken any more where the push said; nothing was sent."""


class Cloud:
    """Calls in the name of one robot; `trouble` hears when its credentials are not taken, until they are."""

    def __init__(
        self,
        settings: DingTalkSettings,
        trouble: dict[str, str],
        *,
        concurrency: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._place = settings.api_url.rstrip("/")
        self._trouble = trouble
        self.api = Api(timeout=settings.timeout, concurrency=concurrency)
        self._token = AccessToken(self._fetch_token, clock)

    async def close(self) -> None:
        """Let go of connections."""
        await self.api.close()

    async def tell(self, account: str, text: str, reference: str) -> str:
        """Write to one of the organisation's people; the key by which the message can be asked about.

        Raises:
            TransientDelivery: later, or when the operator has mended something.
            PermanentDelivery: never to this person.
        """
        said = {
            "robotCode": self._settings.robot,
            "userIds": [account],
            "msgKey": "sampleText",
            "msgParam": orjson.dumps({"content": text}).decode(),
        }
        reply = await self._called("/v1.0/robot/oToMessages/batchSend", said, reference)
        document = reply.document
        if account in _listed(document, "invalidStaffIdList"):
            raise PermanentDelivery("no such person, or not one that may use the robot", status="invalidStaffIdList")
        if account in _listed(document, "flowControlledStaffIdList"):
            raise TransientDelivery("this person was written to too often", retry_after=_PEACE)
        if account in _listed(document, "filteredStaffIdList"):
            raise PermanentDelivery("this person takes nothing from the robot", status="filteredStaffIdList")
        return str(document.get("processQueryKey") or "")

    async def tell_there(self, route: str, text: str, called: str, reference: str) -> None:
        """Say it where the push wanted answers; `called` is whom it calls in a group.

        Raises:
            SessionOver: not there any more.
            TransientDelivery: later; or perhaps it was taken.
        """
        said: dict[str, object] = {"msgtype": "text", "text": {"content": text}}
        if called:
            said["at"] = {"atUserIds": [called], "isAtAll": False}
        reply = await self.api.call("POST", route, json=said, headers={"X-Request-Id": reference})
        code = reply.document.get("errcode")
        if reply.status == 200 and code == 0:
            return
        if isinstance(code, int) and code in _LATER_THERE:
            raise TransientDelivery(f"{reply.status} {code}", retry_after=_LATER_THERE[code])
        raise SessionOver(f"{reply.status} {code}")

    async def file(self, reference: str) -> File:
        """A file that somebody sent, up to 20 MB: its code is changed into an address that is good for a while."""
        code, _, name = reference.partition(" ")
        asked = {"downloadCode": code, "robotCode": self._settings.robot}
        reply = await self._called("/v1.0/robot/messageFiles/download", asked, "", never=_NO_FILE)
        url = reply.document.get("downloadUrl")
        if not isinstance(url, str) or not self._trusts(url):
            raise PermanentDelivery("no address of the file")
        try:
            found = await self.api.call("GET", url, limit=FILE_LIMIT, within=FILE_TIMEOUT)
        except TooLong as error:
            raise PermanentDelivery(error.reason) from error
        if found.status != 200:
            raise PermanentDelivery("it is gone", status=str(found.status))
        return File(name=name, media_type=found.media_type or "application/octet-stream", content=found.content)

    async def _called(self, path: str, said: object, reference: str, never: Sequence[str] = _NEVER) -> Reply:
        for last in (False, True):
            token = await self._token.get()
            headers = {"x-acs-dingtalk-access-token": token}
            if reference:
                headers["X-Request-Id"] = reference  # for whoever compares logs
            reply = await self.api.call("POST", f"{self._place}{path}", json=said, headers=headers)
            code = _code(reply)
            if reply.status == 200 and not code:
                return reply
            if reply.status == 401 or code in _STALE:
                self._token.expire(token)
                if not last:
                    continue
                raise TransientDelivery(f"{reply.status} {code}")
            raise _refusal(reply, code, never)
        raise AssertionError("unreachable")

    async def _fetch_token(self) -> tuple[str, float]:
        asked = {"appKey": self._settings.app_key, "appSecret": self._settings.app_secret}
        reply = await self.api.call("POST", f"{self._place}/v1.0/oauth2/accessToken", json=asked)
        token, seconds = reply.document.get("accessToken"), reply.document.get("expireIn")
        if isinstance(token, str) and token and isinstance(seconds, int) and seconds > 0:
            self._trouble.pop("credentials", None)
            return token, float(seconds)
        said = f"no access token: {reply.status} {_code(reply)}"
        self._trouble["credentials"] = said
        raise TransientDelivery(said)

    def _trusts(self, url: str) -> bool:
        """Files lie at stores of many names; the interface told us this one over a connection that is its own."""
        return url.startswith("https://") or self.is_ours(url)

    def is_ours(self, url: str) -> bool:
        """Whether this is a place of the configured interface."""
        place, own = urlsplit(url), urlsplit(self._place)
        return (place.scheme, place.netloc) == (own.scheme, own.netloc)


def _refusal(reply: Reply, code: str, never: Sequence[str]) -> TransientDelivery | PermanentDelivery:
    said = f"{reply.status} {code}"  # their texts may hold names
    if any(word in code for word in _TOO_FAST):
        return TransientDelivery(said, retry_after=reply.wait or timedelta(seconds=1))
    if code.startswith(tuple(never)) and reply.status in (400, 404):
        return PermanentDelivery(said, status=code)
    return TransientDelivery(said)


def _code(reply: Reply) -> str:
    """Their codes are words, and numbers where an older interface stands behind; empty where there is none."""
    code = reply.document.get("code", reply.document.get("errcode"))
    return "" if code in (None, 0, "0") else str(code)[:64]


def _listed(document: Mapping[str, Any], name: str) -> Sequence[Any]:
    found = document.get(name)
    return found if isinstance(found, list) else ()
