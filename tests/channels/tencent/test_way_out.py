"""Answers, tokens, files and asking, at a platform whose clock we turn."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.channels.tencent import WeChat, WeComApp, WeComBot, WeComService
from gateway.channels.tencent.cloud import WECOM, Cloud, corporate
from gateway.errors import PermanentDelivery, TransientDelivery
from gateway.message import Accepted, InboundMessage, Raw
from gateway.registry import build
from tests.channels.memory import MemoryAtHand
from tests.channels.slow_motion import slow_motion
from tests.channels.tencent.at_hand import KEY, KF, SECRET, SETTINGS, as_xml, notice, padded
from tests.servers.wecom import WeComServer, wecom_server

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


@contextlib.asynccontextmanager
async def at(server: WeComServer, kind: str, **settings: Any) -> AsyncIterator[Any]:
    table = {"kind": kind, **SETTINGS[kind], "api_url": server.url, "timeout": 1.0, **settings}
    made = build("channels", {"desk": table}, common=frozenset({"kind"}))["desk"]
    assert isinstance(made, WeChat | WeComApp | WeComBot | WeComService)
    made.memory = MemoryAtHand()
    made.clock = lambda: NOON
    if isinstance(made, WeComApp):
        slow_motion(made.pace)
    try:
        yield made
    finally:
        await made.close()


def cloud(server: WeComServer, trouble: dict[str, str], secret: str = SECRET) -> Cloud:
    return Cloud(
        server.url,
        corporate("c", secret),
        WECOM,
        trouble,
        timeout=1.0,
        concurrency=8,
        clock=lambda: server.now,
    )


# --- Tokens


async def test_one_token_serves_many_senders_and_is_renewed_before_its_end() -> None:
    async with wecom_server() as server, at(server, "wecom-app") as channel:
        channel.cloud = cloud(server, channel.trouble)
        await asyncio.gather(*(channel.send(notice(reference=f"n{n}")) for n in range(8)))
        assert server.tokens == 1
        server.now = 7200 - 299
        await channel.send(notice())
        assert server.tokens == 2
        assert len(server.sent) == 9


async def test_a_token_that_is_not_taken_any_more_is_renewed_once() -> None:
    async with wecom_server() as server, at(server, "wecom-app") as channel:
        await channel.send(notice())
        server.forget_tokens()
        await channel.send(notice(reference="n18"))
        assert (server.tokens, len(server.sent)) == (2, 2)


async def test_a_wrong_secret_is_told_and_heals_by_itself() -> None:
    async with wecom_server(secret="another") as server, at(server, "wecom-app") as channel:
        with pytest.raises(TransientDelivery):
            await channel.send(notice())
        assert "40001" in channel.trouble["credentials"]
        assert SECRET not in str(channel.trouble)
        server.secret = SECRET
        await channel.send(notice())
        assert channel.trouble == {}


# --- Texts and codes


async def test_a_long_notice_goes_in_pieces_and_a_second_try_sends_the_rest_only() -> None:
    async with wecom_server() as server, at(server, "wecom-app") as channel:
        text = "\n".join(["投诉处理情况"] * 200)
        handed = channel.say

        async def broken(message: Any, part: str, number: int, *, final: bool) -> str:
            if number == 1:
                raise TransientDelivery("502")
            return str(await handed(message, part, number, final=final))

        channel.say = broken
        with pytest.raises(TransientDelivery):
            await channel.send(notice(text))
        channel.say = handed
        receipt = await channel.send(notice(text))
        assert receipt.parts == len(server.sent) == 2
        assert "\n".join(one["text"]["content"] for one in server.sent) == text


@pytest.mark.parametrize("account", ["lisi", "LiSi"])  # they are told in small letters
async def test_a_member_that_the_application_cannot_see_is_a_permanent_failure(account: str) -> None:
    async with wecom_server(nobody={account}) as server, at(server, "wecom-app") as channel:
        with pytest.raises(PermanentDelivery):
            await channel.send(notice(to=account))


async def test_a_member_without_a_licence_waits_for_the_operator() -> None:
    async with wecom_server(unlicensed={"LiSi"}) as server, at(server, "wecom-app") as channel:
        with pytest.raises(TransientDelivery):
            await channel.send(notice(to="LiSi"))


@pytest.mark.parametrize("code", [45009, -1, 60020, 48002])
async def test_what_passes_or_is_mended_is_worth_another_try(code: int) -> None:
    async with wecom_server(fault="refused", refusal=code) as server, at(server, "wecom-app") as channel:
        with pytest.raises(TransientDelivery):
            await channel.send(notice())


@pytest.mark.parametrize("to", ["@all", "a|b", "a,b", "", "甲"])
async def test_nobody_writes_to_more_than_one(to: str) -> None:
    async with wecom_server() as server, at(server, "wecom-app") as channel:
        with pytest.raises(PermanentDelivery):
            await channel.send(notice(to=to))
        assert server.sent == []


async def test_no_more_goes_to_a_member_than_is_not_dropped() -> None:
    async with wecom_server() as server, at(server, "wecom-app") as channel:
        motion = slow_motion(channel.pace)
        sent_at = []
        for number in range(60):
            await channel.send(notice(reference=f"n{number}"))
            sent_at.append(motion.now)
        assert len(server.sent) == 60
        assert max(sum(1 for at in sent_at if start <= at < start + 60) for start in sent_at) <= 30
        before = motion.now
        await channel.send(notice(to="zhangsan"))
        assert motion.now == before


# --- 5 in 48 hours


@pytest.mark.parametrize("kind", ["wechat", "wecom-kf"])
async def test_the_sixth_answer_and_one_after_48_hours_are_permanent_failures(kind: str) -> None:
    async with wecom_server() as server, at(server, kind) as channel:
        server.hears("wm1")
        for number in range(5):
            await channel.send(notice(to="wm1", reference=f"n{number}"))  # whom nobody counted for us
        with pytest.raises(PermanentDelivery, match=r"45047|95001"):
            await channel.send(notice(to="wm1", reference="n6"))
        with pytest.raises(PermanentDelivery, match="5 messages"):
            await channel.send(notice(to="wm1", heard_at=NOON, sent_since=5))
        with pytest.raises(PermanentDelivery, match="48 hours"):
            await channel.send(notice(to="wm1", heard_at=NOON - timedelta(hours=48, seconds=1)))
        server.hears("wm1")
        await channel.send(notice(to="wm1", heard_at=NOON - timedelta(hours=48)))
        server.now += 7000
        server.heard["wm1"] = server.now - 48 * 3600 - 1
        with pytest.raises(PermanentDelivery, match=r"45015|95002"):
            await channel.send(notice(to="wm1"))


async def test_a_long_answer_is_cut_to_the_messages_that_are_left() -> None:
    async with wecom_server() as server, at(server, "wechat") as channel:
        await channel.send(notice("投诉" * 2000, heard_at=NOON, sent_since=4))
        (one,) = server.sent
        assert one["text"]["content"].endswith("…")


async def test_choices_are_buttons_where_there_are_some_and_lines_where_not() -> None:
    choices = "满意 | /rate 5\n不满意 | /rate 1"
    async with wecom_server() as server:
        async with at(server, "wecom-kf") as channel:
            await channel.send(notice("请评价。", choices=choices))
        async with at(server, "wechat") as channel:
            await channel.send(notice("请评价。", choices=choices))
    menu, text = server.sent
    assert menu["msgmenu"]["list"][0] == {"type": "click", "click": {"id": "/rate 5", "content": "满意"}}
    assert menu["open_kfid"] == KF
    assert "满意: /rate 5" in text["text"]["content"]


# --- Bots


async def test_a_bot_answers_once_where_the_push_said() -> None:
    async with wecom_server() as server, at(server, "wecom-bot") as bot:
        route = f"{server.url}/cgi-bin/aibot/response?response_code=C1"
        await bot.send(notice("已受理。", route=route))
        assert server.sent[0]["markdown"]["content"] == "已受理。"
        elsewhere = notice(route="http://127.0.0.1:1/x")
        for late in (notice(), notice(route=route, sent_since=1), notice(route=route), elsewhere):
            with pytest.raises(PermanentDelivery):
                await bot.send(late)
        assert len(server.sent) == 1


async def test_a_file_of_a_bot_is_decrypted() -> None:
    async with wecom_server() as server, at(server, "wecom-bot") as bot:
        key = base64.b64decode(KEY + "=")
        server.files = {"a": ("application/octet-stream", padded(b"\x89PNG picture", key)), "b": ("a/b", b"x" * 32)}
        assert (await bot.fetch(f"{server.url}/store/a image-1.jpg")).content == b"\x89PNG picture"
        for bad in (f"{server.url}/store/b b.jpg", "http://127.0.0.1:1/a a.jpg", "http://x.myqcloud.com/a a.jpg"):
            with pytest.raises(PermanentDelivery):
                await bot.fetch(bad)


# --- Files


@pytest.mark.parametrize("kind", ["wecom-app", "wechat", "wecom-kf"])
async def test_files_are_fetched_with_the_token_until_they_are_gone(kind: str) -> None:
    async with wecom_server(files={"M1": ("image/png", b"\x89PNG")}) as server, at(server, kind) as channel:
        found = await channel.fetch("M1 image-7.jpg")
        assert (found.name, found.media_type, found.content) == ("image-7.jpg", "image/png", b"\x89PNG")
        with pytest.raises(PermanentDelivery):
            await channel.fetch("M2 image-8.jpg")


async def test_a_file_that_looks_like_a_refusal_is_a_file() -> None:
    sheet = b'{"errcode": 42001, "errmsg": "access_token expired"}'
    async with wecom_server(files={"M1": ("application/json", sheet)}) as server, at(server, "wecom-app") as channel:
        assert (await channel.fetch("M1 a.json")).content == sheet
        assert server.tokens == 1


async def test_a_video_of_which_only_the_place_is_told_is_fetched_from_there() -> None:
    film = {"M1": ("video/mp4", b"\0\0\0 ftyp")}
    async with wecom_server(files=film, videos={"M1", "M2"}) as server, at(server, "wechat") as channel:
        found = await channel.fetch("M1 video-7.mp4")
        assert (found.name, found.media_type, found.content) == ("video-7.mp4", "video/mp4", b"\0\0\0 ftyp")
        with pytest.raises(PermanentDelivery):
            await channel.fetch("M2 video-8.mp4")


@pytest.mark.parametrize(
    ("place", "good"),
    [
        ("http://vweixinp.tc.qq.com/1007_a.f10.mp4", True),
        ("https://mp.weixin.qq.com/a", True),
        ("http://127.0.0.1:10/a", False),
        ("http://qq.com.example.com/", False),
        ("http://example.com/.qq.com", False),
        ("file:///etc/passwd", False),
        ("http://vweixinp.tc.qq.com:8080/", False),
    ],
)
def test_a_place_that_is_not_the_platforms_is_never_asked(place: str, good: bool) -> None:
    channel = build("channels", {"desk": {"kind": "wechat", **SETTINGS["wechat"]}}, common=frozenset({"kind"}))["desk"]
    assert isinstance(channel, WeChat)
    assert channel.cloud._trusts(place) is good


# --- Asking


def written(number: int) -> dict[str, Any]:
    return {
        "msgid": f"m{number}",
        "open_kfid": KF,
        "external_userid": "wm1",
        "send_time": 1772414820 + number,
        "origin": 3,
        "msgtype": "text",
        "text": {"content": f"第{number}条"},
    }


async def texts(channel: WeComService, count: int) -> list[str]:
    found: list[str] = []
    async with asyncio.timeout(10):
        async for raw, done in channel.poll():
            found += [one.text for one in channel.parse(raw) if isinstance(one, InboundMessage)]
            await done()
            if len(found) >= count:
                break
    return found


async def test_all_pages_are_asked_for_and_the_place_survives_a_restart() -> None:
    async with wecom_server(page=2, messages=[written(n) for n in range(5)]) as server:
        async with at(server, "wecom-kf") as channel:
            assert await texts(channel, 5) == [f"第{n}条" for n in range(5)]
            kept = channel.memory
        server.messages.append(written(5))
        async with at(server, "wecom-kf") as channel:
            channel.memory = kept
            assert await texts(channel, 1) == ["第5条"]


async def test_a_page_of_a_thousand_long_messages_is_read_to_its_end() -> None:
    long = [{**written(n), "text": {"content": "投" * 680}} for n in range(1000)]
    async with wecom_server(messages=long) as server, at(server, "wecom-kf", timeout=10) as channel:
        assert len(await texts(channel, 1000)) == 1000


async def test_a_file_that_is_too_large_is_never_fetched() -> None:
    film = {"M1": ("video/mp4", bytes((20 << 20) + 1))}
    async with wecom_server(files=film) as server, at(server, "wecom-app", timeout=10) as channel:
        with pytest.raises(PermanentDelivery, match="larger"):
            await channel.fetch("M1 film.mp4")


async def test_who_says_that_there_is_more_and_not_where_is_not_asked_without_end() -> None:
    async with wecom_server(stuck=True, messages=[written(0)]) as server, at(server, "wecom-kf") as channel:
        assert await texts(channel, 1) == ["第0条"]
        server.asked.clear()
        async with asyncio.timeout(5):
            async for _raw, done in channel.poll():
                await done()
                if server.asked:
                    break
        assert len(server.asked) <= 2


async def test_a_page_that_was_not_committed_is_asked_for_again() -> None:
    async with wecom_server(messages=[written(0), written(1)]) as server, at(server, "wecom-kf") as channel:
        async for _raw, _done in channel.poll():
            break  # the store was full
        assert await texts(channel, 2) == ["第0条", "第1条"]


async def test_a_push_wakes_us_and_its_ticket_is_shown_once() -> None:
    async with wecom_server(tickets={"T1"}) as server, at(server, "wecom-kf", poll_every=3600) as channel:
        found = asyncio.create_task(texts(channel, 1))
        while not server.asked:  # noqa: ASYNC110  the other end tells nobody
            await asyncio.sleep(0.01)
        server.messages.append(written(0))
        body = "<xml><CreateTime>1772414820</CreateTime><Event>kf_msg_or_event</Event><Token>T1</Token>"
        body += f"<OpenKfId>{KF}</OpenKfId></xml>"
        raw = as_xml(Raw(channel="desk", body=body.encode(), received_at=NOON), SETTINGS["wecom-kf"])
        assert channel.answer_to(raw, [Accepted(outcome="automatic")]).body == b"success"
        assert await found == ["第0条"]
        assert [ask.get("token") for ask in server.asked] == [None, "T1"]


async def test_a_ticket_that_is_too_old_does_not_stop_us() -> None:
    async with wecom_server(messages=[written(0)]) as server, at(server, "wecom-kf") as channel:
        channel._ticket = "OLD"
        assert await texts(channel, 1) == ["第0条"]


async def test_who_was_away_longer_than_the_platform_keeps_is_told() -> None:
    async with wecom_server(messages=[written(0)]) as server, at(server, "wecom-kf") as channel:
        await channel.memory.set("cursor", f"{(NOON - timedelta(days=4)).isoformat()} 0")
        await texts(channel, 1)
        assert "three days" in channel.trouble["gap"]


async def test_a_wrong_secret_stops_only_the_asking_and_is_told() -> None:
    async with wecom_server(secret="another") as server, at(server, "wecom-kf") as channel:
        with pytest.raises(TransientDelivery):
            await texts(channel, 1)
        assert "credentials" in channel.trouble
