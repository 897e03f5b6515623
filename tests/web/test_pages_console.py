"""The console without scripts: sign in, find, take calls, work tickets, read what came in and goes out."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import pytest

from tests.conversation.talker import Talker
from tests.web.desk import Client, do, post_call, signed_in, take_call
from tests.web.pages import HOSTILE, text_of, value_of
from tests.web.site import PASSWORD, Gateway, gateway
from ticket_core.number import number_of
from ticket_core.store.journals import list_inbound, list_notices

HTML = {"Accept": "text/html"}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway(tmp_path) as running:
        yield running


@pytest.fixture
async def agent(site: Gateway) -> Client:
    return await signed_in(site, "wang")


async def test_a_stranger_is_asked_to_sign_in_and_then_led_where_he_wanted(site: Gateway) -> None:
    client = site.new_client()
    answer = await client.get("/console/deadlines", headers=HTML, allow_redirects=False)
    assert answer.headers["Location"] == "/console/sign-in?next=%2Fconsole%2Fdeadlines"
    page = await text_of(await client.get(answer.headers["Location"]))
    assert value_of("next", page) == "/console/deadlines"
    wrong = {"name": "wang", "password": "wrong", "next": "/console/deadlines"}
    assert "账号或密码不正确" in await text_of(await client.post("/console/sign-in", data=wrong), 403)
    right = {**wrong, "password": PASSWORD}
    answer = await client.post("/console/sign-in", data=right, allow_redirects=False)
    assert answer.headers["Location"] == "/console/deadlines"
    cookie = answer.cookies["session"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


async def test_signing_in_leads_to_no_other_site(site: Gateway) -> None:
    given = {"name": "wang", "password": PASSWORD, "next": "//example.com"}
    answer = await site.new_client().post("/console/sign-in", data=given, allow_redirects=False)
    assert answer.headers["Location"] == "/console/"


async def test_signing_out_ends_the_session(agent: Client) -> None:
    page = await text_of(await agent.get("/console/"))
    session = agent.session.cookie_jar.filter_cookies(agent.make_url("/"))["session"].value
    assert (await agent.post("/console/sign-out", data={"csrf": "x"})).status == 403
    await agent.post("/console/sign-out", data={"csrf": value_of("csrf", page)})
    answer = await agent.get("/console/", headers={**HTML, "Cookie": f"session={session}"}, allow_redirects=False)
    assert answer.status == 303


async def test_a_call_becomes_a_ticket_of_the_agent(site: Gateway, agent: Client) -> None:
    number = await take_call(agent, caller="13800001234", priority="urgent", service_number="02886111234")
    ticket = await site.ticket(number)
    assert (ticket.channel, ticket.first_owner, ticket.priority) == ("phone", "wang", "urgent")
    assert ticket.complainant.phones == ("+8613800001234",)
    page = await text_of(await agent.get(f"/console/tickets/{number}?done=call"))
    assert "13800001234" in page
    assert "王坐席" in page


async def test_a_double_click_on_submit_makes_one_ticket(site: Gateway, agent: Client) -> None:
    page = await text_of(await agent.get("/console/calls/new"))
    given = {"csrf": value_of("csrf", page), "token": value_of("token", page), "text": "断网", "disposition": "submit"}
    answers = [await agent.post("/console/calls", data=given, allow_redirects=False) for _ in range(2)]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert len((await site.reception.store.read(list_inbound)).rows) == 1


async def test_an_answer_at_once_closes_the_ticket_and_needs_the_answer(site: Gateway, agent: Client) -> None:
    page = await text_of(await post_call(agent, disposition="answered"), 422)
    assert '<a href="#answer">' in page
    number = await take_call(agent, disposition="answered", answer="已远程重启光猫")
    ticket = await site.ticket(number)
    assert (ticket.stage, ticket.answer) == ("closed", "已远程重启光猫")


async def test_a_draft_waits_until_it_is_submitted(site: Gateway, agent: Client) -> None:
    number = await take_call(agent, disposition="draft")
    assert (await site.ticket(number)).stage == "draft"
    assert (await do(agent, number, "submit")).status == 303
    assert (await site.ticket(number)).stage == "received"


@pytest.mark.parametrize("entry", ["walk_in", "12530"])
async def test_a_visit_and_a_special_line_make_a_grievance(site: Gateway, agent: Client, entry: str) -> None:
    number = await take_call(agent, entry=entry)
    assert (await site.ticket(number)).grade == "grievance"
    assert "申告" in await text_of(await agent.get(f"/console/tickets/{number}"))


async def test_looking_up_without_scripts_keeps_the_form_and_warns_of_a_repeat(agent: Client) -> None:
    number = await take_call(agent, caller="13800001234")
    page = await text_of(await post_call(agent, caller="138 0000 1234", text="写到一半", disposition="look"))
    assert "写到一半" in page
    assert "4 小时内已有投诉" in page
    assert f"/console/tickets/{number}" in page
    piece = await text_of(await agent.get("/console/calls/lookup?phone=13800001234"))
    assert "data-repeat-warning" in piece
    assert "<html" not in piece
    assert "没有此号码的工单" in await text_of(await agent.get("/console/calls/lookup?phone=13800009999"))
    assert "无法识别此号码" in await text_of(await agent.get("/console/calls/lookup?phone=12"))


async def test_a_second_complaint_within_four_hours_shows_its_evidence_and_can_be_undone(
    site: Gateway, agent: Client
) -> None:
    first = await take_call(agent, caller="13800001234")
    second = await take_call(agent, caller="13800001234", text="宽带断了三天还是没人处理")
    assert second == first
    page = await text_of(await agent.get(f"/console/tickets/{second}"))
    assert "重复投诉依据" in page
    assert "电话 13800001234" in page
    assert 'href="#do-undo_repeat"' in page
    assert (await do(agent, second, "undo_repeat", reason="同一次来电掉线后重拨")).status == 303
    ticket = await site.ticket(second)
    assert (ticket.grade, ticket.grade_reason) == ("request", "")


async def test_a_ticket_is_worked_to_its_closing(site: Gateway, agent: Client) -> None:
    number = await take_call(agent, caller="13800001234")
    assert (await do(agent, number, "assign", group="maintenance", assignee="zhao")).status == 303
    handler = await signed_in(site, "zhao")
    assert number in await text_of(await handler.get("/console/?view=mine"))
    for action, fields in (("accept", {}), ("answer", {"text": "光缆已修复"})):
        assert (await do(handler, number, action, **fields)).status == 303
    assert (await do(agent, number, "close")).status == 303
    ticket = await site.ticket(number)
    assert (ticket.stage, ticket.group, ticket.assignee) == ("closed", "maintenance", "zhao")
    page = await text_of(await agent.get(f"/console/tickets/{number}?done=close"))
    assert "已完成：结案" in page
    assert "光缆已修复" in page


async def test_an_action_says_which_field_is_missing_and_keeps_the_others(agent: Client) -> None:
    number = await take_call(agent)
    page = await text_of(await do(agent, number, "escalate", grade="grievance"), 422)
    assert '<a href="#escalate-reason">理由：必填</a>' in page
    assert '<option value="grievance" selected>' in page


async def test_an_action_that_is_not_possible_now_is_refused_with_the_page(agent: Client) -> None:
    number = await take_call(agent)
    assert "结案" in await text_of(await do(agent, number, "close"), 409)
    assert (await do(agent, number, "no_such_action")).status == 404


async def test_only_what_was_changed_becomes_part_of_a_correction(site: Gateway, agent: Client) -> None:
    number = await take_call(agent, subject="断网", category="网络/宽带")
    given = {"kind": "complaint", "priority": "normal", "category": "网络/电视", "subject": "断网"}
    assert (await do(agent, number, "correct", **given)).status == 303
    assert (await site.ticket(number)).category == ("网络", "电视")
    page = await text_of(await agent.get(f"/console/tickets/{number}"))
    assert "网络 / 电视" in page


async def test_an_action_happens_once_however_often_it_is_clicked(site: Gateway, agent: Client) -> None:
    number = await take_call(agent)
    page = await text_of(await agent.get(f"/console/tickets/{number}"))
    given = {"csrf": value_of("csrf", page), "token": value_of("token", page), "text": "已联系用户"}
    for _ in range(2):
        answer = await agent.post(f"/console/tickets/{number}/comment", data=given, allow_redirects=False)
        assert answer.status == 303
    page = await text_of(await agent.get(f"/console/tickets/{number}"))
    assert page.count("已联系用户") == 1


async def test_what_a_complainant_reworded_or_took_back_is_told_beside_it(site: Gateway, agent: Client) -> None:
    li = Talker(store=site.reception.store, channel="web")
    told = [{"text": "宽带断网两天", "name": "a"}, {"text": "宽带断网三天", "name": "b", "revises": "a"}]
    for one in (*told, {"name": "c", "revises": "a", "deleted": True}):
        taken = await site.reception.receive(li.message(**one))
    page = await text_of(await agent.get(f"/console/tickets/{taken.ticket}"))
    first, second = re.findall(r'<article id="statement-.*?</article>', page, re.DOTALL)
    assert all(words in first for words in ("宽带断网两天", "已改写，见第 2 条", "投诉人已撤回"))
    assert all(words in second for words in ("宽带断网三天", "改写第 1 条"))


async def test_hostile_text_is_shown_as_text_everywhere(site: Gateway, agent: Client) -> None:
    number = await take_call(agent, text=HOSTILE, subject=HOSTILE, name=HOSTILE, caller="13800001234", place=HOSTILE)
    await do(agent, number, "comment", text=HOSTILE)
    inbound = (await site.reception.store.read(list_inbound)).rows[-1].id
    sent = (await site.reception.store.read(list_notices)).rows[0].id
    paths = ["/console/", f"/console/tickets/{number}", "/console/calls/lookup?phone=13800001234", "/console/deadlines"]
    paths += ["/console/inbound", f"/console/inbound/{inbound}", "/console/notices", f"/console/notices/{sent}"]
    paths += [f"/console/?q={HOSTILE}&view=all"]
    for path in paths:
        page = await text_of(await agent.get(path))
        assert "<script>alert" not in page, path
        assert "<img" not in page, path


async def test_who_a_confidential_complainant_is_only_those_see_who_handle_the_case(
    site: Gateway, agent: Client
) -> None:
    number = await take_call(agent, caller="13800001234", name="李四", confidential="yes")
    await do(agent, number, "assign", group="maintenance", assignee="zhao")
    for name, sees in (("wang", True), ("zhao", True), ("sun", True), ("qian", False), ("admin", False)):
        page = await text_of(await (await signed_in(site, name)).get(f"/console/tickets/{number}"))
        assert ("李四" in page) is sees, name
    qian = await signed_in(site, "qian")
    page = await text_of(await qian.get(f"/console/tickets/{number}"))
    assert 'action="/console/tickets/' not in page
    given = {"csrf": value_of("csrf", page), "text": "x"}
    assert (await qian.post(f"/console/tickets/{number}/comment", data=given)).status == 403
    for reader, path in (("wang", "/console/"), ("sun", "/console/notices"), ("qian", "/console/?q=13800001234")):
        page = await text_of(await (await signed_in(site, reader)).get(path))
        assert "李*" not in page and "138****1234" not in page, path
    assert number not in page


@pytest.mark.parametrize(
    ("name", "closed"),
    [
        ("wang", ["/console/people"]),
        ("zhao", ["/console/people", "/console/calls/new", "/console/triage", "/console/inbound", "/console/notices"]),
        ("admin", ["/console/calls/new"]),
    ],
)
async def test_a_role_has_its_pages_and_no_others(site: Gateway, name: str, closed: list[str]) -> None:
    client = await signed_in(site, name)
    page = await text_of(await client.get("/console/"))
    every = ["/console/deadlines", "/console/triage", "/console/inbound", "/console/notices", "/console/people"]
    for path in [*every, "/console/calls/new"]:
        assert (await client.get(path, headers=HTML)).status == (403 if path in closed else 200), path
        assert (f'href="{path}"' in page) is (path not in closed), path


async def test_another_site_cannot_act_in_an_agents_name(site: Gateway, agent: Client) -> None:
    number = await take_call(agent)
    page = await text_of(await agent.get(f"/console/tickets/{number}"))
    given = {"csrf": value_of("csrf", page), "token": value_of("token", page), "text": "x"}
    path = f"/console/tickets/{number}/comment"
    for accept in (HTML, {}):
        headers = {"Origin": "https://example.com", **accept}
        assert (await agent.post(path, data=given, headers=headers)).status == 403
    assert (await agent.post(path, data={**given, "csrf": ""})).status == 403
    assert (await site.ticket(number)).version == 1


async def test_an_unknown_ticket_is_not_found(agent: Client) -> None:
    assert (await agent.get(f"/console/tickets/{number_of(26112200000099)}", headers=HTML)).status == 404
    assert (await agent.get("/console/tickets/123", headers=HTML)).status == 404


async def test_every_page_is_there_in_english_too(site: Gateway, agent: Client) -> None:
    number = await take_call(agent, caller="13800001234", entry="walk_in")
    await do(agent, number, "answer", text="done")
    inbound = (await site.reception.store.read(list_inbound)).rows[-1].id
    sent = (await site.reception.store.read(list_notices)).rows[0].id
    admin = await signed_in(site, "admin")
    paths = ["/", "/calls/new", "/calls/lookup?phone=13800001234", "/deadlines", "/triage", f"/tickets/{number}"]
    paths += ["/inbound", f"/inbound/{inbound}", "/notices", f"/notices/{sent}"]
    for client, path in [*((agent, path) for path in paths), (admin, "/people")]:
        page = await text_of(await client.get(f"/console{path}", headers={"Accept-Language": "en"}))
        assert "lookup" in path or '<html lang="en">' in page
        words = re.sub(r"<option.*?</option>|示范通信投诉受理中心|中文|王坐席|管理员|赵维护|孙班长|钱建设", "", page)
        assert path in ("/people",) or "工单" not in words, path


async def test_what_was_written_when_the_session_was_over_is_not_lost(site: Gateway, agent: Client) -> None:
    page = await text_of(await agent.get("/console/calls/new"))
    given = {"csrf": "over", "token": value_of("token", page), "text": "写了很久的内容", "disposition": "submit"}
    agent.session.cookie_jar.clear()
    page = await text_of(await agent.post("/console/calls", data=given, headers=HTML), 401)
    assert "您写的内容不会丢失" in page
    kept = {
        "name": "wang",
        "password": "wrong",
        "next": value_of("next", page),
        "kept": unescape(value_of("kept", page)),
    }
    page = await text_of(await agent.post("/console/sign-in", data=kept), 403)
    kept |= {"password": PASSWORD, "kept": unescape(value_of("kept", page))}
    page = await text_of(await agent.post("/console/sign-in", data=kept))
    assert 'action="/console/calls"' in page
    again = {name: unescape(value_of(name, page)) for name in given}
    answer = await agent.post("/console/calls", data=again, allow_redirects=False)
    assert answer.status == 303
    number = answer.headers["Location"].split("/")[-1][:15]
    assert (await site.ticket(number)).text == "写了很久的内容"
