"""Where the cases of a push stand, however it is wrapped, and what they bring."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.channels.transfer import Transfer
from gateway.channels.transfer.documents import entries_in
from gateway.channels.transfer.settings import TransferSettings
from gateway.message import InboundMessage, Raw
from gateway.testing.house import opened_house
from ticket_core.errors import ProfileError
from ticket_core.number import ticket_id_of
from ticket_core.source import Source, load_source, read_source
from ticket_core.store.tickets import load_complaints

CITY, GENERIC, EOMS = load_source("12345"), load_source("generic"), load_source("eoms")
PHOTO = base64.b64encode(b"\xff\xd8\xff photo").decode()
CASE = {"工单编号": "CD1", "诉求内容": "停水", "联系电话": "13800000001"}


def numbers(body: bytes | dict[str, Any] | list[Any], source: Source = CITY) -> list[str]:
    written = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return [one.record.get(source.case_number[0], "?") for one in entries_in(written, source)]


def pushed(body: object, source: str = "12345") -> list[InboundMessage]:
    channel = Transfer("city", TransferSettings(source=source))
    written = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    raw = Raw(channel="city", body=written, received_at=datetime.now(UTC), media_type="application/json")
    return [one for one in channel.parse(raw) if isinstance(one, InboundMessage)]


@pytest.mark.parametrize(
    "document",
    [
        CASE,
        [CASE],
        {"data": CASE},
        {"code": 0, "data": {"total": 1, "list": [CASE]}},
        {"head": {"id": "r1", "sign": "x"}, "body": {"order": CASE}},
        {"工单编号": "CD1", "caller": {"联系电话": "13800000001"}, "detail": {"诉求内容": "停水"}},
        {**CASE, "附件": [{"name": "a.jpg", "content": PHOTO}, {"name": "b.jpg", "content": PHOTO}]},
        {**CASE, "办理记录": [{"工单编号": "CD0", "诉求内容": "从前"}, {"工单编号": "CD9", "诉求内容": "再前"}]},
        {"data": [{"工单编号": "CD1", "转办类型": "督办"}], "files": [{"工单编号": "X", "诉求内容": "x"}]},
    ],
)
def test_a_case_is_found_however_it_is_wrapped_and_what_it_holds_is_none(document: Any) -> None:
    assert numbers(document) == ["CD1"]


@pytest.mark.parametrize(
    "document",
    [
        [CASE, {**CASE, "工单编号": "CD2"}],
        {"rows": [CASE, {"工单编号": "CD2"}]},
        {"新增": [CASE], "变更": [{**CASE, "工单编号": "CD2"}]},
    ],
)
def test_all_of_a_list_are_cases(document: Any) -> None:
    assert numbers(document) == ["CD1", "CD2"]


def test_a_case_that_lacks_what_is_required_is_still_one_and_not_what_it_holds() -> None:
    (message,) = pushed(
        {"id": "C1", "title": "x", "attachments": [{"id": "a", "name": "n", "content": "aGk="}]}, "generic"
    )
    assert not message.readable
    assert "内容: required" in message.problem
    assert [one.content for one in message.attachments] == [b"hi"]


def test_where_guessing_is_unsafe_the_source_says_where_cases_are() -> None:
    batch = {"id": "batch-7", "description": "cases of today", "data": [{"id": "C1", "text": "a"}]}
    assert [one.record["id"] for one in entries_in(json.dumps(batch).encode(), GENERIC)] == ["batch-7"]
    told = replace(GENERIC, records=("data",))
    assert [one.record["id"] for one in entries_in(json.dumps(batch).encode(), told)] == ["C1"]
    with pytest.raises(ValueError, match="no case at data"):
        entries_in(b'{"list": []}', told)
    # What is journaled of one case of many is read again without its wrapping.
    assert entries_in(b'{"id": "C1", "text": "a"}', told)[0].record["id"] == "C1"


def test_a_source_file_says_where_cases_and_their_files_are() -> None:
    text = """
        name = "town"
        label = { zh-CN = "某镇" }
        case_number = ["no"]
        records = ["batch.cases"]
        pairs = ["k", "v"]
        footers = ["完"]
        attached = { lists = ["pics"], name = ["n"], content = ["c"] }
        [fields]
        text = ["t"]
    """
    town = read_source(text, origin="town.toml")
    case = [{"k": "no", "v": "1"}, {"k": "t", "v": "停水"}, {"k": "pics", "v": [{"n": "a.jpg", "c": PHOTO}]}]
    (found,) = entries_in(json.dumps({"batch": {"cases": [case]}}).encode(), town)
    assert (found.record, [one.name for one in found.files]) == ({"no": "1", "t": "停水"}, ["a.jpg"])
    with pytest.raises(ProfileError, match=r"records\.0"):
        read_source(text.replace('"batch.cases"', '""'), origin="town.toml")


@pytest.mark.parametrize(
    "body",
    [
        "<case><工单编号>CD1</工单编号><诉求内容>停水</诉求内容></case>",
        (
            '<?xml version="1.0"?><Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Header><id>r</id>'
            "<title>转办</title></Header><Body><c:order xmlns:c='urn:c'><c:工单编号>CD1</c:工单编号><c:caller>"
            "<c:联系电话>1</c:联系电话></c:caller><c:诉求内容><![CDATA[停水]]></c:诉求内容></c:order></Body></Envelope>"
        ),
        "<orders><order 工单编号='CD1'><诉求内容>停水</诉求内容></order></orders>",
        "<orders><order 工单编号='CD1' 诉求内容='停水'/></orders>",
    ],
)
def test_one_case_of_xml_is_one_however_its_elements_are_nested(body: str) -> None:
    assert numbers(body.encode()) == ["CD1"]
    (one,) = entries_in(body.encode(), CITY)
    assert one.record["诉求内容"] == "停水"


def test_xml_of_chinese_programs_is_read_in_its_encoding() -> None:
    body = '<?xml version="1.0" encoding="GBK"?><a><b><工单编号>CD1</工单编号><诉求内容>停水</诉求内容></b></a>'
    assert entries_in(body.encode("gb18030"), CITY)[0].record["诉求内容"] == "停水"
    marked = b"\xef\xbb\xbf" + json.dumps(CASE).encode()
    assert numbers(marked) == ["CD1"]
    assert entries_in(json.dumps(CASE, ensure_ascii=False).encode("gb18030"), CITY)[0].record == CASE


def test_names_and_values_in_pairs_are_what_they_mean() -> None:
    """The form of China Mobile's EOMS interfaces: opDetail, recordInfo, fieldInfo; as text within SOAP, too."""
    fields = {"SERIALNO": "SC-1", "serialNo_KF": "KF-1", "FAULT_CONTENT": "宽带断网"}
    pairs = "".join(
        f"<fieldInfo><fieldChName>x</fieldChName><fieldEnName>{name}</fieldEnName><fieldContent>{value}</fieldContent>"
        "</fieldInfo>"
        for name, value in fields.items()
    )
    inner = f"<opDetail><recordInfo>{pairs}</recordInfo></opDetail>"
    assert [one.record for one in entries_in(inner.encode(), EOMS)] == [fields]
    wrapped = f"<newWorkSheet><sheetType>5</sheetType><opDetail><![CDATA[{inner}]]></opDetail></newWorkSheet>"
    told = replace(EOMS, records=("newWorkSheet.opDetail.opDetail.recordInfo.fieldInfo",))
    assert [one.record for one in entries_in(wrapped.encode(), told)] == [fields]


@pytest.mark.parametrize("body", [b"", b"{", b"1", b"[]", b"[1]", b"<a", b"<!DOCTYPE a><a/>", b'[{"a": 1}, 2]'])
def test_what_is_no_push_says_so(body: bytes) -> None:
    with pytest.raises(ValueError):
        entries_in(body, CITY)


def test_files_of_a_case_become_attachments_and_the_rest_stays_to_be_read() -> None:
    attachments = {
        "item": [
            {"fileName": "现场.jpg", "fileContent": f"data:image/jpeg;base64,{PHOTO}"},
            {"fileName": "录音.mp3", "url": "https://example.com/1.mp3"},
            {"fileName": "broken.jpg", "fileContent": "不是 base64"},
        ]
    }
    (message,) = pushed({**CASE, "附件列表": attachments})
    assert [(one.name, one.media_type) for one in message.attachments] == [("现场.jpg", "image/jpeg")]
    assert message.attachments[0].content == b"\xff\xd8\xff photo"
    assert message.text == "停水\n附件列表: 录音.mp3 https://example.com/1.mp3 / broken.jpg"


async def test_a_pushed_file_is_an_attachment_of_the_ticket(tmp_path: Path) -> None:
    async with opened_house(tmp_path) as house:
        channel = Transfer("city", TransferSettings(source="12345"))
        house.admit(channel)
        body = json.dumps({**CASE, "附件": [{"name": "现场.jpg", "content": PHOTO}]}).encode()
        raw = Raw(channel="city", body=body, received_at=datetime.now(UTC), media_type="application/json")
        (accepted,) = await house.accept(channel, raw)
        ticket_id = ticket_id_of(accepted.ticket or "")
        assert ticket_id is not None
        (statement,) = await house.store.read(lambda connection: load_complaints(connection, ticket_id))
        assert [(one.name, one.media_type, one.size) for one in statement.attachments] == [
            ("现场.jpg", "image/jpeg", 9)
        ]


def test_more_files_than_a_complaint_may_have_are_named() -> None:
    files = [{"name": f"{number}.jpg", "content": PHOTO} for number in range(12)]
    (message,) = pushed({**CASE, "attachments": files})
    assert len(message.attachments) == 10
    assert message.text.endswith("attachments: 10.jpg / 11.jpg")


def test_a_file_that_is_added_later_is_news_and_the_same_file_is_none() -> None:
    first, again, more = (
        pushed({**CASE, "附件": [{"name": "a", "content": PHOTO}] * count})[0].external_id for count in (0, 1, 1)
    )
    assert first != again == more


def test_an_urge_needs_not_tell_the_case_again() -> None:
    (message,) = pushed({"工单编号": "CD1", "转办类型": "督办"})
    assert message.readable
    assert (message.text, message.fields["source"]["act"]) == ("督办", "urge")


def test_each_of_many_cases_is_journaled_whole() -> None:
    many = [{**CASE, "工单编号": f"CD{n}", "附件": [{"name": "a", "content": PHOTO}]} for n in range(11)]
    messages = pushed(many)
    assert json.loads(messages[3].raw.body) == many[3]
    (again,) = pushed(messages[3].raw.body)
    assert again.external_id == messages[3].external_id


def test_a_number_of_many_digits_keeps_all_of_them_without_quotation_marks() -> None:
    (entry,) = entries_in('{"工单编号": 20261120083012345678, "诉求内容": "停水"}'.encode(), load_source("12345"))
    assert entry.record["工单编号"] == "20261120083012345678"
