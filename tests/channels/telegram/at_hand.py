"""A bot at a cloud of ours, a time that passes when somebody waits, and updates to make things happen."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from gateway.channels.telegram import Telegram, TelegramSettings
from gateway.channels.telegram.pace import Pace
from gateway.message import OutboundMessage
from tests.channels.memory import MemoryAtHand
from tests.servers.telegram import TOKEN, TelegramServer

SENT_AT = 1_772_415_000  # 2026-03-02 01:30 UTC


class FastPace(Pace):
    """Turns in a time that passes while somebody waits for it; `slept` are the waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        super().__init__(lambda: self.now, self._pass)

    async def _pass(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def bot_at(server: TelegramServer, name: str = "bot", **settings: Any) -> AsyncIterator[Telegram]:
    """A bot of this cloud, open until the end of the block."""
    own: dict[str, Any] = {"token": TOKEN, "api_url": server.url, "timeout": 1.0, "long_poll": 1, **settings}
    bot = Telegram(name, TelegramSettings(**own))
    bot.memory = MemoryAtHand()
    bot.pace = FastPace()
    await bot.open()
    try:
        yield bot
    finally:
        await bot.close()


def notice(
    text: str = "已受理。", to: str = "700000001", *, choices: str = "", reference: str = "n17"
) -> OutboundMessage:
    """A notice to somebody's chat."""
    return OutboundMessage(reference=reference, to=to, forms={"text": text, "choices": choices})


def written(update_id: int, text: str, *, account: int = 700000001, number: int | None = None) -> dict[str, Any]:
    """Somebody writes to the bot."""
    who = {"id": account, "is_bot": False, "first_name": "李四"}
    return {
        "update_id": update_id,
        "message": {
            "message_id": update_id if number is None else number,
            "date": SENT_AT,
            "from": who,
            "chat": {"id": account, "type": "private", "first_name": "李四"},
            "text": text,
        },
    }


def pressed(update_id: int, says: str, *, press: str, account: int = 700000001) -> dict[str, Any]:
    """Somebody presses a button."""
    message = written(0, "请选择", account=account, number=5)["message"]
    return {
        "update_id": update_id,
        "callback_query": {
            "id": press,
            "from": message["from"],
            "message": message,
            "chat_instance": "1",
            "data": says,
        },
    }
