"""What the events of Feishu say, beyond those that the kit plays."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.channels.feishu import Feishu, FeishuSettings
from gateway.message import InboundMessage, Raw
from gateway.testing.captured import Captured, plain, read_folder
from tests.channels.feishu.at_hand import LI, SETTINGS, event, pressed, written

AT = datetime(2026, 3, 2, 9, 30, tzinfo=timezone(timedelta(hours=8)))
CASES = read_folder(Path(__file__).parent / "readings")
BOT = {"key": "@_user_1", "id": {"open_id": "ou_bot"}, "mentioned_type": "bot", "name": "投诉助手"}


def said_by(push: dict[str, Any], **settings: Any) -> InboundMessage:
    channel = Feishu("captured", FeishuSettings(**{**SETTINGS, **settings}))
    (said,) = channel.parse(Raw(channel="captured", body=orjson.dumps(push), received_at=AT))
    assert isinstance(said, InboundMessage)
    return said


@pytest.mark.parametrize("captured", CASES, ids=[one.name for one in CASES])
def test_an_input_says_what_was_written_down(captured: Captured) -> None:
    channel = Feishu("captured", FeishuSettings(**SETTINGS))
    assert [plain(one) for one in channel.parse(captured.raw("captured", AT))] == captured.says


def test_what_the_bot_is_told_in_a_group_is_answered_where_the_operator_wants() -> None:
    push = written("g1", "@_user_1 电梯坏了", chat_type="group", mentions=[BOT])
    alone, under = said_by(push), said_by(push, groups="thread")
    assert (alone.text, alone.talk and alone.talk.route) == ("电梯坏了", "")
    assert under.talk is not None
    assert (under.talk.account, under.talk.route, under.talk.route_until) == (alone.talk.account, "om_g1", None)  # type: ignore[union-attr]
    assert said_by(push, groups="journal").automatic == "group_post"


def test_a_private_word_ends_the_answering_in_a_group() -> None:
    talk = said_by(written("p1", "只想和你们说"), groups="thread").talk
    assert talk is not None
    assert talk.route == "direct"


@pytest.mark.parametrize(
    ("text", "mentions", "expected"),
    [
        (
            "@_user_1 /new",
            [{"key": "@_user_1", "name": "投诉助手"}],
            "/new",
        ),  # older pushes do not tell bots from people
        (
            "@_user_1@_user_2 看看",
            [{"key": "@_user_1", "name": "助手"}, {"key": "@_user_2", "name": "王五"}],
            "@王五 看看",
        ),
        ("请 @_user_1 处理", [BOT], "请  处理"),
        (
            "@_user_10 @_user_1 好",
            [BOT, {**BOT, "key": "@_user_10", "mentioned_type": "user", "name": "赵六"}],
            "@赵六  好",
        ),
        ("@_user_9 谁", [], "@_user_9 谁"),
    ],
)
def test_the_bot_is_not_part_of_the_words_and_others_have_names(
    text: str, mentions: list[dict[str, Any]], expected: str
) -> None:
    assert said_by(written("m1", text, mentions=mentions)).text == expected


@pytest.mark.parametrize(
    "change",
    [
        {"message_id": "../../x"},
        {"message_id": ""},
        {"content": "no json"},
        {"content": '{"text": 7}'},
        {"create_time": "soon"},
        {"message_type": "image", "content": '{"image_key": "../x"}'},
        {"message_type": "file", "content": "{}"},
        {"message_type": "post", "content": '{"title": "t"}'},
    ],
)
def test_what_is_not_as_documented_is_for_a_person(change: dict[str, Any]) -> None:
    push = written("x1", "断网")
    push["event"]["message"] |= change
    with pytest.raises((ValueError, KeyError, TypeError, StopIteration)):
        said_by(push)


@pytest.mark.parametrize("written_at", ["1772415000000", "1772415000000000"])
def test_the_head_of_a_push_tells_the_time_in_milliseconds_or_microseconds(written_at: str) -> None:
    push = event("im.chat.member.bot.added_v1", "b1", chat_id="oc_1")
    push["header"]["create_time"] = written_at
    assert said_by(push).lodged_at == AT


def test_a_pressed_button_says_what_it_stands_for_and_is_answered_where_it_is() -> None:
    push = pressed("c1", {"says": "/rate 5", "under": "om_g1"})
    alone, under = said_by(push), said_by(push, groups="thread")
    assert (alone.text, alone.external_id, alone.lodged_at) == ("/rate 5", "event-c1", AT)
    assert (alone.talk and alone.talk.account, alone.talk and alone.talk.route) == (LI, "")
    assert (under.talk and under.talk.route) == "om_g1"
    private = said_by(pressed("c2", {"says": "/rate 5"}), groups="thread")
    assert (private.talk and private.talk.route) == "direct"


@pytest.mark.parametrize("value", [{}, {"says": ""}, {"says": 7}, {"action": "approve"}, "a text"])
def test_buttons_of_other_cards_say_nothing(value: Any) -> None:
    assert said_by(pressed("c3", value)).automatic == "event:card.action.trigger"


def test_nobody_is_nobodys_identity() -> None:
    with pytest.raises(ValueError):
        said_by(written("x2", "断网", account=""))
