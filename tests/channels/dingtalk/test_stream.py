"""The connection of a robot: drops, goodbyes, a store that is full, and a platform that does not send twice."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.channels.dingtalk import DingTalk
from gateway.message import InboundMessage, Raw
from tests.channels.dingtalk.at_hand import robot_at, written
from tests.servers.dingtalk import APP_KEY, SECRET, DingTalkServer, dingtalk_server


class Reader:
    """Reads what a robot hears, as the base does; `texts` were committed, while `full` nothing is."""

    def __init__(self, robot: DingTalk) -> None:
        self.robot = robot
        self.texts: list[str] = []
        self.signs = 0
        self.full = False
        self.slept: list[float] = []
        self._news = asyncio.Event()
        robot.stream.sleep = self._sleep

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0.01)

    async def run(self) -> None:
        """Until cancelled; a message that was not committed ends the asking, and it begins anew."""
        while True:
            async for raw, done in self.robot.poll():
                if self.full:
                    await asyncio.sleep(0.01)
                    break
                self._keep(raw)
                await done()
                self._news.set()

    def _keep(self, raw: Raw) -> None:
        said = self.robot.parse(raw)
        self.signs += not said
        self.texts += [one.text or str(one.automatic) for one in said if isinstance(one, InboundMessage)]

    async def until(self, found: Any) -> None:
        """As soon as it is so."""
        async with asyncio.timeout(10):
            while not found():  # noqa: ASYNC110  nobody tells it all
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def reading(server: DingTalkServer, **settings: Any) -> AsyncIterator[Reader]:
    async with robot_at(server, mode="stream", **settings) as robot:
        reader = Reader(robot)
        task = asyncio.create_task(reader.run())
        try:
            yield reader
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def said(server: DingTalkServer, number: str, text: str) -> dict[str, Any]:
    return server.frame(json.dumps(written(number, text), ensure_ascii=False))


async def test_a_message_is_answered_after_its_commit_with_its_own_number() -> None:
    async with dingtalk_server() as server, reading(server) as reader:
        frame = said(server, "1", "断网")
        ack = await server.push(frame)
        assert reader.texts == ["断网"]
        assert ack == {
            "code": 200,
            "headers": {"messageId": frame["headers"]["messageId"], "contentType": "application/json"},
            "message": "OK",
            "data": '{"response":null}',
        }
        assert server.opened[0]["subscriptions"] == [{"type": "CALLBACK", "topic": "/v1.0/im/bot/messages/get"}]
        assert reader.signs >= 1


async def test_a_ping_is_answered_with_its_own_words_and_is_a_sign_of_life() -> None:
    async with dingtalk_server() as server, reading(server) as reader:
        frame = server.frame('{"opaque":"123-dsfs"}', kind="SYSTEM", topic="ping")
        before = reader.signs
        ack = await server.push(frame)
        assert ack is not None
        assert json.loads(ack["data"]) == {"opaque": "123-dsfs"}
        await reader.until(lambda: reader.signs > before)
        assert reader.texts == []


async def test_while_the_store_is_full_what_came_is_held_and_the_connection_stays() -> None:
    async with dingtalk_server() as server, reading(server) as reader:
        await server.push(said(server, "1", "一"))
        reader.full = True
        assert await server.push(said(server, "2", "二"), within=0.3) is None
        assert await server.push(said(server, "3", "三"), within=0.1) is None
        ping = await server.push(server.frame('{"opaque":"x"}', kind="SYSTEM", topic="ping"))
        assert ping is not None
        reader.full = False
        await reader.until(lambda: reader.texts == ["一", "二", "三"])
        await reader.until(lambda: len(server.acks) == 4)
        assert len(server.opened) == 1


async def test_what_the_platform_asks_to_end_is_followed_by_a_new_connection_before_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.channels.dingtalk.stream._FIRST_PAUSE", 0.0)  # any connection has lasted
    async with dingtalk_server() as server, reading(server) as reader:
        await server.push(said(server, "1", "一"))
        old = server.open[0]
        await server.push(
            server.frame('{"reason":"connection is expired"}', kind="SYSTEM", topic="disconnect"), within=0
        )
        await reader.until(lambda: len(server.opened) == 2 and server.open and server.open[-1] is not old)
        await server.push(said(server, "2", "二"))
        assert reader.texts == ["一", "二"]
        assert reader.slept == []


async def test_a_dropped_connection_is_told_and_made_again_after_a_pause() -> None:
    async with dingtalk_server() as server, reading(server) as reader:
        await server.push(said(server, "1", "一"))
        server.closed = True
        for socket in list(server.open):
            assert socket._req is not None
            assert socket._req.transport is not None
            socket._req.transport.abort()
        await reader.until(lambda: len(reader.slept) >= 8)
        assert "no connection: HTTP 503" in reader.robot.trouble["stream"]
        pauses = [1, 2, 4, 8, 16, 32, 60, 60]
        assert all(pause / 2 <= slept <= pause for slept, pause in zip(reader.slept, pauses, strict=False))
        server.closed = False
        await server.push(said(server, "2", "二"))
        assert reader.texts == ["一", "二"]
        assert "stream" not in reader.robot.trouble


async def test_a_message_whose_answer_was_lost_is_known_when_it_comes_again() -> None:
    """The platform says it again under its own number; its id in the journal makes it one."""
    async with dingtalk_server() as server, reading(server) as reader:
        frame = said(server, "1", "断网")
        await server.push(frame)
        server.acks.clear()
        assert await server.push(frame) is not None
        first, second = (
            reader.robot.parse(Raw(channel="x", body=frame["data"].encode(), received_at=at)) for at in _two()
        )
        assert getattr(first[0], "external_id", 1) == getattr(second[0], "external_id", 2) == "msg1=="


def _two() -> tuple[Any, Any]:
    from datetime import UTC, datetime

    return datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)


async def test_a_wrong_secret_is_told_without_it_and_heals() -> None:
    async with dingtalk_server(secret="another") as server, reading(server) as reader:
        await reader.until(lambda: reader.slept)
        assert reader.robot.trouble == {"stream": "no connection: 401 authFailed"}
        server.secret = SECRET
        await server.push(said(server, "1", "断网"))
        assert reader.robot.trouble == {}
        assert server.opened[-1]["clientId"] == APP_KEY


@pytest.mark.parametrize("sent", ["no json", "[1]", '{"type":"CALLBACK"}', '{"headers":{}}'])
async def test_what_is_no_message_is_kept_for_a_person(sent: str) -> None:
    async with dingtalk_server() as server, reading(server) as reader:
        await server.push(said(server, "1", "一"))
        found: list[bytes] = []
        reader._keep = lambda raw: found.append(raw.body)  # type: ignore[method-assign]
        await server.open[-1].send_str(sent)
        await reader.until(lambda: sent.encode() in found)
        with pytest.raises((ValueError, TypeError)):
            reader.robot.parse(Raw(channel="x", body=sent.encode(), received_at=_two()[0]))


async def test_what_we_did_not_ask_for_is_kept_and_answered() -> None:
    async with dingtalk_server() as server, reading(server) as reader:
        ack = await server.push(server.frame('{"userId":["015"]}', kind="EVENT", topic="*"))
        assert reader.texts == ["event:*"]
        assert ack is not None
        assert json.loads(ack["data"])["status"] == "SUCCESS"


async def test_an_endpoint_in_the_clear_is_not_trusted() -> None:
    async with dingtalk_server() as server, robot_at(server, mode="stream") as robot:
        stream = robot.stream
        assert stream._trusts("ws://127.0.0.1/connect")
        stream._settings = type(stream._settings)(app_key=APP_KEY, app_secret=SECRET)
        assert not stream._trusts("ws://wss-open-connection.dingtalk.com/connect")
        assert stream._trusts("wss://wss-open-connection.dingtalk.com:443/connect")


async def test_a_robot_that_is_pushed_to_asks_for_nothing() -> None:
    async with dingtalk_server() as server, robot_at(server) as robot:
        assert [one async for one in robot.poll()] == []
        assert server.opened == []
