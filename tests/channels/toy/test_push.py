"""The toy push channel against the conformance kit."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from gateway.message import Raw
from gateway.testing.kit import ChannelConformance


class TestPush(ChannelConformance):
    """Every rule for channels."""

    kind = "toy-push"
    settings: ClassVar = {"secret": "synthetic-secret"}
    secrets = ("secret",)
    fixtures = Path(__file__).parent / "fixtures" / "push"
    fresh_for = timedelta(minutes=5)

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """As the platform: HMAC over the time and the body."""
        at = str(int(raw.received_at.timestamp()))
        mac = hmac.new(settings["secret"].encode(), at.encode() + b"." + raw.body, hashlib.sha256).hexdigest()
        return replace(raw, headers={**raw.headers, "x-toy-time": at, "x-toy-signature": mac})
