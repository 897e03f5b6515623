"""What the console lists and shows for reading: tickets, deadlines, triage, the journal, the outbox."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.web.desk import Client, do, message, signed_in, take_call
from tests.web.pages import HOSTILE, text_of
from tests.web.site import Gateway, gateway
from ticket_core.store.journals import list_inbound, list_notices
from ticket_core.store.schema import notice

HTML = {"Accept": "text/html"}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway(tmp_path) as running:
        yield running


@pytest.fixture
async def agent(site: Gateway) -> Client:
    return await signed_in(site, "wang")


async def test_lists_mask_and_the_ticket_shows_in_full_to_those_who_handle_it(site: Gateway, agent: Client) -> None:
    number = await take_call(agent, caller="13800001234", name="李四", phone="13800001234")
    page = await text_of(await agent.get("/console/"))
    assert "138****1234" in page
    assert "13800001234" not in page
    assert "李四" in await text_of(await agent.get(f"/console/tickets/{number}"))
    stranger = await signed_in(site, "qian")
    page = await text_of(await stranger.get(f"/console/tickets/{number}"))
    assert "李四" not in page
    assert "13800001234" not in page


async def test_tickets_are_found_by_number_phone_words_and_filters(agent: Client) -> None:
    number = await take_call(agent, caller="13800001234", text="光猫红灯一直闪", subject="光猫")
    other = await take_call(agent, caller="13800005678", text="话费多收一百元", kind="inquiry", subject="话费")
    for query, found, missing in (
        (f"q={number}", number, other),
        ("q=138-0000-1234", number, other),
        ("q=光猫红灯", number, other),
        ("kind=inquiry", other, number),
        ("view=transit&stage=received&kind=complaint", number, other),
    ):
        page = await text_of(await agent.get(f"/console/?view=all&{query}"))
        assert f"/console/tickets/{found}" in page, query
        assert f"/console/tickets/{missing}" not in page, query
    assert "没有符合条件的工单" in await text_of(await agent.get("/console/?view=all&q=没有这句话"))
    assert (await agent.get("/console/?cursor=x", headers=HTML)).status == 422


async def test_a_long_list_has_pages(agent: Client) -> None:
    numbers = [await take_call(agent, text=f"第{n}件:{'断网' * n}") for n in range(51)]
    page = await text_of(await agent.get("/console/?view=all"))
    assert numbers[-1] in page
    assert f"/console/tickets/{numbers[0]}" not in page
    found = re.search(r'href="([^"]+)" rel="next"', page)
    assert found
    assert f"/console/tickets/{numbers[0]}" in await text_of(await agent.get(found[1].replace("&amp;", "&")))


async def test_the_journal_shows_the_raw_input_as_text_and_gives_its_bytes(site: Gateway, agent: Client) -> None:
    await take_call(agent, text="<b>断网</b>")
    one = (await site.reception.store.read(list_inbound)).rows[0]
    page = await text_of(await agent.get(f"/console/inbound/{one.id}"))
    assert "&lt;b&gt;断网&lt;/b&gt;" in page
    assert one.sha256 in page
    answer = await agent.get(f"/console/inbound/{one.id}/raw")
    assert b"<b>\xe6\x96\xad\xe7\xbd\x91</b>" in await answer.read()
    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert (await agent.get("/console/inbound/99999")).status == 404


async def test_a_notice_is_shown_in_each_form_as_its_recipient_reads_it(site: Gateway, agent: Client) -> None:
    number = await take_call(agent, caller="13800001234")
    one = next(row for row in (await site.reception.store.read(list_notices)).rows if row.role == "complainant")
    key = site.reception.keys.key(one.ticket_id)
    short = f"您的投诉已受理，查询：http://127.0.0.1/track/{number}?key={key}"
    forms = {"subject": "受理", "text": HOSTILE, "short": short, "html": f"<p style='color:red'>受理 {key}</p>"}
    keep = update(notice).where(notice.c.id == one.id).values(rendered=json.dumps(forms), cause="550 li@example.com")
    await site.reception.store.run(lambda tx: tx.connection.execute(keep) and None)
    page = await text_of(await agent.get(f"/console/notices/{one.id}"))
    assert f"{len(short) + len('【示范通信】')} 个字符，2 条短信" in page
    assert f'<iframe sandbox src="/console/notices/{one.id}/html"' in page
    assert "<script>alert" not in page
    framed = await agent.get(f"/console/notices/{one.id}/html")
    assert "<p style='color:red'>" in await text_of(framed)
    assert framed.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    for shown in (page, await framed.text()):
        assert key not in shown
    stranger = await signed_in(site, "qian")
    page = await text_of(await stranger.get(f"/console/notices/{one.id}"))
    assert "只有经办此工单的人员可见" in page
    assert "550 l***@example.com" in page
    assert "13800001234" not in page
    assert (await stranger.get(f"/console/notices/{one.id}/html")).status == 404


async def test_what_is_overdue_stands_first_with_how_late_it_is(site: Gateway, agent: Client) -> None:
    await take_call(agent, priority="urgent", subject="刚刚报的")
    fields = {"text": "早上就报了", "priority": "urgent"}
    await site.reception.receive(message(datetime.now(UTC) - timedelta(hours=3), fields=fields))
    page = await text_of(await agent.get("/console/deadlines"))
    assert page.index("早上就报了") < page.index("刚刚报的")
    assert "超时 2小时" in page
    assert "还有 59分钟" in page
    assert re.search(r'view=overdue"[^>]*>超时 1<', await text_of(await agent.get("/console/")))
    page = await text_of(await agent.get("/console/?view=overdue"))
    assert "早上就报了" in page
    assert "刚刚报的" not in page


async def test_what_nobody_understood_waits_for_a_person(site: Gateway, agent: Client) -> None:
    problem = "unreadable: bad charset"
    await site.reception.receive(message(datetime.now(UTC), text="?", readable=False, problem=problem))
    page = await text_of(await agent.get("/console/triage"))
    assert "内容无法识别（bad charset）" in page
    found = re.search(r"/console/tickets/(\d{15})", page)
    assert found
    assert "bad charset" in await text_of(await agent.get(f"/console/tickets/{found[1]}"))
    assert (await do(agent, found[1], "assign", group="monitoring")).status == 303
    assert found[1] not in await text_of(await agent.get("/console/triage"))
