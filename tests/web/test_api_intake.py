"""Complaints by JSON: what is taken in, what is answered, and what is wrong with the rest."""

from __future__ import annotations

import asyncio
import base64
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.web.limits import Limits
from gateway.web.patience import in_time
from gateway.web.problems import Problem
from tests.web.api_house import House, open_house

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(f"sqlite:///{tmp_path / 'gateway.sqlite3'}") as opened:
        yield opened


def attached(name: str, content: bytes) -> dict[str, str]:
    return {"name": name, "content": base64.b64encode(content).decode()}


async def test_a_complaint_with_every_field_is_taken_in_as_it_was_sent(house: House) -> None:
    opened = await house.complain(
        kind="complaint",
        subject="宽带断网",
        category=["网络", "宽带"],
        service_number="13800001234",
        respondent="某营业厅",
        occurred_at="2026-11-20T09:00:00+08:00",
        place="成都市锦江区",
        locale="zh-CN",
        complainant={"name": "李四", "phone": "13800001234", "email": "li@example.com", "confidential": False},
        attachments=[attached("a.png", PNG)],
    )
    assert opened["outcome"] == "opened" and opened["grade"] == "request" and opened["repeat_of"] is None
    assert [one["name"] for one in opened["deadlines"]] and len(opened["key"]) == 24
    ticket = await (await house.get(f"/api/v1/tickets/{opened['number']}", by="wang")).json()
    assert (ticket["subject"], ticket["text"]) == ("宽带断网", "宽带断了三天没人处理")
    assert ticket["category"] == ["网络", "宽带"] and ticket["occurred_at"] == "2026-11-20T09:00:00+08:00"
    assert ticket["complainant"]["phones"] == ["+8613800001234"]
    assert [(one["name"], one["media_type"], one["size"]) for one in ticket["attachments"]] == [
        ("a.png", "image/png", len(PNG))
    ]


async def test_a_second_complaint_of_the_same_person_is_a_grievance_and_says_of_which_ticket(house: House) -> None:
    who = {"phone": "13800001234"}
    first = await house.complain(complainant=who)
    second = await house.complain(text="营业厅态度恶劣, 要求道歉", complainant=who)
    assert (second["outcome"], second["grade"], second["repeat_of"]) == ("repeated", "grievance", first["number"])


async def test_the_same_idempotency_key_has_one_effect_and_the_same_answer(house: House) -> None:
    body = {"text": "断网", "complainant": {"phone": "13800001234"}}
    answers = await asyncio.gather(*(house.post("/api/v1/complaints", body, Idempotency_Key="k-1") for _ in range(5)))
    opened = [await one.json() for one in answers]
    assert {one.status for one in answers} == {201}
    assert len({(one["number"], one["key"], one["grade"]) for one in opened}) == 1
    assert sorted(one["outcome"] for one in opened) == ["duplicate"] * 4 + ["opened"]
    assert all(one["deadlines"] == opened[0]["deadlines"] for one in opened)
    tickets = await (await house.get("/api/v1/tickets", by="wang")).json()
    assert len(tickets["tickets"]) == 1


async def test_a_used_idempotency_key_tells_nobody_else_the_key_of_the_ticket(house: House) -> None:
    await house.post("/api/v1/complaints", {"text": "断网"}, Idempotency_Key="k-1")
    other = await house.post("/api/v1/complaints", {"text": "something else"}, Idempotency_Key="k-1")
    assert other.status == 422 and (await other.json())["type"] == "/docs#key-reused"


async def test_all_that_is_wrong_is_told_at_once_by_field_and_never_repeats_what_was_sent(house: House) -> None:
    body = {
        "text": "   ",
        "kind": "rant",
        "occurred_at": "2026-11-20T09:00:00",
        "complainant": {"email": "not an address", "phone": 13800001234},
        "category": ["1", "2", "3", "4", "5"],
        "colour": "red",
    }
    response = await house.post("/api/v1/complaints", body, Accept_Language="en")
    assert (response.status, response.content_type) == (422, "application/problem+json")
    problem = await response.json()
    assert {one["field"]: one["reason"] for one in problem["errors"]} == {
        "text": "not in the right form",
        "kind": "must be one of 'complaint', 'report', 'inquiry', 'suggestion', 'help', 'repair', 'situation', "
        "'lost_property', 'praise' or 'order'",
        "occurred_at": "a time needs its offset, such as +08:00",
        "complainant.email": "not in the right form",
        "complainant.phone": "must be a text",
        "category": "at most 4 entries",
        "colour": "unknown field",
    }
    assert "not an address" not in await response.text()


async def test_errors_speak_the_callers_language(house: House) -> None:
    said = {}
    for language in ("zh-CN,zh;q=0.9", "en-US,en;q=0.8", "fr, en;q=0.5, zh;q=0.4", "fr", ""):
        response = await house.post("/api/v1/complaints", {}, Accept_Language=language)
        said[language] = (await response.json())["errors"][0]["reason"], response.headers["Content-Language"]
    assert said == {
        "zh-CN,zh;q=0.9": ("必填", "zh-CN"),
        "en-US,en;q=0.8": ("required", "en"),
        "fr, en;q=0.5, zh;q=0.4": ("required", "en"),
        "fr": ("必填", "zh-CN"),
        "": ("必填", "zh-CN"),
    }


@pytest.mark.parametrize(
    ("body", "content_type", "status", "kind"),
    [
        (b"{", "application/json", 400, "bad-json"),
        (b"\xff\xfe", "application/json", 400, "bad-json"),
        (b"", "application/json", 400, "bad-json"),
        (b"[]", "application/json", 422, "invalid"),
        (b"text=a", "application/x-www-form-urlencoded", 415, "unsupported-type"),
        (b'{"text": "a"}', "text/plain", 415, "unsupported-type"),
        (b'{"text": "' + b"a" * 5000 + b'"}', "application/json", 413, "too-large"),
    ],
)
async def test_what_is_no_json_or_too_much_is_refused(
    tmp_path: Path, body: bytes, content_type: str, status: int, kind: str
) -> None:
    async with open_house(
        f"sqlite:///{tmp_path / 'x.sqlite3'}", Limits(body_bytes=5000, intakes_per_minute=0)
    ) as house:
        answer = await house.client.post("/api/v1/complaints", data=body, headers={"Content-Type": content_type})
        assert (answer.status, (await answer.json())["type"]) == (status, f"/docs#{kind}")


@pytest.mark.parametrize(
    ("name", "content", "field"),
    [
        ("a.exe", b"MZ\x90\x00", "attachments.1.name"),
        ("a.png", b"MZ\x90\x00", "attachments.1.content"),
        ("a.txt", b"<!DOCTYPE html><script>alert(1)</script>", "attachments.1.content"),
        ("a.jpg", b'<?xml version="1.0"?><svg onload="x"/>', "attachments.1.content"),
        ("a.svg", PNG, "attachments.1.name"),
        ("a.zip", b"PK\x03\x04" + bytes(40), "attachments.1.content"),
        ("a.png", b"", "attachments.1.content"),
        ("../..", PNG, "attachments.1.name"),
        ("a.png", PNG * 10, "attachments.1.content"),
    ],
)
async def test_a_file_that_could_harm_is_refused_by_its_content_and_its_field_is_named(
    tmp_path: Path, name: str, content: bytes, field: str
) -> None:
    limits = Limits(intakes_per_minute=0, attachment_bytes=100)
    async with open_house(f"sqlite:///{tmp_path / 'x.sqlite3'}", limits) as house:
        files = [attached("good.png", PNG), attached(name, content)]
        response = await house.post("/api/v1/complaints", {"text": "a", "attachments": files})
        assert (response.status, [one["field"] for one in (await response.json())["errors"]]) == (422, [field])


async def test_too_many_files_and_broken_base64_are_told(house: House) -> None:
    many = await house.post("/api/v1/complaints", {"text": "a", "attachments": [attached("a.png", PNG)] * 11})
    assert (await many.json())["errors"] == [{"field": "attachments", "reason": "最多 10 个附件"}]
    broken = {"name": "a.png", "content": "not base64!"}
    response = await house.post("/api/v1/complaints", {"text": "a", "attachments": [broken]})
    assert (await response.json())["errors"] == [{"field": "attachments.0.content", "reason": "必须是 base64"}]


async def test_a_caller_beyond_the_limit_is_told_the_limit_and_when_to_come_back(tmp_path: Path) -> None:
    async with open_house(f"sqlite:///{tmp_path / 'x.sqlite3'}", Limits(intakes_per_minute=3)) as house:
        answers = [await house.post("/api/v1/complaints", {"text": "a"}, Accept_Language="en") for _ in range(4)]
        assert [one.status for one in answers] == [201, 201, 201, 429]
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 20
        assert "3 a minute at most" in (await answers[-1].json())["title"]


async def test_programs_of_this_machine_are_never_refused_where_the_operator_says_so(tmp_path: Path) -> None:
    limits = Limits(intakes_per_minute=1, unlimited=frozenset({"127.0.0.1"}))
    async with open_house(f"sqlite:///{tmp_path / 'x.sqlite3'}", limits) as house:
        assert [(await house.post("/api/v1/complaints", {"text": "a"})).status for _ in range(3)] == [201, 201, 201]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "statuses"),
    [
        ((), "", [201, 201]),  # a program of this machine
        ((), "203.0.113.7", [201, 429]),  # a proxy of this machine that nobody configured
        ((), "127.0.0.1", [201, 429]),  # somebody outside whom a careless proxy believes
        (("127.0.0.1",), "203.0.113.7", [201, 429]),
        (("127.0.0.1",), "198.51.100.1, 203.0.113.7", [201, 429]),
        (
            ("203.0.113.1",),
            "203.0.113.7",
            [201, 201],
        ),  # the proxy is another; this is a program that says what it likes
    ],
)
async def test_behind_a_proxy_of_this_machine_everybody_is_counted(
    tmp_path: Path, proxies: tuple[str, ...], forwarded: str, statuses: list[int]
) -> None:
    limits = Limits(intakes_per_minute=1, unlimited=frozenset({"127.0.0.1"}), trusted_proxies=proxies)
    more = {"X_Forwarded_For": forwarded} if forwarded else {}
    async with open_house(f"sqlite:///{tmp_path / 'x.sqlite3'}", limits) as house:
        found = [(await house.post("/api/v1/complaints", {"text": "a"}, **more)).status for _ in range(2)]
    assert found == statuses


async def test_nothing_is_taken_in_while_the_store_is_shut_and_the_sender_is_told_to_come_again(house: House) -> None:
    house.reception.store.close()
    response = await house.post("/api/v1/complaints", {"text": "a"})
    assert response.status == 503 and int(response.headers["Retry-After"]) > 0


async def test_a_call_is_lodged_when_it_began_and_by_the_agent_who_took_it(house: House) -> None:
    call = {
        "text": "断网三天",
        "caller": "13800001234",
        "call_started_at": "2026-11-20T09:00:00+08:00",
        "entry": "hotline",
        "priority": "urgent",
    }
    response = await house.post("/api/v1/calls", call, by="wang")
    assert response.status == 201
    number = (await response.json())["number"]
    ticket = await (await house.get(f"/api/v1/tickets/{number}", by="wang")).json()
    assert (ticket["first_owner"], ticket["priority"], ticket["entry"]) == ("wang", "urgent", "hotline")
    assert ticket["lodged_at"] == "2026-11-20T09:00:00+08:00"
    assert ticket["complainant"]["phones"] == ["+8613800001234"]


async def test_a_visit_is_a_grievance_at_once_and_a_draft_owes_nothing(house: House) -> None:
    visit = await (await house.post("/api/v1/calls", {"text": "a", "entry": "walk_in"}, by="wang")).json()
    assert visit["grade"] == "grievance"
    draft = await (await house.post("/api/v1/calls", {"text": "a", "disposition": "draft"}, by="wang")).json()
    assert draft["deadlines"] == []


async def test_a_call_that_was_answered_says_so_although_nobody_wrote_down_how(house: House) -> None:
    call = {"text": "如何办理销户", "caller": "13800001234", "disposition": "answered"}
    taken = await house.post("/api/v1/calls", call, by="wang")
    assert taken.status == 201
    number = (await taken.json())["number"]
    ticket = await (await house.get(f"/api/v1/tickets/{number}", by="wang")).json()
    assert (ticket["stage"], ticket["answer"]) == ("closed", "已在电话中直接答复。")


async def test_calls_are_for_agents_and_priorities_for_the_profile(house: House) -> None:
    assert (await house.post("/api/v1/calls", {"text": "a"})).status == 401
    assert (await house.post("/api/v1/calls", {"text": "a"}, by="chen")).status == 403
    for field, call in (
        ("priority", {"priority": "now!"}),
        ("entry", {"entry": "walkin"}),
    ):
        wrong = await house.post("/api/v1/calls", {"text": "a", **call}, by="wang")
        assert (wrong.status, (await wrong.json())["errors"][0]["field"]) == (422, field)
    citizen = await house.post("/api/v1/complaints", {"text": "a", "priority": "urgent"})
    assert citizen.status == 422


@pytest.mark.parametrize(
    ("body", "encoding", "kind"),
    [
        (b'{"text":"x","category":[' + b"1," * 100_000 + b"1]}", "identity", (400, "/docs#bad-json")),
        (gzip.compress(b'{"text":"' + b"a" * 1_000_000 + b'"}'), "gzip", (415, "/docs#compressed")),
    ],
)
async def test_a_small_body_that_would_grow_large_in_memory_is_refused_unopened(
    house: House, body: bytes, encoding: str, kind: tuple[int, str]
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    answer = await house.client.post("/api/v1/complaints", data=body, headers=headers)
    assert (answer.status, (await answer.json())["type"]) == kind


async def test_whoever_does_not_finish_what_they_send_is_told_after_a_while() -> None:
    with pytest.raises(Problem) as told:
        await in_time(asyncio.sleep(10), seconds=0.01)
    assert told.value.status == 408
