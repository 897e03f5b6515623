"""What a page's push says, and what of it is not taken in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.errors import Refused
from gateway.message import InboundMessage, Raw
from tests.channels.webchat.at_hand import ACCOUNT, OTHER, PNG, WANG, body, chat, said, signed

NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)


def raw(message: Mapping[str, Any], content: bytes = b"", account: str = ACCOUNT) -> Raw:
    return Raw(channel="chat", body=body(message, content, account), received_at=NOW)


def refused(one: Raw) -> Refused:
    with pytest.raises(Refused) as caught:
        chat(largest_file=2048).verify(one)
    return caught.value


def test_words_written_by_hand_over_several_lines_are_understood() -> None:
    written = json.dumps({"account": ACCOUNT, **said("路灯坏了")}, indent=2).encode()
    one = Raw(channel="chat", body=written, received_at=NOW)
    chat().verify(signed(one))
    (message,) = chat().parse(one)
    assert isinstance(message, InboundMessage)
    assert message.text == "路灯坏了"


def test_nobody_speaks_for_another_visitor() -> None:
    assert refused(signed(raw(said("路灯坏了"), account=OTHER))).status == 403
    assert refused(signed(raw({"type": "seen", "notices": ["n1"]}, account=OTHER))).status == 403
    chat().verify(signed(raw(said("路灯坏了"), account=OTHER), visitor=WANG))


def test_an_account_written_twice_is_one_account() -> None:
    twice = body(said("x")).replace(b'"type"', b'"account":"%b","type"' % OTHER.encode(), 1)
    one = Raw(channel="chat", body=twice, received_at=NOW)
    (message,) = chat().parse(one)
    assert isinstance(message, InboundMessage)
    named = message.sender[0].value.partition(":")[2]
    with pytest.raises(Refused):
        chat().verify(signed(one, visitor=WANG if named == ACCOUNT else "L" * 32))


def named(name: str, content: bytes, size: int | None = None) -> Raw:
    file = {"name": name, "size": len(content) if size is None else size}
    return signed(raw(said("", file=file), content))


@pytest.mark.parametrize(
    ("one", "status", "field", "kind"),
    [
        (signed(raw(said("啊" * 5001))), 413, "text", "string_too_long"),
        (named("a.png", PNG + bytes(2048)), 413, "file", "file_too_large"),
        (named("a.png", PNG, 4096), 413, "file", "file_too_large"),
        (named("a.png", PNG, 71), 415, "file", "empty_file"),
        (named("a.png", b""), 415, "file", "empty_file"),
        (named("setup.exe", PNG), 415, "file", "file_refused"),
        (named("page.txt", b"<html><script>alert(1)</script>"), 415, "file", "file_refused"),
        (named("picture.png", b"MZ" + bytes(100)), 415, "file", "file_refused"),
        (named("...", PNG), 415, "file", "file_name"),
    ],
)
def test_what_a_page_may_not_send_is_said(one: Raw, status: int, field: str, kind: str) -> None:
    error = refused(one)
    assert (error.status, error.field, error.kind) == (status, field, kind)
    with pytest.raises(ValueError, match=r".+"):
        chat(largest_file=2048).parse(one)


def test_the_beginning_of_an_input_shows_it_as_its_writer_saw_it() -> None:
    pressed = chat().said(body(said("/kind repair", label="报修")))
    photo = chat().said(body(said("", file={"name": "../a.png", "size": len(PNG)}), PNG)[:200])
    assert pressed is not None
    assert photo is not None
    assert (pressed.text, pressed.pressed, pressed.file) == ("报修", True, "")
    assert (photo.text, photo.file, photo.size) == ("", "a.png", len(PNG))
    assert chat().said(body({"type": "seen", "notices": ["n1"]})) is None
    assert chat().said(b"\x00\xff") is None
