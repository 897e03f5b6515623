"""Replies and ends go back once, whatever becomes of the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.channels.transfer.wechat_pay import WeChatPay
from gateway.errors import PermanentDelivery, TransientDelivery
from gateway.message import OutboundMessage
from tests.channels.transfer.wechat_pay.test_way_in import N1, channel
from tests.servers.wechat_pay import MERCHANT, WeChatPayServer, complaint, wechat_pay_server


def step(step: str, to: str = N1, **fields: Any) -> OutboundMessage:
    return OutboundMessage(reference="n7", to=to, forms={}, fields={"step": step, "case_number": to, **fields})


@pytest.fixture
async def server() -> AsyncIterator[WeChatPayServer]:
    async with wechat_pay_server() as made:
        made.complaints[N1] = complaint(N1)
        yield made


@pytest.fixture
async def pay(server: WeChatPayServer) -> AsyncIterator[WeChatPay]:
    made = channel(server)
    yield made
    await made.close()


async def test_a_reply_and_an_end_are_told(server: WeChatPayServer, pay: WeChatPay) -> None:
    assert (await pay.send(step("response", response_content="已退款"))).status == "delivered"
    assert (await pay.send(step("complete"))).status == "delivered"
    assert server.told == [
        (N1, "response", {"complainted_mchid": MERCHANT, "response_content": "已退款"}),
        (N1, "complete", {"complainted_mchid": MERCHANT}),
    ]


async def test_the_merchant_whom_it_is_about_may_be_one_of_ours(server: WeChatPayServer, pay: WeChatPay) -> None:
    server.complaints[N1]["complainted_mchid"] = "1900012181"
    await pay.send(step("complete"))
    assert server.told[0][2] == {"complainted_mchid": "1900012181"}


@pytest.mark.parametrize("fault", ["dropped", "unsigned", "probing"])
@pytest.mark.parametrize("what", [step("response", response_content="已退款"), step("complete")])
async def test_what_was_heard_although_its_answer_was_lost_is_not_told_again(
    server: WeChatPayServer, pay: WeChatPay, fault: Any, what: OutboundMessage
) -> None:
    server.fault, server.fault_of = fault, f"{N1}/{what.fields['step']}"
    with pytest.raises(TransientDelivery):
        await pay.send(what)
    server.fault = None
    receipt = await pay.send(what)
    assert (receipt.status, receipt.detail) == ("delivered", "known")
    assert len(server.told) == 1


async def test_the_same_words_after_another_reply_are_said_again(server: WeChatPayServer, pay: WeChatPay) -> None:
    for words in ("已退款", "请查收", "已退款"):
        await pay.send(step("response", response_content=words))
    assert len(server.told) == 3


async def test_a_long_reply_is_cut_to_their_limit(server: WeChatPayServer, pay: WeChatPay) -> None:
    await pay.send(step("response", response_content="好" * 800))
    assert len(server.told[0][2]["response_content"]) == 500


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("busy", TransientDelivery),
        ("broken", TransientDelivery),
        ("silent", TransientDelivery),
        ("locked", TransientDelivery),
        ("missing", PermanentDelivery),
    ],
)
async def test_what_they_answer_says_whether_to_try_again(
    server: WeChatPayServer, pay: WeChatPay, fault: Any, error: type[Exception]
) -> None:
    server.fault = fault
    with pytest.raises(error):
        await pay.send(step("complete"))
    assert ("credentials" in pay.trouble) == (fault == "locked")
    server.fault = None
    await pay.send(step("complete"))
    assert not pay.trouble


@pytest.mark.parametrize(
    "what", [step("sign"), step("response", response_content=" "), step("complete", to="../../certificates")]
)
async def test_what_makes_no_sense_there_fails_for_good(
    server: WeChatPayServer, pay: WeChatPay, what: OutboundMessage
) -> None:
    with pytest.raises(PermanentDelivery):
        await pay.send(what)
    assert not server.told
