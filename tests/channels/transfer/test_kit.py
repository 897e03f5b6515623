"""The door for pushes against the conformance kit; other ways to sign are in test_signing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp import web

from gateway.channels.base import Transport
from gateway.message import OutboundMessage, Raw
from gateway.testing.kit import (
    BUSY_FOR,
    Arrived,
    ChannelConformance,
    Fault,
    Provider,
    TransportConformance,
    http_provider,
)
from tests.channels.transfer.at_hand import SECRET, hmac_of


class TestTransfer(ChannelConformance):
    """Signed pushes as they are by default."""

    kind = "transfer"
    settings: ClassVar = {"source": "12345", "secret": SECRET}
    secrets = ("secret",)
    fixtures = Path(__file__).parent / "fixtures"
    fresh_for = timedelta(minutes=5)

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """As the body signs."""
        at = str(int(raw.received_at.timestamp()))
        signed = self.proof(f"{at}\nn0nce\n".encode() + raw.body, settings)
        return replace(raw, headers={**raw.headers, "x-timestamp": at, "x-nonce": "n0nce", "x-signature": signed})

    def proof(self, said: bytes, settings: Mapping[str, Any]) -> str:
        """The digest of what is said."""
        return hmac_of(settings.get("signature", "hmac-sha256"), settings["secret"], said).hex()


class TestTransferBySm3(TestTransfer):
    """The same with the national digest."""

    settings: ClassVar = {**TestTransfer.settings, "signature": "hmac-sm3"}


def read(_: web.Request, body: bytes) -> Arrived:
    """A step as the body reads it."""
    said = json.loads(body)
    return Arrived(reference=said["id"], to=(said["case_number"],), text=said["办理结果"])


class TestStepsBack(TransportConformance):
    """Steps back to the body, at its callback."""

    kind = "transfer"
    section = "channels"
    settings: ClassVar = {**TestTransfer.settings, "callback": "http://127.0.0.1:9/callback", "timeout": 0.5}
    secrets = ("secret",)
    address = "CD1"

    def provider(self) -> AbstractAsyncContextManager[Provider]:
        """The body's own interface."""
        wait = {"Retry-After": str(int(BUSY_FOR.total_seconds()))}
        answers: dict[Fault | None, Any] = {
            None: lambda _one: web.json_response({"code": 0}),
            "busy": lambda _one: web.Response(status=429, headers=wait),
            "refused": lambda _one: web.json_response({"code": "4001", "msg": "unknown case"}),
        }
        return http_provider(read, answers, lambda url: {"callback": f"{url}/callback"})

    def _notice(self, made: Transport, **words: str) -> OutboundMessage:
        one = super()._notice(made, **words)
        said = {"step": "finish", "case_number": "CD1", "办理结果": one.forms["text"]}
        return replace(one, fields=said)

    @pytest.mark.skip("transfer: steps go to the configured callback; what stands in `to` is not asked")
    def test_an_address_that_names_two_is_never_sent_to(self, address: str) -> None:
        """A case has one body."""
