"""Answers, tokens and files, at a platform whose clock we turn."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from gateway.channels.feishu.cloud import Cloud
from gateway.errors import PermanentDelivery, TransientDelivery
from tests.channels.feishu.at_hand import LI, bot_at, notice
from tests.channels.slow_motion import slow_motion
from tests.servers.feishu import SECRET, FeishuServer, feishu_server


def text(sent: dict[str, str]) -> str:
    said: str = json.loads(sent["content"])["text"]
    return said


def cloud(server: FeishuServer, bot: object) -> Cloud:
    return Cloud(bot.settings, bot.trouble, concurrency=8, clock=lambda: server.now)  # type: ignore[attr-defined]


# --- Tokens


async def test_one_token_serves_many_senders_and_is_renewed_before_its_end() -> None:
    async with feishu_server() as server, bot_at(server) as bot:
        bot.cloud = cloud(server, bot)
        await asyncio.gather(*(bot.send(notice(reference=f"n{n}")) for n in range(8)))
        assert server.token_asks == 1
        server.now = 7200 - 299
        await bot.send(notice(reference="n9"))
        assert (server.token_asks, server.tokens) == (2, 2)
        await bot.cloud.close()


async def test_a_token_that_is_not_taken_any_more_is_renewed_once() -> None:
    async with feishu_server() as server, bot_at(server) as bot:
        await bot.send(notice())
        server.forget_tokens()
        await bot.send(notice(reference="n18"))
        assert (server.tokens, len(server.sent)) == (2, 2)


async def test_a_wrong_secret_is_told_and_heals_by_itself() -> None:
    async with feishu_server(secret="another") as server, bot_at(server) as bot:
        with pytest.raises(TransientDelivery):
            await bot.send(notice())
        assert "10014" in bot.trouble["credentials"]
        assert SECRET not in str(bot.trouble)
        server.secret = SECRET
        await bot.send(notice())
        assert bot.trouble == {}


# --- Where to, and what


async def test_a_second_try_within_an_hour_arrives_once() -> None:
    async with feishu_server(fault="dropped") as server, bot_at(server) as bot:
        with pytest.raises(TransientDelivery):
            await bot.send(notice())
        server.fault = None
        receipt = await bot.send(notice())
        assert (len(server.sent), receipt.provider_id) == (1, "om_sent1")
        server.now += 3601
        await bot.send(notice())
        assert len(server.sent) == 2


@pytest.mark.parametrize(("to", "kind"), [(LI, "open_id"), ("oc_5ce6d572455d", "chat_id"), ("on_8ed6aa", "union_id")])
async def test_people_and_groups_are_written_to_by_their_ids(to: str, kind: str) -> None:
    async with feishu_server() as server, bot_at(server) as bot:
        await bot.send(notice(to=to))
        assert server.sent[0]["receive_id"] == to  # the server refuses an id of another kind


async def test_an_answer_in_a_group_stands_under_what_was_said() -> None:
    async with feishu_server() as server, bot_at(server) as bot:
        await bot.send(notice(route="om_g1"))
        await bot.send(notice(reference="n18", route="direct"))
        assert [one["under"] for one in server.sent] == ["om_g1", ""]
        assert server.sent[0]["reply_in_thread"] is True


async def test_where_that_was_withdrawn_the_person_is_written_to() -> None:
    async with feishu_server(gone={"om_g1"}) as server, bot_at(server) as bot:
        await bot.send(notice(route="om_g1"))
        assert [one["to"] for one in server.sent] == [LI]


async def test_no_text_calls_everybody_of_a_group() -> None:
    async with feishu_server() as server, bot_at(server) as bot:
        await bot.send(notice('<at user_id="all">所有人</at> <AT\nid=1> <attention>'))
        assert text(server.sent[0]) == '<\u200bat user_id="all">所有人<\u200b/at> <\u200bAT\nid=1> <attention>'


async def test_choices_are_lines_to_be_typed() -> None:
    async with feishu_server() as server, bot_at(server) as bot:
        await bot.send(notice("请评价。", choices="满意 | /rate 5\n不满意 | /rate 1"))
        assert text(server.sent[0]) == "请评价。\n\n满意: /rate 5\n不满意: /rate 1"


RATING = "满意 | /rate 5\n不满意 | /rate 1"


def said_by_buttons(sent: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
    assert sent["msg_type"] == "interactive"
    (row,) = json.loads(sent["content"])["elements"]
    return [(one["text"]["content"], one["value"]) for one in row["actions"]]


async def test_choices_are_buttons_below_the_text_where_presses_are_pushed_to_us() -> None:
    async with feishu_server() as server, bot_at(server, choices="buttons") as bot:
        receipt = await bot.send(notice("请评价：https://example.com/t", choices=RATING))
        assert (text(server.sent[0]), receipt.provider_id) == ("请评价：https://example.com/t", "om_sent1")
        assert said_by_buttons(server.sent[1]) == [("满意", {"says": "/rate 5"}), ("不满意", {"says": "/rate 1"})]
        await bot.send(notice("没有选项", reference="n18"))
        assert len(server.sent) == 3


async def test_buttons_in_a_group_tell_where_they_are() -> None:
    async with feishu_server() as server, bot_at(server, choices="buttons", groups="thread") as bot:
        await bot.send(notice("请评价。", choices=RATING, route="om_g1"))
        assert [one["under"] for one in server.sent] == ["om_g1", "om_g1"]
        assert said_by_buttons(server.sent[1])[0] == ("满意", {"says": "/rate 5", "under": "om_g1"})


@pytest.mark.parametrize("code", [230099, 200621])
async def test_where_cards_are_not_taken_the_choices_are_lines(code: int) -> None:
    async with feishu_server(no_cards=code) as server, bot_at(server, choices="buttons") as bot:
        await bot.send(notice("请评价。", choices=RATING))
        assert [text(one) for one in server.sent] == ["请评价。", "满意: /rate 5\n不满意: /rate 1"]


@pytest.mark.parametrize("choices", ["长" * 101 + " | /rate 5", "\n".join(f"{n} | /rate {n}" for n in range(51))])
async def test_what_is_no_button_is_a_line(choices: str) -> None:
    async with feishu_server() as server, bot_at(server, choices="buttons") as bot:
        await bot.send(notice("请评价。", choices=choices))
        (sent,) = server.sent
        assert text(sent).startswith("请评价。\n\n")


async def test_a_lost_answer_repeats_neither_text_nor_buttons() -> None:
    async with feishu_server(fault="dropped") as server, bot_at(server, choices="buttons") as bot:
        for _ in range(2):
            with pytest.raises(TransientDelivery):
                await bot.send(notice("请评价。", choices=RATING))
        server.fault = None
        await bot.send(notice("请评价。", choices=RATING))
        assert [one["msg_type"] for one in server.sent] == ["text", "interactive"]


async def test_a_long_notice_goes_in_pieces_that_the_platform_takes() -> None:
    async with feishu_server() as server, bot_at(server) as bot:
        long = "\n".join(['"投诉"处理情况\\'] * 2000)
        receipt = await bot.send(notice(long))
        assert receipt.parts == len(server.sent) == 2
        assert "\n".join(text(one) for one in server.sent) == long
        assert len({one["uuid"] for one in server.sent}) == 2


async def test_a_long_reference_is_still_known_again() -> None:
    async with feishu_server() as server, bot_at(server) as bot:
        await bot.send(notice(reference="n" * 60))
        assert len(server.sent[0]["uuid"]) <= 50


# --- Codes


async def test_whom_the_bot_is_not_available_to_is_never_written_to_again() -> None:
    async with feishu_server(strangers={LI}) as server, bot_at(server) as bot:
        with pytest.raises(PermanentDelivery) as caught:
            await bot.send(notice())
        assert caught.value.status == "230013"


@pytest.mark.parametrize("code", [230006, 230027, 99991672, 1])
async def test_what_the_operator_can_mend_waits_for_that(code: int) -> None:
    async with feishu_server(fault="refused", refusal=code) as server, bot_at(server) as bot:
        with pytest.raises(TransientDelivery):
            await bot.send(notice())


@pytest.mark.parametrize(
    ("wait", "seconds"), [("7", 7.0), ("2.5", 2.5), ("", None), ("-1", None), ("99999999", 86400.0)]
)
async def test_a_pause_that_is_asked_for_is_kept(wait: str, seconds: float | None) -> None:
    async with feishu_server(fault="busy", wait=wait) as server, bot_at(server) as bot:
        motion = slow_motion(bot.pace)
        with pytest.raises(TransientDelivery) as caught:
            await bot.send(notice())
        assert caught.value.retry_after == (None if seconds is None else timedelta(seconds=seconds))
        server.fault = None
        await bot.send(notice(to="ou_another"))
        if seconds is not None and seconds < 10:
            await bot.send(notice(reference="n18"))
            assert motion.slept == pytest.approx([seconds], abs=0.1)


async def test_five_messages_a_second_to_a_person_and_fifty_to_all() -> None:
    async with feishu_server() as server, bot_at(server) as bot:
        motion = slow_motion(bot.pace)
        for number in range(8):
            await bot.send(notice(reference=f"n{number}"))
        assert sum(motion.slept) == pytest.approx(0.6)
        motion.slept.clear()
        motion.now += 100
        for number in range(60):
            await bot.pace.turn(f"ou_{number}")
        assert sum(motion.slept) == pytest.approx(10 * 60 / 950, abs=0.1)


# --- Files


async def test_files_are_fetched_by_message_and_key_until_they_are_gone() -> None:
    picture = b"\x89PNG" + b"x" * 1000
    sheet = b'{"code": 99991663, "msg": "a file that looks like a refusal"}'
    files = {"om_d1/img_v3_1": ("image/png", picture), "om_e1/file_v3_1": ("application/json", sheet)}
    async with feishu_server(files=files) as server, bot_at(server) as bot:
        found = await bot.fetch("om_d1 img_v3_1 image image-om_d1.jpg")
        assert (found.name, found.media_type, found.content) == ("image-om_d1.jpg", "image/png", picture)
        assert (await bot.fetch("om_e1 file_v3_1 file 合同 1.json")).content == sheet
        assert server.token_asks == 1
        with pytest.raises(PermanentDelivery) as caught:
            await bot.fetch("om_d1 img_v3_2 image x.jpg")
        assert caught.value.status == "234003"


async def test_what_a_message_forwards_is_kept_as_a_file() -> None:
    forwarded = {"om_j1": {"items": [{"message_id": "om_j2", "body": {"content": '{"text":"断网三天"}'}}]}}
    async with feishu_server(forwarded=forwarded) as server, bot_at(server) as bot:
        found = await bot.fetch("om_j1 - - forwarded-om_j1.json")
        assert found.media_type == "application/json"
        assert json.loads(found.content)["data"] == forwarded["om_j1"]
        with pytest.raises(PermanentDelivery):
            await bot.fetch("om_j9 - - forwarded-om_j9.json")
