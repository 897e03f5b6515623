"""What a mail says, without servers: parse never raises, and knows a second copy from another mail."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gateway.channels.email import Door, Email, EmailSettings
from gateway.message import InboundMessage, Raw
from tests.channels.email.desk import LI, US, mail

CHANNEL = Email("mail", EmailSettings(address=US, door=Door()))
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def read(content: bytes, **headers: str) -> InboundMessage:
    raw = Raw(
        channel="mail", body=content, received_at=NOW, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    message = CHANNEL.parse(raw)[0]
    assert isinstance(message, InboundMessage)
    return message


@given(st.binary(max_size=2000), st.text(max_size=50))
def test_any_bytes_are_read_or_left_to_a_person(content: bytes, envelope: str) -> None:
    message = read(content, x_envelope_from=envelope, x_envelope_to=envelope)
    assert message.external_id


@given(st.data())
def test_a_mail_with_damage_anywhere_is_read_or_left_to_a_person(data: st.DataObject) -> None:
    content = bytearray(mail("宽带断网三天", References="<a@example.com>"))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    assert read(bytes(content)).external_id


def test_a_mail_says_who_what_and_when() -> None:
    message = read(mail("断了三天", sender=f"李四 <{LI}>", Date="Fri, 20 Nov 2026 08:30:00 +0800"))
    assert (message.sender[0].value, message.sender[0].name) == (LI, "李四")
    assert message.recipients == (US,)
    assert message.text.strip() == "断了三天"
    assert message.lodged_at == datetime(2026, 11, 20, 0, 30, tzinfo=UTC)


def test_quoted_text_is_left_out_of_the_view_only() -> None:
    text = "还没修好\n\n在 2026年11月19日 10:00，投诉受理 <tousu@example.com> 写道：\n> 已派单\n"
    message = read(mail(text))
    assert "已派单" in message.text
    assert message.reply_text.strip() == "还没修好"


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (lambda m: b"Received: by mx.example.com\r\n" + m, True),
        (lambda m: m.replace(b"Subject: a", b"Subject: [mail] a"), True),
        (lambda m: m.replace(b"first", b"  first\r\n"), True),
        (lambda m: m.replace(b"first", b"second"), False),
        (lambda m: m.replace(b"<1@example.com>", b"<2@example.com>"), False),
    ],
)
def test_a_copy_is_known_by_its_id_and_what_it_says(change: object, same: bool) -> None:
    one = mail("first line", subject="a", Message_ID="<1@example.com>")
    assert (read(change(one)).external_id == read(one).external_id) is same  # type: ignore[operator]


def test_the_envelope_names_the_sender_where_the_mail_does_not() -> None:
    assert read(mail(From=""), x_envelope_from=f"<{LI}>").sender[0].value == LI


def test_a_letter_of_a_mail_system_known_by_its_envelope_alone_is_a_bounce() -> None:
    text = "很抱歉，您的邮件被退回。收件人 li@example.com 不存在。\nMessage-ID: <n7.260001.abc@example.com>"
    parsed = CHANNEL.parse(
        Raw(
            channel="mail",
            body=mail(text, sender="service@mail.example.org", subject="系统退信"),
            received_at=NOW,
            headers={"x-envelope-from": "<>"},
        )
    )
    assert [getattr(one, "reference", None) for one in parsed] == [None, "n7"]


def test_what_stands_for_a_mail_that_could_not_be_had_goes_to_a_person() -> None:
    message = read(b"From: li@example.com\r\n\r\n", x_problem="too large", x_place="INBOX:1:7")
    assert (message.readable, message.problem, message.external_id) == (False, "too large", "INBOX:1:7#incomplete")


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": US},
        {"address": "no address", "door": {}},
        {"address": US, "door": {}, "colour": "red"},
        {"address": US, "imap": {"host": "h", "user": "u"}},
        {"address": US, "imap": {"host": "h", "user": "u", "password": "p", "token_command": ["t"]}},
        {"address": US, "imap": {"host": "h", "user": "u", "password": "p", "idle_refresh": "PT11M"}},
        {"address": US, "imap": {"host": "h", "user": "u", "password": "p", "move_to": "INBOX"}},
        {"address": US, "door": {"certificate": "c.pem"}},
        {"address": US, "door": {"protocol": "http"}},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(EmailSettings).validate_python(wrong)


def test_settings_show_no_password() -> None:
    table = {"address": US, "imap": {"host": "h", "user": "u", "password": "geheim"}}
    assert "geheim" not in repr(TypeAdapter(EmailSettings).validate_python(table))
