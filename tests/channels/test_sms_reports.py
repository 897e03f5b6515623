"""What SMS providers push to us: reports, and texts of people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import orjson
import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.channels.base import Parsed
from gateway.channels.sms import SmsReports, SmsReportsSettings
from gateway.errors import ConfigError, Refused
from gateway.loops import whole
from gateway.message import DeliveryReceipt, InboundMessage, Raw
from tests.channels.open311.house import city
from ticket_core.number import number_of
from ticket_core.store.journals import list_inbound, load_input

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


@pytest.mark.parametrize("place", ["query", "form", "json"])
@pytest.mark.parametrize("charset", ["gbk", "utf-8"])
def test_a_text_in_the_characters_of_chinese_windows_is_read_and_kept(place: str, charset: str) -> None:
    """By GET too, where the address is all there is: what is not UTF-8 there would be lost for ever."""
    own = door(place=place)
    body = f"from=13800000004&id=7&text={quote('退订不了', encoding=charset)}".encode()
    if place == "json":
        body = '{"from": "13800000004", "id": "7", "text": "退订不了"}'.encode(charset)
    raw = push(body)
    if place == "query":
        raw = whole(replace(push(), query_string=f"{body.decode()}&secret={SECRET}"))
    (message,) = own.parse(raw)
    assert isinstance(message, InboundMessage)
    assert (message.text, message.sender[0].value) == ("退订不了", "13800000004")
    assert SECRET.encode() not in raw.body
    assert own.parse(replace(raw, query={}, query_string=""))[0].text == message.text  # type: ignore[union-attr]


@pytest.mark.parametrize(("charset", "codec"), [("UTF-16BE", "utf-16-be"), ("GBK", "gbk"), ("UTF-8", "utf-8")])
def test_kannel_tells_the_characters_of_a_text(charset: str, codec: str) -> None:
    said = f"from=%2B8613800000004&id=7&charset={charset}&text={quote('催单', encoding=codec)}"
    (message,) = door(preset="kannel").parse(replace(push(), query_string=said))
    assert isinstance(message, InboundMessage)
    assert message.text == "催单"


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("2026-11-20 09:00:00", "2026-11-20T01:00:00+00:00"),
        ("20261120090000", "2026-11-20T01:00:00+00:00"),
        ("1763600400", "2025-11-20T01:00:00+00:00"),
        ("2026-11-20T09:00:00Z", "2026-11-20T09:00:00+00:00"),
        ("just now", None),
    ],
)
def test_a_text_has_the_time_that_can_be_read_and_is_never_held_up_by_another(written: str, means: str | None) -> None:
    own = door(sent_at="at", zone="Asia/Shanghai")
    (message,) = own.parse(push({"from": "13800000004", "text": "宽带断网三天", "at": written}))
    assert isinstance(message, InboundMessage)
    assert message.lodged_at == (datetime.fromisoformat(means) if means else None)


def test_parts_of_a_long_text_are_told_apart_in_whatever_order_they_come() -> None:
    parts = [
        {"from": "13800000004", "text": text, "id": "m-1", "part": n, "parts": 2} for n, text in ((2, "乙"), (1, "甲"))
    ]
    messages = [one for one in door().parse(push(parts)) if isinstance(one, InboundMessage)]
    assert [one.text for one in messages] == ["(2/2) 乙", "(1/2) 甲"]
    assert len({one.external_id for one in messages}) == 2, "else the second would be a redelivery"


def test_a_zone_that_is_none_is_told_at_the_start() -> None:
    with pytest.raises(ConfigError, match="zone"):
        door(zone="Mars")


async def test_a_text_by_get_is_kept_as_it_came_over_the_wire(tmp_path: Path) -> None:
    own = {"kind": "sms-reports", "secret": SECRET, "preset": "kannel"}
    async with city(tmp_path, channels={"texts": own}) as house:
        said = f"from=%2B8613800000004&id=7&charset=GBK&text={quote('宽带断网三天', encoding='gbk')}"
        answer = await house.client.get(f"/channels/texts?secret={SECRET}&{said}")
        assert answer.status == 200
        (line,) = (await house.parts.store.read(list_inbound)).rows
        found = await house.parts.store.read(lambda connection: load_input(connection, line.id))
        assert (found and found[1]) == said.encode()
        assert line.ticket_id is not None
        assert (await house.ticket(number_of(line.ticket_id))).text == "宽带断网三天"
