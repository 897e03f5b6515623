"""A whole gateway and a cloud: from what somebody writes to what arrives in the chat, or by another way."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.app import Parts
from gateway.channels.telegram import Telegram
from tests.channels import whole
from tests.channels.telegram.at_hand import FastPace, pressed, written
from tests.channels.whole import do, journal, the_ticket, until
from tests.servers.telegram import TOKEN, TelegramServer, telegram_server
from ticket_core.number import find_numbers
from ticket_core.store.tickets import load_complaints, load_events

OTHER_TOKEN = "110201544:BBHdqTcvCH1vGWJxfSeofSAs0K5PALDsawx"


@contextlib.asynccontextmanager
async def gateway(folder: Path, **bots: dict[str, Any]) -> AsyncIterator[Parts]:
    """A gateway with these bots, whose turns take no time."""

    def prepare(channel: Any) -> None:
        if isinstance(channel, Telegram):
            channel.pace = FastPace()

    tables = {name: {"kind": "telegram", **table} for name, table in bots.items()}
    async with whole.gateway(folder, tables, prepare) as parts:
        yield parts


async def webhook_of(server: TelegramServer) -> None:
    """The gateway has said where it is to be pushed to."""

    async def told() -> bool:
        return bool(server.webhook)

    await until(told)


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with telegram_server() as one:
        yield one


async def test_a_pushed_complaint_is_acknowledged_in_its_chat(server: TelegramServer, tmp_path: Path) -> None:
    async with gateway(tmp_path, bot={"token": TOKEN, "mode": "webhook", "api_url": server.url}) as parts:
        await webhook_of(server)
        assert (await server.push(written(1, "宽带断了三天,没有人处理。"), secret="guessed"))[0] == 401
        assert await journal(parts) == []
        for _ in range(3):  # pushed again, because an answer was lost
            assert (await server.push(written(1, "宽带断了三天,没有人处理。")))[0] == 200
        (sent,) = await server.until_sent(1)
        assert sent["chat_id"] == "700000001"
        ticket = await the_ticket(parts)
        assert ticket.channel == "bot"
        assert ticket.complainant.chats == ("bot:700000001",)
        assert find_numbers(sent["text"]) == (ticket.id,)


async def test_a_guided_complaint_with_an_album_an_edit_and_buttons(server: TelegramServer, tmp_path: Path) -> None:
    server.files = {f"F{n}": (f"photos/file_{n}.jpg", b"\xff\xd8photo %d" % n) for n in (1, 2)}

    def photo(update_id: int) -> dict[str, Any]:
        update = written(update_id, "")
        del update["message"]["text"]
        picture = {"file_id": f"F{update_id - 3}", "file_unique_id": "u", "width": 90, "height": 90}
        update["message"] |= {"photo": [picture], "media_group_id": "7"}
        return update

    edit = {
        "update_id": 6,
        "edited_message": written(6, "路灯坏了四天", number=3)["message"] | {"edit_date": 1772415060},
    }
    async with gateway(tmp_path, bot={"token": TOKEN, "mode": "webhook", "api_url": server.url}) as parts:
        await webhook_of(server)
        await server.push_until_taken(written(1, "/new"))
        (asked,) = await server.until_sent(1)
        assert "/kind" in asked["reply_markup"]
        status, call = await server.push(pressed(2, "/kind repair", press="77"))
        assert (status, call["method"], server.pressed) == (200, "answerCallbackQuery", ["77"])
        await server.until_sent(2)
        await server.push_until_taken(written(3, "路灯坏了三天"))
        await server.until_sent(3)
        album = [photo(4), photo(5)]
        random.Random(7).shuffle(album)
        await asyncio.gather(*(server.push_until_taken(one) for one in album), server.push_until_taken(edit))
        await server.push_until_taken(written(7, "跳过"))
        await server.push_until_taken(written(8, "完成"))
        await server.push_until_taken(pressed(9, "/confirm", press="78"))

        async def received() -> Any:
            ticket = await the_ticket(parts)
            return ticket if ticket.stage == "received" else None

        ticket = await until(received)
        assert ticket.kind == "repair"
        said = await parts.store.read(partial(load_complaints, ticket_id=ticket.id))
        assert "路灯坏了四天" in [one.text for one in said]
        assert server.pressed == ["77", "78"]

        async def fetched() -> bool:
            said = await parts.store.read(partial(load_complaints, ticket_id=ticket.id))
            sizes = sorted(one.size for complaint in said for one in complaint.attachments)
            return sizes == sorted(len(content) for _, content in server.files.values())

        await until(fetched)


async def test_the_answer_of_an_agent_arrives_in_the_chat_and_is_rated_by_its_buttons(
    server: TelegramServer, tmp_path: Path
) -> None:
    async with gateway(tmp_path, bot={"token": TOKEN, "api_url": server.url, "long_poll": 1}) as parts:
        await server.happen(written(1, "宽带断了三天,没有人处理。"))
        await server.until_sent(1)
        ticket = await the_ticket(parts)
        await do(parts, ticket, "answer", role="supervisor", text="线路已修复,费用已减免。")
        answer = (await server.until_sent(2))[-1]
        assert "线路已修复,费用已减免。" in answer["text"]
        keys = [key for row in json.loads(answer["reply_markup"])["inline_keyboard"] for key in row]
        five = next(key["callback_data"] for key in keys if key["callback_data"].endswith(" 5"))
        await server.happen(pressed(2, five, press="79"))

        async def rated() -> bool:
            events = await parts.store.read(partial(load_events, ticket_id=ticket.id))
            return "rated" in [one.kind for one in events] and server.pressed == ["79"]

        await until(rated)


async def test_whoever_blocks_the_bot_is_told_by_another_way(server: TelegramServer, tmp_path: Path) -> None:
    async with gateway(tmp_path, bot={"token": TOKEN, "api_url": server.url, "long_poll": 1}) as parts:
        words = ("/new", "宽带断了三天,没有人处理。", "13800001234", "/skip", "/confirm")
        await server.happen(*(written(number, said) for number, said in enumerate(words, 1)))
        await server.until_sent(len(words))
        server.blocked = {"700000001"}
        ticket = await the_ticket(parts)
        await do(parts, ticket, "withdraw", role="complainant", reason="已解决")  # on the tracking page

        async def fell_back() -> Any:
            events = await parts.store.read(partial(load_events, ticket_id=ticket.id))
            return next((one for one in events if one.kind == "fell_back"), None)

        event = await until(fell_back)
        told = {name: event.data[name] for name in ("notice", "from", "to")}
        assert told == {"notice": "withdrawn", "from": "bot", "to": "sms"}


async def test_two_bots_and_one_person_are_kept_apart(server: TelegramServer, tmp_path: Path) -> None:
    async with telegram_server(OTHER_TOKEN) as second:
        bots = {
            "first": {"token": TOKEN, "api_url": server.url, "long_poll": 1},
            "second": {"token": OTHER_TOKEN, "api_url": second.url, "long_poll": 1},
        }
        async with gateway(tmp_path, **bots) as parts:
            await server.happen(written(1, "宽带断了三天,没有人处理。"))
            await server.until_sent(1)
            await second.happen(written(1, "电费多收了两百元,请核实。"))
            await second.until_sent(1)
            assert len(server.sent) == 1
            lines = await journal(parts)
            assert {line.channel for line in lines} == {"first", "second"}
            assert len({line.ticket_id for line in lines}) == 2


async def test_a_dead_bot_is_named_and_heals_and_holds_up_nobody(server: TelegramServer, tmp_path: Path) -> None:
    server.faults = {"getUpdates": "cut off"}
    async with telegram_server(OTHER_TOKEN) as second:
        bots = {
            "dead": {"token": TOKEN, "api_url": server.url, "long_poll": 1},
            "well": {"token": OTHER_TOKEN, "api_url": second.url, "long_poll": 1},
        }
        async with gateway(tmp_path, **bots) as parts:

            async def ill() -> bool:
                return parts.health["dead"].failures > 0

            await until(ill)
            await second.happen(written(1, "宽带断了三天,没有人处理。"))
            await second.until_sent(1)
            assert parts.health["well"].ok
            assert TOKEN not in parts.health["dead"].why
            server.faults = {}
            await server.happen(written(1, "路灯坏了三天"))
            await server.until_sent(1)
            assert parts.health["dead"].ok
