"""Answers, tokens, sessions and files, at a platform whose clock we turn."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from gateway.channels.dingtalk import DingTalk
from gateway.channels.dingtalk.cloud import Cloud
from gateway.errors import PermanentDelivery, TransientDelivery
from tests.channels.dingtalk.at_hand import GUEST, LI, notice, robot_at
from tests.channels.slow_motion import slow_motion
from tests.servers.dingtalk import APP_KEY, SECRET, DingTalkServer, dingtalk_server


def session(server: DingTalkServer, name: str = "S1", called: str = "") -> str:
    return f"{server.url}/robot/sendBySession?session={name}{called and '#' + called}"


def text(sent: dict[str, str]) -> str:
    said: str = json.loads(sent["msgParam"])["content"] if "msgParam" in sent else sent["text"]["content"]  # type: ignore[index]
    return said


def renewed(robot: DingTalk, server: DingTalkServer) -> None:
    robot.cloud = Cloud(robot.settings, robot.trouble, concurrency=8, clock=lambda: server.now)


# --- Tokens


async def test_one_token_serves_many_senders_and_is_renewed_before_its_end() -> None:
    async with dingtalk_server() as server, robot_at(server) as robot:
        renewed(robot, server)
        await asyncio.gather(*(robot.send(notice(reference=f"n{n}")) for n in range(8)))
        assert server.tokens == 1
        server.now = 7200 - 299
        await robot.send(notice(reference="n9"))
        assert (server.tokens, len(server.sent)) == (2, 9)


async def test_a_token_that_is_not_taken_any_more_is_renewed_once() -> None:
    async with dingtalk_server() as server, robot_at(server) as robot:
        await robot.send(notice())
        server.forget_tokens()
        await robot.send(notice(reference="n18"))
        assert (server.tokens, len(server.sent)) == (2, 2)


async def test_a_wrong_secret_is_told_and_heals_by_itself() -> None:
    async with dingtalk_server(secret="another") as server, robot_at(server) as robot:
        with pytest.raises(TransientDelivery):
            await robot.send(notice())
        assert "invalidClientIdOrSecret" in robot.trouble["credentials"]
        assert SECRET not in str(robot.trouble)
        server.secret = SECRET
        await robot.send(notice())
        assert robot.trouble == {}


# --- Sessions


async def test_while_the_session_lasts_it_is_answered_there_without_a_token() -> None:
    async with dingtalk_server(sessions={"S1"}) as server, robot_at(server) as robot:
        await robot.send(notice(route=session(server)))
        assert [(one["session"], text(one), "at" in one) for one in server.sent] == [("S1", "已受理。", False)]
        assert server.tokens == 0


async def test_in_a_group_the_answer_calls_whom_it_is_for() -> None:
    async with dingtalk_server(sessions={"S1"}) as server, robot_at(server) as robot:
        await robot.send(notice(route=session(server, called=LI)))
        assert server.sent[0]["at"] == {"atUserIds": [LI], "isAtAll": False}


async def test_when_it_is_over_the_person_is_written_to_and_the_session_not_asked_again() -> None:
    async with dingtalk_server() as server, robot_at(server) as robot:
        await robot.send(notice(route=session(server)))
        server.sessions = {"S1"}
        await robot.send(notice(route=session(server), reference="n18"))
        assert [one.get("userIds") for one in server.sent] == [[LI], [LI]]
        assert server.sent[0]["robotCode"] == APP_KEY


async def test_a_session_that_answers_500_is_given_up_at_the_next_try() -> None:
    async with dingtalk_server(over="500") as server, robot_at(server) as robot:
        with pytest.raises(TransientDelivery):
            await robot.send(notice(route=session(server)))
        await robot.send(notice(route=session(server)))
        assert [one.get("userIds") for one in server.sent] == [[LI]]


async def test_no_more_than_twenty_a_minute_go_to_one_session() -> None:
    async with dingtalk_server(sessions={"S1", "S2"}) as server, robot_at(server) as robot:
        motion = slow_motion(robot.pace)
        for number in range(25):
            server.now = motion.now
            await robot.send(notice(route=session(server), reference=f"n{number}"))
        assert len(server.sent) == 25  # the server takes twenty in any minute
        before = motion.now
        await robot.send(notice(route=session(server, "S2"), reference="n99"))
        assert motion.now == before


async def test_whoever_was_too_fast_all_the_same_is_silent_for_ten_minutes_there() -> None:
    async with dingtalk_server(sessions={"S1"}) as server, robot_at(server) as robot:
        server.said_at["S1"] = [0.0] * 20  # another program of the same robot
        with pytest.raises(TransientDelivery) as caught:
            await robot.send(notice(route=session(server)))
        assert caught.value.retry_after == timedelta(minutes=10)
        server.said_at.clear()
        with pytest.raises(TransientDelivery):
            await robot.send(notice(route=session(server)))
        assert server.sent == []


@pytest.mark.parametrize(
    "route",
    [
        "http://127.0.0.1:1/robot/sendBySession?session=S1",
        "https://evil.example.com/robot/sendBySession",
        "https://oapi.dingtalk.com.evil.example.com/",
        "https://oapi.dingtalk.com:8443/robot/sendBySession",
        "https://oapi.dingtalk.com@evil.example.com/",
        "https://oapi.dingtalk.com:x/",
        "https://[oapi.dingtalk.com/",
        "file:///etc/passwd",
    ],
)
async def test_an_address_of_somebody_else_is_not_answered(route: str) -> None:
    async with dingtalk_server() as server, robot_at(server) as robot:
        await robot.send(notice(route=route))
        assert [one.get("userIds") for one in server.sent] == [[LI]]
        with pytest.raises(PermanentDelivery):
            await robot.send(notice(to=GUEST, route=route))


async def test_a_guest_is_answered_while_the_session_lasts_and_never_else() -> None:
    async with dingtalk_server(sessions={"S1"}) as server, robot_at(server) as robot:
        await robot.send(notice(to=GUEST, route=session(server, called=GUEST)))
        assert len(server.sent) == 1
        for route in ("", session(server, "S2")):
            with pytest.raises(PermanentDelivery):
                await robot.send(notice(to=GUEST, route=route))


# --- Codes


async def test_who_is_not_in_the_robots_scope_is_never_written_to_again() -> None:
    async with dingtalk_server(strangers={LI}) as server, robot_at(server) as robot:
        with pytest.raises(PermanentDelivery) as caught:
            await robot.send(notice())
        assert caught.value.status == "invalidStaffIdList"


async def test_who_was_written_to_too_often_is_left_in_peace_for_a_minute() -> None:
    async with dingtalk_server(flooded={LI}) as server, robot_at(server) as robot:
        with pytest.raises(TransientDelivery) as caught:
            await robot.send(notice())
        assert caught.value.retry_after == timedelta(minutes=1)
        server.flooded.clear()
        with pytest.raises(TransientDelivery):
            await robot.send(notice())
        await robot.send(notice(to="user456"))
        assert [one["userIds"] for one in server.sent] == [["user456"]]


@pytest.mark.parametrize(
    ("code", "permanent"),
    [
        ("staffId.notExisted", True),
        ("invalidParameter.userIds.invalid", True),
        ("invalidParameter.msgParam.tooLong", True),
        ("invalidParameter.robotCode.notExsit", False),
        ("Forbidden.AccessDenied.AccessTokenPermissionDenied", False),
        ("resource.not.found", False),
        ("", False),
    ],
)
async def test_what_the_operator_can_mend_waits_for_that(code: str, permanent: bool) -> None:
    async with dingtalk_server(fault="refused", refusal=code) as server, robot_at(server) as robot:
        with pytest.raises(PermanentDelivery if permanent else TransientDelivery):
            await robot.send(notice())


async def test_a_long_notice_goes_in_pieces_that_the_platform_takes() -> None:
    async with dingtalk_server() as server, robot_at(server) as robot:
        slow_motion(robot.pace)
        long = "\n".join(['"投诉"处理情况\\'] * 700)
        receipt = await robot.send(notice(long))
        assert receipt.parts == len(server.sent) == 3
        assert "\n".join(text(one) for one in server.sent) == long


async def test_choices_are_lines_to_be_typed() -> None:
    async with dingtalk_server() as server, robot_at(server) as robot:
        await robot.send(notice("请评价。", choices="满意 | /rate 5\n不满意 | /rate 1"))
        assert text(server.sent[0]) == "请评价。\n\n满意: /rate 5\n不满意: /rate 1"


# --- Files


async def test_files_are_fetched_by_their_code_until_they_are_gone() -> None:
    sheet = b'{"code": "InvalidAuthentication"}'
    async with dingtalk_server(files={"D5": ("application/json", sheet)}) as server, robot_at(server) as robot:
        found = await robot.fetch("D5 合同 第一页.json")
        assert (found.name, found.media_type, found.content) == ("合同 第一页.json", "application/json", sheet)
        with pytest.raises(PermanentDelivery) as caught:
            await robot.fetch("D6 x.jpg")
        assert caught.value.status == "invalidParameter.downloadCode"
        server.files["D7"] = "application/pdf", b"x" * ((20 << 20) + 1)
        with pytest.raises(PermanentDelivery):
            await robot.fetch("D7 x.pdf")


async def test_a_robot_code_that_the_operator_can_mend_loses_no_file() -> None:
    files = {"D5": ("image/png", b"\x89PNG")}
    async with dingtalk_server(files=files) as server, robot_at(server, robot_code="mistyped") as robot:
        with pytest.raises(TransientDelivery):
            await robot.fetch("D5 picture.jpg")
