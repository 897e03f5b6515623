"""The calls to an endpoint: forms go out, documents in JSON or XML come back; by GeoReport v2 not all know JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson

from gateway.channels.api import Api, Reply
from gateway.channels.elements import read_elements
from gateway.channels.open311.settings import CitySettings
from gateway.errors import PermanentDelivery, TransientDelivery

Document = Mapping[str, Any]
_ITEMS: Final = frozenset({"request", "request_update", "error"})
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

    async def post(self, what: str, form: Mapping[str, str], *, reference: str) -> Document | None:
        """Post a form; the first entry of the answer, None where that is no document of theirs.

        Raises:
            TransientDelivery: it is worth another try; it may have been taken.
            PermanentDelivery: refused, with what the endpoint said.
        """
        said = {"api_key": self._settings.api_key, "jurisdiction_id": self._settings.jurisdiction_id, **form}
        reply = await self._api.call(
            "POST",
            f"{self._base}/{what}.{self._settings.format}",
            body=urlencode({name: value for name, value in said.items() if value}).encode(),
            headers={
                "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
                "Idempotency-Key": reference,
            },
        )
        if not 200 <= reply.status < 300:
            raise _refusal(reply)
        return next(iter(_entries(reply)), None)

    async def get(self, what: str, **query: str) -> list[Document]:
        """The entries of a document.

        Raises:
            TransientDelivery, PermanentDelivery: there is none.
        """
        said = {"api_key": self._settings.api_key, "jurisdiction_id": self._settings.jurisdiction_id, **query}
        reply = await self._api.call(
            "GET",
            f"{self._base}/{quote(what)}.{self._settings.format}",
            query={name: value for name, value in said.items() if value},
            limit=_LARGEST,
        )
        if reply.status != 200:
            raise _refusal(reply)
        return _entries(reply)


def _refusal(reply: Reply) -> TransientDelivery | PermanentDelivery:
    """A wrong key or address is mended by somebody, so it waits for that; all else that is refused stays refused."""
    told = _entries(reply)
    said = "; ".join(str(one.get("description", ""))[:200] for one in told[:3])
    if reply.status in (401, 403, 408) or reply.status < 400 or (reply.status == 404 and not told):
        return TransientDelivery(f"{reply.status} {said}".strip(), retry_after=reply.wait)
    return PermanentDelivery(said or "refused", status=str(reply.status))


def _entries(reply: Reply) -> list[Document]:
    try:
        if reply.content.lstrip()[:1] == b"<":
            listed = _listed(read_elements(reply.content))
        else:
            document = orjson.loads(reply.content)
            listed = document if isinstance(document, list) else [document]
    except ValueError:
        return []
    return [one for one in listed if isinstance(one, dict)]


def _listed(document: object) -> list[Any]:
    """The entries under a root, with texts alone: what is empty may say so in many ways."""
    found: list[Any] = []
    for root in document.values() if isinstance(document, dict) else ():
        for name, several in root.items() if isinstance(root, dict) else ():
            if name in _ITEMS:
                found += several if isinstance(several, list) else [several]
    return [
        {name: value if isinstance(value, str) and value else None for name, value in one.items()}
        for one in found
        if isinstance(one, dict)
    ]
