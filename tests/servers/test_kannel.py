"""The SMS gateway of the tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.servers.kannel import Kannel, kannel

LONG = "您于十一月二十日反映的宽带断网问题已受理,工单号为甲一二三四五六七八九。" * 5  # 180 units: three parts of 67


@dataclass(slots=True)
class Callbacks:
    """Answers Kannel's callbacks and keeps their arguments."""

    url: str = ""
    calls: asyncio.Queue[Mapping[str, str]] = field(default_factory=asyncio.Queue)

    async def answer(self, request: web.Request) -> web.Response:
        self.calls.put_nowait(dict(request.query))
        return web.Response(text="")

    async def next(self) -> Mapping[str, str]:
        async with asyncio.timeout(15):
            return await self.calls.get()


@pytest.fixture
async def callbacks() -> AsyncIterator[Callbacks]:
    kept = Callbacks()
    application = web.Application()
    application.router.add_get("/{what}", kept.answer)
    async with TestServer(application) as server:
        kept.url = str(server.make_url("/"))
        yield kept


@pytest.fixture
async def sms(callbacks: Callbacks) -> AsyncIterator[Kannel]:
    async with kannel(mo_url=f"{callbacks.url}mo") as running:
        yield running


async def send(sms: Kannel, callbacks: Callbacks, to: str, text: str) -> tuple[int, str]:
    arguments = {"to": to, "text": text, "coding": "2", "charset": "UTF-8"}
    reports = {"dlr-mask": "31", "dlr-url": f"{callbacks.url}dlr?state=%d&reply=%A"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(sms.sendsms_url, params={**sms.arguments, **arguments, **reports}) as response,
    ):
        return response.status, await response.text()


async def test_a_text_of_three_parts_arrives_whole_and_its_delivery_is_reported(
    sms: Kannel, callbacks: Callbacks
) -> None:
    status, answer = await send(sms, callbacks, "13800000001", LONG)
    assert (status, answer[:2]) == (202, "0:")
    assert await sms.smsc.wait_for(1) == [("13800000001", LONG)]
    assert [part.total for part in sms.smsc.parts] == [3, 3, 3]
    assert {(await callbacks.next())["state"] for _ in range(2)} == {
        "8",
        "1",
    }  # in any order: given to the centre, delivered


async def test_an_undeliverable_text_is_reported_as_such(sms: Kannel, callbacks: Callbacks) -> None:
    sms.smsc.states = {"13800000002": "UNDELIV"}
    await send(sms, callbacks, "13800000002", "已受理")
    assert {(await callbacks.next())["state"] for _ in range(2)} == {"8", "2"}


async def test_a_text_that_the_centre_refuses_is_reported_as_refused(sms: Kannel, callbacks: Callbacks) -> None:
    sms.smsc.refuse_with = 0x0B  # invalid destination address
    await send(sms, callbacks, "13800000003", "已受理")
    assert (await callbacks.next())["state"] == "16"
    assert sms.smsc.parts == []


async def test_a_text_from_a_telephone_reaches_the_callback_in_utf_8(sms: Kannel, callbacks: Callbacks) -> None:
    await sms.smsc.say(sender="13800000004", to="10690000", text="宽带断网三天&没人管")
    call = await callbacks.next()
    assert (call["from"], call["to"], call["text"]) == ("13800000004", "10690000", "宽带断网三天&没人管")


async def test_a_wrong_password_sends_nothing(sms: Kannel, callbacks: Callbacks) -> None:
    async with aiohttp.ClientSession() as session:
        arguments = {"username": "gateway", "password": "wrong", "to": "13800000005", "text": "x"}
        async with session.get(sms.sendsms_url, params=arguments) as response:
            assert response.status == 403
    assert sms.smsc.submits == 0
