"""Notices to people: how fast, in how many parts, with which buttons, and what a refusal means."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from gateway.channels.base import PermanentDelivery, TransientDelivery
from gateway.channels.telegram import Telegram
from gateway.channels.telegram.pace import Pace
from tests.channels.telegram.at_hand import FastPace, bot_at, notice
from tests.servers.telegram import TOKEN, TelegramServer, telegram_server


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with telegram_server() as running:
        yield running


@pytest.fixture
async def bot(server: TelegramServer) -> AsyncIterator[Telegram]:
    async with bot_at(server) as opened:
        yield opened


def pace_of(bot: Telegram) -> FastPace:
    assert isinstance(bot.pace, FastPace)
    return bot.pace


async def test_it_is_plain_text_without_previews_and_with_buttons_below(bot: Telegram, server: TelegramServer) -> None:
    await bot.send(notice("<b>1 < 2</b> *见* https://example.com", choices="满意 | /rate 5\n不满意 | /rate 2"))
    (sent,) = server.sent
    assert sent["text"] == "<b>1 < 2</b> *见* https://example.com"
    assert "parse_mode" not in sent
    assert json.loads(sent["link_preview_options"]) == {"is_disabled": True}
    ((good, bad),) = json.loads(sent["reply_markup"])["inline_keyboard"]
    assert (good["text"], good["callback_data"]) == ("满意", "/rate 5")
    assert (bad["text"], bad["callback_data"]) == ("不满意", "/rate 2")


async def test_a_long_notice_goes_out_in_parts_and_its_buttons_stand_under_the_last(
    bot: Telegram, server: TelegramServer
) -> None:
    receipt = await bot.send(notice("好" * 9000, choices="好 | /confirm"))
    assert receipt.parts == len(server.sent) == 3
    assert "".join(one["text"] for one in server.sent) == "好" * 9000
    assert [one.get("reference") for one in server.sent] == ["n17", None, None]
    assert [bool("reply_markup" in one) for one in server.sent] == [False, False, True]


async def test_of_a_broken_off_notice_only_the_rest_goes_out_again(bot: Telegram, server: TelegramServer) -> None:
    pace_of(bot).now = 0.0
    server.strict = True  # the second part comes too soon for it
    with pytest.raises(TransientDelivery):
        await bot.send(notice("一" * 4096 + "二" * 4096))
    server.strict = False
    await bot.send(notice("一" * 4096 + "二" * 4096))
    assert [one["text"][0] for one in server.sent] == ["一", "二"]


async def test_one_message_a_second_to_a_person_and_thirty_to_all(bot: Telegram, server: TelegramServer) -> None:
    for number in range(5):
        await bot.send(notice(f"第{number}条"))
    assert pace_of(bot).slept == pytest.approx([1.0] * 4)
    pace_of(bot).slept.clear()
    pace_of(bot).now += 100
    for account in range(45):
        await bot.send(notice(to=str(account + 1)))
    assert sum(pace_of(bot).slept) == pytest.approx(15 / 30, abs=0.05)


async def test_whoever_waits_for_a_turn_holds_up_nobody_else() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.Event().wait()

    pace = Pace(lambda: 1000.0, sleep)
    waiting = [asyncio.create_task(pace.turn("1")) for _ in range(9)]
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        await pace.turn("2")
    assert slept == pytest.approx([float(n) for n in range(1, 9)])
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_twenty_messages_a_minute_to_a_group(bot: Telegram, server: TelegramServer) -> None:
    for number in range(23):
        await bot.send(notice(f"第{number}条", to="-1001234567890"))
    assert sum(pace_of(bot).slept) == pytest.approx(9.0, abs=1.1)
    assert len(server.sent) == 23


async def test_whoever_would_wait_too_long_goes_back_to_the_outbox_and_is_told_for_how_long(bot: Telegram) -> None:
    sends = [asyncio.create_task(bot.pace.turn("1")) for _ in range(3)]
    await asyncio.gather(*sends)
    bot.pace.hold("1", timedelta(seconds=12_966))
    with pytest.raises(TransientDelivery) as caught:
        await bot.send(notice(to="1"))
    assert caught.value.retry_after is not None
    assert timedelta(seconds=12_960) < caught.value.retry_after <= timedelta(seconds=12_966)


async def test_429_holds_that_chat_to_the_second_and_no_other(bot: Telegram, server: TelegramServer) -> None:
    server.retry_after = 35
    server.faults = {"sendMessage": "busy"}
    with pytest.raises(TransientDelivery) as caught:
        await bot.send(notice(to="1"))
    assert caught.value.retry_after == timedelta(seconds=35)
    server.faults = {}
    await bot.send(notice(to="2"))
    for passed, sent in ((0, False), (24.5, False), (10, True)):
        pace_of(bot).now += passed
        asked = len(server.asked)
        if sent:
            await bot.send(notice(to="1"))
            assert pace_of(bot).slept[-1] == pytest.approx(0.5, abs=0.1)
        else:
            with pytest.raises(TransientDelivery):
                await bot.send(notice(to="1"))
            assert len(server.asked) == asked, "asked although it was told to wait"


async def test_429_in_two_chats_at_once_holds_the_whole_bot(bot: Telegram, server: TelegramServer) -> None:
    server.retry_after = 60
    server.faults = {"sendMessage": "busy"}
    for account in ("1", "2"):
        with pytest.raises(TransientDelivery):
            await bot.send(notice(to=account))
    server.faults = {}
    with pytest.raises(TransientDelivery) as caught:
        await bot.send(notice(to="3"))
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > timedelta(seconds=55)
    pace_of(bot).now += 60
    await bot.send(notice(to="3"))


async def test_a_blocked_bot_and_an_unknown_chat_are_for_good(bot: Telegram, server: TelegramServer) -> None:
    server.blocked, server.unknown = {"1"}, {"2"}
    for account, status in (("1", "403"), ("2", "400")):
        with pytest.raises(PermanentDelivery) as caught:
            await bot.send(notice(to=account))
        assert caught.value.status == status
    await bot.send(notice(to="3"))


async def test_a_group_that_grew_is_found_under_its_new_number(bot: Telegram, server: TelegramServer) -> None:
    server.moved = {"-123": -1009876543210}
    with pytest.raises(TransientDelivery) as caught:
        await bot.send(notice(to="-123"))
    assert caught.value.retry_after == timedelta(seconds=1)
    await bot.send(notice(to="-123"))
    assert server.sent[-1]["chat_id"] == "-1009876543210"


@pytest.mark.parametrize("fault", ["broken", "silent", "dropped", "cut off"])
async def test_trouble_on_the_way_is_worth_another_try(bot: Telegram, server: TelegramServer, fault: str) -> None:
    server.faults = {"sendMessage": fault}  # type: ignore[dict-item]
    with pytest.raises(TransientDelivery):
        await bot.send(notice())


async def test_a_wrong_token_is_our_own_trouble_and_is_never_shown(
    server: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)  # below that, the library tells all; nothing lets it
    other = TOKEN[:-3] + "xyz"
    async with bot_at(server, token=other) as bot:
        with pytest.raises(TransientDelivery) as caught:
            await bot.send(notice())
    assert "token" in str(caught.value)
    assert other not in str(caught.value) + caplog.text
    assert server.sent == []
