"""From the outbox to the transport and back, over a real store."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from gateway.errors import PermanentDelivery, TransientDelivery
from gateway.message import DeliveryReceipt, OutboundMessage
from tests.dispatch.desk import NOW, Desk, Post, taken_by_provider
from tests.dispatch.desk import desk as open_desk
from ticket_core.store.schema import notice

LATER = timedelta(seconds=30)


def busy(_message: OutboundMessage) -> DeliveryReceipt:
    raise TransientDelivery("451 4.3.0 later")


async def test_a_complaint_is_acknowledged_and_its_handlers_are_told(desk: Desk) -> None:
    await desk.complain(mobile="+8613800000001")
    assert await desk.step() == 3
    told = {(message.to, message.reply) for message in desk.post.sent}
    assert told == {("li@example.com", True), ("+8613800000001", True), ("zhao@example.com", False)}
    assert {row.state for row in await desk.notices()} == {"accepted"}
    assert set((await desk.due()).values()) == {0}
    assert await desk.step() == 0


async def test_what_was_sent_is_kept_with_its_template_and_its_try(desk: Desk) -> None:
    await desk.complain()
    await desk.step()
    (row,) = await desk.notices(role="complainant")
    (message,) = [one for one in desk.post.sent if one.to == "li@example.com"]
    assert json.loads(row.rendered) == dict(message.forms)
    assert "李小明" in message.forms["text"]
    assert len(row.template_version) == 12
    assert (row.transport, row.attempts, row.provider_id) == ("box-email", 1, f"p-n{row.id}")
    assert [(one.status, one.provider_id) for one in row.deliveries] == [("accepted", f"p-n{row.id}")]


async def test_a_busy_provider_is_tried_again_with_the_same_reference_until_it_takes_it(desk: Desk) -> None:
    await desk.complain()
    desk.post.answer = busy
    await desk.step()
    (row,) = await desk.notices(role="complainant")
    assert (row.state, row.cause) == ("temporary_failure", "451 4.3.0 later")
    assert timedelta(seconds=15) < row.send_at - NOW <= timedelta(seconds=20)
    assert await desk.step(timedelta(seconds=10)) == 0
    desk.post.answer = Post().answer
    assert await desk.step(LATER) == 2
    (row,) = await desk.notices(role="complainant")
    assert (row.state, row.attempts) == ("accepted", 2)
    mine = [one.reference for one in desk.post.sent if one.to == "li@example.com"]
    assert mine == [f"n{row.id}"] * 2


async def test_a_refusal_for_good_is_not_tried_again(desk: Desk) -> None:
    def refuse(_message: OutboundMessage) -> DeliveryReceipt:
        raise PermanentDelivery("no such user", status="5.1.1")

    desk.post.answer = refuse
    await desk.complain()
    await desk.step()
    assert {(row.state, row.cause) for row in await desk.notices()} == {("failed", "5.1.1 no such user")}
    assert await desk.step(timedelta(days=1)) == 0


async def test_a_provider_that_asks_for_hours_gets_them_and_holds_nobody_else_up(desk: Desk) -> None:
    def full(message: OutboundMessage) -> DeliveryReceipt:
        if message.to == "li@example.com":
            raise TransientDelivery("429", retry_after=timedelta(seconds=12_966))
        return Post().answer(message)

    desk.post.answer = full
    await desk.complain()
    await desk.complain(email="wang@example.com")
    await desk.step()
    states = {row.address: (row.state, row.send_at - NOW) for row in await desk.notices(role="complainant")}
    assert states["li@example.com"] == ("temporary_failure", timedelta(seconds=12_966))
    assert states["wang@example.com"][0] == "accepted"
    desk.post.answer = Post().answer
    assert await desk.step(timedelta(seconds=12_965)) == 0
    assert await desk.step(timedelta(seconds=1)) == 1


async def test_a_fault_in_one_adapter_is_recorded_and_the_others_go_on(desk: Desk) -> None:
    def faulty(message: OutboundMessage) -> DeliveryReceipt:
        if message.to.startswith("+"):
            raise ZeroDivisionError
        return Post().answer(message)

    desk.post.answer = faulty
    await desk.complain(mobile="+8613800000001")
    await desk.step()
    states = {row.medium: (row.state, row.cause) for row in await desk.notices(role="complainant")}
    cause = states["sms"][1]
    assert cause.startswith("internal error: ZeroDivisionError in test_dispatcher.py:")
    assert states == {
        "email": ("accepted", ""),
        "sms": ("temporary_failure", cause),
    }
    assert desk.dispatcher.last_error == cause


async def test_a_notice_without_words_is_held_visibly_and_goes_out_when_they_are_found(desk: Desk) -> None:
    taken = await desk.complain()
    assert taken.ticket is not None
    await desk.step()
    ticket = await desk.act(taken.ticket, "accept")
    await desk.act(ticket, "return", reason="不属本部门")
    renderer = desk.dispatcher._composer.renderer
    good = renderer._sources["zh-CN"]["returned/text.txt.j2"]
    environment = renderer.environment("zh-CN")
    environment.loader.mapping["returned/text.txt.j2"] = "{{ event.nowhere }}"  # type: ignore[union-attr]
    await desk.step()
    (row,) = await desk.notices(notice="returned")
    assert row.state == "temporary_failure"
    assert "nowhere" in row.cause
    assert row.attempts == 0
    assert row.send_at - desk.now == timedelta(minutes=10)
    environment.loader.mapping["returned/text.txt.j2"] = good  # type: ignore[union-attr]
    environment.cache.clear()  # type: ignore[union-attr]
    renderer._compiled.clear()
    await desk.step(timedelta(minutes=10))
    assert [row.state for row in await desk.notices(notice="returned")] == ["accepted"]


async def test_a_later_mail_to_the_same_person_continues_the_thread(desk: Desk) -> None:
    taken = await desk.complain(raw_type="message/rfc822", external_id="<first@mail.example.com>")
    assert taken.ticket is not None
    await desk.step()
    await desk.act(taken.ticket, "answer", text="已修复")
    await desk.step()
    acknowledgement, answer = (one for one in desk.post.sent if one.to == "li@example.com")
    assert acknowledgement.thread == ("<first@mail.example.com>",)
    assert answer.thread == ("<first@mail.example.com>", acknowledgement.reference)
    assert answer.token == acknowledgement.token
    assert all("<first" not in reference for one in desk.post.sent if not one.reply for reference in one.thread)


async def test_no_more_sends_run_at_a_time_than_the_transport_takes(desk: Desk) -> None:
    for number in range(30):
        await desk.complain(email=f"li{number}@example.com")
    desk.post.delay = 0.01
    assert await desk.step() == 60
    assert desk.post.most_at_a_time == 8
    assert {row.state for row in await desk.notices()} == {"accepted"}


async def test_a_notice_is_sent_as_soon_as_it_is_committed(desk: Desk) -> None:
    async with desk.running():
        await asyncio.sleep(0.1)
        await desk.complain()
        desk.dispatcher.wake()
        await desk.post.wait_for(2)
    assert {row.state for row in await desk.notices()} == {"accepted"}
    assert desk.health.ok


async def test_at_a_clean_stop_sends_in_flight_finish_and_what_was_not_begun_is_free_at_once(desk: Desk) -> None:
    desk.post.delay = 0.3
    for number in range(10):
        await desk.complain(email=f"li{number}@example.com")
    async with desk.running():
        await desk.post.wait_for(1)
    assert len(desk.post.sent) == 8
    states = [row.state for row in await desk.notices()]
    assert (states.count("accepted"), states.count("queued")) == (8, 12)
    desk.post.delay = 0
    assert await desk.step(timedelta(days=36500)) == 12  # given back at the time of the clock on the wall


async def test_a_process_keeps_no_more_than_two_batches_from_others(tmp_path: Path) -> None:
    async with open_desk(f"sqlite:///{tmp_path}/gateway.sqlite3", batch=10) as desk:
        desk.post.delay = 0.1
        for person in range(50):
            await desk.complain(email=f"p{person}@example.com")
        held: list[int] = []
        async with desk.running():
            for count in range(8, 57, 8):
                await desk.post.wait_for(count)
                held.append(len(await desk.notices(state="sending", medium="email")))
        assert max(held) <= 2 * 10 + 3 * 8  # beside them those in flight, and those whose answer is not on record yet
        assert len(desk.post.sent) == len({message.reference for message in desk.post.sent})


async def test_a_dispatcher_that_dies_between_send_and_record_loses_nothing(desk: Desk) -> None:
    await desk.complain()
    desk.post.delay = 60
    dying = asyncio.create_task(desk.dispatcher.step(NOW))
    await desk.post.wait_for(2)
    senders = desk.dispatcher._senders()
    for task in (dying, *senders):
        task.cancel()
    await asyncio.gather(dying, *senders, return_exceptions=True)
    assert {row.state for row in await desk.notices()} == {"sending"}
    desk.post.delay = 0
    async with open_desk("sqlite://", desk.post, shared=desk.store) as successor:
        assert await successor.step(timedelta(minutes=1)) == 0  # the lease still runs
        assert await successor.step(timedelta(minutes=1)) == 2
    assert {row.state for row in await desk.notices()} == {"accepted"}
    references = [one.reference for one in desk.post.sent]
    assert len(references) == 4
    assert references[:2] == references[2:]


@pytest.mark.parametrize("medium", ["email", "sms"])
async def test_a_medium_without_a_transport_is_reported_and_the_rest_goes_out(desk: Desk, medium: str) -> None:
    del desk.dispatcher._lanes[medium]
    await desk.complain(mobile="+8613800000001")
    async with desk.running():
        await desk.post.wait_for(1)
        await asyncio.sleep(0.2)
    assert desk.health.reason == f"no transport for {medium}"
    assert {row.state for row in await desk.notices(medium=medium)} == {"queued"}


async def test_a_provider_that_fails_three_times_in_a_row_is_told_of_and_again_when_it_is_well(desk: Desk) -> None:
    desk.post.answer = busy
    for number in range(2):
        await desk.complain(email=f"li{number}@example.com")
    assert await desk.step() == 4
    assert desk.told[:1] == [("email", "451 4.3.0 later")]
    desk.post.answer = taken_by_provider
    await desk.step(timedelta(minutes=1))
    assert desk.told[-1] == ("email", "")


async def test_a_provider_that_only_asks_for_patience_is_well(desk: Desk) -> None:
    def patience(_message: OutboundMessage) -> DeliveryReceipt:
        raise TransientDelivery("429", retry_after=timedelta(seconds=30))

    desk.post.answer = patience
    for number in range(3):
        await desk.complain(email=f"li{number}@example.com")
    await desk.step()
    assert desk.told == []


async def test_nothing_is_begun_that_could_outlast_its_lease(desk: Desk) -> None:
    """Another process may send it by then: it is given back, and goes out under a lease of its own."""
    begun: list[timedelta] = []

    def slow(message: OutboundMessage) -> DeliveryReceipt:
        begun.append(desk.now - NOW)
        desk.now += timedelta(seconds=40)
        return taken_by_provider(message)

    desk.post.answer = slow
    desk.dispatcher._lanes["email"].transport.concurrency = 1
    desk.dispatcher._clock = lambda: desk.now
    for number in range(3):
        await desk.complain(email=f"li{number}@example.com")
    desk.now = NOW
    assert await desk.dispatcher.step() > 6, "some are claimed a second time"
    leases = await desk.store.read(lambda c: c.execute(select(notice.c.epoch).order_by(notice.c.id)).scalars().all())
    assert len(begun) == 6
    assert leases == [1, 1, 1, 2, 2, 2], "of two minutes three sends of forty seconds are begun"
