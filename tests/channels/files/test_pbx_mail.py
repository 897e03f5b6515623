"""Switchboards and fax servers that send mails: an ordinary complaint by mail, whose file is kept as it is."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from gateway.message import InboundMessage, Raw
from gateway.registry import build

HERE = Path(__file__).parent / "fixtures"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("msg0000.wav", ("audio", "x-wav")), ("fax000000123.tif", ("image", "tiff"))],
)
def test_a_mail_of_a_switchboard_keeps_its_recording(name: str, kind: tuple[str, str]) -> None:
    body = (HERE / name).read_bytes()
    mail = EmailMessage()
    mail["From"] = "Voicemail <pbx@example.com>"
    mail["To"] = "complaints@example.com"
    mail["Subject"] = "New message 1 in mailbox 1234 from 13800001234"
    mail["Date"] = "Mon, 02 Mar 2026 09:15:00 +0800"
    mail["Message-ID"] = "<Asterisk-1-1234-77@pbx.example.com>"
    mail.set_content("You have a new voicemail message (0:07) from 13800001234.")
    mail.add_attachment(body, maintype=kind[0], subtype=kind[1], filename=name)
    channel = build("channels", {"mail": {"kind": "email", "address": "complaints@example.com", "door": {"port": 0}}}, common=frozenset({"kind"}))["mail"]  # fmt: skip  # noqa: E501
    raw = Raw(channel="mail", body=bytes(mail), received_at=datetime.now(UTC), media_type="message/rfc822")
    (message,) = channel.parse(raw)
    assert isinstance(message, InboundMessage)
    assert (message.automatic, message.readable) == (None, True)
    assert [(one.name, hashlib.sha256(one.content).digest()) for one in message.attachments] == [
        (name, hashlib.sha256(body).digest())
    ]
