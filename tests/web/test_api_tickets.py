"""Agents list, read and act; personal data is seen in full by those who handle the ticket and by nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.web.api_tickets import repeat_window
from tests.web.api_house import House, open_house
from ticket_core.calendar import load_calendar
from ticket_core.directory import Directory
from ticket_core.policy import Policy
from ticket_core.profile import load_profile
from ticket_core.store.accounts import create_account
from ticket_core.store.clock import to_us
from ticket_core.store.schema import delivery

PHONE, MAIL = "13800001234", "li.lei@example.com"
WHO = {"name": "李雷", "phone": PHONE, "email": MAIL}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(f"sqlite:///{tmp_path / 'gateway.sqlite3'}") as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgres"])
async def either_house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    """The same on both databases, for what is a query of its own."""
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    else:
        url = f"sqlite:///{tmp_path / 'gateway.sqlite3'}"
    async with open_house(url) as opened:
        yield opened


async def listed(house: House, query: str = "") -> list[str]:
    response = await house.get(f"/api/v1/tickets{query}", by="wang")
    assert response.status == 200, await response.text()
    return [one["number"] for one in (await response.json())["tickets"]]


async def act(house: House, number: str, action: str, fields: dict[str, Any], by: str = "wang") -> dict[str, Any]:
    response = await house.post(f"/api/v1/tickets/{number}/actions/{action}", fields, by=by)
    return {"status": response.status, **await response.json()}


async def test_agents_alone_see_tickets(house: House) -> None:
    number = (await house.complain())["number"]
    for path in ("tickets", f"tickets/{number}", f"tickets/{number}/events", "lookup?phone=1", "inbound", "notices"):
        assert (await house.get(f"/api/v1/{path}")).status == 401, path


async def test_filters_find_what_they_say(either_house: House) -> None:
    first = (await either_house.complain(text="宽带断网", kind="complaint"))["number"]
    second = (await either_house.complain(text="我要咨询资费", kind="inquiry", service_number="13900000001"))["number"]
    await act(either_house, second, "assign", {"group": "maintenance", "assignee": "chen"})
    both = [second, first]
    expected = {
        "": both,
        "?kind=inquiry": [second],
        "?kind=inquiry,complaint": both,
        "?kind=inquiry&kind=complaint": both,
        "?stage=assigned": [second],
        "?status=received": [first],
        "?group=maintenance": [second],
        "?assignee=chen": [second],
        "?assignee=": both,
        "?channel=phone": [],
        "?grade=grievance": [],
        "?priority=normal": both,
        "?open=true": both,
        "?triage=true": [],
        "?overdue=true": [],
        "?overdue=false": both,
        "?q=断网": [first],
        "?q=断%25": [],
        f"?q={first}": [first],
        "?q=13900000001": [second],
        "?received_from=2000-01-01T00:00:00%2B08:00": both,
        "?received_from=2000-01-01T00:00:00+08:00": both,
        "?received_to=2000-01-01T00:00:00Z": [],
    }
    assert {query: await listed(either_house, query) for query in expected} == expected
    assert set(await listed(either_house, "?order=due")) == set(both)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?kind=rant", "kind.0"),
        ("?overdue=maybe", "overdue"),
        ("?limit=0", "limit"),
        ("?limit=201", "limit"),
        ("?received_from=yesterday", "received_from"),
        ("?cursor=abc", "cursor"),
        ("?colour=red", "colour"),
    ],
)
async def test_a_wrong_filter_is_told_by_its_name(house: House, query: str, field: str) -> None:
    response = await house.get(f"/api/v1/tickets{query}", by="wang")
    assert (response.status, [one["field"] for one in (await response.json())["errors"]]) == (422, [field])


@pytest.mark.parametrize("order", ["newest", "due"])
async def test_pages_follow_each_other_without_gap_or_repetition(either_house: House, order: str) -> None:
    numbers = {(await either_house.complain())["number"] for _ in range(7)}
    seen: list[str] = []
    cursor = ""
    while True:
        page = await (
            await either_house.get(f"/api/v1/tickets?limit=3&order={order}&cursor={cursor}", by="wang")
        ).json()
        seen += [one["number"] for one in page["tickets"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert len(seen) == 7 and set(seen) == numbers


async def test_an_action_changes_the_ticket_and_an_illegal_one_says_what_is_legal(house: House) -> None:
    number = (await house.complain())["number"]
    done = await act(house, number, "assign", {"group": "maintenance"})
    assert (done["status"], done["stage"], done["group"]) == ("assigned", "assigned", "maintenance")
    refused = await act(house, number, "close", {})
    assert refused["status"] == 409 and "answer" in refused["allowed"] and "close" not in refused["allowed"]
    unknown = await act(house, number, "explode", {})
    assert unknown["status"] == 409


async def test_a_handler_cannot_do_what_is_a_supervisors(house: House) -> None:
    number = (await house.complain())["number"]
    await act(house, number, "assign", {"group": "maintenance"})
    assert (await act(house, number, "suspend", {"reason": "等待配件"}, by="chen"))["status"] == 409
    assert (await act(house, number, "suspend", {"reason": "等待配件"}, by="zhao"))["stage"] == "suspended"


async def test_a_missing_field_of_an_action_is_named_in_the_callers_language(house: House) -> None:
    number = (await house.complain())["number"]
    response = await house.post(f"/api/v1/tickets/{number}/actions/assign", {"group": "moon", "x": 1}, by="wang")
    errors = {one["field"]: one["reason"] for one in (await response.json())["errors"]}
    assert (
        response.status == 422 and errors["x"] == "此操作没有这个字段" and errors["group"].startswith("必须是下列之一")
    )


async def test_a_ticket_is_assigned_to_one_of_the_people_or_to_whoever_has_an_account(house: House) -> None:
    number = (await house.complain())["number"]
    await house.reception.store.run(
        partial(create_account, name="new", role="handler", password_hash="", at=datetime.now(UTC))
    )
    for name, status in (("chen", "assigned"), ("new", "assigned"), ("nwe", 422)):
        told = await act(house, number, "assign", {"group": "maintenance", "assignee": name})
        assert told["status"] == status, told


async def test_an_action_sent_twice_under_one_key_happens_once(house: House) -> None:
    number = (await house.complain())["number"]
    for _ in range(2):
        response = await house.post(
            f"/api/v1/tickets/{number}/actions/comment", {"text": "x"}, by="wang", Idempotency_Key="a-1"
        )
        assert response.status == 200
    events = await (await house.get(f"/api/v1/tickets/{number}/events", by="wang")).json()
    assert [one["kind"] for one in events["events"]] == ["received", "commented"]


@pytest.mark.parametrize(("action", "fields"), [("comment", {"text": "y"}), ("accept", {})])
async def test_another_action_under_a_used_key_is_refused_and_not_lost(
    either_house: House, action: str, fields: dict[str, str]
) -> None:
    path = f"/api/v1/tickets/{(await either_house.complain())['number']}/actions"
    await either_house.post(f"{path}/comment", {"text": "x"}, by="wang", Idempotency_Key="a-1")
    refused = await either_house.post(f"{path}/{action}", fields, by="wang", Idempotency_Key="a-1")
    assert (refused.status, (await refused.json())["type"]) == (422, "/docs#key-reused")


@pytest.mark.parametrize(
    ("reader", "confidential", "full"),
    [
        ("wang", False, True),  # an agent handles every open case
        ("chen", False, False),  # a handler of another group does not
        ("root", False, False),  # nor does the administrator
        ("zhao", False, True),
        ("wang", True, False),
        ("chen", True, False),
        ("zhao", True, True),
    ],
)
async def test_who_does_not_handle_a_ticket_sees_no_phone_and_no_address(
    house: House, reader: str, confidential: bool, full: bool
) -> None:
    who = {**WHO, "confidential": confidential}
    opened = await house.complain(text=f"请回电 {PHONE}", complainant=who, service_number=PHONE)
    await house.complain(text=f"再打一次 {PHONE}", complainant=who, service_number=PHONE)
    number = opened["number"]
    for path in (f"tickets/{number}", f"tickets/{number}/events", f"notices?number={number}"):
        text = await (await house.get(f"/api/v1/{path}", by=reader)).text()
        assert (PHONE in text or MAIL in text) is full, path
    if confidential and not full:
        assert "李" not in await (await house.get(f"/api/v1/tickets/{number}", by=reader)).text()


async def test_the_group_that_handles_it_sees_the_complainant(house: House) -> None:
    number = (await house.complain(complainant=WHO))["number"]
    await act(house, number, "assign", {"group": "maintenance"})
    assert PHONE in await (await house.get(f"/api/v1/tickets/{number}", by="chen")).text()


async def test_lists_are_masked_for_everybody_and_words_do_not_find_a_confidential_ticket(either_house: House) -> None:
    await either_house.complain(subject=f"电话 {PHONE}", complainant=WHO)
    secret = await either_house.complain(text="举报内部人员", complainant={**WHO, "confidential": True})
    text = await (await either_house.get("/api/v1/tickets", by="zhao")).text()
    assert PHONE not in text and "李雷" not in text and "138****1234" in text and "李*" in text
    assert await listed(either_house, "?q=举报内部人员") == []
    assert await listed(either_house, f"?q={secret['number']}") == [secret["number"]]


async def test_who_complained_in_confidence_is_not_found_out_by_those_who_do_not_handle_it(house: House) -> None:
    secret = (await house.complain(text="举报内部人员", complainant={**WHO, "confidential": True}))["number"]
    for reader, tickets in (("wang", []), ("zhao", [secret])):
        found = await (await house.get(f"/api/v1/lookup?phone={PHONE}", by=reader)).json()
        assert [one["number"] for one in found["in_transit"]] == tickets
        assert found["repeat"] == {"would_repeat": True, "window_seconds": 14400, "tickets": tickets}
    for reader in ("wang", "chen", "root"):
        text = await (await house.get(f"/api/v1/notices?number={secret}", by=reader)).text()
        assert "李" not in text and PHONE[-4:] not in text and "acknowledgement" in text
        took = await house.post(f"/api/v1/tickets/{secret}/actions/assign", {"assignee": reader}, by=reader)
        assert took.status == 403
    assert (await act(house, secret, "assign", {"group": "maintenance"}, by="zhao"))["group"] == "maintenance"


async def test_handlers_act_on_tickets_of_their_groups_and_their_own_alone(house: House) -> None:
    number = (await house.complain(complainant=WHO))["number"]
    comment = f"/api/v1/tickets/{number}/actions/comment"
    assert (await house.post(comment, {"text": "已查"}, by="chen")).status == 403
    await act(house, number, "assign", {"group": "maintenance"}, by="zhao")
    assert (await house.post(comment, {"text": "已查"}, by="chen")).status == 200


async def test_a_lookup_shows_what_is_in_transit_and_past_and_warns_of_a_repeat(either_house: House) -> None:
    past = (await either_house.complain(complainant=WHO, kind="inquiry"))["number"]
    await either_house.post(f"/api/v1/tickets/{past}/actions/withdraw", {}, by="wang")
    open_ticket = (await either_house.complain(complainant=WHO, service_number="02886111234"))["number"]
    found = await (
        await either_house.get(f"/api/v1/lookup?phone={PHONE[:3]} {PHONE[3:7]} {PHONE[7:]}", by="wang")
    ).json()
    assert [one["number"] for one in found["in_transit"]] == [open_ticket]
    assert [one["number"] for one in found["history"]] == [past]
    listing = await (await either_house.get("/api/v1/tickets?open=true", by="wang")).json()
    assert found["in_transit"] == listing["tickets"] and found["in_transit"][0]["next_due_at"] is not None
    assert found["repeat"] == {"would_repeat": True, "window_seconds": 14400, "tickets": [open_ticket]}
    by_service = await (await either_house.get("/api/v1/lookup?service_number=028-86111234", by="wang")).json()
    assert [one["number"] for one in by_service["in_transit"]] == [open_ticket]
    stranger = await (await either_house.get("/api/v1/lookup?phone=13900009999", by="wang")).json()
    assert stranger["in_transit"] == [] and stranger["repeat"]["would_repeat"] is False


def test_a_process_that_looks_for_no_repeats_warns_of_none() -> None:
    profile = load_profile("generic")
    quiet = replace(profile, repeat=replace(profile.repeat, action="none"))
    calendar, directory = load_calendar(()), Directory(())
    assert repeat_window(Policy(profiles={"q": quiet}, calendar=calendar, directory=directory)) == timedelta()
    both = Policy(profiles={"g": profile, "q": quiet}, calendar=calendar, directory=directory)
    assert repeat_window(both) == timedelta(hours=4)


@pytest.mark.parametrize("query", ["", "?phone=", "?phone=12345", f"?phone={PHONE}&service_number={PHONE}"])
async def test_a_lookup_needs_one_number_that_names_a_person(house: House, query: str) -> None:
    assert (await house.get(f"/api/v1/lookup{query}", by="wang")).status == 422


async def test_journals_show_every_input_and_every_notice(either_house: House) -> None:
    number = (await either_house.complain(complainant=WHO))["number"]
    await either_house.post("/api/v1/complaints", {"text": "断网"}, Idempotency_Key="k-1")
    inbound = await (await either_house.get("/api/v1/inbound", by="wang")).json()
    assert [(one["outcome"], one["external_id"]) for one in inbound["inbound"]] == [("opened", "k-1"), ("opened", None)]
    assert inbound["inbound"][1]["number"] == number and inbound["inbound"][1]["size"] > 0
    notices = await (await either_house.get(f"/api/v1/notices?number={number}", by="wang")).json()
    told = {(one["notice"], one["medium"], one["state"]) for one in notices["notices"]}
    assert {("acknowledgement", "email", "queued"), ("acknowledgement", "sms", "queued")} <= told
    assert all(one["deliveries"] == [] for one in notices["notices"])
    assert (await either_house.get("/api/v1/inbound?outcome=lost", by="wang")).status == 422
    assert (await either_house.get("/api/v1/notices?number=5", by="wang")).status == 422


async def test_a_notice_shows_every_try_and_every_receipt_in_order(either_house: House) -> None:
    number = (await either_house.complain(complainant=WHO))["number"]
    path = f"/api/v1/notices?number={number}&state=queued"
    notice_id = (await (await either_house.get(path, by="wang")).json())["notices"][0]["id"]
    at = to_us(datetime(2026, 11, 20, 1, 0, tzinfo=UTC))
    rows = [
        (notice_id, 1, at, "temporary_failure", "", "421 busy", "try", "", 1, None),
        (notice_id, 2, at + 1, "accepted", "p-1", "", "try", "", 1, None),
        (notice_id, 3, at + 2, "delivered", "p-1", "", "receipt", "2", 2, None),
    ]
    await either_house.reception.store.run(lambda tx: tx.insert(delivery, rows))
    shown = (await (await either_house.get(path, by="wang")).json())["notices"][0]["deliveries"]
    assert [(one["kind"], one["status"], one["detail"], one["part"]) for one in shown] == [
        ("try", "temporary_failure", "421 busy", ""),
        ("try", "accepted", "", ""),
        ("receipt", "delivered", "", "2"),
    ]


async def test_what_an_agent_links_is_one_person_for_the_repeat_rule(house: House) -> None:
    number = (await house.complain(text="断网", complainant={"phone": "13800000041"}))["number"]
    wrong = await act(house, number, "link_identity", {"identity": "保密"})
    assert (wrong["status"], wrong["errors"][0]["field"]) == (422, "identity")
    await act(house, number, "link_identity", {"identity": "Li.Home@Example.com"})
    by_mail = {"email": "li.home@example.com"}
    again = await house.complain(text="费用算错了", complainant=by_mail)
    assert (again["outcome"], again["grade"], again["repeat_of"]) == ("repeated", "grievance", number)
    await act(house, number, "unlink_identity", {"identity": "li.home@example.com"})
    assert (await house.complain(text="另一件事", complainant=by_mail))["repeat_of"] == again["number"]
