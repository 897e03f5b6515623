"""The holder of the key sees the ticket in plain words and adds to it; nobody else learns that it exists."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.web.api_house import House, open_house

UNKNOWN = "261122000000012"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(f"sqlite:///{tmp_path / 'gateway.sqlite3'}") as opened:
        yield opened


async def test_a_wrong_key_and_an_unknown_number_cannot_be_told_apart(house: House) -> None:
    opened = await house.complain()
    answers = [
        await house.get(f"/api/v1/complaints/{opened['number']}", X_Complaint_Key="wrong"),
        await house.get(f"/api/v1/complaints/{opened['number']}"),
        await house.get(f"/api/v1/complaints/{UNKNOWN}", X_Complaint_Key=opened["key"]),
        await house.get("/api/v1/complaints/no-number", X_Complaint_Key=opened["key"]),
        await house.client.get(f"/api/v1/complaints/{opened['number']}", params={"key": "\udc80é"}),
    ]
    assert {one.status for one in answers} == {404}
    assert len({await one.text() for one in answers}) == 1


async def test_the_key_opens_the_public_view_by_header_or_in_the_address(house: House) -> None:
    opened = await house.complain()
    by_header = await house.get(f"/api/v1/complaints/{opened['number']}", X_Complaint_Key=opened["key"])
    by_query = await house.get(f"/api/v1/complaints/{opened['number']}?key={opened['key']}")
    assert by_header.status == by_query.status == 200
    view = await by_header.json()
    assert view == await by_query.json()
    assert (view["status_label"], view["stage"]) == ("待处理", "received")
    assert [one["label"] for one in view["timeline"]] == ["已收到"]
    assert set(view["actions"]) == {"supplement", "urge", "withdraw"}


async def test_whoever_knows_somebodys_phone_gets_no_key_to_that_persons_ticket(house: House) -> None:
    who = {"name": "李四", "phone": "13800001234"}
    line = "13800001234"
    opened = await house.complain(text="这是我的隐私", service_number=line, complainant=who)
    body = {"text": "别人写的", "service_number": line, "complainant": {"phone": line, "email": "other@example.com"}}
    answers = [await (await house.post("/api/v1/complaints", body, Idempotency_Key="k")).json() for _ in range(2)]
    assert [one["outcome"] for one in answers] == ["repeated", "duplicate"]
    assert {one["number"] for one in answers} == {opened["number"]}
    assert len({one["key"] for one in answers} | {opened["key"]}) == 2
    path, key = f"/api/v1/complaints/{opened['number']}", answers[0]["key"]
    response = await house.get(path, X_Complaint_Key=key)
    view = await response.json()
    assert (view["grade"], view["actions"], [one["text"] for one in view["statements"]]) == (
        "grievance",
        [],
        ["别人写的"],
    )
    assert "隐私" not in await response.text()
    for what, sent in (("supplements", {"text": "x"}), ("urges", {}), ("ratings", {"score": 1}), ("withdrawal", {})):
        assert (await house.post(f"{path}/{what}", sent, X_Complaint_Key=key)).status == 409
    whole = await (await house.get(path, X_Complaint_Key=opened["key"])).json()
    assert (whole["stage"], whole["urges"], len(whole["statements"])) == ("received", 0, 2)
    ticket = await (await house.get(f"/api/v1/tickets/{opened['number']}", by="wang")).json()
    assert ticket["complainant"]["emails"] == []


async def test_no_staff_name_and_no_internal_comment_reaches_the_complainant(house: House) -> None:
    opened = await house.complain()
    path = f"/api/v1/tickets/{opened['number']}/actions"
    for action, fields in (
        ("assign", {"group": "maintenance", "assignee": "chen", "reason": "secret reason"}),
        ("comment", {"text": "secret comment about the customer"}),
        ("answer", {"text": "线路已修复"}),
    ):
        assert (await house.post(f"{path}/{action}", fields, by="wang")).status == 200
    response = await house.get(f"/api/v1/complaints/{opened['number']}", X_Complaint_Key=opened["key"])
    text = await response.text()
    assert "线路已修复" in text
    for secret in ("wang", "chen", "secret", "maintenance", "commented"):
        assert secret not in text


async def test_the_complainant_adds_urges_rates_and_withdraws(house: House) -> None:
    opened = await house.complain()
    path, key = f"/api/v1/complaints/{opened['number']}", {"X_Complaint_Key": opened["key"]}
    photo = {"name": "a.gif", "content": base64.b64encode(b"GIF89a" + bytes(9)).decode()}
    added = await house.post(f"{path}/supplements", {"text": "补充:邻居也断网", "attachments": [photo]}, **key)
    urged = await house.client.post(f"{path}/urges", headers={"X-Complaint-Key": opened["key"]})
    assert (added.status, urged.status) == (201, 201)
    view = await urged.json()
    assert view["urges"] == 1 and [one["kind"] for one in view["timeline"]] == ["received", "supplemented", "urged"]
    assert (view["statements"][1]["text"], view["statements"][1]["attachments"]) == ("补充:邻居也断网", ["a.gif"])
    await house.post(f"/api/v1/tickets/{opened['number']}/actions/answer", {"text": "已修复"}, by="wang")
    rated = await house.post(f"{path}/ratings", {"score": 4, "text": "谢谢"}, **key)
    assert (rated.status, (await rated.json())["rating"]) == (201, 4)
    withdrawn = await house.post(f"{path}/withdrawal", {"reason": "已解决"}, **key)
    assert (withdrawn.status, (await withdrawn.json())["stage"]) == (201, "withdrawn")


async def test_what_is_not_possible_now_is_a_conflict_that_says_what_is(house: House) -> None:
    opened = await house.complain()
    response = await house.post(
        f"/api/v1/complaints/{opened['number']}/ratings", {"score": 5}, X_Complaint_Key=opened["key"]
    )
    assert response.status == 409
    assert set((await response.json())["allowed"]) == {"supplement", "urge", "withdraw"}


async def test_a_supplement_sent_twice_under_one_key_is_one(house: House) -> None:
    opened = await house.complain()
    for _ in range(2):
        response = await house.post(
            f"/api/v1/complaints/{opened['number']}/supplements",
            {"text": "补充"},
            X_Complaint_Key=opened["key"],
            Idempotency_Key="s-1",
        )
        assert response.status == 201
    assert [one["kind"] for one in (await response.json())["timeline"]] == ["received", "supplemented"]


async def test_another_supplement_under_a_used_key_is_refused_and_not_lost(house: House) -> None:
    opened = await house.complain()
    path = f"/api/v1/complaints/{opened['number']}/supplements"
    answers = [
        await house.post(path, {"text": text}, X_Complaint_Key=opened["key"], Idempotency_Key="s-1")
        for text in ("补充", "另一补充")
    ]
    assert [one.status for one in answers] == [201, 422]


async def test_a_nul_in_a_text_does_no_harm(house: House) -> None:
    opened = await house.complain(text="a\x00b")
    response = await house.post(
        f"/api/v1/complaints/{opened['number']}/supplements", {"text": "c\x00d"}, X_Complaint_Key=opened["key"]
    )
    assert [one["text"] for one in (await response.json())["statements"]] == ["ab", "cd"]


async def test_a_rating_outside_one_to_five_is_refused(house: House) -> None:
    opened = await house.complain()
    for score in (0, 6, "5", 4.5, True):
        response = await house.post(
            f"/api/v1/complaints/{opened['number']}/ratings", {"score": score}, X_Complaint_Key=opened["key"]
        )
        assert response.status == 422, score
