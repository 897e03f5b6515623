"""The bot against the conformance kit: its door, its asking, and its way out."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gateway.channels.base import Channel, Transport
from gateway.channels.telegram import Telegram
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
from tests.channels.telegram.at_hand import FastPace
from tests.servers.telegram import TOKEN, telegram_server

HEADER = "x-telegram-bot-api-secret-token"


class _Bot(ChannelConformance):
    """What both modes share."""

    kind = "telegram"
    secrets = ("token",)
    covers = "sender"
    fixtures = Path(__file__).parent / "fixtures"


class TestWebhook(_Bot):
    """Updates that Telegram pushes."""

    settings: ClassVar = {
        "token": TOKEN,
        "mode": "webhook",
        "public_url": "https://tousu.example.com",
        "api_url": "http://127.0.0.1:9",
    }

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """With the secret that was told Telegram together with the address."""
        bot = self.channel(raw.channel, token=TOKEN)
        own = replace(bot.settings, token=settings["token"])
        return replace(raw, headers={**raw.headers, HEADER: own.secret_for(raw.channel)})


class TestPolling(_Bot):
    """Updates that we ask for; they are the same, so one is enough."""

    fixtures = Path(__file__).parent / "asked"
    settings: ClassVar = {"token": TOKEN, "api_url": "http://127.0.0.1:9", "long_poll": 1}

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """Nobody signs what we ask for."""
        return raw

    @contextlib.asynccontextmanager
    async def other_side(self, house: House, name: str) -> AsyncIterator[Deliver]:
        """A cloud that keeps an update until we have asked for the next one."""
        async with telegram_server() as server:
            bot = self.channel(name, api_url=server.url)

            async def deliver(raw: Raw) -> bool:
                update = json.loads(raw.body)
                asks = len(server.asked)
                if update["update_id"] not in server.unconfirmed:
                    await server.happen(update)
                async with asyncio.timeout(30):
                    while True:
                        if update["update_id"] not in server.unconfirmed:
                            return True
                        if house.crashes or len(server.asked) > asks + 1:  # it had it, and asked for it again
                            await asyncio.sleep(0.5)
                            return update["update_id"] not in server.unconfirmed
                        await asyncio.sleep(0.02)

            async with running_channel(house, bot):
                yield deliver
            assert isinstance(bot, Telegram)
            await bot.close()

    def test_what_is_too_large_is_stopped_at_the_door(self, tmp_path: Path) -> None:
        """An answer of more than any fifty updates is not read on; the health says so, and nothing is taken in."""

        async def scene(house: House) -> None:
            async with telegram_server() as server:
                await server.happen({"update_id": 1, "message": {"text": "x" * (17 << 20)}})
                bot = self.channel("large", api_url=server.url)
                assert isinstance(bot, Telegram)
                async with running_channel(house, bot) as health, asyncio.timeout(20):
                    while not health.failures:  # noqa: ASYNC110  it tells nobody
                        await asyncio.sleep(0.02)
                    assert "too long" in health.reason
                assert server.unconfirmed == [1]
                await bot.close()
            assert await house.journal() == []

        play(tmp_path, scene)

    @pytest.mark.parametrize("forgery", ["whatever is pushed"])
    def test_a_forged_input_is_refused_and_not_kept(self, forgery: str, tmp_path: Path) -> None:
        """A bot that is polled has no door."""
        bot = self.channel("polled")
        assert isinstance(bot, Telegram)
        signed = replace(self.signed(self._first(), "polled"), headers={HEADER: bot.settings.secret_for("polled")})
        with pytest.raises(Refused) as refused:
            bot.verify(signed)
        assert refused.value.status == 404


class TestWayOut(TransportConformance):
    """Notices to private chats."""

    kind = "telegram"
    section = "channels"
    secrets = ("token",)
    address = "700000001"
    settings: ClassVar = {"token": TOKEN, "api_url": "http://127.0.0.1:9", "timeout": 0.5}

    def build(self, name: str, **settings: Any) -> Channel | Transport:
        """A bot whose turns take no time."""
        bot = super().build(name, **settings)
        assert isinstance(bot, Telegram)
        bot.pace = FastPace()
        return bot

    def provider(self) -> AbstractAsyncContextManager[Provider]:
        """A Bot API server."""
        return telegram_server()
