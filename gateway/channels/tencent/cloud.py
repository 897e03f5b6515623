"""The HTTP interfaces of WeCom and WeChat: one access token for all calls, and what their codes mean.

https://developer.work.weixin.qq.com/document/path/90313 (WeCom),
https://developers.weixin.qq.com/doc/oplatform/developers/errCode/errCode.html (WeChat)
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from gateway.channels.api import FILE_LIMIT, FILE_TIMEOUT, AccessToken, Api, Reply, TooLong
from gateway.errors import PermanentDelivery, TransientDelivery
from gateway.message import File

#: A member, an external contact or a follower; several are separated by |.
ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_@.-]{0,63}")
#: The largest text in bytes of UTF-8.
TEXT_LIMIT = 2048
#: How long citizens may be answered after they wrote, and how often.
ANSWERS_KEEP = timedelta(hours=48)
ANSWERS = 5
#: The token is not taken any more: a new one, and the call once again.
_STALE = frozenset({40001, 40014, 42001, 41001})
#: Where WeChat keeps videos.
_STORE = ".qq.com"
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
#: What a code means: how long to wait, or None where it will never be taken.
Codes = Mapping[int, timedelta | None]
COMMON: Codes = {
    -1: timedelta(seconds=10),  # the platform is busy
    45009: _MINUTE,  # too many calls
    45011: _MINUTE,  # too many calls a minute
    45033: timedelta(seconds=10),  # too many at a time
    40003: None,  # no such account
    40007: None,  # no such file, or older than three days
    40058: None,  # a parameter is wrong
    44004: None,  # nothing to say
    45002: None,  # too long
}
WECOM: Codes = {
    **COMMON,
    40031: None,  # no such accounts
    60011: None,  # may not see that person
    60111: None,  # no such person
    81013: None,  # no recipient is left
    82001: None,  # no recipient is left
    95001: None,  # 5 messages since the person wrote
    95002: None,  # 48 hours since the person wrote
    95013: None,  # the talk is over
    95016: None,  # no talk with that person
    95018: None,  # a person of the house has taken over, or the talk is over
}
WECHAT: Codes = {
    **COMMON,
    45009: _HOUR,  # the quota of the day
    43004: None,  # does not follow us
    43019: None,  # on the black list
    45015: None,  # 48 hours since the person wrote
    45047: None,  # 5 messages since the person wrote
    48002: None,  # the person takes no messages from us
}


#: Asks the interface at a place for an access token.
AskToken = Callable[[Api, str], Awaitable[Reply]]


def corporate(corp_id: str, secret: str) -> AskToken:
    """As WeCom gives it: the same one to all who ask, until its end."""
    asked = {"corpid": corp_id, "corpsecret": secret}
    return lambda api, place: api.call("GET", f"{place}/cgi-bin/gettoken", query=asked)


def stable(app_id: str, secret: str) -> AskToken:
    """As WeChat gives it without making those of other processes void, unlike its older interface."""
    asked = {"grant_type": "client_credential", "appid": app_id, "secret": secret}
    return lambda api, place: api.call("POST", f"{place}/cgi-bin/stable_token", json=asked)


class Cloud:
    """Calls in the name of one application; `trouble` hears when its credentials are not taken, until they are."""

    def __init__(
        self,
        place: str,
        ask_token: AskToken,
        codes: Codes,
        trouble: dict[str, str],
        *,
        timeout: float,
        concurrency: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place = place.rstrip("/")
        self._ask_token = ask_token
        self._codes = codes
        self._trouble = trouble
        self._api = Api(timeout=timeout, concurrency=concurrency)
        self._token = AccessToken(self._fetch_token, clock)

    async def close(self) -> None:
        """Let go of connections."""
        await self._api.close()

    async def call(self, path: str, json: object, reference: str = "", **more: int) -> Mapping[str, Any]:
        """Ask by POST (`limit`: of the answer, in bytes); a token that is not taken any more is renewed once.

        Raises:
            TransientDelivery: later, or when the operator has mended something.
            PermanentDelivery: the platform will never do it.
        """
        marked = {"X-Request-Id": reference} if reference else None  # for whoever compares logs
        reply = await self._asked("POST", path, {}, json=json, headers=marked, **more)
        return reply.document

    async def file(self, reference: str) -> File:
        """A file that somebody sent, up to 20 MB; the platforms keep it for three days.

        Of a video WeChat tells the file, or only where it lies:
        https://developers.weixin.qq.com/doc/service/api/material/temporary/api_getmedia
        """
        media_id, _, name = reference.partition(" ")
        try:
            reply = await self._asked(
                "GET", "/cgi-bin/media/get", {"media_id": media_id}, limit=FILE_LIMIT, within=FILE_TIMEOUT
            )
            if (place := _place_of_video(reply)) is not None:
                if not self._trusts(place):
                    raise PermanentDelivery("not an address of the platform")
                reply = await self._api.call("GET", place, limit=FILE_LIMIT, within=FILE_TIMEOUT)
                if reply.status != 200:
                    raise PermanentDelivery("it is gone", status=str(reply.status))
        except TooLong as error:
            raise PermanentDelivery(error.reason) from error
        return File(name=name, media_type=reply.media_type or "application/octet-stream", content=reply.content)

    async def _asked(self, method: str, path: str, query: Mapping[str, str], **more: Any) -> Reply:
        for last in (False, True):
            token = await self._token.get()
            query = {**query, "access_token": token}
            reply = await self._api.call(method, f"{self._place}{path}", query=query, **more)
            if reply.attached or _place_of_video(reply) is not None:
                return reply
            if _code(reply) in _STALE:
                self._token.expire(token)
                if not last:
                    continue
            checked(reply, self._codes)
            return reply
        raise AssertionError("unreachable")

    def _trusts(self, url: str) -> bool:
        """Whether videos lie there: on the platform's own hosts, which serve some of them without TLS."""
        place, own = urlsplit(url), urlsplit(self._place)
        if (place.scheme, place.netloc) == (own.scheme, own.netloc):
            return True
        return place.scheme in ("http", "https") and f".{place.netloc}".endswith(_STORE)

    async def _fetch_token(self) -> tuple[str, float]:
        reply = await self._ask_token(self._api, self._place)
        token, seconds = reply.document.get("access_token"), reply.document.get("expires_in")
        if isinstance(token, str) and token and isinstance(seconds, int) and seconds > 0:
            self._trouble.pop("credentials", None)
            return token, float(seconds)
        code = _code(reply)
        self._trouble["credentials"] = f"no access token: {reply.status} {code}"
        raise TransientDelivery(f"no access token: {reply.status} {code}")


def checked(reply: Reply, codes: Codes) -> None:
    """Raise unless it was done. An unknown code is of our set-up: somebody mends it, so the notice waits for that."""
    code = _code(reply)
    if reply.status == 200 and code == 0:
        return
    said = f"{reply.status} {code}"  # their texts hold addresses
    if code is not None and code in codes:
        wait = codes[code]
        if wait is None:
            raise PermanentDelivery(said, status=str(code))
        raise TransientDelivery(said, retry_after=wait)
    raise TransientDelivery(said)


def _place_of_video(reply: Reply) -> str | None:
    place = reply.document.get("video_url")
    return place if reply.status == 200 and not reply.attached and isinstance(place, str) else None


def _code(reply: Reply) -> int | None:
    code = reply.document.get("errcode")
    return code if isinstance(code, int) else None
