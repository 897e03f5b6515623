"""Toy post: a provider of short messages that takes JSON over HTTP."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from aiohttp import ClientError, ClientSession, ClientTimeout
from pydantic import ConfigDict

from gateway.channels.base import PermanentDelivery, TransientDelivery, Transport
from gateway.message import DeliveryReceipt, OutboundMessage

_PHONE = re.compile(r"\+[0-9]{6,15}")
_LATER = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class PostSettings:
    """``[transports.NAME]`` with ``kind = "toy-post"``; `timeout` in seconds."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    url: str
    key: str = field(repr=False)
    timeout: float = 20.0


class Post(Transport):
    """Notices as short messages; what authors get wrong has a name of its own, so that it can be got wrong."""

    Settings: ClassVar[type[Any]] = PostSettings
    medium = "sms"
    forms = ("short",)
    redirects: ClassVar[bool] = False
    session: ClientSession | None = None

    async def open(self) -> None:
        """Connections are made when there is something to send."""
        self.session = ClientSession(timeout=self.patience())

    async def close(self) -> None:
        """Close them."""
        if self.session is not None:
            await self.session.close()

    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """One request."""
        self.check(message.to)
        try:
            status, wait = await self.post(self.said(message))
        except (ClientError, OSError) as error:
            raise TransientDelivery(type(error).__name__) from error
        if status in _LATER:
            raise TransientDelivery(str(status), retry_after=timedelta(seconds=int(wait)) if wait.isdigit() else None)
        if status != 200:
            raise PermanentDelivery("refused", status=str(status))
        return DeliveryReceipt(status="accepted", at=datetime.now(UTC), reference=message.reference)

    def patience(self) -> ClientTimeout:
        """For the whole of it."""
        return ClientTimeout(total=self.settings.timeout)

    def check(self, address: str) -> None:
        """One number and nothing else."""
        if not _PHONE.fullmatch(address):
            raise PermanentDelivery("no phone number")

    def said(self, message: OutboundMessage) -> dict[str, str]:
        """As the provider wants it."""
        return {"to": message.to, "text": message.forms["short"], "id": message.reference}

    async def post(self, said: dict[str, str]) -> tuple[int, str]:
        """The status of the answer, and how long to wait; a kilobyte of it is enough."""
        assert self.session is not None
        headers = {"authorization": f"Bearer {self.settings.key}"}
        async with self.session.post(
            self.settings.url, json=said, headers=headers, allow_redirects=self.redirects
        ) as response:
            await response.content.readexactly(min(1024, response.content_length or 0))
            if not response.content.at_eof():
                response.close()
            if response.content_length and response.content_length > 1024:
                raise TransientDelivery("a long answer")
            return response.status, response.headers.get("retry-after", "")
