"""SMS out and in: against a cloud in the test's hand, and against a real Kannel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import TypeAdapter

from gateway.channels.base import Parsed
from gateway.channels.sms import Sms, SmsReports, SmsSettings
from gateway.errors import ConfigError, PermanentDelivery, TransientDelivery
from gateway.message import DeliveryReceipt, InboundMessage, OutboundMessage, Raw
from tests.channels.test_sms_reports import door, facts
from tests.servers.kannel import Kannel, kannel

NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
SECRET = "0123456789abcdef"
NOTICE = OutboundMessage(
    reference="n17",
    to="+8613800000001",
    forms={"short": "您的投诉已受理,编号261120-00000001-7。"},
    template={"id": "SMS_1001", "variables": {"number": "261120-00000001-7", "due": "11月21日"}},
)
SIGNED = "【示例市12345】您的投诉已受理,编号261120-00000001-7。"


@dataclass(slots=True)
class Cloud:
    """A provider: keeps what it is asked, answers what it is told."""

    url: str = ""
    status: int = 200
    answer: object = field(default_factory=lambda: {"id": "b-1"})
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0
    asked: list[tuple[str, dict[str, str], bytes, dict[str, str]]] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, dict(request.query), await request.read(), dict(request.headers)))
        await asyncio.sleep(self.delay)
        body = self.answer if isinstance(self.answer, bytes) else orjson.dumps(self.answer)
        return web.Response(status=self.status, body=body, headers=self.headers)


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    provider = Cloud()
    application = web.Application()
    application.router.add_route("*", "/send", provider.serve)
    async with TestServer(application) as server:
        provider.url = str(server.make_url("/send"))
        yield provider


def transport(**table: object) -> Sms:
    return Sms("text", TypeAdapter(SmsSettings).validate_python({"signature": "示例市12345", "timeout": 1, **table}))


async def sent(way_out: Sms, message: OutboundMessage = NOTICE) -> DeliveryReceipt:
    try:
        return await way_out.send(message)
    finally:
        await way_out.close()


# --- Out


async def test_the_request_is_filled_from_the_notice(cloud: Cloud) -> None:
    receipt = await sent(transport(url=cloud.url))
    ((method, _, body, headers),) = cloud.asked
    assert (method, headers["Content-Type"]) == ("POST", "application/json")
    assert orjson.loads(body) == {
        "to": "+8613800000001",
        "text": SIGNED,
        "reference": "n17",
        "template": "SMS_1001",
        "variables": {"number": "261120-00000001-7", "due": "11月21日"},
    }
    assert (receipt.status, receipt.provider_id, receipt.parts) == ("accepted", "b-1", 1)


async def test_a_provider_that_wants_ordered_variables_and_a_form_gets_them(cloud: Cloud) -> None:
    own = {
        "json": {"phones": ["{national}"], "params": "{values}", "key": "{app}", "flash": False},
        "headers": {"Authorization": "Bearer {token}"},
        "parameters": {"app": "a-1", "token": "t-1"},
    }
    await sent(transport(url=cloud.url, **own))
    (_, _, body, headers) = cloud.asked[0]
    assert headers["Authorization"] == "Bearer t-1"
    assert orjson.loads(body) == {
        "phones": ["13800000001"],
        "params": ["261120-00000001-7", "11月21日"],
        "key": "a-1",
        "flash": False,
    }
    await sent(transport(url=cloud.url, form={"mobile": "{national}", "vars": "{variables}"}))
    assert cloud.asked[1][3]["Content-Type"] == "application/x-www-form-urlencoded"
    assert b"mobile=13800000001&vars=%7B%22number" in cloud.asked[1][2]


@pytest.mark.parametrize(
    ("text", "own", "asked"),
    [
        ("已受理", {}, "【示例市12345】已受理"),
        ("【示例市12345】已受理", {}, "【示例市12345】已受理"),
        ("已受理", {"signature": "【示例市12345】"}, "【示例市12345】已受理"),
        ("已受理", {"signature": ""}, "已受理"),
        ("已受理", {"signs_itself": True}, "已受理"),
    ],
)
async def test_the_signature_stands_there_once(cloud: Cloud, text: str, own: dict[str, object], asked: str) -> None:
    await sent(transport(url=cloud.url, **own), replace(NOTICE, forms={"short": text}))
    assert orjson.loads(cloud.asked[0][2])["text"] == asked


@pytest.mark.parametrize(("length", "count"), [(60, 1), (61, 2), (124, 2), (125, 3)])
async def test_the_segments_are_counted_with_the_signature(cloud: Cloud, length: int, count: int) -> None:
    receipt = await sent(
        transport(url=cloud.url, signature="八个字的签名啊吧"), replace(NOTICE, forms={"short": "字" * length})
    )
    assert receipt.parts == count
    assert receipt.detail == f"{count} SMS, {length + 10} characters"


async def test_what_the_carriers_refuse_is_not_even_asked_for(cloud: Cloud) -> None:
    for message in (replace(NOTICE, forms={"short": "字" * 500}), replace(NOTICE, to="138****0001")):
        with pytest.raises(PermanentDelivery):
            await sent(transport(url=cloud.url), message)
    assert cloud.asked == []


OWN_RULES = {
    "success": [{"status": [200], "path": "result.code", "equals": ["OK", "0"]}],
    "provider_id": "result.ids.0",
    "errors": [
        {"path": "result.code", "equals": ["BUSINESS_LIMIT_CONTROL"], "kind": "transient", "retry_after": "PT1H"},
        {"path": "result.code", "equals": ["MOBILE_NUMBER_ILLEGAL"], "kind": "permanent"},
        {"body": "余额不足", "kind": "transient"},
    ],
}


async def test_success_is_what_the_configuration_says(cloud: Cloud) -> None:
    cloud.answer = {"result": {"code": 0, "ids": ["b-7"]}}
    assert (await sent(transport(url=cloud.url, **OWN_RULES))).provider_id == "b-7"


@pytest.mark.parametrize(
    ("status", "answer", "kind", "wait"),
    [
        (200, {"result": {"code": "BUSINESS_LIMIT_CONTROL"}}, TransientDelivery, timedelta(hours=1)),
        (200, {"result": {"code": "MOBILE_NUMBER_ILLEGAL"}}, PermanentDelivery, None),
        (200, {"message": "余额不足"}, TransientDelivery, None),
        (200, {"result": {"code": "NEW_WORD"}}, PermanentDelivery, None),
        (200, b"<html>", PermanentDelivery, None),
        (400, {}, PermanentDelivery, None),
        (401, {}, TransientDelivery, None),
        (500, {}, TransientDelivery, None),
        (503, b"\xff\x00", TransientDelivery, None),
    ],
)
async def test_what_a_refusal_means_is_what_the_configuration_says(
    cloud: Cloud, status: int, answer: object, kind: type[Exception], wait: timedelta | None
) -> None:
    cloud.status, cloud.answer = status, answer
    with pytest.raises(kind) as refused:
        await sent(transport(url=cloud.url, **OWN_RULES))
    assert getattr(refused.value, "retry_after", None) == wait


@pytest.mark.parametrize("seconds", [3, 12_966])
async def test_a_provider_that_asks_to_wait_is_heard(cloud: Cloud, seconds: int) -> None:
    cloud.status, cloud.headers = 429, {"Retry-After": str(seconds)}
    with pytest.raises(TransientDelivery) as refused:
        await sent(transport(url=cloud.url))
    assert refused.value.retry_after == timedelta(seconds=seconds)


async def test_a_date_to_wait_for_is_heard_too(cloud: Cloud) -> None:
    cloud.status, cloud.headers = 503, {"Retry-After": "Fri, 20 Nov 2099 01:00:00 GMT"}
    with pytest.raises(TransientDelivery) as refused:
        await sent(transport(url=cloud.url))
    assert refused.value.retry_after is not None and refused.value.retry_after > timedelta(days=1000)


async def test_no_answer_in_time_is_worth_another_try(cloud: Cloud) -> None:
    cloud.delay = 5
    with pytest.raises(TransientDelivery):
        await sent(transport(url=cloud.url, timeout=0.2))
    with pytest.raises(TransientDelivery):
        await sent(transport(url="http://127.0.0.1:9/send"))


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"preset": "nobody", "url": "http://x"}, "preset"),
        ({}, "url"),
        ({"url": "ftp://x"}, "url"),
        ({"url": "http://x", "json": {"key": "{app_key}"}}, "parameters.app_key: required"),
        ({"url": "http://x", "errors": [{"kind": "perhaps"}]}, "errors.0.kind"),
        ({"preset": "kannel", "url": "http://x"}, "parameters.password: required"),
    ],
)
def test_a_provider_that_cannot_be_asked_is_refused_at_the_start(table: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        transport(**table)


# --- Kannel


@dataclass(slots=True)
class Callbacks:
    """Kannel's view of our door: what it pushes is verified and parsed."""

    door: SmsReports
    url: str = ""
    news: asyncio.Queue[Parsed] = field(default_factory=asyncio.Queue)

    async def serve(self, request: web.Request) -> web.Response:
        raw = Raw(channel="text", body=await request.read(), received_at=NOW, query=dict(request.query))
        self.door.verify(raw)
        for one in self.door.parse(raw):
            self.news.put_nowait(one)
        return web.Response()

    async def next(self) -> Parsed:
        async with asyncio.timeout(15):
            return await self.news.get()


@pytest.fixture
async def callbacks() -> AsyncIterator[Callbacks]:
    kept = Callbacks(door(preset="kannel"))
    application = web.Application()
    application.router.add_get("/channels/text", kept.serve)
    async with TestServer(application) as server:
        kept.url = str(server.make_url(f"/channels/text?secret={SECRET}"))
        yield kept


@pytest.fixture
async def box(callbacks: Callbacks) -> AsyncIterator[Kannel]:
    async with kannel(mo_url=callbacks.url) as running:
        yield running


def by_kannel(box: Kannel, callbacks: Callbacks, **table: object) -> Sms:
    return transport(
        preset="kannel",
        url=box.sendsms_url,
        report_url=callbacks.url,
        **{"parameters": box.arguments, "timeout": 5, **table},
    )


async def test_kannel_takes_a_long_text_and_reports_it_delivered(box: Kannel, callbacks: Callbacks) -> None:
    text = "宽带断网&请+尽快%20修复😀" * 8
    receipt = await sent(by_kannel(box, callbacks), replace(NOTICE, forms={"short": text}))
    assert await box.smsc.wait_for(1) == [("8613800000001", f"【示例市12345】{text}")]
    assert receipt.parts == len(box.smsc.parts) == 3
    said = facts([await callbacks.next(), await callbacks.next()])
    assert {(status, reference) for status, reference, _, _ in said} == {("accepted", "n17"), ("delivered", "n17")}


@pytest.mark.parametrize("how", ["undeliverable", "refused"])
async def test_kannel_reports_what_did_not_arrive(box: Kannel, callbacks: Callbacks, how: str) -> None:
    if how == "refused":
        box.smsc.refuse_with = 0x0B
    else:
        box.smsc.states = {"8613800000001": "UNDELIV"}
    await sent(by_kannel(box, callbacks))
    said = [await callbacks.next()]
    if how == "undeliverable":
        said.append(await callbacks.next())
    assert ("failed", "n17", "", "") in facts(said)


async def test_kannel_with_a_wrong_password_is_our_own_trouble(box: Kannel, callbacks: Callbacks) -> None:
    with pytest.raises(TransientDelivery, match="403"):
        await sent(by_kannel(box, callbacks, parameters={"username": "gateway", "password": "wrong"}))


async def test_a_text_through_kannel_becomes_a_message(box: Kannel, callbacks: Callbacks) -> None:
    await box.smsc.say(sender="13800000004", to="10690000", text="宽带断网三天&没人管")
    one = await callbacks.next()
    assert isinstance(one, InboundMessage)
    assert (one.sender[0].value, one.text) == ("13800000004", "宽带断网三天&没人管")
    assert one.lodged_at is not None and abs(one.lodged_at - datetime.now(UTC)) < timedelta(minutes=2)
    async with aiohttp.ClientSession() as session, session.get(callbacks.url.partition("?")[0]) as response:
        assert response.status == 500  # without the secret the test's server shows the Refused as a fault
