"""A whole gateway: what a visitor says, hears, confirms and fetches, on several pages and through several processes."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from gateway.channels.webchat import WebChat
from gateway.web.chat.stream import Lines
from gateway.web.chat.visits import Visits
from gateway.web.problems import Problem
from tests.channels.webchat.at_hand import PNG, chat, said
from tests.channels.webchat.live import do, gateway, journal, notices, page_of, the_ticket, until
from tests.cli.terminal import free_port
from ticket_core.store.tickets import load_complaints


async def test_what_is_said_is_answered_live_on_every_window_and_counts_as_delivered_once_it_was_seen(
    tmp_path: Path,
) -> None:
    async with gateway(tmp_path) as parts, page_of(parts) as page:
        other = page.other()
        async with page.listening(), other.listening():
            name = await page.say("宽带断了三天没人处理")
            line = await other.hears("受理编号")
            assert other.lines[name]["by"] == "you"
            assert (line["by"], line["seen"]) == ("us", False)
            assert [one["label"] for one in line["choices"]] == ["查询进度"]
            (told,) = await notices(parts, medium="chat")
            assert (told.state, told.address) == ("accepted", page.account)
            assert (await page.push({"type": "seen", "notices": [line["id"]]})).status == 200
            (told,) = await notices(parts, medium="chat")
            assert told.state == "delivered"
            await do(parts, await the_ticket(parts), "answer", text="光缆已修复")
            answer = await page.hears("光缆已修复")
            await page.say(answer["choices"][0]["says"], label=answer["choices"][0]["label"])
            await page.hears("谢谢您的评价")
            assert (await the_ticket(parts)).rating == 5
        assert [line.outcome for line in await journal(parts)] == ["opened", "receipt", "appended"]


async def test_a_page_that_comes_back_after_a_restart_has_missed_nothing(tmp_path: Path) -> None:
    port = free_port()
    async with gateway(tmp_path, port=port) as parts, page_of(parts) as page:
        for words in ("/new", "/kind repair", "路灯坏了三天"):
            await page.say(words, label=words.removeprefix("/"))
        ticket = await the_ticket(parts)
        assert ticket.stage == "draft"
    async with gateway(tmp_path, port=port) as parts, page_of(parts, like=page) as page:
        async with page.listening():
            await page.hears("请留下手机号码")
            assert [line["text"] for line in page.lines.values() if line["by"] == "you"] == [
                "new",
                "kind repair",
                "路灯坏了三天",
            ]
            for words in ("13800001234", "/skip", "/confirm"):
                await page.say(words)
            await page.hears("受理编号")
        assert (await the_ticket(parts)).stage == "received"


async def test_lines_stand_in_the_order_in_which_they_were_said(tmp_path: Path) -> None:
    async with gateway(tmp_path) as parts, page_of(parts) as page:
        async with page.listening():
            await page.say("/new", label="我要投诉")
            await page.hears("哪一类事项")
            await page.say("/kind praise", label="表扬")
            await page.hears("请说明发生了什么")
        got = await page.get("/chat/chat/lines")
        TypeAdapter(Lines).validate_json(got.body)
        lines = got.document["lines"]
        assert [line["by"] for line in lines] == ["you", "us", "you", "us"]
        assert [line["text"] for line in lines[::2]] == ["我要投诉", "表扬"]


async def test_other_words_for_what_was_said_are_kept_beside_it_and_told_to_the_handlers(tmp_path: Path) -> None:
    async with gateway(tmp_path) as parts, page_of(parts) as page, page_of(parts) as stranger:
        async with page.listening():
            name = await page.say("宽带断了三天没人处理")
            await page.hears("受理编号")
            await do(parts, await the_ticket(parts), "assign", group="service")
            await page.say("宽带断了四天没人处理", revises=name)
            line = await page.hears("宽带断了四天")
            assert (line["by"], line["revises"], line["pressed"]) == ("you", name, False)
        ticket = await the_ticket(parts)
        said = await parts.store.read(partial(load_complaints, ticket_id=ticket.id))
        assert [one.text for one in said] == ["宽带断了三天没人处理", "宽带断了四天没人处理"]
        assert [one.kind for one in said] == ["complaint", "supplement"]
        assert [one.address for one in await notices(parts, notice="supplement_received")] == ["zhao@example.com"]
        await stranger.say("宽带断了五天没人处理", revises=name)
        assert [line.outcome for line in await journal(parts)] == ["opened", "appended", "opened"]


async def test_a_stranger_reads_writes_confirms_and_fetches_nothing(tmp_path: Path) -> None:
    async with gateway(tmp_path) as parts, page_of(parts) as page, page_of(parts) as stranger:
        name = "photo-0001"
        sent = await page.push(said("", name, file={"name": "断线.png", "size": len(PNG)}), PNG)
        assert sent.status == 200
        (told,) = await until(partial(notices, parts, medium="chat", state="accepted"))
        account, page.account = page.account, stranger.account
        assert (await page.push(said("路灯坏了"))).status == 403
        page.account = account
        assert (await stranger.get("/chat/chat/lines")).document["lines"] == []
        assert (await stranger.get(f"/chat/chat/files/{name}")).status == 404
        assert (await stranger.push({"type": "seen", "notices": [f"n{told.id}"]})).status == 200
        assert [one.state for one in await notices(parts, medium="chat")] == ["accepted"]
        stranger.token = stranger.token[:-1] + ("A" if stranger.token[-1] != "A" else "B")
        for path in ("lines", "stream", f"files/{name}"):
            assert (await stranger.get(f"/chat/chat/{path}")).status == 401
        assert (await stranger.push(said("路灯坏了"))).status == 401
        own = await page.get(f"/chat/chat/files/{name}")
        assert own.body == PNG
        assert own.headers["Content-Type"] == "application/octet-stream"
        assert own.headers["Content-Disposition"].startswith("attachment;")
        assert own.headers["X-Content-Type-Options"] == "nosniff"
        ticket = await the_ticket(parts)
        (statement,) = await parts.store.read(partial(load_complaints, ticket_id=ticket.id))
        (kept,) = statement.attachments
        assert (kept.name, kept.media_type, kept.size) == ("断线.png", "image/png", len(PNG))


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "最多 5000 个字符"), ("en", "at most 5000 characters")])
async def test_what_is_too_much_is_said_in_the_visitors_language(tmp_path: Path, language: str, words: str) -> None:
    async with gateway(tmp_path, largest_file=2048) as parts, page_of(parts, language) as page:
        long = await page.push(said("啊" * 5001))
        assert (long.status, long.document["errors"][0]["reason"]) == (413, words)
        large = await page.push(said("", file={"name": "a.png", "size": 4096}), PNG + bytes(4096))
        assert large.status == 413
        assert "2048" in large.document["errors"][0]["reason"]
        program = await page.push(said("", file={"name": "a.exe", "size": len(PNG)}), PNG)
        assert (program.status, program.document["errors"][0]["field"]) == (415, "file")
        assert await journal(parts) == []


async def test_who_writes_too_much_is_told_when_to_go_on(tmp_path: Path) -> None:
    async with gateway(tmp_path, messages_per_minute=2) as parts, page_of(parts) as page, page_of(parts) as other:
        await page.say("路灯坏了")
        await page.say("还没修好")
        refused = await page.push(said("还没修好吗"))
        assert refused.status == 429
        assert 20 <= int(refused.headers["Retry-After"]) <= 30
        assert "每分钟最多 2 条" in refused.document["title"]
        await other.say("路灯坏了")
        assert len(await journal(parts)) == 3


async def test_sessions_of_one_address_are_counted(tmp_path: Path) -> None:
    async with gateway(tmp_path, unlimited=()) as parts, page_of(parts) as page:
        statuses = []
        while len(statuses) < 59 or (statuses[-1] == 201 and len(statuses) < 300):  # one more for each second it takes
            async with page.client.post("/chat/chat/sessions") as response:
                statuses.append(response.status)
        assert set(statuses[:59]) == {201}
        assert statuses[-1] == 429


async def test_who_finds_no_place_to_listen_is_told_when_to_come_again(tmp_path: Path) -> None:
    async with (
        gateway(tmp_path, connections=1) as parts,
        page_of(parts) as page,
        page_of(parts) as other,
        page.listening(),
    ):
        refused = await other.get("/chat/chat/stream")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "10")
        assert (await other.get("/chat/chat/lines")).status == 200


def test_places_are_bounded_by_visitor_and_by_address_and_given_back() -> None:
    one = chat()
    visits = Visits({"chat": one})
    for visitor, address, most in (("a", None, 6), (None, "192.0.2.1", 60)):
        with contextlib.ExitStack() as windows:
            for n in range(most):
                windows.enter_context(visits.listening(one, visitor or f"v{n}", address or f"192.0.2.{n}"))
            with pytest.raises(Problem) as refused, visits.listening(one, visitor or "new", address or "192.0.2.99"):
                pass
            assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "10"})
            with visits.listening(one, "other", "192.0.2.200"):
                pass
        with visits.listening(one, visitor or "v0", address or "192.0.2.1"):
            pass
    with contextlib.ExitStack() as behind_our_own_proxy:
        for n in range(100):
            behind_our_own_proxy.enter_context(visits.listening(one, f"v{n}", ""))


async def test_other_sites_have_a_browser_push_and_begin_nothing(tmp_path: Path) -> None:
    async with gateway(tmp_path) as parts, page_of(parts) as page:
        assert (await page.push(said("路灯坏了"), Sec_Fetch_Site="cross-site")).status == 403
        assert (await page.push(said("路灯坏了"), Origin="https://evil.example.com")).status == 403
        async with page.client.post("/chat/chat/sessions", headers={"Sec-Fetch-Site": "cross-site"}) as response:
            assert response.status == 403
            assert "Access-Control-Allow-Origin" not in response.headers
        assert (await page.push(said("路灯坏了"), Sec_Fetch_Site="same-origin")).status == 200


async def test_only_allowed_sites_may_show_the_panel(tmp_path: Path) -> None:
    async with gateway(tmp_path, origins=["https://www.example.com"]) as parts, page_of(parts) as page:
        panel, whole, script = [await page.get(path) for path in ("/chat/panel", "/chat", "/chat/widget.js")]
        assert panel.headers["Content-Security-Policy"].endswith("frame-ancestors 'self' https://www.example.com")
        assert "X-Frame-Options" not in panel.headers
        assert whole.headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")
        assert whole.headers["X-Frame-Options"] == "DENY"
        assert (script.headers["Cross-Origin-Resource-Policy"], script.headers["Content-Type"]) == (
            "cross-origin",
            "text/javascript; charset=utf-8",
        )
        assert (await page.get("/chat/chat/panel")).status == 200
        assert (await page.get("/chat/nobody")).status == 404
        for answer in (panel, whole):
            text = answer.body.decode()
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
            assert " onclick" not in text
            assert " style=" not in text


async def test_a_session_that_is_used_gets_a_newer_token_and_an_unused_one_ends(tmp_path: Path) -> None:
    async with gateway(tmp_path) as parts, page_of(parts) as page:
        await page.say("路灯坏了")
        channel = parts.channels["chat"]
        assert isinstance(channel, WebChat)
        secret = page.token.partition(".")[0]
        old = channel._sessions.made_out(secret, datetime.now(UTC) - timedelta(days=29))
        page.token = old.token
        async with page.listening():
            await page.hears("路灯坏了")
        assert page.renewed["account"] == page.account
        assert page.renewed["token"] != old.token
        page.token = channel._sessions.made_out(secret, datetime.now(UTC) - timedelta(days=31)).token
        assert (await page.get("/chat/chat/lines")).status == 401
        page.token = page.renewed["token"]
        assert (await page.get("/chat/chat/lines")).status == 200


async def test_what_nobody_fetched_goes_by_sms_and_is_delivered_all_the_same_once_it_is_seen(tmp_path: Path) -> None:
    async with gateway(tmp_path, fetched_within="PT10M") as parts, page_of(parts) as page:
        for words in ("/new", "路灯坏了三天", "13800001234", "/skip", "/confirm"):
            await page.say(words)
        ticket = await the_ticket(parts)
        await do(parts, ticket, "extend", deadline="answer", amount=1, unit="days", reason="需要上门")
        (told,) = await until(partial(notices, parts, notice="extension_granted", state="accepted"))
        await parts.sweeper.step(datetime.now(UTC) + timedelta(minutes=9))
        assert [one.medium for one in await notices(parts, notice="extension_granted")] == ["chat"]
        await parts.sweeper.step(datetime.now(UTC) + timedelta(minutes=13))
        first, second = await notices(parts, notice="extension_granted")
        assert (first.state, first.cause, second.medium, second.address) == (
            "expired",
            "not_fetched",
            "sms",
            "+8613800001234",
        )
        await parts.sweeper.step(datetime.now(UTC) + timedelta(minutes=30))
        assert len(await notices(parts, notice="extension_granted")) == 2
        async with page.listening():
            await page.hears("延期办理")
        assert (await page.push({"type": "seen", "notices": [f"n{told.id}"]})).status == 200
        assert (await notices(parts, notice="extension_granted"))[0].state == "delivered"


async def test_pages_hear_what_another_process_took_in(tmp_path: Path, postgres_url: str) -> None:
    async with (
        gateway(tmp_path, url=postgres_url) as one,
        gateway(tmp_path, url=postgres_url) as two,
        page_of(one) as page,
        page_of(two) as elsewhere,
    ):
        elsewhere.account, elsewhere.token = page.account, page.token
        async with page.listening(), elsewhere.listening():
            await page.say("宽带断了三天没人处理")
            await elsewhere.hears("宽带断了三天")
            await elsewhere.hears("受理编号")
            name = await elsewhere.say("补充一句")
            await page.hears("补充一句")
            await page.hears("已补充到您的工单")
            await page.say("补充两句", revises=name)
            assert (await elsewhere.hears("补充两句"))["revises"] == name


async def test_the_end_of_the_gateway_lets_its_pages_go_at_once(tmp_path: Path) -> None:
    async with (
        gateway(tmp_path) as parts,
        page_of(parts) as page,
        page.client.get("/chat/chat/stream", headers=page.headers) as response,
    ):
        parts.visits.close()
        began = time.monotonic()
        await response.content.read()
        assert time.monotonic() - began < 5
