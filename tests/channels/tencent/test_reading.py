"""What the pushes of the family say, beyond those that the kit plays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from gateway.channels.base import Channel
from gateway.channels.talking import pieces
from gateway.channels.tencent.xml import fields_of
from gateway.message import InboundMessage, Raw
from gateway.registry import build
from gateway.testing.captured import Captured, plain, read_folder
from tests.channels.tencent.at_hand import SETTINGS

READINGS = Path(__file__).parent / "readings"
KINDS = {"app": "wecom-app", "wechat": "wechat", "bot": "wecom-bot", "service": "wecom-kf"}
AT = datetime(2026, 3, 2, 9, 30, tzinfo=timezone(timedelta(hours=8)))
CASES = [(kind, one) for folder, kind in KINDS.items() for one in read_folder(READINGS / folder)]


def channel(kind: str) -> Channel:
    made = build("channels", {"captured": {"kind": kind, **SETTINGS[kind]}}, common=frozenset({"kind"}))["captured"]
    assert isinstance(made, Channel)
    return made


@pytest.mark.parametrize(("kind", "captured"), CASES, ids=[f"{kind}-{one.name}" for kind, one in CASES])
def test_an_input_says_what_was_written_down(kind: str, captured: Captured) -> None:
    said = [plain(one) for one in channel(kind).parse(captured.raw("captured", AT))]
    assert said == captured.says


def test_a_recalled_message_revises_what_was_said() -> None:
    raw = Raw(
        channel="captured",
        body=b'{"msgid":"e1","send_time":1772414820,"origin":4,"msgtype":"event","event":{"event_type":'
        b'"user_recall_msg","external_userid":"wm1","recall_msgid":"m1"}}',
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
    )
    (said,) = channel("wecom-kf").parse(raw)
    assert isinstance(said, InboundMessage)
    assert said.talk is not None
    assert (said.talk.revises, said.talk.deleted) == ("m1", True)


def test_what_employees_write_to_the_application_behind_a_service_account_is_no_ticket() -> None:
    body = b"<xml><FromUserName>li</FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType></xml>"
    (said,) = channel("wecom-kf").parse(Raw(channel="captured", body=body, received_at=AT))
    assert getattr(said, "automatic", None) == "event:text"


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE x [<!ENTITY a "b">]><xml><Encrypt>&a;</Encrypt></xml>',
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x"><xml/>',
        b"<xml><Encrypt>",
        b"",
    ],
)
def test_xml_with_a_document_type_is_not_read(body: bytes) -> None:
    with pytest.raises(ValueError):
        fields_of(body)


@pytest.mark.parametrize("text", ["投诉" * 3000, "行\n" * 3000, "👨‍👩‍👧" * 1200, "a" * 9000, "短", "a" * 2048])
def test_a_long_text_goes_in_pieces_that_fit_and_says_when_it_was_cut(text: str) -> None:
    parts = pieces(text, 2048, 5)
    assert 1 <= len(parts) <= 5
    assert all(0 < len(part.encode()) <= 2048 for part in parts)
    joined = "".join(parts).replace("\n", "")
    whole = text.replace("\n", "")
    assert joined == whole if not parts[-1].endswith("…") else whole.startswith(joined[:-1])
    assert parts[-1].endswith("…") == (len(text.encode()) > 5 * 2048)
