"""From a notice to the ticket: asked for, repeated, lost, refused; nothing of it twice and nothing never."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from pydantic import TypeAdapter

from gateway.channels.transfer.wechat_pay import WeChatPay
from gateway.channels.transfer.wechat_pay.settings import WeChatPaySettings
from gateway.errors import ConfigError, PermanentDelivery, Refused, TransientDelivery
from gateway.message import InboundMessage, Raw
from gateway.testing.house import House, opened_house
from gateway.testing.kit import running_channel
from gateway.web.callers import BUCKETS, make_buckets
from gateway.web.doors import add_doors
from gateway.web.keys import ACCEPT, DOORS, LIMITS
from gateway.web.limits import Limits
from gateway.web.meters import METERS, Meters
from gateway.web.problems import problems
from tests.servers.wechat_pay import (
    KEY_ID,
    OLD_KEY_ID,
    WeChatPayServer,
    complaint,
    keys,
    notice,
    pushed,
    signed,
    wechat_pay_server,
)
from ticket_core.store.tickets import load_ticket

N1, N2 = "200201820200101080076610001", "200201820200101080076610002"


def channel(server: WeChatPayServer | None = None, **more: Any) -> WeChatPay:
    place = {"api_url": server.url} if server else {}
    settings = keys().settings(**{"timeout": 0.5, **place, **more})
    return WeChatPay("pay", TypeAdapter(WeChatPaySettings).validate_python(settings))


def arrived(body: bytes, at: datetime | None = None) -> Raw:
    return pushed(Raw(channel="pay", body=body, received_at=at or datetime.now(UTC), media_type="application/json"))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened_house(tmp_path) as opened:
        yield opened


@asynccontextmanager
async def at_work(house: House, one: WeChatPay) -> AsyncIterator[Callable[[bytes], Any]]:
    """The running channel behind its real door; gives what delivers a notice and says the status."""
    app = web.Application(middlewares=[problems])
    app[LIMITS] = Limits(requests_per_minute=0)
    app[BUCKETS] = make_buckets(app[LIMITS])
    app[METERS] = Meters()
    app[DOORS] = {one.name: one}
    app[ACCEPT] = house.accept
    add_doors(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:

        async def deliver(body: bytes, **headers: str) -> tuple[int, bytes]:
            sent = {**signed(body, datetime.now(UTC).timestamp()), **headers, "content-type": "application/json"}
            async with session.post("/channels/pay", data=body, headers=sent) as response:
                return response.status, await response.read()

        try:
            async with running_channel(house, one):
                yield deliver
        finally:
            await one.close()
            await runner.cleanup()


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not await true():  # noqa: ASYNC110  a database tells nobody that it changed
            await asyncio.sleep(0.02)


async def outcomes(house: House) -> list[str]:
    return sorted(line.entry.outcome for line in await house.journal())


async def test_a_notice_becomes_a_ticket_with_all_that_the_complaint_says(house: House) -> None:
    async with wechat_pay_server() as server, at_work(house, channel(server)) as deliver:
        server.complaints[N1] = complaint(N1, phone="13800009999")
        server.says(N1, "USER_CREATE_COMPLAINT", server.complaints[N1]["complaint_detail"])
        assert await deliver(notice(N1)) == (204, b"")
        await until(house.tickets)
    (line,) = [line for line in await house.journal() if line.entry.outcome == "opened"]
    ticket_id = line.entry.ticket_id
    assert ticket_id is not None
    ticket = await house.store.read(lambda connection: load_ticket(connection, ticket_id))
    assert ticket is not None
    assert ticket.source is not None
    assert (ticket.source.case_number, ticket.text, ticket.subject) == (N1, f"{N1}：重复扣费", "不满意商家服务")
    assert ticket.complainant.phones == ("+8613800009999",)
    assert ticket.service_number == "4200000404201909069117582536"
    assert "13800009999" not in line.raw.decode()


async def test_repeated_notices_and_a_restart_have_one_effect(house: House) -> None:
    async with wechat_pay_server() as server:
        server.complaints[N1] = complaint(N1)
        for _ in range(2):
            async with at_work(house, channel(server)) as deliver:
                answers = await asyncio.gather(*(deliver(notice(N1)) for _ in range(5)))
                assert {status for status, _ in answers} == {204}
                await until(house.tickets)
                asked = len(server.asked)
                await deliver(notice(N1))
                await until(lambda: _true(len(server.asked) > asked))  # noqa: B023
    assert await outcomes(house) == ["automatic", "opened"]


async def _true(value: bool) -> bool:
    return value


async def test_what_the_complainant_adds_finds_its_ticket(house: House) -> None:
    async with wechat_pay_server() as server:
        server.complaints[N1] = complaint(N1)
        async with at_work(house, channel(server)) as deliver:
            await deliver(notice(N1))
            await until(house.tickets)
            server.says(N1, "USER_RESPONSE", "还没有人联系我")
            await deliver(notice(N1, "USER_RESPONSE"))
            await until(lambda: _has(house, "appended"))
            await deliver(notice(N1, "USER_APPLY_PLATFORM_SERVICE"))
    assert await house.tickets() == 1
    assert await outcomes(house) == ["appended", "appended", "automatic", "automatic", "opened"]


async def _has(house: House, outcome: str) -> bool:
    return outcome in await outcomes(house)


async def test_our_own_replies_are_no_news(house: House) -> None:
    async with wechat_pay_server() as server:
        server.complaints[N1] = complaint(N1)
        async with at_work(house, channel(server)) as deliver:
            await deliver(notice(N1))
            await until(lambda: _true(sum("negotiation" in one for one in server.asked) == 2))
            asked = len(server.asked)
            server.says(N1, "MERCHANT_RESPONSE", "已退款")
            server.complaints[N1]["complaint_state"] = "PROCESSING"
            assert (await deliver(notice(N1, "MERCHANT_RESPONSE")))[0] == 204
            assert len(server.asked) == asked
    assert await outcomes(house) == ["automatic", "automatic", "opened"]


async def test_open_complaints_whose_notices_were_lost_are_found_and_known_ones_stay_as_they_are(house: House) -> None:
    async with wechat_pay_server() as server:
        server.complaints = {
            **{f"{N1}{number:02}": complaint(f"{N1}{number:02}", phone=f"138000{number:05}") for number in range(60)},
            N2: complaint(N2, complaint_state="PROCESSED"),
        }
        for _ in range(2):
            async with at_work(house, channel(server)):
                await until(lambda: _true(sum("offset=50" in one for one in server.asked) > 0))
                await until(lambda: _true(sum("negotiation" in one for one in server.asked) >= 60))
                await until(lambda: _tickets(house, 60))
            server.asked.clear()
    assert await outcomes(house) == ["opened"] * 60


async def test_a_look_that_their_limits_break_off_gets_on_where_it_was(house: House) -> None:
    async with wechat_pay_server() as server:
        numbers = [f"{N1}{number}" for number in range(5)]
        server.complaints = {one: complaint(one, phone=f"1380000{one[-4:]}") for one in numbers}
        one = channel(server)
        house.admit(one)
        server.fault, server.fault_of = "busy", f"{numbers[3]}/negotiation"
        with pytest.raises(TransientDelivery):
            async for raw, _done in one._open():
                await house.accept(one, raw)
        server.fault = None
        server.asked.clear()
        async for raw, _done in one._open():
            await house.accept(one, raw)
        assert sum("negotiation" in asked for asked in server.asked) == 2
        assert await house.tickets() == 5
        await one.close()


async def _tickets(house: House, count: int) -> bool:
    return await house.tickets() == count


async def test_a_complaint_that_cannot_be_had_now_is_asked_for_after_a_restart(house: House) -> None:
    async with wechat_pay_server() as server:
        server.complaints[N1], server.fault, server.fault_of = complaint(N1, complaint_state="PROCESSED"), "broken", N1
        async with at_work(house, channel(server)) as deliver:
            assert (await deliver(notice(N1)))[0] == 204
            await until(lambda: _true(any(N1 in one for one in server.asked)))
        assert await house.tickets() == 0
        server.fault = None
        async with at_work(house, channel(server)):
            await until(house.tickets)


async def test_one_that_nobody_tells_is_a_ticket_with_its_number_and_filled_in_later(house: House) -> None:
    async with wechat_pay_server() as server:
        server.complaints[N1], server.fault, server.fault_of = complaint(N1), "broken", N1
        one = channel(server, patience=timedelta(0))
        async with at_work(house, one) as deliver:
            await deliver(notice(N1))
            await until(house.tickets)
            server.fault = None
            one._woken.set()
            await until(lambda: _has(house, "appended"))
        assert await house.tickets() == 1


async def test_one_that_they_do_not_know_is_a_ticket_for_a_person(house: House) -> None:
    async with wechat_pay_server() as server, at_work(house, channel(server)) as deliver:
        await deliver(notice(N1))
        await until(house.tickets)
        asked = len(server.asked)
        await deliver(notice(N2, "MERCHANT_RESPONSE"))
        assert len(server.asked) == asked


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("busy", "429"),
        ("locked", "403 NO_AUTH"),
        ("unsigned", "not proven"),
        ("probing", "not proven"),
        ("silent", "Timeout"),
    ],
)
async def test_an_interface_that_is_unwell_is_named_and_heals(house: House, fault: Any, reason: str) -> None:
    async with wechat_pay_server() as server:
        server.complaints[N1], server.fault = complaint(N1), fault
        one = channel(server)
        async with running_channel(house, one) as health, asyncio.timeout(20):
            while reason not in health.why:  # noqa: ASYNC110  health tells nobody that it changed
                await asyncio.sleep(0.01)
            assert await house.tickets() == 0
            server.fault = None
            while not health.ok:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await one.close()
    assert await house.tickets() == 1


async def test_a_wrong_signature_is_told_as_their_rules_want_it(house: House) -> None:
    """Their probes bear wrong signatures on purpose; whoever takes one is found out."""
    async with at_work(house, channel(every=86_400)) as deliver:
        good = signed(notice(N1), datetime.now(UTC).timestamp())["wechatpay-signature"]
        probe = "WECHATPAY/SIGNTEST/" + good[19:]
        for headers in ({"wechatpay-signature": probe}, {"wechatpay-serial": "nobody's"}, {"wechatpay-nonce": "x"}):
            status, body = await deliver(notice(N1), **headers)
            assert status == 401
            assert json.loads(body).keys() == {"code", "message"}
            assert json.loads(body)["code"] == "FAIL"
    assert await house.journal() == []


async def test_a_full_store_makes_them_send_it_again(house: House) -> None:
    async with at_work(house, channel(every=86_400)) as deliver:
        async with house.full():
            assert (await deliver(notice(N1)))[0] == 503
        assert (await deliver(notice(N1)))[0] == 204


def test_the_key_before_is_good_until_it_is_taken_away() -> None:
    raw = pushed(Raw(channel="pay", body=notice(N1), received_at=datetime.now(UTC)), OLD_KEY_ID)
    channel().verify(raw)
    with pytest.raises(Refused, match="none of platform_keys"):
        channel(platform_keys={KEY_ID: keys().folder / f"{KEY_ID}.pem"}).verify(raw)


def test_a_wrong_clock_is_told_with_both_times() -> None:
    raw = arrived(notice(N1), datetime(2026, 3, 2, 1, 30, tzinfo=UTC))
    with pytest.raises(Refused, match=r"your time is 2026-03-02T01:30:00\+00:00, ours is 2026-03-02T02:30:00\+00:00"):
        channel().verify(replace(raw, received_at=raw.received_at + timedelta(hours=1)))


def test_a_notice_sealed_with_another_key_is_not_understood() -> None:
    with pytest.raises(ValueError, match="not sealed with our key"):
        channel().parse(arrived(notice(N1, key="another-apiv3-key-of-32-bytes-xx")))


def test_an_action_that_is_not_known_yet_is_no_urge_and_keeps_the_state(house: House) -> None:
    (message,) = channel().parse(arrived(notice(N1, "SOMETHING_NEW")))
    assert isinstance(message, InboundMessage)
    assert message.automatic == "event:SOMETHING_NEW"


async def test_pictures_are_fetched_from_their_interface_only(house: House) -> None:
    async with wechat_pay_server() as server:
        server.pictures["xxxxx"] = b"\x89PNG synthetic"
        one = channel(server)
        file = await one.fetch(f"{server.url}/v3/merchant-service/images/xxxxx")
        assert (file.name, file.media_type, file.content) == ("xxxxx.jpg", "image/png", b"\x89PNG synthetic")
        with pytest.raises(PermanentDelivery, match="another machine"):
            await one.fetch(f"{server.url}@evil.example.com/v3/x")
        with pytest.raises(PermanentDelivery, match="another machine"):
            await one.fetch("https://evil.example.com/v3/merchant-service/images/xxxxx")
        with pytest.raises(PermanentDelivery, match="NO_SUCH_IMAGE"):
            await one.fetch(f"{server.url}/v3/merchant-service/images/yyyyy")
        server.fault = "broken"
        with pytest.raises(TransientDelivery):
            await one.fetch(f"{server.url}/v3/merchant-service/images/xxxxx")
        await one.close()


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"private_key": "/nowhere.pem"}, "private_key: No such file"),
        ({"private_key": keys().folder / f"{KEY_ID}.pem"}, "private_key: no key in PEM form"),
        ({"platform_keys": {"A1": "/nowhere.pem"}}, "platform_keys.A1: No such file"),
        ({"platform_keys": {"A1": keys().folder / "merchant.pem"}}, "platform_keys.A1: no key in PEM form"),
        ({"source": "no-such-body"}, "source: source no-such-body: no such file"),
    ],
)
def test_keys_that_cannot_be_read_are_named_at_the_start(table: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        channel(**table)
    assert any(line.startswith(problem) for line in caught.value.problems), caught.value.problems
