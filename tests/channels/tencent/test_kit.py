"""Every kind of the family against the conformance kit: doors, asking, ways out."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gateway.channels.base import Channel, Transport
from gateway.channels.tencent import WeComApp, WeComService
from gateway.channels.tencent.seal import signature
from gateway.message import OutboundMessage, Raw
from gateway.testing.adapter import with_other_secrets
from gateway.testing.forgery import Forgery
from gateway.testing.kit import (
    ChannelConformance,
    Deliver,
    House,
    Provider,
    TransportConformance,
    http_side,
    running_channel,
)
from gateway.testing.steps import play
from tests.channels.slow_motion import slow_motion
from tests.channels.tencent.at_hand import SETTINGS, as_json, as_xml, pushed
from tests.servers.wecom import wecom_server

FIXTURES = Path(__file__).parent / "fixtures"


class _Door(ChannelConformance):
    """What all doors share; the application's own secret opens the interface and signs nothing."""

    secrets = ("secret", "token", "aes_key")
    signing: ClassVar[Sequence[str]] = ("token", "aes_key")
    fresh_for = timedelta(minutes=5)

    def _forged(self, forgery: Forgery) -> Sequence[Raw]:
        if forgery == "another secret":
            bare = self._first().raw("forged", self.received_at)
            return [self.sign(bare, one) for one in with_other_secrets(self.settings, self.signing)]
        return super()._forged(forgery)


class TestApp(_Door):
    kind = "wecom-app"
    settings: ClassVar = SETTINGS["wecom-app"]
    fixtures = FIXTURES / "app"

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """As WeCom pushes to an application."""
        return as_xml(raw, settings)


class TestBot(_Door):
    kind = "wecom-bot"
    settings: ClassVar = SETTINGS["wecom-bot"]
    secrets = ("token", "aes_key")
    fixtures = FIXTURES / "bot"

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """As WeCom pushes to a bot."""
        return as_json(raw, settings)


class TestWeChatSafe(_Door):
    """Compatible mode is the same with the plain form beside the encrypted one."""

    kind = "wechat"
    settings: ClassVar = SETTINGS["wechat"]
    fixtures = FIXTURES / "wechat"

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """As WeChat pushes in safe mode."""
        made = as_xml(raw, settings)
        own = signature(settings["token"], made.query["timestamp"], made.query["nonce"])
        return replace(made, query={**made.query, "signature": own, "encrypt_type": "aes"})


class TestWeChatPlain(_Door):
    kind = "wechat"
    settings: ClassVar = {name: value for name, value in SETTINGS["wechat"].items() if name != "aes_key"}
    secrets = ("secret", "token")
    signing = ("token",)
    covers = "sender"
    fixtures = FIXTURES / "plain"

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """As WeChat pushes in plain mode: it signs time and nonce only."""
        made = pushed(raw, raw.body, "", settings["token"])
        query = {name: value for name, value in made.query.items() if name != "msg_signature"}
        return replace(made, query={**query, "signature": made.query["msg_signature"]})


class TestService(_Door):
    """Messages that we ask for, and the pushes that say so."""

    kind = "wecom-kf"
    settings: ClassVar = SETTINGS["wecom-kf"]
    fixtures = FIXTURES / "service"

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """Pushes are signed; what we ask for is not. A push is what begins as XML does."""
        return as_xml(raw, settings) if raw.body.lstrip()[:1] == b"<" else raw

    def _forged(self, forgery: Forgery) -> Sequence[Raw]:
        push = (FIXTURES / "service" / "k_push.xml").read_bytes()
        first = replace(self._first(), body=push, media_type="text/xml")
        bare = first.raw("forged", self.received_at)
        if forgery == "nothing signed":
            return [bare, self._first().raw("forged", self.received_at)]  # nobody pushes messages
        genuine = self.sign(bare, self.settings)
        match forgery:
            case "another secret":
                return [self.sign(bare, one) for one in with_other_secrets(self.settings, self.signing)]
            case "another body":
                return [replace(genuine, body=genuine.body.replace(b"</Encrypt>", b"AAAA</Encrypt>"))]
            case "too old":
                return [replace(genuine, received_at=genuine.received_at + age) for age in (-LONG, LONG)]
        return [replace(genuine, query={**genuine.query, name: "é"}) for name in genuine.query]

    @pytest.mark.parametrize("forgery", ["nothing signed", "another secret", "another body", "too old", "bad values"])
    def test_a_forged_input_is_refused_and_not_kept(self, forgery: Forgery, tmp_path: Path) -> None:
        """Only pushes come to the door."""
        channel = self.channel("forged")
        assert isinstance(channel, WeComService)
        raws = self._forged(forgery)
        assert raws

        async def scene(house: House) -> None:
            async with http_side(house, channel, lambda raw: raw) as deliver:
                for raw in raws:
                    assert not await deliver(raw)
            assert await house.journal() == []

        play(tmp_path, scene)

    @contextlib.asynccontextmanager
    async def other_side(self, house: House, name: str) -> AsyncIterator[Deliver]:
        """A platform whose messages we ask for: it was told "taken" when we asked for what comes after."""
        async with wecom_server() as server:
            channel = self.channel(name, api_url=server.url)

            async def deliver(raw: Raw) -> bool:
                message = json.loads(raw.body)
                if message not in server.messages:
                    server.messages.append(message)
                asks = len(server.asked)
                behind = str(len(server.messages))
                async with asyncio.timeout(30):
                    while True:
                        channel._woken.set()  # type: ignore[attr-defined]
                        if any(ask.get("cursor") == behind for ask in server.asked[asks:]):
                            return True
                        if len(server.asked) > asks + 1:  # it had it, and asked for it again
                            await asyncio.sleep(0.5)
                            return any(ask.get("cursor") == behind for ask in server.asked[asks:])
                        await asyncio.sleep(0.02)

            async with running_channel(house, channel):
                yield deliver
            assert isinstance(channel, WeComService)
            await channel.close()

    def test_what_is_too_large_is_stopped_at_the_door(self, tmp_path: Path) -> None:
        """An answer of more than any thousand messages is not read on; the health says so, and nothing is taken in."""

        async def scene(house: House) -> None:
            async with wecom_server() as server:
                server.messages.append({"msgid": "m1", "text": {"content": "x" * (17 << 20)}})
                channel = self.channel("large", api_url=server.url, timeout=10.0)
                assert isinstance(channel, WeComService)
                async with running_channel(house, channel) as health, asyncio.timeout(20):
                    while "larger" not in health.why:  # noqa: ASYNC110  it tells nobody
                        await asyncio.sleep(0.02)
                await channel.close()
            assert await house.journal() == []

        play(tmp_path, scene)


LONG = timedelta(minutes=6)


class _WayOut(TransportConformance):
    """What all ways out share."""

    section = "channels"
    secrets = ("secret", "token", "aes_key")
    address = "lisi"
    tells_wait = False
    refusal: ClassVar[int] = 40003

    def provider(self) -> AbstractAsyncContextManager[Provider]:
        """The platform."""
        return wecom_server(refusal=self.refusal)


class TestAppOut(_WayOut):
    kind = "wecom-app"
    settings: ClassVar = SETTINGS["wecom-app"]
    refusal = 81013

    def build(self, name: str, **settings: Any) -> Channel | Transport:
        """An application whose turns take no time."""
        made = super().build(name, **settings)
        assert isinstance(made, WeComApp)
        slow_motion(made.pace)
        return made


class TestWeChatOut(_WayOut):
    kind = "wechat"
    settings: ClassVar = SETTINGS["wechat"]
    refusal = 45015


class TestServiceOut(_WayOut):
    kind = "wecom-kf"
    settings: ClassVar = SETTINGS["wecom-kf"]
    refusal = 95001


class TestBotOut(_WayOut):
    kind = "wecom-bot"
    settings: ClassVar = SETTINGS["wecom-bot"]
    secrets = ("token", "aes_key")
    refusal = 40058
    _codes = 0

    def build(self, name: str, **settings: Any) -> Channel | Transport:
        """Its answers go where a push says; each push says another place."""
        self._place = settings.get("api_url", "http://127.0.0.1:9")
        return super().build(name, **settings)

    def _notice(self, made: Transport, **words: str) -> OutboundMessage:
        type(self)._codes += 1
        route = f"{self._place}/cgi-bin/aibot/response?response_code=CODE-{self._codes}"
        return replace(super()._notice(made, **words), route=route)


del _Door, _WayOut  # pytest would not run them; the names would still be imported
