"""Toy post with one fault each, as authors make them."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from aiohttp import ClientError, ClientTimeout

from gateway.channels.base import PermanentDelivery, TransientDelivery
from gateway.message import DeliveryReceipt, OutboundMessage
from tests.channels.toy.post import Post


class NeverGivesUp(Post):
    """Waits as long as it takes."""

    def patience(self) -> ClientTimeout:
        """Without end."""
        return ClientTimeout(total=None)


class PatientWithEachByte(Post):
    """Limits each wait, and not their sum."""

    def patience(self) -> ClientTimeout:
        """From one byte to the next."""
        return ClientTimeout(sock_connect=self.settings.timeout, sock_read=self.settings.timeout)


class ReadsItAll(Post):
    """Takes an answer of any length."""

    async def post(self, said: dict[str, str]) -> tuple[int, str]:
        """Read to the end."""
        assert self.session is not None
        async with self.session.post(self.settings.url, json=said) as response:
            await response.read()
            return response.status, response.headers.get("retry-after", "")


class ReadsWhatIsThere(Post):
    """Takes what has arrived for all there is, and believes it only if it is whole."""

    async def post(self, said: dict[str, str]) -> tuple[int, str]:
        """One read."""
        assert self.session is not None
        async with self.session.post(self.settings.url, json=said) as response:
            body = await response.content.read(1024)
            whole = len(body) == (response.content_length or 0)
            return response.status if whole else 422, response.headers.get("retry-after", "")


class GoesWhereItIsSent(Post):
    """Follows redirects."""

    redirects: ClassVar[bool] = True


class TriesAgain(Post):
    """Retries by itself."""

    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """Twice."""
        try:
            return await super().send(message)
        except TransientDelivery:
            return await super().send(message)


class NeverAgain(Post):
    """Takes every failure for the recipient's."""

    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """Never worth another try."""
        try:
            return await super().send(message)
        except TransientDelivery as error:
            raise PermanentDelivery(error.reason) from error


class TellsItsKey(Post):
    """Puts all it knows into the reason."""

    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """With the settings."""
        try:
            return await super().send(message)
        except TransientDelivery as error:
            raise TransientDelivery(f"{error.reason} {self.settings.key}", retry_after=error.retry_after) from error


class ForgetsTheWait(Post):
    """Does not read how long to wait."""

    async def post(self, said: dict[str, str]) -> tuple[int, str]:
        """The status alone."""
        return (await super().post(said))[0], ""


class NoReference(Post):
    """Sends every try as a notice of its own."""

    def said(self, message: OutboundMessage) -> dict[str, str]:
        """With no id that anybody knows."""
        return {**super().said(message), "id": "-"}


class ManyAddresses(Post):
    """Takes what stands there for one address."""

    def check(self, address: str) -> None:
        """Nothing."""


class AtOnce(Post):
    """Sends more at a time than it says."""

    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """Beside a second of the same."""
        first, _ = await asyncio.gather(super().send(message), super().send(message))
        return first


class LeavesItOpen(Post):
    """Does not let go of its connections."""

    async def close(self) -> None:
        """Forget them."""


class LetsErrorsThrough(Post):
    """Raises what its client library raises."""

    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """As it comes."""
        try:
            return await super().send(message)
        except TransientDelivery as error:
            raise ClientError from error
