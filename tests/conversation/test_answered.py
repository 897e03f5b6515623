"""Said in a chat, answered in the chat; and by another way where the chat brings nothing any more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.errors import PermanentDelivery
from gateway.message import DeliveryReceipt, OutboundMessage
from tests.conversation.talker import Talker
from tests.dispatch.desk import Desk, taken_by_provider
from tests.dispatch.desk import desk as open_desk
from ticket_core.fallback_service import give_up_waiting

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def desk(url: str) -> AsyncIterator[Desk]:
    async with open_desk(url) as opened:
        yield opened


@pytest.fixture
def li(desk: Desk) -> Talker:
    return Talker(store=desk.store, now=desk.now)


def blocked(message: OutboundMessage) -> DeliveryReceipt:
    if message.to == "42":
        raise PermanentDelivery("Forbidden: bot was blocked by the user", status="403")
    return taken_by_provider(message)


def to(desk: Desk, address: str) -> list[OutboundMessage]:
    return [one for one in desk.post.sent if one.to == address]


async def test_an_acknowledgement_reaches_the_chat_with_its_buttons(desk: Desk, li: Talker) -> None:
    taken = await li.say("宽带断了三天")
    await desk.step()
    (told,) = to(desk, "42")
    assert taken.ticket is not None
    assert told.ticket_number in told.forms["choices"]
    assert (told.reply, told.heard_at) == (True, li.now)


async def test_a_reply_is_worded_and_goes_where_the_platform_wants_it_now(desk: Desk, li: Talker) -> None:
    await li.say("/new", route="https://example.com/session", route_until=li.now + MINUTE)
    await desk.step()
    (asked,) = to(desk, "42")
    assert "投诉 | /kind complaint" in asked.forms["choices"]
    assert (asked.route, asked.sent_since, asked.ticket_number) == ("https://example.com/session", 0, "")
    await li.say("宽带断网")
    await desk.step(2 * MINUTE)
    later = to(desk, "42")[-1]
    assert (later.route, later.sent_since) == ("", 1)


async def test_of_a_notice_in_several_messages_each_counts_as_the_platform_counts(desk: Desk, li: Talker) -> None:
    desk.post.answer = lambda message: replace(taken_by_provider(message), parts=3)
    taken = await li.say("宽带断了三天")
    await desk.step()
    assert taken.ticket is not None
    await desk.act(taken.ticket, "answer", text="已修复")
    await desk.step(MINUTE)
    assert [one.sent_since for one in to(desk, "42")] == [0, 3]


async def test_a_reply_that_comes_too_late_is_not_sent(desk: Desk, li: Talker) -> None:
    await li.say("/help")
    await desk.step(timedelta(minutes=11))
    assert to(desk, "42") == []
    (row,) = await desk.notices(medium="bot")
    assert (row.state, row.cause) == ("expired", "too_late")


async def test_whoever_blocked_the_bot_is_told_by_the_next_way(desk: Desk, li: Talker) -> None:
    for words in ("/new", "宽带断网", "13800001234", "/skip"):
        await li.say(words)
    opened = await li.say("/confirm")
    await desk.step()
    desk.post.answer = blocked
    desk.post.sent.clear()
    assert opened.ticket is not None
    ticket = await desk.act(opened.ticket, "escalate", reason="测试")
    ticket = await desk.act(ticket, "extend", deadline="answer", amount=1, unit="days", reason="需要上门")
    await desk.step()
    await desk.step()
    assert [one.forms.get("short") is not None for one in to(desk, "+8613800001234")] == [True]
    assert (await li.events(ticket))[-1].data["to"] == "sms"
    await desk.step(MINUTE)
    assert len(to(desk, "+8613800001234")) == 1


async def test_whoever_has_no_other_way_is_left_alone(desk: Desk, li: Talker) -> None:
    desk.post.answer = blocked
    taken = await li.say("宽带断网")
    await desk.step()
    await desk.step(MINUTE)
    (row,) = await desk.notices(medium="bot")
    assert row.state == "failed"
    assert "fell_back" not in [event.kind for event in await li.events(await li.ticket(taken))]


async def given_up(desk: Desk, after: timedelta) -> int:
    """The clock looks for what nobody fetched from the bot within ten minutes."""
    waits, now = {"bot": 10 * MINUTE}, desk.now + after
    return await desk.store.run(lambda tx: give_up_waiting(tx, waits, now, desk.policy))


async def test_what_lies_ready_and_nobody_fetches_goes_by_the_next_way_once(desk: Desk, li: Talker) -> None:
    for words in ("/new", "宽带断网", "13800001234", "/skip"):
        await li.say(words)
    opened = await li.say("/confirm")
    assert opened.ticket is not None
    ticket = await desk.act(opened.ticket, "extend", deadline="answer", amount=1, unit="days", reason="需要上门")
    await desk.step()
    desk.post.sent.clear()
    assert await given_up(desk, 9 * MINUTE) == 0
    late = await given_up(desk, 13 * MINUTE)
    assert late == len(await desk.notices(medium="bot", state="expired")) == 2  # the acknowledgement went by SMS too
    assert await given_up(desk, 20 * MINUTE) == 0
    await desk.step(20 * MINUTE)
    (told,) = to(desk, "+8613800001234")
    assert "short" in told.forms
    fell_back = [event.data for event in await li.events(ticket) if event.kind == "fell_back"]
    assert [(data["notice"], data["to"], data["cause"]) for data in fell_back] == [
        ("extension_granted", "sms", "not_fetched")
    ]
    (expired,) = await desk.notices(medium="bot", notice="extension_granted")
    seen = DeliveryReceipt(status="delivered", at=desk.now, reference=f"n{expired.id}", address="42")
    await desk.dispatcher.record_receipt(seen)
    (expired,) = await desk.notices(medium="bot", notice="extension_granted")
    assert expired.state == "delivered"


async def test_what_was_fetched_or_only_answers_is_not_told_again(desk: Desk, li: Talker) -> None:
    await li.say("/help")
    await li.say("宽带断网")
    await desk.step()
    (told,) = await desk.notices(medium="bot", notice="acknowledgement")
    await desk.dispatcher.record_receipt(
        DeliveryReceipt(status="delivered", at=desk.now, reference=f"n{told.id}", address="42")
    )
    assert await given_up(desk, 60 * MINUTE) == 0
