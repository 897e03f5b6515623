"""The web chat against the conformance kit: its door, and its way out, which is the outbox itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from gateway.channels.webchat import WebChatSettings
from gateway.message import Raw
from gateway.testing.kit import ChannelConformance, TransportConformance
from tests.channels.webchat.at_hand import ACCOUNT, SECRET, signed


class TestWebChat(ChannelConformance):
    """What visitors' pages push."""

    kind = "webchat"
    settings: ClassVar = {"secret": SECRET}
    secrets = ("secret",)
    covers = "sender"
    fresh_for: ClassVar[timedelta] = WebChatSettings().keep
    fixtures = Path(__file__).parent / "fixtures"

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """With the visitor's token."""
        return signed(raw, settings["secret"])


class TestWayOut(TransportConformance):
    """Notices lie ready in the outbox; nothing leaves."""

    kind = "webchat"
    section = "channels"
    settings: ClassVar = {"secret": SECRET}
    secrets = ("secret",)
    sends = False
    address = ACCOUNT
