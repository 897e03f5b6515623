"""Group robots: rooms where people of the house are told."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from aiohttp import web

from gateway.channels.api import cut, with_choices
from gateway.channels.base import Channel, Choice, Transport
from gateway.channels.rooms import DingTalkRobot, FeishuRobot, Room, RoomSettings, WeComRobot
from gateway.errors import TransientDelivery
from gateway.message import OutboundMessage
from gateway.testing.kit import Arrived, Fault, Provider, TransportConformance, http_provider
from tests.channels.slow_motion import slow_motion

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


class Robots(TransportConformance):
    """What all three have in common; `refusal` is a body that the platform never takes."""

    settings: ClassVar = {
        "url": "http://127.0.0.1:9/hook?key=synthetic-key",
        "secret": "synthetic-secret",
        "timeout": 0.5,
    }
    secrets = ("secret", "url")
    address = "13800001234"
    tells_wait = False
    good: ClassVar[Mapping[str, Any]] = {"errcode": 0, "errmsg": "ok"}
    busy: ClassVar[Mapping[str, Any]]
    refusal: ClassVar[Mapping[str, Any]]

    def provider(self) -> AbstractAsyncContextManager[Provider]:
        answers: dict[Fault | None, Any] = {
            None: lambda _one: web.json_response(dict(self.good)),
            "busy": lambda _one: web.json_response(dict(self.busy)),
            "refused": lambda _one: web.json_response(dict(self.refusal)),
        }
        return http_provider(self.read, answers, lambda url: {"url": f"{url}/hook?key=synthetic-key"})

    def build(self, name: str, **settings: Any) -> Channel | Transport:
        """A robot whose turns take no time."""
        made = super().build(name, **settings)
        assert isinstance(made, Room)
        slow_motion(made.pace)
        return made

    def read(self, request: web.Request, body: bytes) -> Arrived:
        said = json.loads(body)
        text, mobile = self.words(said)
        assert request.query["key"] == "synthetic-key"
        return Arrived(reference=request.headers["X-Request-Id"], to=(mobile,), text=text)

    def words(self, said: Mapping[str, Any]) -> tuple[str, str]:
        raise NotImplementedError


class TestDingTalkRobot(Robots):
    kind = "dingtalk-robot"
    busy: ClassVar = {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}
    refusal: ClassVar = {"errcode": 460101, "errmsg": "message too long, exceed 20000 bytes"}

    def words(self, said: Mapping[str, Any]) -> tuple[str, str]:
        return said["text"]["content"], ",".join(said["at"]["atMobiles"])


class TestFeishuRobot(Robots):
    kind = "feishu-robot"
    good: ClassVar = {"code": 0, "msg": "success", "data": {}}
    busy: ClassVar = {"code": 11232, "msg": "frequency limited"}
    refusal: ClassVar = {"code": 9499, "msg": "Bad Request"}

    def words(self, said: Mapping[str, Any]) -> tuple[str, str]:
        text, _, mobile = said["content"]["text"].rpartition("\n")
        return text, mobile


class TestWeComRobot(Robots):
    kind = "wecom-robot"
    settings: ClassVar = {"url": "http://127.0.0.1:9/hook?key=synthetic-key", "timeout": 0.5}
    secrets = ("url",)
    busy: ClassVar = {"errcode": 45009, "errmsg": "api freq out of limit"}
    refusal: ClassVar = {"errcode": 40058, "errmsg": "text.content exceed max length 2048"}

    def words(self, said: Mapping[str, Any]) -> tuple[str, str]:
        return said["text"]["content"], ",".join(said["text"]["mentioned_mobile_list"])


del Robots  # pytest would run it by itself


def robot(adapter: type[Room], **settings: Any) -> Room:
    made = adapter("duty-room", RoomSettings(url="http://127.0.0.1:9/hook", **settings))
    made.clock = lambda: NOON
    return made


def test_the_medium_of_a_room_is_its_own_name() -> None:
    assert robot(WeComRobot).medium == "duty-room"


def test_dingtalk_signs_time_and_secret_with_the_secret() -> None:
    signed = robot(DingTalkRobot, secret="SEC000").signed()
    assert signed is not None
    at = str(int(NOON.timestamp() * 1000))
    mac = hmac.new(b"SEC000", f"{at}\nSEC000".encode(), hashlib.sha256).digest()
    assert signed == {"timestamp": at, "sign": base64.b64encode(mac).decode()}


def test_feishu_signs_nothing_with_time_and_secret() -> None:
    body = robot(FeishuRobot, secret="demo").said("x", "")
    mac = hmac.new(f"{int(NOON.timestamp())}\ndemo".encode(), b"", hashlib.sha256).digest()
    assert (body["timestamp"], body["sign"]) == (str(int(NOON.timestamp())), base64.b64encode(mac).decode())


def test_a_week_of_messages_does_not_make_the_address_longer() -> None:
    one = robot(DingTalkRobot, secret="SEC000")
    sizes = set()
    for hour in range(7 * 24):
        one.clock = lambda hour=hour: NOON + timedelta(hours=hour)  # type: ignore[misc]
        signed = one.signed()
        assert signed is not None
        sizes.add(sum(map(len, signed)) + sum(map(len, signed.values())))
    assert len(sizes) == 1


@pytest.mark.parametrize(
    ("adapter", "code", "wait"), [(DingTalkRobot, 130101, 10), (WeComRobot, 45009, 1), (FeishuRobot, 11232, 1)]
)
def test_a_robot_that_speaks_too_fast_waits_as_long_as_it_is_told(adapter: type[Room], code: int, wait: int) -> None:
    async def scene() -> None:
        answer = {"errcode": code} if adapter is not FeishuRobot else {"code": code}
        answers: dict[Fault | None, Any] = {None: lambda _one: web.json_response(answer)}
        read = lambda request, body: Arrived(reference="", to=(), text="")  # noqa: E731
        async with http_provider(read, answers, lambda url: {"url": url}) as provider:
            one = adapter("duty-room", RoomSettings(url=provider.url))
            with pytest.raises(TransientDelivery) as caught:
                await one.send(OutboundMessage(reference="n1", to="", forms={"text": "x"}))
            assert caught.value.retry_after == timedelta(minutes=wait)
            await one.close()

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("text", "limit"), [("投诉" * 2000, 2048), ("a" * 3000, 2048), ("👨‍👩‍👧" * 300, 2048), ("短", 2048)]
)
def test_a_text_is_cut_between_characters_and_says_so(text: str, limit: int) -> None:
    done = cut(text, limit)
    assert len(done.encode()) <= limit
    assert done == text or (done.endswith("…") and text.startswith(done[:-1]))
    assert done == text or len(done.encode()) > limit - 8


@pytest.mark.parametrize("adapter", [DingTalkRobot, FeishuRobot, WeComRobot])
@pytest.mark.parametrize("word", ["\n", '"', "投诉", "a", "<at>"])
async def test_what_a_robot_says_fits_however_its_signs_are_written(adapter: type[Room], word: str) -> None:
    sizes: list[int] = []

    def read(_request: web.Request, body: bytes) -> Arrived:
        sizes.append(len(body))
        return Arrived(reference="", to=(), text="")

    answers: dict[Fault | None, Any] = {None: lambda _one: web.json_response({"errcode": 0, "code": 0})}
    async with http_provider(read, answers, lambda url: {"url": url}) as provider:
        one = adapter("duty-room", RoomSettings(url=provider.url))
        await one.send(OutboundMessage(reference="n1", to="13800001234", forms={"text": word * 20_000}))
        await one.close()
    assert one.longest * 0.99 < sizes[0] < max(one.longest + 200, 2_300)


@pytest.mark.parametrize(("adapter", "a_minute"), [(DingTalkRobot, 20), (WeComRobot, 20), (FeishuRobot, 100)])
async def test_a_robot_never_speaks_faster_than_its_room_allows(adapter: type[Room], a_minute: int) -> None:
    one = robot(adapter)
    motion = slow_motion(one.pace)
    said_at: list[float] = []
    for _ in range(120):
        await one.pace.turn(one.name)
        said_at.append(motion.now)
    for seconds, most in ((60, a_minute), (1, 5)):
        assert max(sum(at <= other < at + seconds for other in said_at) for at in said_at) <= most


def test_a_complaint_that_is_quoted_calls_nobody_of_a_feishu_room() -> None:
    assert robot(FeishuRobot).harmless('<at user_id="all">所有人</at>') == '<\u200bat user_id="all">所有人<\u200b/at>'
    assert robot(DingTalkRobot).harmless("<at>") == "<at>"


def test_buttons_are_lines_where_there_are_none() -> None:
    said = with_choices("请选择", [Choice(label="投诉", says="/kind complaint"), Choice(label="跳过", says="跳过")])
    assert said == "请选择\n\n投诉: /kind complaint\n跳过"
