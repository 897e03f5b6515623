"""What SMS providers push to us: reports, and texts of people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.channels.base import Parsed
from gateway.channels.sms import SmsReports, SmsReportsSettings
from gateway.errors import Refused
from gateway.message import DeliveryReceipt, InboundMessage, Raw

NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
SECRET = "0123456789abcdef"


def door(**table: object) -> SmsReports:
    return SmsReports("text", TypeAdapter(SmsReportsSettings).validate_python({"secret": SECRET, **table}))


def push(body: object = b"", **query: str) -> Raw:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Raw(channel="text", body=content, received_at=NOW, query={"secret": SECRET, **query})


def facts(parsed: Sequence[Parsed]) -> list[tuple[str, str, str, str]]:
    return [
        (one.status, one.reference, one.provider_id, one.part) for one in parsed if isinstance(one, DeliveryReceipt)
    ]


@pytest.mark.parametrize("secret", ["", "wrong", SECRET[:-1], SECRET + "x", "密"])
def test_who_does_not_know_the_secret_stays_outside(secret: str) -> None:
    with pytest.raises(Refused):
        door().verify(replace(push(), query={"secret": secret}))
    door().verify(push())


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValidationError):
        door(secret="short")
    assert SECRET not in repr(door().settings)


def test_a_push_of_several_reports_is_read_as_several() -> None:
    own = {
        "statuses": {"true": "delivered", "false": "failed"},
        "status": "success",
        "provider_id": "biz_id",
        "reference": "out_id",
        "detail": "err_code",
        "part": "",
        "answer": '{"code":0,"msg":"ok"}',
    }
    reports = [
        {"success": True, "biz_id": "b-1", "out_id": "n17", "err_code": "DELIVERED"},
        {"success": False, "biz_id": "b-2", "out_id": "n18", "err_code": "MK:0001"},
    ]
    assert facts(door(**own).parse(push(reports))) == [("delivered", "n17", "b-1", ""), ("failed", "n18", "b-2", "")]
    assert facts(door(**own, entries="data.list").parse(push({"data": {"list": reports}})))[1][1] == "n18"
    answer = door(**own).answer([])
    assert (answer.body, answer.media_type) == (b'{"code":0,"msg":"ok"}', "application/json")


def test_a_report_about_one_segment_names_it() -> None:
    (one,) = door().parse(push({"id": "b-1", "status": "delivered", "part": 2, "parts": 3}))
    assert isinstance(one, DeliveryReceipt)
    assert (one.provider_id, one.part, one.parts) == ("b-1", "2", 3)


def test_a_status_that_nobody_told_us_of_changes_nothing() -> None:
    (one,) = door().parse(push({"reference": "n17", "status": "teleported"}))
    assert isinstance(one, DeliveryReceipt)
    assert (one.status, one.detail) == ("accepted", "teleported")


def test_a_text_from_a_telephone_is_a_message() -> None:
    call = push(**{"from": "13800000004", "text": "宽带断网三天", "id": "m-1", "at": "2026-11-20 00:59:00"})
    (one,) = door(preset="kannel").parse(call)
    assert isinstance(one, InboundMessage)
    assert (one.sender[0].medium, one.sender[0].value, one.text) == ("phone", "13800000004", "宽带断网三天")
    assert (one.external_id, one.lodged_at) == ("m-1", datetime(2026, 11, 20, 0, 59, tzinfo=UTC))


def test_one_entry_of_many_that_nobody_understands_holds_up_no_other() -> None:
    text = {"from": "13800000004", "text": "宽带断网三天", "id": "m-1"}
    first, second, third = door(entries="data").parse(
        push({"data": [text, 7, {"reference": "n1", "status": "delivered"}]})
    )
    assert isinstance(first, InboundMessage)
    assert isinstance(second, InboundMessage)
    assert isinstance(third, DeliveryReceipt)
    assert (first.text, first.readable, second.readable) == ("宽带断网三天", True, False)


def test_of_a_push_of_many_each_is_kept_by_itself_and_can_be_read_again() -> None:
    texts = [{"from": "13800000004", "text": f"第{number}条", "id": f"m-{number}"} for number in range(11)]
    messages = door(entries="data").parse(push({"data": texts}))
    for text, one in zip(texts, messages, strict=True):
        assert isinstance(one, InboundMessage)
        assert orjson.loads(one.raw.body) == {"data": [text]}, "else a push of many is kept many times"
        assert door(entries="data").parse(one.raw) == [one]


def test_a_push_of_too_many_entries_is_for_a_person() -> None:
    with pytest.raises(ValueError, match="1001"):
        door().parse(push([{}] * 1001))


def test_a_text_without_an_id_is_known_by_what_it_says_and_when_it_was_sent() -> None:
    said = {"from": "13800000004", "text": "催单", "at": "2026-11-20T09:00:00+08:00"}
    timed = door(sent_at="at")
    ids = {one.external_id for _ in range(2) for one in timed.parse(push(said)) if isinstance(one, InboundMessage)}
    assert len(ids) == 1
    assert None not in ids
    (untimed,) = door().parse(push({"from": "13800000004", "text": "催单"}))
    assert isinstance(untimed, InboundMessage)
    assert untimed.external_id is None, "the same words may be said again"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"status": null}', b'{"text": "x"}', b"\xff"])
def test_what_is_neither_report_nor_text_is_unreadable(body: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        door().parse(push(body))
