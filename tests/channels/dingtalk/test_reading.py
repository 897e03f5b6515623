"""What messages to a robot say, beyond those that the kit plays; and whom they are from beside the platform's SDK."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import orjson
import pytest
from dingtalk_stream import ChatbotMessage

from gateway.channels.dingtalk import DingTalk, DingTalkSettings
from gateway.message import InboundMessage, Raw
from gateway.testing.captured import Captured, plain, read_folder
from tests.channels.dingtalk.at_hand import GUEST, LI, SETTINGS, written

HERE = Path(__file__).parent
AT = datetime(2026, 3, 2, 9, 30, tzinfo=timezone(timedelta(hours=8)))
CASES = read_folder(HERE / "readings")
UNDERSTOOD = [one for one in [*CASES, *read_folder(HERE / "fixtures")] if b'"unknownMsgType"' not in one.body]


def said_by(message: dict[str, Any], **settings: Any) -> InboundMessage:
    channel = DingTalk("captured", DingTalkSettings(**{**SETTINGS, **settings}))
    (said,) = channel.parse(Raw(channel="captured", body=orjson.dumps(message), received_at=AT))
    assert isinstance(said, InboundMessage)
    return said


@pytest.mark.parametrize("captured", CASES, ids=[one.name for one in CASES])
def test_an_input_says_what_was_written_down(captured: Captured) -> None:
    channel = DingTalk("captured", DingTalkSettings(**SETTINGS))
    assert [plain(one) for one in channel.parse(captured.raw("captured", AT))] == captured.says


@pytest.mark.parametrize("captured", UNDERSTOOD, ids=[one.name for one in UNDERSTOOD])
def test_the_sdk_reads_the_same(captured: Captured) -> None:
    theirs = ChatbotMessage.from_dict(orjson.loads(captured.body))
    ours = said_by(orjson.loads(captured.body), groups="open")
    assert ours.external_id == theirs.message_id
    if ours.automatic:
        return
    assert ours.talk is not None
    assert ours.talk.account == (theirs.sender_staff_id or theirs.sender_id)
    assert ours.talk.route.partition("#")[0] == theirs.session_webhook
    assert ours.talk.route_until is not None
    assert ours.talk.route_until.timestamp() * 1000 == theirs.session_webhook_expired_time
    if theirs.message_type in ("text", "richText"):
        assert ours.text == "".join(theirs.get_text_list()).strip()
    if theirs.message_type in ("picture", "richText"):
        assert [one.reference.split(" ")[0] for one in ours.attachments] == theirs.get_image_list()


def test_what_the_robot_is_told_in_a_group_is_answered_where_the_operator_wants() -> None:
    message = written("g1", " 电梯坏了", conversationType="2", isInAtList=True)
    alone, there = said_by(message).talk, said_by(message, groups="open").talk
    assert alone and there
    assert (alone.account, alone.route) == (LI, "")
    assert there.route.endswith(f"session=76da36b4#{LI}")
    assert said_by(message, groups="journal").automatic == "group_post"


@pytest.mark.parametrize(
    "change",
    [
        {"msgId": ""},
        {"createAt": "soon"},
        {"createAt": 10**20},
        {"senderStaffId": "", "senderId": ""},
        {"senderStaffId": 7},
        {"conversationType": "3"},
        {"text": {"content": 7}},
        {"sessionWebhookExpiredTime": "soon"},
        {"msgtype": "picture", "content": {"downloadCode": ""}},
        {"msgtype": "picture", "content": {"downloadCode": "a b"}},
        {"msgtype": "richText", "content": {}},
    ],
)
def test_what_is_not_as_documented_is_for_a_person(change: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, OverflowError)):
        said_by({**written("x1", "断网"), **change})


def test_a_guest_is_known_by_the_number_that_the_platform_gave_for_him() -> None:
    message = written("x2", "断网")
    del message["senderStaffId"]
    assert said_by(message).sender[0].value == f"captured:{GUEST}"
