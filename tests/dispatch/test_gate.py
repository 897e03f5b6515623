"""What is held back, and that every holding back is on record."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.dispatch.desk import NOW, Desk
from tests.dispatch.desk import desk as open_desk
from ticket_core.service import sweep
from ticket_core.store.schema import notice


async def states(desk: Desk, address: str) -> Counter[tuple[str, str]]:
    return Counter((row.state, row.cause) for row in await desk.notices(address=address))


async def test_a_complainant_gets_thirty_notices_an_hour_and_the_rest_is_on_record(desk: Desk) -> None:
    for _ in range(33):
        await desk.complain(kind="inquiry")
    await desk.step()
    assert await states(desk, "li@example.com") == {("accepted", ""): 30, ("suppressed", "address_cap"): 3}
    assert (await states(desk, "zhao@example.com"))["accepted", ""] == 33
    assert sum(one.to == "li@example.com" for one in desk.post.sent) == 30


async def test_after_the_hour_the_complainant_is_told_again(desk: Desk) -> None:
    for _ in range(31):
        await desk.complain(kind="inquiry")
    desk.now += timedelta(hours=1)
    await desk.complain(kind="inquiry")
    await desk.step()
    assert await states(desk, "li@example.com") == {("accepted", ""): 31, ("suppressed", "address_cap"): 1}


async def test_the_cap_holds_over_batches_and_retries(tmp_path: Path) -> None:
    async with open_desk(f"sqlite:///{tmp_path}/g.sqlite3", batch=4, per_address_per_hour=10) as desk:
        for number in range(15):
            await desk.complain(kind="inquiry")
            if number % 4 == 0:
                await desk.step()
        await desk.step()
        assert await states(desk, "li@example.com") == {("accepted", ""): 10, ("suppressed", "address_cap"): 5}


async def test_people_of_the_house_have_a_higher_cap(tmp_path: Path) -> None:
    async with open_desk(f"sqlite:///{tmp_path}/g.sqlite3", per_address_per_hour=2, per_person_per_hour=5) as desk:
        for number in range(7):
            await desk.complain(email=f"li{number}@example.com")
        await desk.step()
        assert await states(desk, "zhao@example.com") == {("accepted", ""): 5, ("suppressed", "address_cap"): 2}


async def test_one_ticket_has_a_cap_of_its_own(tmp_path: Path) -> None:
    async with open_desk(f"sqlite:///{tmp_path}/g.sqlite3", per_ticket_per_day=3) as desk:
        taken = await desk.complain()
        assert taken.ticket is not None
        for _ in range(4):
            await desk.act(taken.ticket, "extend", deadline="answer", amount=1, unit="hours", reason="待检测")
        await desk.step()
        assert await states(desk, "li@example.com") == {("accepted", ""): 3, ("suppressed", "ticket_cap"): 2}


@pytest.mark.parametrize(
    "address",
    ["tousu@example.com", "TOUSU@Example.com", "tousu+261120000000017.x@example.com", "tongzhi@example.com"],
)
async def test_no_address_that_we_fetch_or_write_from_is_written_to(desk: Desk, address: str) -> None:
    await desk.complain(email=address)
    await desk.step()
    assert await states(desk, address) == {("suppressed", "own_address"): 1}
    assert {one.to for one in desk.post.sent} == {"zhao@example.com"}


async def test_who_asked_for_no_replies_gets_none(desk: Desk) -> None:
    taken = await desk.complain()
    assert taken.ticket is not None

    def tag(tx):  # type: ignore[no-untyped-def]  # no action sets tags yet
        tx.connection.exec_driver_sql("UPDATE ticket SET doc = json_set(doc, '$.tags', json('[\"no_replies\"]'))")

    await desk.store.run(tag)
    await desk.step()
    assert await states(desk, "li@example.com") == {("suppressed", "no_replies_wanted"): 1}
    assert [one.to for one in desk.post.sent] == ["zhao@example.com"]


async def test_an_empty_address_is_not_tried(desk: Desk) -> None:
    await desk.complain()
    await desk.store.run(lambda tx: tx.connection.execute(update(notice).values(address=" ")).rowcount)
    await desk.step()
    assert await states(desk, " ") == {("suppressed", "no_address"): 2}


async def test_an_empty_address_of_people_of_the_house_is_a_room(desk: Desk) -> None:
    await desk.complain()
    await desk.store.run(lambda tx: tx.connection.execute(update(notice).values(address="")).rowcount)
    await desk.step()
    assert await states(desk, "") == {("accepted", ""): 1, ("suppressed", "no_address"): 1}
    assert [one.to for one in desk.post.sent] == [""]


@pytest.mark.parametrize(
    ("action", "fields", "told"),
    [
        (None, {}, ("accepted", "")),
        ("answer", {"text": "已修复"}, ("suppressed", "no_longer_owed")),
        ("refuse", {"reason": "不属于受理范围"}, ("suppressed", "no_longer_owed")),
    ],
)
async def test_a_reminder_of_what_is_done_meanwhile_is_held_back(
    desk: Desk, action: str | None, fields: dict[str, str], told: tuple[str, str]
) -> None:
    taken = await desk.complain()
    assert taken.ticket is not None
    due = NOW + timedelta(hours=22)
    assert await desk.store.run(lambda tx: sweep(tx, due, desk.policy)) == 1
    desk.now = due
    if action:
        await desk.act(taken.ticket, action, **fields)
    await desk.step()
    assert [(row.state, row.cause) for row in await desk.notices(notice="reminder")] == [told]


async def test_an_extension_is_told_though_it_names_a_deadline(desk: Desk) -> None:
    taken = await desk.complain()
    assert taken.ticket is not None
    await desk.act(taken.ticket, "extend", deadline="answer", amount=1, unit="hours", reason="待检测")
    await desk.act(taken.ticket, "answer", text="已修复")
    await desk.step()
    assert [row.state for row in await desk.notices(notice="extension_granted")] == ["accepted"]


async def test_a_notice_that_nobody_could_send_for_a_week_is_not_sent_any_more(desk: Desk) -> None:
    await desk.complain()
    await desk.step(timedelta(days=7, seconds=1))
    assert {(row.state, row.cause) for row in await desk.notices()} == {("expired", "too_late")}
    assert desk.post.sent == []
