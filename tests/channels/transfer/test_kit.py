"""The door for pushes against the conformance kit; other ways to sign are in test_signing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from gateway.message import Raw
from gateway.testing.kit import ChannelConformance
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
