"""Mail out, against a real SMTP server; the bytes are read back with the standard library."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gateway.channels.smtp import Smtp, SmtpSettings
from gateway.channels.smtp.mail import Sender, mail_bytes
from gateway.errors import PermanentDelivery, TransientDelivery
from gateway.message import OutboundMessage
from gateway.normalize.mail import parse_mail
from tests.servers.certificate import Certificate
from tests.servers.smtp import SmtpServer, smtp_server

NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
TOKEN = "261120000000017.rt4zcappfsxx4dj6"
SENDER = Sender(
    address="tousu@example.com", name="示例市投诉受理中心", domain="example.com", reply_address="tousu@example.com"
)
TEXT = "尊敬的李小明:\n\n您的投诉已受理。\n.\n.dot first\nFrom here\n" + "很长的一行" * 60
NOTICE = OutboundMessage(
    reference="n17",
    to="li@example.com",
    name="李小明",
    forms={"subject": "投诉受理告知:261120-00000001-7", "text": TEXT, "html": "<p>您的投诉已受理</p>"},
    token=TOKEN,
)


def read_back(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


def content(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def settings(port: int, **changes: object) -> SmtpSettings:
    table: Mapping[str, object] = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "address": "tousu@example.com",
        "name": "示例市投诉受理中心",
        "reply_address": "tousu@example.com",
        "timeout": 2,
        **changes,
    }
    return TypeAdapter(SmtpSettings).validate_python(table)


@pytest.fixture
async def way_out(smtp: SmtpServer) -> AsyncIterator[Smtp]:
    """A transport to the test's server."""
    transport = Smtp("mail", settings(smtp.port))
    await transport.open()
    yield transport
    await transport.close()


# --- The mail itself


def test_every_form_comes_back_as_it_was() -> None:
    mail = read_back(mail_bytes(NOTICE, SENDER, NOW))
    assert mail["Subject"] == NOTICE.forms["subject"]
    assert mail["From"].addresses[0].display_name == "示例市投诉受理中心"
    assert (mail["To"].addresses[0].display_name, mail["To"].addresses[0].addr_spec) == ("李小明", "li@example.com")
    assert mail["Date"].datetime == NOW
    assert (content(mail, "plain"), content(mail, "html")) == (TEXT, "<p>您的投诉已受理</p>")


def test_a_notice_without_html_is_one_plain_part() -> None:
    mail = read_back(mail_bytes(replace(NOTICE, forms={"subject": "Ticket", "text": "done"}), SENDER, NOW))
    assert (mail.get_content_type(), mail["Subject"], mail.get_content()) == ("text/plain", "Ticket", "done")


def test_a_mail_says_that_a_machine_wrote_it_and_carries_its_token() -> None:
    mail = read_back(mail_bytes(NOTICE, SENDER, NOW))
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["Message-ID"] == f"<n17.{TOKEN}@example.com>"
    assert mail["Reply-To"].addresses[0].addr_spec == f"tousu+{TOKEN}@example.com"
    inside = read_back(mail_bytes(replace(NOTICE, reply=False), SENDER, NOW))
    assert inside["Auto-Submitted"] == "auto-generated"


def test_our_own_door_knows_our_own_mail() -> None:
    assert parse_mail(mail_bytes(NOTICE, SENDER, NOW)).automatic == "own-marker"


def test_a_mail_continues_its_thread() -> None:
    mail = read_back(mail_bytes(replace(NOTICE, thread=("<first@mail.example.com>", "n3")), SENDER, NOW))
    ours = f"<n3.{TOKEN}@example.com>"
    assert mail["In-Reply-To"] == ours
    assert str(mail["References"]).split() == ["<first@mail.example.com>", ours]


def test_a_mail_is_ascii_in_short_lines() -> None:
    raw = mail_bytes(NOTICE, SENDER, NOW)
    assert raw.isascii()
    assert raw.endswith(b"\r\n")
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert b"\n" not in raw.replace(b"\r\n", b"")


HOSTILE = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Z", "C")), max_size=120)


@given(subject=HOSTILE, name=HOSTILE, text=HOSTILE)
def test_whatever_people_write_no_header_is_smuggled_in(subject: str, name: str, text: str) -> None:
    message = replace(NOTICE, name=name, forms={"subject": subject + "\r\nBcc: x@example.com", "text": text})
    raw = mail_bytes(message, SENDER, NOW)
    mail = read_back(raw)
    known = {
        *("from", "to", "subject", "date", "message-id", "auto-submitted", "x-auto-response-suppress"),
        *("x-complaint-gateway-loop", "reply-to", "mime-version", "content-type", "content-transfer-encoding"),
    }
    assert {header.lower() for header in mail} == known
    assert mail["To"].addresses[0].addr_spec == "li@example.com"
    assert max(map(len, raw.split(b"\r\n"))) <= 78


@pytest.mark.parametrize(
    "address",
    [
        "",
        "li",
        "li@",
        "@example.com",
        "li@example.com\r\nBcc: x@example.com",
        "li@exa mple.com",
        "a,b@example.com",
        "李@example.com",
    ],
)
def test_what_is_no_address_fails_for_good_before_anything_is_sent(address: str) -> None:
    with pytest.raises(PermanentDelivery) as refused:
        mail_bytes(replace(NOTICE, to=address), SENDER, NOW)
    assert refused.value.status == "5.1.3"


def test_a_chinese_domain_is_written_in_ascii() -> None:
    mail = read_back(mail_bytes(replace(NOTICE, to="li@例子.com"), SENDER, NOW))
    assert mail["To"].addresses[0].addr_spec == "li@xn--fsqu00a.com"


# --- The way to the server


async def test_a_mail_arrives_under_the_null_sender(smtp: SmtpServer, way_out: Smtp) -> None:
    receipt = await way_out.send(NOTICE)
    (taken,) = smtp.taken
    assert (taken.sender, taken.recipients) == ("", ("li@example.com",))
    assert taken.message["Subject"] == NOTICE.forms["subject"]
    assert content(taken.message, "plain") == TEXT
    assert (receipt.status, receipt.detail) == ("accepted", "2.0.0 taken")


async def test_bounces_come_back_with_the_name_of_the_notice(smtp: SmtpServer) -> None:
    for tagged, envelope in ((True, "bounce+n17@example.com"), (False, "bounce@example.com")):
        transport = Smtp("mail", settings(smtp.port, bounce_address="bounce@example.com", bounce_tagged=tagged))
        await transport.send(NOTICE)
        await transport.close()
        assert smtp.taken[-1].sender == envelope


async def test_many_mails_go_over_few_connections(smtp: SmtpServer, way_out: Smtp) -> None:
    waiting = asyncio.Semaphore(way_out.concurrency)

    async def send(number: int) -> None:
        async with waiting:
            await way_out.send(replace(NOTICE, reference=f"n{number}"))

    await asyncio.gather(*(send(number) for number in range(40)))
    assert len(smtp.taken) == 40
    assert smtp.connections <= way_out.concurrency == 4


async def test_a_connection_is_given_up_after_so_many_mails(smtp: SmtpServer) -> None:
    transport = Smtp("mail", settings(smtp.port, mails_per_connection=2))
    for _ in range(5):
        await transport.send(NOTICE)
    await transport.close()
    assert (len(smtp.taken), smtp.connections) == (5, 3)


@pytest.mark.parametrize(
    ("reply", "kind", "status"),
    [
        ("550 5.1.1 no such user", PermanentDelivery, "5.1.1"),
        ("554 spam", PermanentDelivery, ""),
        ("451 4.3.0 later", TransientDelivery, None),
        ("421 4.7.0 too many", TransientDelivery, None),
        ("530 5.7.0 sign in first", TransientDelivery, None),
    ],
)
@pytest.mark.parametrize("stage", ["recipient", "data"])
async def test_a_refusal_says_whether_to_try_again_and_the_next_mail_goes_out(
    smtp: SmtpServer, way_out: Smtp, stage: str, reply: str, kind: type[Exception], status: str | None
) -> None:
    if stage == "recipient":
        smtp.replies = {"li@example.com": reply}
    else:
        smtp.after_data = reply
    with pytest.raises(kind) as refused:
        await way_out.send(NOTICE)
    assert status is None or getattr(refused.value, "status", None) == status
    smtp.replies, smtp.after_data = {}, "250 2.0.0 taken"
    await way_out.send(replace(NOTICE, to="wang@example.com"))
    assert [taken.recipients for taken in smtp.taken] == [("wang@example.com",)]


async def test_a_lost_answer_is_worth_another_try_under_the_same_message_id(smtp: SmtpServer, way_out: Smtp) -> None:
    smtp.drop_at = "DATA"
    with pytest.raises(TransientDelivery):
        await way_out.send(NOTICE)
    smtp.drop_at = None
    await way_out.send(NOTICE)
    first, second = smtp.taken
    assert first.message["Message-ID"] == second.message["Message-ID"]


async def test_a_connection_that_went_stale_is_opened_anew_unseen(smtp: SmtpServer, way_out: Smtp) -> None:
    await way_out.send(NOTICE)
    smtp.drop_at = "MAIL"
    with pytest.raises(TransientDelivery):
        await way_out.send(NOTICE)  # a fresh one breaks too: that is the server's trouble
    smtp.drop_at = None
    await way_out.send(NOTICE)
    assert (len(smtp.taken), smtp.connections) == (2, 3)


async def test_a_server_that_is_too_slow_is_given_up(smtp: SmtpServer) -> None:
    transport = Smtp("mail", settings(smtp.port, timeout=0.2))
    smtp.delay = 3
    async with asyncio.timeout(2):
        with pytest.raises(TransientDelivery):
            await transport.send(NOTICE)


async def test_a_send_that_is_broken_off_takes_its_connection_with_it(smtp: SmtpServer, way_out: Smtp) -> None:
    await way_out.send(NOTICE)
    smtp.delay = 0.3
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await way_out.send(NOTICE)
    smtp.delay = 0
    await way_out.send(replace(NOTICE, to="wang@example.com"))
    assert [taken.recipients for taken in smtp.taken] == [("li@example.com",), ("wang@example.com",)]
    assert smtp.connections == 2


async def test_nobody_listens() -> None:
    transport = Smtp("mail", settings(9))
    with pytest.raises(TransientDelivery):
        await transport.send(NOTICE)


async def test_starttls_is_demanded_unless_told_otherwise(smtp: SmtpServer) -> None:
    transport = Smtp("mail", settings(smtp.port, security="starttls"))
    await transport.open()
    with pytest.raises(TransientDelivery, match="STARTTLS"):
        await transport.send(NOTICE)
    assert smtp.taken == []
    assert SmtpSettings(host="mail.example.com", address="tousu@example.com").security == "starttls"


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_goes_encrypted_and_signed_in(certificate: Certificate, security: str) -> None:
    async with smtp_server(
        certificate=certificate,
        security=security,  # type: ignore[arg-type]  # one of its two
        account=("tousu", "secret") if security == "starttls" else None,
    ) as server:
        own = settings(
            server.port, security=security, ca_file=str(certificate.certificate), user="tousu", password="secret"
        )
        transport = Smtp("mail", own if security == "starttls" else replace(own, user="", password=""))
        await transport.open()
        await transport.send(NOTICE)
        await transport.close()
        (taken,) = server.taken
        assert taken.encrypted
        assert taken.account == ("tousu" if security == "starttls" else None)


async def test_a_server_with_a_strange_certificate_gets_no_mail(certificate: Certificate) -> None:
    async with smtp_server(certificate=certificate, security="tls") as server:
        transport = Smtp("mail", settings(server.port, security="tls"))
        await transport.open()
        with pytest.raises(TransientDelivery):
            await transport.send(NOTICE)
        assert server.taken == []


async def test_a_wrong_password_holds_the_mail_rather_than_losing_it() -> None:
    async with smtp_server(account=("tousu", "secret")) as server:
        transport = Smtp("mail", settings(server.port, user="tousu", password="wrong"))
        with pytest.raises(TransientDelivery, match="535"):
            await transport.send(NOTICE)


def test_a_password_is_not_shown() -> None:
    own = SmtpSettings(host="mail.example.com", address="tousu@example.com", password="s3cret")
    assert "s3cret" not in repr(own)


def test_a_wrong_setting_is_refused() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(SmtpSettings).validate_python({"host": "x", "address": "nobody", "securty": "none"})
