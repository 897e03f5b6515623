"""The bot against the conformance kit: its door, signed and unsigned, and its way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from gateway.channels.base import Channel, Transport
from gateway.channels.feishu import Feishu
from gateway.message import Raw
from gateway.testing.adapter import with_other_secrets
from gateway.testing.forgery import Forgery
from gateway.testing.kit import ChannelConformance, Provider, TransportConformance
from tests.channels.feishu.at_hand import SETTINGS, signed
from tests.channels.slow_motion import slow_motion
from tests.servers.feishu import feishu_server

HERE = Path(__file__).parent


class _Door(ChannelConformance):
    """What both ways of proof share; the application's own secret opens the interface and signs nothing."""

    kind = "feishu"
    signing: ClassVar[Sequence[str]]

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """As Feishu pushes an event."""
        return signed(raw, settings)

    def _forged(self, forgery: Forgery) -> Sequence[Raw]:
        if forgery == "another secret":
            bare = self._first().raw("forged", self.received_at)
            return [self.sign(bare, one) for one in with_other_secrets(self.settings, self.signing)]
        return super()._forged(forgery)


class TestEncrypted(_Door):
    settings: ClassVar = SETTINGS
    secrets = ("app_secret", "verification_token", "encrypt_key")
    signing = ("verification_token", "encrypt_key")
    fresh_for = timedelta(hours=8)
    fixtures = HERE / "fixtures"


class TestPlain(_Door):
    """Without a key nothing is signed."""

    settings: ClassVar = {name: value for name, value in SETTINGS.items() if name != "encrypt_key"}
    secrets = ("app_secret", "verification_token")
    signing = ("verification_token",)
    covers = "sender"
    fixtures = HERE / "plain"

    def _forged(self, forgery: Forgery) -> Sequence[Raw]:
        if forgery == "nothing signed":
            bare = self._first().raw("forged", self.received_at)
            return [
                self._like(b'{"schema":"2.0","header":{"event_id":"1"},"event":{}}').raw("forged", bare.received_at)
            ]
        return super()._forged(forgery)

    def test_what_is_said_of_its_signature_is_true(self) -> None:
        """The proof stands in the body: whoever changes the words around it gets in."""
        channel = self.channel("forged")
        assert isinstance(channel, Feishu)
        genuine = self.signed(self._first(), "forged")
        channel.verify(replace(genuine, body=genuine.body.replace("断".encode(), "通".encode())))


class TestWayOut(TransportConformance):
    """Notices to private chats."""

    kind = "feishu"
    section = "channels"
    settings: ClassVar = SETTINGS
    secrets = ("app_secret", "verification_token", "encrypt_key")
    address = "ou_84aad35d084aa403a838cf73ee18467"

    def build(self, name: str, **settings: Any) -> Channel | Transport:
        """A bot whose turns take no time."""
        bot = super().build(name, **settings)
        assert isinstance(bot, Feishu)
        slow_motion(bot.pace)
        return bot

    def provider(self) -> AbstractAsyncContextManager[Provider]:
        """The platform."""
        return feishu_server()


del _Door  # pytest would not run it; the name would still be imported
