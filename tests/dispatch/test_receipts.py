"""What providers report, once, twice, in any order, too early and about nothing of ours."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from gateway.message import DeliveryReceipt, DeliveryStatus
from tests.dispatch.desk import NOW, Desk
from ticket_core.delivery_service import notice_of, reference_of
from ticket_core.store.journals import SentNotice
from ticket_core.store.schema import inbound, stray_receipt


def receipt(status: DeliveryStatus, **about: object) -> DeliveryReceipt:
    return DeliveryReceipt(status=status, at=NOW, **about)  # type: ignore[arg-type]


async def acknowledgement(desk: Desk) -> SentNotice:
    (row,) = await desk.notices(role="complainant")
    return row


async def sent(desk: Desk) -> SentNotice:
    await desk.complain()
    await desk.step()
    return await acknowledgement(desk)


@pytest.mark.parametrize("known_by", ["reference", "provider_id"])
async def test_a_report_finds_its_notice(desk: Desk, known_by: str) -> None:
    row = await sent(desk)
    about = {"reference": f"n{row.id}"} if known_by == "reference" else {"provider_id": row.provider_id}
    await desk.dispatcher.record_receipt(receipt("delivered", **about))
    row = await acknowledgement(desk)
    assert (row.state, [one.status for one in row.deliveries]) == ("delivered", ["accepted", "delivered"])


async def test_a_bounce_after_delivered_counts_and_a_repeated_report_does_not(desk: Desk) -> None:
    row = await sent(desk)
    for _ in range(3):
        await desk.dispatcher.record_receipt(receipt("delivered", reference=f"n{row.id}"))
    assert len((await acknowledgement(desk)).deliveries) == 2
    bounce = receipt("failed", reference=f"n{row.id}", detail="5.1.1")
    await asyncio.gather(*(desk.dispatcher.record_receipt(bounce) for _ in range(5)))
    row = await acknowledgement(desk)
    assert (row.state, row.cause, len(row.deliveries)) == ("failed", "5.1.1", 3)
    assert (await desk.due())[row.id] == 0


async def test_a_report_that_comes_before_the_send_is_on_record_is_not_lost(desk: Desk) -> None:
    def taken(message):  # type: ignore[no-untyped-def]
        return DeliveryReceipt(status="accepted", at=NOW, provider_id=f"b-{message.reference}")

    await desk.complain()
    row = await acknowledgement(desk)
    desk.post.answer = taken
    await desk.dispatcher.record_receipt(receipt("delivered", provider_id=f"b-n{row.id}"))
    await desk.step()
    row = await acknowledgement(desk)
    assert (row.state, [one.status for one in row.deliveries]) == ("delivered", ["accepted", "delivered"])
    assert await desk.store.read(lambda c: c.scalar(select(func.count()).select_from(stray_receipt))) == 0


async def test_a_report_that_comes_during_the_send_decides_with_it(desk: Desk) -> None:
    await desk.complain()
    row = await acknowledgement(desk)
    desk.post.delay = 0.2
    sending = asyncio.create_task(desk.step())
    await desk.post.wait_for(2)
    await desk.dispatcher.record_receipt(receipt("delivered", reference=f"n{row.id}"))
    assert (await acknowledgement(desk)).state == "delivered"
    await sending
    row = await acknowledgement(desk)
    assert (row.state, [one.status for one in row.deliveries]) == ("delivered", ["delivered", "accepted"])


async def test_a_telephone_that_was_off_is_tried_again(desk: Desk) -> None:
    row = await sent(desk)
    off = DeliveryReceipt(status="temporary_failure", at=desk.now, reference=f"n{row.id}", detail="off")
    await desk.dispatcher.record_receipt(off)
    assert (await acknowledgement(desk)).state == "temporary_failure"
    assert await desk.step(timedelta(seconds=30)) == 1
    row = await acknowledgement(desk)
    assert (row.state, row.attempts) == ("accepted", 2)


async def test_the_parts_of_a_message_are_taken_together(desk: Desk) -> None:
    row = await sent(desk)
    for part in ("1", "2", "3"):
        assert (await acknowledgement(desk)).state == "accepted"
        one = receipt("delivered", reference=f"n{row.id}", provider_id=row.provider_id, part=part, parts=3)
        await desk.dispatcher.record_receipt(one)
    assert (await acknowledgement(desk)).state == "delivered"
    last = receipt("failed", reference=f"n{row.id}", provider_id=row.provider_id, part="2", parts=3)
    await desk.dispatcher.record_receipt(last)
    assert (await acknowledgement(desk)).state == "failed"


@pytest.mark.parametrize(
    "about",
    [
        {"reference": "n999999"},
        {"reference": "n" + "9" * 30},
        {"reference": "nonsense"},
        {"reference": "n-1"},
        {"provider_id": "b-unknown"},
        {},
    ],
)
async def test_a_report_about_nothing_of_ours_is_journaled_and_harmless(desk: Desk, about: dict[str, str]) -> None:
    row = await sent(desk)
    await desk.dispatcher.record_receipt(receipt("failed", **about), channel="text", raw=b"state=2")
    assert await acknowledgement(desk) == row
    query = select(inbound.c.outcome, inbound.c.raw, inbound.c.ticket_id).where(inbound.c.channel == "text")
    assert [tuple(line) for line in await desk.store.read(lambda c: c.execute(query).all())] == [
        ("receipt", b"state=2", None)
    ]


async def test_a_report_about_a_notice_is_journaled_with_its_ticket(desk: Desk) -> None:
    row = await sent(desk)
    await desk.dispatcher.record_receipt(receipt("delivered", reference=f"n{row.id}"), channel="text", raw=b"state=1")
    query = select(inbound.c.ticket_id).where(inbound.c.outcome == "receipt")
    assert await desk.store.read(lambda c: c.scalars(query).all()) == [row.ticket_id]


@pytest.mark.parametrize(
    ("address", "state"),
    [
        ("li@example.com", "failed"),
        ("Li@EXAMPLE.com", "failed"),
        ("mallory@example.com", "accepted"),
        ("li@example.com.example.org", "accepted"),
    ],
)
async def test_a_bounce_counts_only_for_the_address_the_notice_went_to(desk: Desk, address: str, state: str) -> None:
    row = await sent(desk)
    bounce = receipt("failed", reference=f"n{row.id}", detail=f"5.1.1 {address}", address=address)
    await desk.dispatcher.record_receipt(bounce, channel="mail", raw=b"Subject: returned")
    assert (await acknowledgement(desk)).state == state
    query = select(inbound.c.outcome, inbound.c.ticket_id).where(inbound.c.channel == "mail")
    concerns = row.ticket_id if state == "failed" else None
    assert [tuple(line) for line in await desk.store.read(lambda c: c.execute(query).all())] == [("receipt", concerns)]


async def test_a_bounce_finds_an_address_whose_domain_is_written_in_chinese(desk: Desk) -> None:
    await desk.complain(email="li@例子.example.com")
    await desk.step()
    row = await acknowledgement(desk)
    about = {"reference": f"n{row.id}", "address": "li@xn--fsqu00a.example.com"}
    await desk.dispatcher.record_receipt(receipt("failed", **about))
    assert (await acknowledgement(desk)).state == "failed"


def test_a_reference_is_read_back_and_nothing_else_is() -> None:
    assert notice_of(reference_of(17)) == notice_of("N17") == 17
    for other in ("", "n", "17", "n1a", "n١٧", "n 1", "m17"):
        assert notice_of(other) is None
