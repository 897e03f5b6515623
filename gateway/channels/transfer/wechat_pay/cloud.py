"""Calls to WeChat Pay's interface of complaints: signed by us, their answers signed by them.

https://pay.weixin.qq.com/doc/v3/merchant/4012533431 and the pages beside it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from gateway.channels.api import Api, Reply
from gateway.channels.transfer.wechat_pay.seal import NotProven, Seal
from gateway.channels.transfer.wechat_pay.settings import WeChatPaySettings
from gateway.errors import PermanentDelivery, TransientDelivery
from gateway.message import File

_COMPLAINTS = "/v3/merchant-service/complaints-v2"
_PAGE = 50  # their limit for complaints
_HISTORY = 300  # and for what was said
_MOST_PAGES = 400
_FILE_LIMIT = 10 << 20
#: What only the operator can mend: notices wait for it. https://pay.weixin.qq.com/doc/v3/merchant/4012081709
_OURS_TO_MEND = frozenset({401, 403})

Document = Mapping[str, Any]


class Cloud:
    """Calls in the name of one merchant; `trouble` hears when its credentials are not taken, until they are."""

    def __init__(self, settings: WeChatPaySettings, seal: Seal, trouble: dict[str, str], *, concurrency: int) -> None:
        self._place = settings.api_url
        self._key_id = next(iter(settings.platform_keys))
        self._seal = seal
        self._trouble = trouble
        self._api = Api(timeout=settings.timeout, concurrency=concurrency)

    async def close(self) -> None:
        """Let go of connections."""
        await self._api.close()

    async def complaint(self, number: str) -> Document:
        """One complaint as it is now."""
        return (await self._call("GET", f"{_COMPLAINTS}/{quote(number, safe='')}")).document

    async def history(self, number: str) -> list[Document]:
        """What was said and done about it, the oldest first."""
        path = f"{_COMPLAINTS}/{quote(number, safe='')}/negotiation-historys?limit={_HISTORY}&offset=0"
        entries = _list((await self._call("GET", path)).document)
        return sorted(entries, key=lambda one: (str(one.get("operate_time", "")), str(one.get("log_id", ""))))

    async def complaints(self, begin: date, end: date) -> AsyncIterator[Document]:
        """All complaints made in these days, which may be 30."""
        for page in range(_MOST_PAGES):
            days = {"begin_date": begin.isoformat(), "end_date": end.isoformat()}
            query = urlencode({"limit": _PAGE, "offset": page * _PAGE, **days})
            found = _list((await self._call("GET", f"{_COMPLAINTS}?{query}")).document)
            for one in found:
                yield one
            if len(found) < _PAGE:
                return

    async def tell(self, number: str, step: str, said: Document) -> None:
        """Reply (``response``) or say that it is done (``complete``)."""
        await self._call("POST", f"{_COMPLAINTS}/{quote(number, safe='')}/{step}", orjson.dumps(said))

    async def file(self, address: str) -> File:
        """A picture; it is asked for at their interface only, as the request is signed."""
        if not address.startswith(f"{self._place}/v3/"):
            raise PermanentDelivery("lies on another machine")
        reply = await self._call("GET", address.removeprefix(self._place), limit=_FILE_LIMIT, signed=False)
        name = address.rpartition("/")[2].partition("?")[0]
        return File(name=f"{name}.jpg", media_type=reply.media_type, content=reply.content)

    async def _call(
        self, method: str, path: str, body: bytes = b"", *, limit: int = 1 << 20, signed: bool = True
    ) -> Reply:
        """Ask once.

        Raises:
            TransientDelivery: later, or when the operator has mended something; what was told may have been heard.
            PermanentDelivery: they will never do it.
        """
        now = datetime.now(UTC)
        headers = {
            "Authorization": self._seal.authorization(method, path, body, now),
            "Accept": "application/json",
            "Wechatpay-Serial": self._key_id,
            "User-Agent": "complaint-gateway",
        }
        if body:
            headers["Content-Type"] = "application/json"
        reply = await self._api.call(method, f"{self._place}{path}", body=body or None, headers=headers, limit=limit)
        if reply.status < 300:
            if signed:
                self._prove(reply)
            self._trouble.pop("credentials", None)
            return reply
        said = f"{reply.status} {reply.document.get('code', '')}"[:60]  # their texts hold what we sent
        if reply.status in _OURS_TO_MEND:
            self._trouble["credentials"] = said
            raise TransientDelivery(said)
        raise PermanentDelivery(said, status=str(reply.document.get("code", reply.status))[:40])

    def _prove(self, reply: Reply) -> None:
        """An answer that they did not sign is not theirs; sometimes they sign wrongly to see that we look."""
        try:
            self._seal.check(reply.headers, reply.content, datetime.now(UTC))
        except NotProven as error:
            raise TransientDelivery(f"the answer is not proven: {error}") from error


def _list(document: Document) -> list[Document]:
    found = document.get("data")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
