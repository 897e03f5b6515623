"""The transfer channel against the conformance kit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from gateway.channels.transfer.seal import signature
from gateway.message import Raw
from gateway.testing.kit import ChannelConformance


class TestTransfer(ChannelConformance):
    """Signed pushes."""

    kind = "transfer"
    settings: ClassVar = {"source": "12345", "secret": "synthetic-secret-of-12345"}
    secrets = ("secret",)
    fixtures = Path(__file__).parent / "fixtures"
    fresh_for = timedelta(minutes=5)
    digest: ClassVar[Any] = "hmac-sha256"

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """As the body signs."""
        at = str(int(raw.received_at.timestamp()))
        signed = signature(self.digest, settings["secret"].encode(), at, "n0nce", raw.body)
        return replace(raw, headers={**raw.headers, "x-timestamp": at, "x-nonce": "n0nce", "x-signature": signed})


class TestTransferBySm3(TestTransfer):
    """The same with the national digest."""

    settings: ClassVar = {**TestTransfer.settings, "signature": "hmac-sm3"}
    digest: ClassVar[Any] = "hmac-sm3"
