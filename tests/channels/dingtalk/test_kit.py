"""The robot against the conformance kit: its door, its connection, and its way out."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gateway.channels.base import Channel, Transport
from gateway.channels.dingtalk import DingTalk
from gateway.errors import Refused
from gateway.message import Raw
from gateway.testing.kit import (
    ChannelConformance,
    Deliver,
    House,
    Provider,
    TransportConformance,
    running_channel,
)
from gateway.testing.steps import play
from tests.channels.dingtalk.at_hand import SETTINGS, signed
from tests.channels.slow_motion import slow_motion
from tests.servers.dingtalk import dingtalk_server

HERE = Path(__file__).parent


class TestHttp(ChannelConformance):
    """Messages that DingTalk pushes."""

    kind = "dingtalk"
    settings: ClassVar = SETTINGS
    secrets = ("app_secret",)
    covers = "sender"
    fresh_for = timedelta(hours=1)
    fixtures = HERE / "fixtures"

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """As DingTalk pushes."""
        return signed(raw, settings)


class TestStream(ChannelConformance):
    """Messages over a connection; they are the same, so few are enough."""

    kind = "dingtalk"
    settings: ClassVar = {**SETTINGS, "mode": "stream"}
    secrets = ("app_secret",)
    covers = "sender"
    fixtures = HERE / "streamed"

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """Nobody signs what comes over our own connection."""
        return raw

    @contextlib.asynccontextmanager
    async def other_side(self, house: House, name: str) -> AsyncIterator[Deliver]:
        """A platform that takes a message for delivered when it was answered."""
        async with dingtalk_server() as server:
            channel = self.channel(name, api_url=server.url)

            async def deliver(raw: Raw) -> bool:
                within = 1.0 if house.crashes else 3.0
                return await server.push(server.frame(raw.body.decode()), within=within) is not None

            async with running_channel(house, channel):
                yield deliver
            assert isinstance(channel, DingTalk)
            await channel.close()

    def test_what_is_too_large_is_stopped_at_the_door(self, tmp_path: Path) -> None:
        """The connection is closed on it, and another one stands soon; nothing is taken in."""

        async def scene(house: House) -> None:
            async with self.other_side(house, "large") as deliver:
                body = self._oversized(self.channel("measure"))
                assert not await deliver(self._now(self._like(body), "large"))
                assert await house.journal() == []
                assert await deliver(self._now(self._first(), "large"))

        play(tmp_path, scene)

    @pytest.mark.parametrize("forgery", ["whatever is pushed"])
    def test_a_forged_input_is_refused_and_not_kept(self, forgery: str, tmp_path: Path) -> None:
        """A robot with a connection has no door."""
        robot = self.channel("connected")
        assert isinstance(robot, DingTalk)
        with pytest.raises(Refused) as refused:
            robot.verify(signed(self._first().raw("connected", self.received_at)))
        assert refused.value.status == 404


class TestWayOut(TransportConformance):
    """Notices to people of the organisation."""

    kind = "dingtalk"
    section = "channels"
    settings: ClassVar = SETTINGS
    secrets = ("app_secret",)
    address = "user123"

    def build(self, name: str, **settings: Any) -> Channel | Transport:
        """A robot whose turns take no time."""
        robot = super().build(name, **settings)
        assert isinstance(robot, DingTalk)
        slow_motion(robot.pace)
        return robot

    def provider(self) -> AbstractAsyncContextManager[Provider]:
        """The platform."""
        return dingtalk_server()
