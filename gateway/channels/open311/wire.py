"""The calls to an endpoint: forms go out, documents in JSON come back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson

from gateway.channels.api import Api, Reply
from gateway.channels.open311.settings import CitySettings
from gateway.errors import PermanentDelivery, TransientDelivery

Document = Mapping[str, Any]
_LARGEST: Final = 8 << 20  # a thousand requests of 4,000 characters


class Endpoint:
    """One endpoint, one call at a time for each that is made."""

    def __init__(self, settings: CitySettings) -> None:
        self._settings = settings
        self._api = Api(timeout=settings.timeout, concurrency=2)
        self._base = settings.url.rstrip("/")

    async def close(self) -> None:
        """Let go of connections."""
        await self._api.close()

    async def post(self, what: str, form: Mapping[str, str], *, reference: str) -> Document:
        """Post a form; the first entry of the answer.

        Raises:
            TransientDelivery: it is worth another try; `uncertain` tells whether it may have been taken.
            PermanentDelivery: refused, with what the endpoint said.
        """
        said = {"api_key": self._settings.api_key, "jurisdiction_id": self._settings.jurisdiction_id, **form}
        reply = await self._api.call(
            "POST",
            f"{self._base}/{what}.json",
            body=urlencode({name: value for name, value in said.items() if value}).encode(),
            headers={
                "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
                "Idempotency-Key": reference,
            },
        )
        if not 200 <= reply.status < 300:
            raise _refusal(reply)
        return _entries(reply)[0] if _entries(reply) else {}

    async def get(self, what: str, **query: str) -> list[Document]:
        """The entries of a document.

        Raises:
            TransientDelivery, PermanentDelivery: there is none.
        """
        said = {"api_key": self._settings.api_key, "jurisdiction_id": self._settings.jurisdiction_id, **query}
        reply = await self._api.call(
            "GET",
            f"{self._base}/{quote(what)}.json",
            query={name: value for name, value in said.items() if value},
            limit=_LARGEST,
        )
        if reply.status != 200:
            raise _refusal(reply)
        return _entries(reply)


def uncertain(error: TransientDelivery) -> bool:
    """Whether what was sent may have been taken: nobody heard the answer."""
    return error.__cause__ is not None


def _refusal(reply: Reply) -> TransientDelivery | PermanentDelivery:
    """A wrong key is mended by somebody, so it waits for that; all else that is refused stays refused."""
    said = "; ".join(str(one.get("description", ""))[:200] for one in _entries(reply)[:3])
    if reply.status in (401, 403, 408):
        return TransientDelivery(f"{reply.status} {said}".strip(), retry_after=reply.wait)
    return PermanentDelivery(said or "refused", status=str(reply.status))


def _entries(reply: Reply) -> list[Document]:
    try:
        document = orjson.loads(reply.content)
    except ValueError:
        return []
    listed = document if isinstance(document, list) else [document]
    return [one for one in listed if isinstance(one, dict)]
