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
from gateway.channels.dingtalk import DingTalk
from gateway.message import Raw
from tests.channels.dingtalk.at_hand import LI, SETTINGS, signed, written
from tests.channels.slow_motion import slow_motion
from tests.channels.whole import arrived, at_rest, do, gateway, happened, journal, statements, the_ticket, until
from tests.servers.dingtalk import SECRET, DingTalkServer, dingtalk_server
from ticket_core.number import find_numbers


@pytest.fixture
async def server() -> AsyncIterator[DingTalkServer]:
    async with dingtalk_server(sessions={"S1"}) as one:
        yield one


def table(server: DingTalkServer, **settings: Any) -> dict[str, Any]:
    return {"kind": "dingtalk", **SETTINGS, "api_url": server.url, "timeout": 5.0, **settings}


def prepare(channel: Any) -> None:
    if isinstance(channel, DingTalk):
        slow_motion(channel.pace)


def said(server: DingTalkServer, number: int, content: Any, **more: Any) -> dict[str, Any]:
    """Somebody writes now; the session lasts for an hour and a half."""
    now = int(datetime.now(UTC).timestamp() * 1000)
    session = f"{server.url}/robot/sendBySession?session=S1"
    times = {"createAt": now, "sessionWebhookExpiredTime": now + 5_400_000, "sessionWebhook": session}
    return written(str(number), content, **{**times, **more})


async def push(parts: Parts, message: dict[str, Any], *, secret: str = SECRET) -> int:
    """The platform pushes a message."""
    raw = Raw(channel="dingtalk", body=json.dumps(message).encode(), received_at=datetime.now(UTC))
    headers = {**signed(raw, {"app_secret": secret}).headers, "content-type": "application/json; charset=utf-8"}
    async with (
        ClientSession(parts.settings.http.public_url) as session,
        session.post("/channels/dingtalk", data=raw.body, headers=headers) as response,
    ):
        return response.status


def text(sent: dict[str, Any]) -> str:
    found: str = json.loads(sent["msgParam"])["content"] if "msgParam" in sent else sent["text"]["content"]
    return found


async def test_a_pushed_complaint_is_acknowledged_where_the_push_says(server: DingTalkServer, tmp_path: Path) -> None:
    async with gateway(tmp_path, {"dingtalk": table(server)}, prepare) as parts:
        message = said(server, 1, "宽带断了三天,没有人处理。")
        assert await push(parts, message, secret="guessed-secret") == 401
        assert await journal(parts) == []
        for _ in range(3):  # pushed again, because an answer was lost
            assert await push(parts, message) == 200
        (sent,) = await arrived(server.sent, 1)
        ticket = await the_ticket(parts)
        assert (ticket.channel, ticket.complainant.chats) == ("dingtalk", (f"dingtalk:{LI}",))
        assert sent["session"] == "S1"
        assert find_numbers(text(sent)) == (ticket.id,)


async def test_a_guided_complaint_with_files_in_any_order(server: DingTalkServer, tmp_path: Path) -> None:
    server.files = {f"D{n}": ("image/jpeg", b"\xff\xd8 %d" % n) for n in (4, 5)}
    async with gateway(tmp_path, {"dingtalk": table(server)}, prepare) as parts:
        for number, words in ((1, "/new"), (2, "/kind repair"), (3, "路灯坏了三天")):
            await push(parts, said(server, number, words))
            await arrived(server.sent, number)
        pictures = [said(server, n, {"downloadCode": f"D{n}"}, kind="picture") for n in (4, 5)] * 2
        random.Random(7).shuffle(pictures)
        assert set(await asyncio.gather(*(push(parts, one) for one in pictures))) == {200}
        for number, words in ((6, "跳过"), (7, "完成"), (8, "确认")):
            await push(parts, said(server, number, words))

        async def received() -> Any:
            ticket = await the_ticket(parts)
            return ticket if ticket.stage == "received" else None

        assert (await until(received)).kind == "repair"

        async def fetched() -> bool:
            sizes = sorted(one.size for said in await statements(parts) for one in said.attachments)
            return sizes == [4, 4]

        await until(fetched)


async def test_the_answer_of_an_agent_arrives_after_the_session_and_is_rated(
    server: DingTalkServer, tmp_path: Path
) -> None:
    async with gateway(tmp_path, {"dingtalk": table(server)}, prepare) as parts:
        await push(parts, said(server, 1, "宽带断了三天,没有人处理。"))
        await arrived(server.sent, 1)
        server.sessions.clear()
        await do(parts, await the_ticket(parts), "answer", role="supervisor", text="线路已修复,费用已减免。")
        answer = (await arrived(server.sent, 2))[-1]
        assert answer["userIds"] == [LI]
        assert "线路已修复,费用已减免。" in text(answer)
        await at_rest(parts)
        await push(parts, said(server, 2, "5"))
        await happened(parts, "rated")


async def test_who_is_outside_the_robots_scope_is_told_by_another_way(server: DingTalkServer, tmp_path: Path) -> None:
    async with gateway(tmp_path, {"dingtalk": table(server)}, prepare) as parts:
        for number, words in enumerate(("/new", "宽带断了三天,没有人处理。", "13800001234", "/skip", "/confirm"), 1):
            await push(parts, said(server, number, words))
            await arrived(server.sent, number)
        server.sessions.clear()
        server.strangers = {LI}
        await do(parts, await the_ticket(parts), "withdraw", role="complainant", reason="已解决")
        told = (await happened(parts, "fell_back")).data
        assert (told["notice"], told["from"], told["to"]) == ("withdrawn", "dingtalk", "sms")


async def test_over_a_connection_that_drops_and_comes_back(server: DingTalkServer, tmp_path: Path) -> None:
    async with gateway(tmp_path, {"dingtalk": table(server, mode="stream")}, prepare) as parts:
        first = server.frame(json.dumps(said(server, 1, "宽带断了三天,没有人处理。"), ensure_ascii=False))
        assert await server.push(first) is not None
        await arrived(server.sent, 1)

        async def well() -> bool:
            return parts.health["dingtalk"].ok

        await until(well)
        assert await push(parts, said(server, 2, "断网")) == 404
        server.closed = True
        for socket in list(server.open):
            await socket.close()

        async def ill() -> bool:
            return "stream" in parts.health["dingtalk"].why

        await until(ill)
        server.closed = False
        assert await server.push(first) is not None  # it says again what it is not sure of
        again = server.frame(json.dumps(said(server, 2, "地址是锦江区某路 1 号"), ensure_ascii=False))
        assert await server.push(again) is not None
        await until(well)
        assert [line.outcome for line in await journal(parts)] == ["appended", "opened"]
        assert SECRET not in parts.health["dingtalk"].why
