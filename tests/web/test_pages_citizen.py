"""The citizen's pages without scripts: complain, follow, add, urge, rate, withdraw."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import ClientResponse, FormData, web
from aiohttp.test_utils import TestClient

from gateway.web.limits import Limits
from tests.web.pages import HOSTILE, text_of, value_of
from tests.web.site import Gateway, gateway
from ticket_core.model import Command
from ticket_core.number import number_of
from ticket_core.store.journals import list_inbound
from ticket_core.store.queries import TicketFilter, list_tickets

Client = TestClient[web.Request, web.Application]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(30)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway(tmp_path) as running:
        yield running


@pytest.fixture
async def client(site: Gateway) -> Client:
    return site.new_client()


async def complain(client: Client, **fields: str) -> tuple[str, str]:
    """Complain by the form; the ticket's number and key."""
    token = value_of("token", await text_of(await client.get("/")))
    given = {"kind": "complaint", "text": "宽带断了三天没人处理", "phone": "13800001234", "token": token, **fields}
    answer = await client.post("/complaints", data=given, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    found = re.fullmatch(r"/track/(\d{15})\?key=((?:2-)?[a-z2-7]{24})&thanks=new", answer.headers["Location"])
    assert found
    return found[1], found[2]


async def tickets(site: Gateway) -> int:
    page = await site.reception.store.read(lambda c: list_tickets(c, TicketFilter(), datetime.now(UTC)))
    return len(page.rows)


async def staff(site: Gateway, number: str, action: str, **fields: str) -> None:
    ticket = await site.ticket(number)
    command = Command(
        ticket_id=ticket.id, action=action, actor="sun", role="supervisor", at=datetime.now(UTC), fields=fields
    )
    await site.reception.act(command)


async def act(client: Client, number: str, key: str, action: str, **fields: str) -> ClientResponse:
    page = await text_of(await client.get(f"/track/{number}", params={"key": key}))
    given = {"key": key, "token": value_of("token", page), **fields}
    return await client.post(f"/track/{number}/{action}", data=given, allow_redirects=False)


async def test_a_complaint_by_the_form_opens_a_ticket_and_shows_where_it_stands(site: Gateway, client: Client) -> None:
    number, key = await complain(client, subject="宽带断网", service_number="13800001234", category="网络/宽带")
    page = await text_of(await client.get(f"/track/{number}?key={key}&thanks=new"))
    assert "您的投诉已受理" in page
    assert key in page
    assert "承诺答复时间" in page
    ticket = await site.ticket(number)
    assert (ticket.subject, ticket.category, ticket.channel) == ("宽带断网", ("网络", "宽带"), "web")
    assert ticket.complainant.phones == ("+8613800001234",)


async def test_a_double_click_makes_one_ticket(site: Gateway, client: Client) -> None:
    token = value_of("token", await text_of(await client.get("/")))
    fields = {"text": "宽带断了三天", "token": token}
    first = await client.post("/complaints", data=fields, allow_redirects=False)
    second = await client.post("/complaints", data=fields, allow_redirects=False)
    assert first.headers["Location"] == second.headers["Location"]
    assert await tickets(site) == 1


async def test_another_text_under_the_same_token_is_not_lost(site: Gateway, client: Client) -> None:
    token = value_of("token", await text_of(await client.get("/")))
    await client.post("/complaints", data={"text": "宽带断了三天", "token": token})
    await client.post("/complaints", data={"text": "营业厅多收了我一百元话费", "token": token})
    assert await tickets(site) == 2


async def test_a_form_sent_without_a_token_is_taken_in_each_time(site: Gateway, client: Client) -> None:
    for _ in range(2):
        sent = await client.post("/complaints", data={"text": "宽带断了三天"}, allow_redirects=False)
        assert sent.status == 303
    assert await tickets(site) == 2


@pytest.mark.parametrize("token", ["1", "x" * 23, "<>"])
async def test_a_form_with_a_token_that_is_not_ours_is_shown_again_with_its_text(
    site: Gateway, client: Client, token: str
) -> None:
    page = await text_of(await client.post("/complaints", data={"text": "宽带断了三天", "token": token}), 422)
    assert "宽带断了三天" in page
    assert "此表单已失效" in page
    assert await tickets(site) == 0


async def test_what_is_wrong_is_named_with_links_and_what_was_written_is_kept(site: Gateway, client: Client) -> None:
    page = await text_of(await client.get("/"))
    fields = {
        "token": value_of("token", page),
        "text": " ",
        "place": "锦江区",
        "email": "no mail",
        "occurred_at": "gestern",
    }
    page = await text_of(await client.post("/complaints", data=fields), 422)
    for field in ("text", "email", "occurred_at"):
        assert f'<a href="#{field}">' in page
        assert f'id="{field}-problem"' in page
    assert 'value="锦江区"' in page
    assert "事情经过：必填" in page
    assert await tickets(site) == 0


async def test_hostile_text_is_shown_as_text(client: Client) -> None:
    number, key = await complain(client, text=HOSTILE, subject=HOSTILE, name=HOSTILE)
    page = await text_of(await client.get(f"/track/{number}?key={key}"))
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    page = await text_of(await client.post("/complaints", data={"text": "", "subject": HOSTILE, "token": "x"}), 422)
    assert "<script>alert" not in page
    assert "<img" not in page


async def test_an_attachment_is_kept_and_one_that_runs_is_refused(site: Gateway, client: Client) -> None:
    token = value_of("token", await text_of(await client.get("/")))
    form = FormData({"text": "附上照片", "token": token}, quote_fields=False)  # as browsers do
    form.add_field("attachments", PNG, filename="现场.png", content_type="image/png")
    answer = await client.post("/complaints", data=form)
    assert "现场.png" in await text_of(answer)
    form = FormData({"text": "附上程序", "token": token})
    form.add_field("attachments", b"MZ" + bytes(90), filename="a.exe", content_type="image/png")
    page = await text_of(await client.post("/complaints", data=form), 422)
    assert '<a href="#attachments">' in page
    assert "附件需要重新选择" in page
    assert await tickets(site) == 1


async def test_a_wrong_key_and_an_unknown_number_are_the_same_page(client: Client) -> None:
    number, key = await complain(client)
    other = number_of(26112299999999)
    wrong = await text_of(await client.get(f"/track/{number}?key={'a' * 24}", headers={"Accept": "text/html"}), 404)
    unknown = await text_of(await client.get(f"/track/{other}?key={key}", headers={"Accept": "text/html"}), 404)
    assert wrong == unknown.replace(other, number).replace(key, "a" * 24)
    assert "没有找到" in wrong
    missing = await client.get(f"/track/{number}", headers={"Accept": "text/html"})
    assert missing.status == 404


async def test_a_ticket_is_found_by_number_and_key(client: Client) -> None:
    number, key = await complain(client)
    written = f"{number[:6]}-{number[6:14]}-{number[14:]}"
    answer = await client.post("/track", data={"number": written, "key": f" {key.upper()} "}, allow_redirects=False)
    assert answer.headers["Location"] == f"/track/{number}?key={key}"
    page = await text_of(await client.post("/track", data={"number": number, "key": "wrong"}), 404)
    assert f'value="{number}"' in page


async def test_looking_changes_nothing(site: Gateway, client: Client) -> None:
    number, key = await complain(client)
    before = await site.ticket(number)
    for action in ("urge", "withdraw"):
        assert (await client.get(f"/track/{number}/{action}?key={key}")).status == 405
    await client.get(f"/track/{number}?key={key}")
    assert await site.ticket(number) == before


async def test_the_complainant_adds_urges_rates_and_withdraws(site: Gateway, client: Client) -> None:
    number, key = await complain(client)
    answer = await act(client, number, key, "supplement", text="邻居也断网了")
    assert answer.headers["Location"] == f"/track/{number}?key={key}&thanks=supplement"
    assert (await act(client, number, key, "urge", text="请快一点")).status == 303
    page = await text_of(await client.get(f"/track/{number}?key={key}&thanks=urge"))
    assert "邻居也断网了" in page
    assert "已催 1 次" in page
    await staff(site, number, "answer", text="光缆已修复,请重启光猫。")
    page = await text_of(await client.get(f"/track/{number}?key={key}"))
    assert page.count("光缆已修复,请重启光猫。") == 1
    assert (await act(client, number, key, "rate", score="5")).status == 303
    assert (await act(client, number, key, "withdraw", reason="已解决")).status == 303
    ticket = await site.ticket(number)
    assert (ticket.urges, ticket.rating, ticket.stage) == (1, 5, "withdrawn")


async def test_urging_twice_by_a_double_click_counts_once(site: Gateway, client: Client) -> None:
    number, key = await complain(client)
    page = await text_of(await client.get(f"/track/{number}?key={key}"))
    given = {"key": key, "token": value_of("token", page)}
    for _ in range(2):
        assert (await client.post(f"/track/{number}/urge", data=given, allow_redirects=False)).status == 303
    assert (await site.ticket(number)).urges == 1


async def test_what_is_not_possible_now_is_not_offered_and_refused(site: Gateway, client: Client) -> None:
    number, key = await complain(client)
    page = await text_of(await client.get(f"/track/{number}?key={key}"))
    assert f"/track/{number}/rate" not in page
    page = await text_of(await act(client, number, key, "rate", score="5"), 409)
    assert "现在不能进行此操作" in page
    page = await text_of(await act(client, number, key, "supplement", text=""), 422)
    assert '<a href="#text">' in page
    assert (await act(client, number, key, "assign", group="monitoring")).status == 404


async def test_a_stranger_cannot_act_with_a_wrong_key(site: Gateway, client: Client) -> None:
    number, key = await complain(client)
    page = await text_of(await client.get(f"/track/{number}?key={key}"))
    given = {"key": "b" * 24, "token": value_of("token", page)}
    assert (await client.post(f"/track/{number}/withdraw", data=given)).status == 404
    assert (await site.ticket(number)).stage == "received"


async def test_a_complaint_that_joined_a_ticket_shows_itself_and_how_things_stand(client: Client) -> None:
    number, key = await complain(client, text="这是我的隐私", phone="13800001234", service_number="13800001234")
    again, other = await complain(client, text="又来投诉", phone="13800001234", service_number="13800001234")
    assert again == number
    assert other != key
    page = await text_of(await client.get(f"/track/{number}", params={"key": other}))
    assert "又来投诉" in page
    assert "已并入您先前的工单" in page
    assert "隐私" not in page
    assert 'method="post" action="/track/' not in page
    refused = await client.post(f"/track/{number}/withdraw", data={"key": other}, allow_redirects=False)
    assert refused.status == 409


async def test_staff_names_and_internal_remarks_are_not_shown(site: Gateway, client: Client) -> None:
    number, key = await complain(client)
    await staff(site, number, "comment", text="内部:此人多次投诉")
    await staff(site, number, "assign", group="monitoring", assignee="zhao")
    page = await text_of(await client.get(f"/track/{number}?key={key}"))
    assert "内部" not in page
    for name in ("zhao", "赵维护", "孙班长"):
        assert name not in page


async def test_a_page_is_in_the_browsers_language_until_another_is_chosen(client: Client) -> None:
    english = {"Accept-Language": "en-GB,en;q=0.9,zh;q=0.5"}
    page = await text_of(await client.get("/", headers=english))
    assert '<html lang="en">' in page
    assert "Make a complaint" in page
    answer = await client.post("/language", data={"lang": "zh-CN", "back": "/track"}, allow_redirects=False)
    assert answer.headers["Location"] == "/track"
    assert '<html lang="zh-CN">' in await text_of(await client.get("/", headers=english))


@pytest.mark.parametrize(
    "back", ["//example.com", "/\\example.com", "/\t/example.com", "/\n/example.com", "https://example.com", ""]
)
async def test_a_switch_of_language_leads_nowhere_else(client: Client, back: str) -> None:
    answer = await client.post("/language", data={"lang": "en", "back": back}, allow_redirects=False)
    assert answer.headers["Location"] == "/"


async def test_another_site_cannot_complain_in_a_visitors_name(site: Gateway, client: Client) -> None:
    token = value_of("token", await text_of(await client.get("/")))
    fields = {"text": "假投诉", "token": token}
    answer = await client.post("/complaints", data=fields, headers={"Origin": "https://example.com"})
    assert answer.status == 403
    assert await tickets(site) == 0


async def test_every_page_has_its_guards_and_stays_out_of_caches(client: Client) -> None:
    number, key = await complain(client)
    for path in ("/", "/track", f"/track/{number}?key={key}", "/nowhere"):
        answer = await client.get(path, headers={"Accept": "text/html"})
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        page = await answer.text()
        assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", page)


async def test_style_and_scripts_are_kept_for_ever_under_the_hash_of_their_content(client: Client) -> None:
    page = await text_of(await client.get("/"))
    paths = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(paths) == 3
    for path in paths:
        answer = await client.get(path)
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
    assert (await client.get("/static/style.000000000000.css")).status == 404
    assert (await client.get("/static/..%2fpages%2fshow.py")).status == 404


async def test_what_was_sent_is_in_the_journal_as_an_intake_body(site: Gateway, client: Client) -> None:
    await complain(client, occurred_at="2026-11-20T09:00")
    page = await site.reception.store.read(list_inbound)
    assert [row.raw_type for row in page.rows] == ["application/json"]
    ticket = (
        await site.reception.store.read(lambda c: list_tickets(c, TicketFilter(), page.rows[0].received_at))
    ).rows[0]
    assert ticket.ticket.occurred_at is not None
    assert ticket.ticket.occurred_at.isoformat() == "2026-11-20T01:00:00+00:00"


async def test_more_facts_may_come_with_a_picture(site: Gateway, client: Client) -> None:
    number, key = await complain(client)
    page = await text_of(await client.get(f"/track/{number}?key={key}"))
    form = FormData({"key": key, "token": value_of("token", page), "text": "见照片"}, quote_fields=False)
    form.add_field("attachments", PNG, filename="光猫.png", content_type="image/png")
    assert "光猫.png" in await text_of(await client.post(f"/track/{number}/supplement", data=form))
    form = FormData({"key": key, "token": value_of("token", page), "text": "见程序"}, quote_fields=False)
    form.add_field("attachments", b"MZ" + bytes(90), filename="a.exe", content_type="image/png")
    page = await text_of(await client.post(f"/track/{number}/supplement", data=form), 422)
    assert '<a href="#attachments">' in page
    assert "见程序" in page
    assert (await site.ticket(number)).statements == 2


async def test_whoever_sends_too_much_is_told_and_keeps_what_was_written(tmp_path: Path) -> None:
    async with gateway(tmp_path, limits=Limits(intakes_per_minute=1, body_bytes=100_000)) as site:
        client = site.new_client()
        await complain(client)
        answer = await client.post("/complaints", data={"text": "又断了一次", "token": "t" * 22})
        page = await text_of(answer, 429)
        assert int(answer.headers["Retry-After"]) > 0
        assert "又断了一次" in page
        assert value_of("token", page) == "t" * 22
        answer = await client.post("/complaints", data={"text": "x" * 200_000}, headers={"Accept": "text/html"})
        assert "附件过大" in await text_of(answer, 413)


async def test_what_cannot_be_kept_now_is_kept_in_the_form(site: Gateway, client: Client) -> None:
    token = value_of("token", await text_of(await client.get("/")))
    site.reception.store.close()
    page = await text_of(await client.post("/complaints", data={"text": "又断了一次", "token": token}), 503)
    assert "又断了一次" in page
    assert value_of("token", page) == token


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("boundary=X", b"--X\r\nContent-Disposition: form-data\r\n\r\nx\r\n--X--"),
        ("boundary=X", b'--X\r\nContent-Disposition: form-data; name="text"\r\n\r\n\xff\r\n--X--'),
        ("boundary=X", b'--X\r\nContent-Disposition: form-data; name="text"\r\n\r\nhalf'),
        ("", b"x"),
    ],
)
async def test_what_is_no_form_is_told_to_be_none(client: Client, head: str, body: bytes) -> None:
    answer = await client.post("/complaints", data=body, headers={"Content-Type": f"multipart/form-data; {head}"})
    assert answer.status == 400, await answer.text()
