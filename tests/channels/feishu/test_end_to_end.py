"""A whole gateway and a cloud: from what somebody writes to what arrives in the chat, or by another way."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.app import Parts
from gateway.channels.feishu import Feishu
from gateway.message import Raw
from tests.channels.feishu.at_hand import LI, SETTINGS, event, pressed, signed, written
from tests.channels.slow_motion import slow_motion
from tests.channels.whole import arrived, at_rest, do, gateway, happened, journal, statements, the_ticket, until
from tests.servers.feishu import FeishuServer, feishu_server
from ticket_core.number import find_numbers

CHAT = "oc_5ce6d572455d361153b7xx51da133945"


@pytest.fixture
async def server() -> AsyncIterator[FeishuServer]:
    async with feishu_server() as one:
        yield one


def table(server: FeishuServer, **settings: Any) -> dict[str, Any]:
    return {"kind": "feishu", **SETTINGS, "api_url": server.url, "timeout": 5.0, **settings}


def prepare(channel: Any) -> None:
    if isinstance(channel, Feishu):
        slow_motion(channel.pace)


async def push(parts: Parts, said: dict[str, Any], *, name: str = "feishu", **settings: Any) -> tuple[int, Any]:
    """The platform pushes an event."""
    raw = Raw(channel=name, body=json.dumps(said).encode(), received_at=datetime.now(UTC))
    made = signed(raw, {**SETTINGS, **settings})
    async with ClientSession(parts.settings.http.public_url) as session:
        headers = {**made.headers, "content-type": "application/json; charset=utf-8"}
        async with session.post(f"/channels/{name}", data=made.body, headers=headers) as response:
            return response.status, await response.json()


def texts(sent: list[dict[str, Any]]) -> list[str]:
    return [json.loads(one["content"])["text"] for one in sent]


async def test_a_pushed_complaint_is_acknowledged_in_its_chat(server: FeishuServer, tmp_path: Path) -> None:
    async with gateway(tmp_path, {"feishu": table(server)}, prepare) as parts:
        check = {"challenge": "ajls384kdjx98XX", "token": SETTINGS["verification_token"], "type": "url_verification"}
        assert await push(parts, check) == (200, {"challenge": "ajls384kdjx98XX"})
        said = written("1", "宽带断了三天,没有人处理。")
        assert (await push(parts, said, encrypt_key="guessed"))[0] == 401
        assert (await push(parts, said, verification_token="guessed-token"))[0] == 401
        assert await journal(parts) == []
        for _ in range(3):  # pushed again, because an answer was lost
            assert await push(parts, said) == (200, {})
        (sent,) = await arrived(server.sent, 1)
        ticket = await the_ticket(parts)
        assert (ticket.channel, ticket.complainant.chats) == ("feishu", (f"feishu:{LI}",))
        assert sent["to"] == LI
        assert find_numbers(texts([sent])[0]) == (ticket.id,)
        # It is read: then it has arrived.
        reader = {"reader_id": {"open_id": LI}, "read_time": "1772415061500"}
        await push(parts, event("im.message.message_read_v1", "r1", reader=reader, message_id_list=["om_sent1"]))
        assert [line.outcome for line in await journal(parts)] == ["receipt", "opened"]


async def test_a_guided_complaint_with_files_in_any_order_and_one_taken_back(
    server: FeishuServer, tmp_path: Path
) -> None:
    server.files = {f"om_{n}/img_{n}": ("image/png", b"\x89PNG %d" % n) for n in (4, 5)}
    async with gateway(tmp_path, {"feishu": table(server)}, prepare) as parts:
        for number, words in ((1, "/new"), (2, "/kind repair"), (3, "路灯坏了三天")):
            await push(parts, written(str(number), words))
            await arrived(server.sent, number)
        pictures = [written(str(n), {"image_key": f"img_{n}"}, kind="image") for n in (4, 5)] * 2
        random.Random(7).shuffle(pictures)
        assert all(status == 200 for status, _ in await asyncio.gather(*(push(parts, one) for one in pictures)))
        for number, words in ((6, "跳过"), (7, "完成"), (8, "确认")):
            await push(parts, written(str(number), words))

        async def received() -> Any:
            ticket = await the_ticket(parts)
            return ticket if ticket.stage == "received" else None

        ticket = await until(received)
        assert ticket.kind == "repair"

        async def fetched() -> bool:
            sizes = sorted(one.size for said in await statements(parts) for one in said.attachments)
            return sizes == [6, 6]

        await until(fetched)
        gone = {"message_id": "om_3", "chat_id": CHAT, "recall_time": "1772415061", "recall_type": "message_owner"}
        await push(parts, event("im.message.recalled_v1", "9", **gone))
        assert (await happened(parts, "retracted")).data["statement"] == 1


async def test_the_answer_of_an_agent_arrives_in_the_chat_and_is_rated_by_a_button(
    server: FeishuServer, tmp_path: Path
) -> None:
    async with gateway(tmp_path, {"feishu": table(server, choices="buttons")}, prepare) as parts:
        await push(parts, written("1", "宽带断了三天,没有人处理。"))
        await arrived(server.sent, 2)
        await do(parts, await the_ticket(parts), "answer", role="supervisor", text="线路已修复,费用已减免。")
        answer, card = (await arrived(server.sent, 4))[2:]
        assert "线路已修复,费用已减免。" in texts([answer])[0]
        assert "/rate" not in texts([answer])[0]
        await at_rest(parts)
        (row,) = json.loads(card["content"])["elements"]
        for button in reversed(row["actions"]):  # of a stranger's press nothing comes
            await push(parts, pressed(f"s{button['text']['content']}", button["value"], "ou_stranger"))
        assert await push(parts, pressed("c1", row["actions"][0]["value"])) == (200, {})
        assert (await happened(parts, "rated")).data["score"] == 5


async def test_whom_the_bot_is_not_available_to_is_told_by_another_way(server: FeishuServer, tmp_path: Path) -> None:
    async with gateway(tmp_path, {"feishu": table(server)}, prepare) as parts:
        for number, words in enumerate(("/new", "宽带断了三天,没有人处理。", "13800001234", "/skip", "/confirm"), 1):
            await push(parts, written(str(number), words))
            await arrived(server.sent, number)
        server.strangers = {LI}
        await do(parts, await the_ticket(parts), "withdraw", role="complainant", reason="已解决")
        told = (await happened(parts, "fell_back")).data
        assert (told["notice"], told["from"], told["to"]) == ("withdrawn", "feishu", "sms")


async def test_two_bots_and_a_wrong_secret_that_holds_up_nobody(server: FeishuServer, tmp_path: Path) -> None:
    async with feishu_server(secret="another") as second:
        tables = {"well": table(server), "wrong": table(second)}
        async with gateway(tmp_path, tables, prepare) as parts:
            await push(parts, written("1", "宽带断了三天,没有人处理。"), name="wrong")
            await push(parts, written("1", "电费多收了两百元,请核实。"), name="well")
            await arrived(server.sent, 1)

            async def told() -> bool:
                return "credentials" in parts.health["wrong"].why

            await until(told)
            assert parts.health["well"].ok
            assert len({line.ticket_id for line in await journal(parts)}) == 2
