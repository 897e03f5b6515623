"""Every notice that the core owes finds its words, and nobody is told what he must not know."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.errors import PermanentDelivery
from gateway.message import DeliveryReceipt, OutboundMessage
from tests.dispatch.desk import NOW, Desk, taken_by_provider
from ticket_core.decide.gate import NO_AUTOMATIC_REPLIES
from ticket_core.model import Complainant, Replay, Source, Ticket
from ticket_core.number import display, number_of
from ticket_core.service import sweep


def told(desk: Desk, to: str) -> OutboundMessage:
    """The last mail to this address."""
    return [one for one in desk.post.sent if one.to == to][-1]


def their_refusal(message: OutboundMessage) -> DeliveryReceipt:
    """The forwarding body does not know the case; everybody else takes what he gets."""
    if "step" in message.fields:
        raise PermanentDelivery("工单不存在", status="40012")
    return taken_by_provider(message)


async def tick(desk: Desk, after: timedelta) -> None:
    desk.now += after
    while await desk.store.run(lambda tx: sweep(tx, desk.now, desk.policy)):
        pass
    await desk.step()


async def opened(desk: Desk, **changes: object) -> Ticket:
    taken = await desk.complain(**changes)  # type: ignore[arg-type]
    assert taken.ticket is not None
    await desk.step()
    return taken.ticket


async def test_an_english_subject_begins_with_a_capital_and_a_sentence_goes_on_without(desk: Desk) -> None:
    await opened(desk, email="wang@example.com", locale="en")
    forms = told(desk, "wang@example.com").forms
    assert forms["subject"].startswith("Complaint accepted: ")
    assert "the complaint that you lodged" in forms["text"]


async def test_every_notice_of_the_profile_is_written_from_real_events(desk: Desk) -> None:
    first = await opened(desk, mobile="+8613800000001")
    again = await desk.complain(mobile="+8613800000001")  # escalates by the repeat rule
    assert again.repeat_of == first.id
    second = await opened(desk, email="wang@example.com", locale="en")
    await desk.act(second, "extend", deadline="answer", amount=2, unit="hours", reason="等待检测")
    await desk.act(second, "assign", group="business", reason="属业务部门")
    await desk.act(second, "return", reason="非我部门")
    await desk.act(second, "supplement", text="光猫红灯一直亮")
    await desk.act(second, "urge", text="什么时候能修好")
    await desk.act(second, "urge")
    east = Complainant(chats=("east:lamp",))
    await desk.complain_as(east, "chat:east:lamp", intent="supplement", thread=second.id, channel="east")
    await desk.act(second, "escalate", reason="媒体关注")
    await desk.step()
    for _ in range(2):
        await tick(desk, timedelta(hours=2, minutes=1))
    for _ in range(20):
        await tick(desk, timedelta(days=1))
    await desk.act(first, "answer", text="已修复,费用已减免。")
    await desk.act(first, "close", text="用户满意")
    third = await opened(desk, email="zhou@example.com")
    await desk.act(third, "refuse", reason="已由人民法院受理")
    fourth = await opened(desk, email="wu@example.com")
    await desk.act(fourth, "withdraw", reason="已自行解决")
    forwarded = Source(body="12345", case_number="CD2026112000001")
    fifth = await opened(desk, email="zheng@example.com", source=forwarded, channel="city")
    for means in ("correction", "urge", "extension", "withdraw", "transfer"):
        due_at = desk.now + timedelta(days=3)
        about = replace(forwarded, act=means, deadlines=(("answer", due_at),))  # type: ignore[arg-type]
        again = await desk.complain(email="zheng@example.com", source=about)
        assert (again.outcome, again.ticket and again.ticket.id) == ("appended", fifth.id)
    await desk.step()
    desk.post.answer = their_refusal
    await desk.act(fifth, "accept")
    await desk.step()
    await desk.step()
    rows = await desk.notices()
    assert [(row.notice, row.role, row.cause) for row in rows if row.state == "temporary_failure"] == []
    owed = {rule.notice for rule in desk.policy.profiles["generic"].notify}
    assert {row.notice for row in rows if row.state == "accepted"} == owed
    assert {one.locale for one in desk.post.sent if one.to == "wang@example.com"} == {"en"}


async def test_more_time_is_asked_of_the_supervisor_and_told_to_who_asked_and_the_complainant(desk: Desk) -> None:
    forwarded = Source(body="12345", case_number="CD2026112000002")
    taken = await desk.complain(source=forwarded, channel="city", profile="transfer")
    assert taken.ticket is not None
    first = await desk.act(taken.ticket, "sign")
    ask = {"deadline": "answer", "amount": 3, "unit": "days", "reason": "等待第三方检测"}
    for decide, fields in (("deny_extension", {"reason": "理由不足"}), ("approve_extension", ask)):
        await desk.act(first, "request_extension", actor="zhao", **ask)  # type: ignore[arg-type]
        await desk.act(first, decide, actor="qian", **fields)  # type: ignore[arg-type]
        while await desk.step():
            pass
    assert [one.state for one in await desk.notices() if one.state not in ("accepted", "suppressed")] == []
    requests = [one for one in desk.post.sent if one.to == "qian@example.com" and "申请延长" in one.forms["text"]]
    assert len(requests) == 2 and "等待第三方检测" in requests[0].forms["text"]
    decided = [one.forms["subject"] for one in desk.post.sent if one.to == "zhao@example.com"]
    assert [one.partition("：")[0] for one in decided][-2:] == ["延期申请未批准", "延期申请已批准"]
    assert "延" in told(desk, "li@example.com").forms["subject"]
    steps = [one.fields["step"] for one in desk.post.sent if "step" in one.fields]
    assert steps == ["sign", "extend", "extend"]  # 12345 hears of what is asked; 12378 of what is granted too


async def test_the_complainant_gets_the_key_and_the_promise_and_handlers_get_the_console(desk: Desk) -> None:
    ticket = await opened(desk)
    mine, theirs = told(desk, "li@example.com"), told(desk, "zhao@example.com")
    assert f"http://127.0.0.1:8080/track/{mine.ticket_number}?key=" in mine.forms["text"]
    assert "答复时限：2026年11月21日09:00前" in mine.forms["text"]
    assert "/console/" not in mine.forms["text"]
    assert f"/console/tickets/{theirs.ticket_number}" in theirs.forms["text"]
    assert "key=" not in "".join(theirs.forms.values())
    assert ticket.text in theirs.forms["text"]


@pytest.mark.parametrize("secret", ["confidential", "anonymous"])
async def test_who_asks_for_secrecy_is_not_named_to_handlers(desk: Desk, secret: str) -> None:
    who = Complainant(name="李小明", emails=("li@example.com",))
    taken = await desk.complain(name="李小明")
    assert taken.ticket is not None
    await desk.step()
    assert "李**" in told(desk, "zhao@example.com").forms["text"]
    hidden = replace(who, **{secret: True})
    await desk.complain_as(hidden, "email:zheng@example.com")
    await desk.step()
    text = told(desk, "zhao@example.com").forms["text"]
    assert "李" not in text
    if secret == "confidential":
        assert "保密" in text


async def test_a_repeat_is_told_with_its_evidence(desk: Desk) -> None:
    await opened(desk)
    desk.now = NOW + timedelta(hours=2)
    await desk.complain()
    await desk.step()
    (mail,) = [one for one in desk.post.sent if one.to == "qian@example.com"]
    assert "申告" in mail.forms["subject"]
    assert "用户4小时内重复投诉" in mail.forms["text"]
    assert "前次投诉：2026年11月20日09:00" in mail.forms["text"]


async def test_handlers_are_told_what_the_complainant_added_and_how_often_he_urged(desk: Desk) -> None:
    ticket = await opened(desk)
    await desk.act(ticket, "supplement", text="光猫红灯一直亮")
    await desk.step()
    assert "光猫红灯一直亮" in told(desk, "zhao@example.com").forms["text"]
    for _ in range(2):
        await desk.act(ticket, "urge", text="什么时候能修好")
    await desk.step()
    text = told(desk, "zhao@example.com").forms["text"]
    assert "第2次" in text and "什么时候能修好" in text


@pytest.mark.parametrize(("tags", "state"), [((), "accepted"), ((NO_AUTOMATIC_REPLIES,), "suppressed")])
async def test_who_is_understood_at_last_gets_the_acknowledgement_that_was_owed(
    desk: Desk, tags: tuple[str, ...], state: str
) -> None:
    odd = await desk.complain_as(Complainant(), intent="triage", note="unreadable")
    await desk.step()
    assert await desk.notices(role="complainant") == []
    replay = Replay(inbound_id=odd.inbound_id, at=desk.now)
    who = Complainant(name="李小明", emails=("li@example.com",))
    read = await desk.complain_as(who, "email:li@example.com", tags=tags, replay=replay)
    await desk.step()
    assert read.ticket is not None
    (row,) = await desk.notices(role="complainant")
    assert (row.notice, row.address, row.state) == ("acknowledgement", "li@example.com", state)
    if state == "accepted":
        assert display(number_of(read.ticket.id)) in told(desk, "li@example.com").forms["text"]
