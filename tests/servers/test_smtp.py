"""The SMTP server of the tests."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from functools import partial

import aiosmtplib
import pytest

from tests.servers.certificate import Certificate
from tests.servers.smtp import SmtpServer, Stage, smtp_server


def acknowledgement(to: str = "li@example.com") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "投诉中心 <tousu@example.com>"
    message["To"] = to
    message["Subject"] = "您的投诉已受理"
    message.set_content("工单号 A1")
    return message


async def test_a_mail_is_recorded_with_its_envelope(smtp: SmtpServer) -> None:
    await aiosmtplib.send(acknowledgement(), hostname="127.0.0.1", port=smtp.port, sender="", start_tls=False)
    (taken,) = await smtp.wait_for(1)
    assert taken.sender == ""
    assert taken.recipients == ("li@example.com",)
    assert taken.message["Subject"] == "您的投诉已受理"
    assert not taken.encrypted


async def test_one_recipient_can_be_refused_for_good_and_another_for_now(smtp: SmtpServer) -> None:
    smtp.replies = {"gone@example.com": "550 5.1.1 no such user", "busy@example.com": "451 4.3.0 later"}
    to = ["gone@example.com", "busy@example.com", "li@example.com"]
    refused, _ = await aiosmtplib.send(
        acknowledgement(), hostname="127.0.0.1", port=smtp.port, recipients=to, start_tls=False
    )
    assert {address: reply.code for address, reply in refused.items()} == {
        "gone@example.com": 550,
        "busy@example.com": 451,
    }
    assert (await smtp.wait_for(1))[0].recipients == ("li@example.com",)


async def test_a_connection_dropped_after_the_data_leaves_a_mail_its_sender_knows_nothing_of(smtp: SmtpServer) -> None:
    smtp.drop_at = "DATA"
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await aiosmtplib.send(acknowledgement(), hostname="127.0.0.1", port=smtp.port, start_tls=False)
    assert len(smtp.taken) == 1


@pytest.mark.parametrize("stage", ["MAIL", "RCPT"])
async def test_a_connection_dropped_before_the_data_leaves_no_mail(smtp: SmtpServer, stage: Stage) -> None:
    smtp.drop_at = stage
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await aiosmtplib.send(acknowledgement(), hostname="127.0.0.1", port=smtp.port, start_tls=False)
    assert smtp.taken == []


async def test_a_slow_server_outlasts_an_impatient_sender(smtp: SmtpServer) -> None:
    smtp.delay = 5
    async with asyncio.timeout(4):
        with pytest.raises(aiosmtplib.SMTPTimeoutError):
            await aiosmtplib.send(acknowledgement(), hostname="127.0.0.1", port=smtp.port, start_tls=False, timeout=0.3)


async def test_the_whole_mail_can_be_refused_after_its_data(smtp: SmtpServer) -> None:
    smtp.after_data = "554 5.7.1 spam"
    with pytest.raises(aiosmtplib.SMTPDataError, match="spam"):
        await aiosmtplib.send(acknowledgement(), hostname="127.0.0.1", port=smtp.port, start_tls=False)
    assert smtp.taken == []


async def test_starttls_is_demanded_and_the_certificate_holds(certificate: Certificate) -> None:
    async with smtp_server(certificate=certificate, security="starttls", account=("tousu", "secret")) as smtp:
        with pytest.raises(aiosmtplib.SMTPResponseException, match="STARTTLS"):
            await aiosmtplib.send(acknowledgement(), hostname="127.0.0.1", port=smtp.port, start_tls=False)
        await aiosmtplib.send(
            acknowledgement(),
            hostname="127.0.0.1",
            port=smtp.port,
            username="tousu",
            password="secret",
            start_tls=True,
            tls_context=certificate.for_client(),
        )
        (taken,) = await smtp.wait_for(1)
        assert (taken.encrypted, taken.account) == (True, "tousu")


async def test_a_tls_port_speaks_tls_from_the_first_byte(certificate: Certificate) -> None:
    async with smtp_server(certificate=certificate, security="tls") as smtp:
        await aiosmtplib.send(
            acknowledgement(), hostname="127.0.0.1", port=smtp.port, use_tls=True, tls_context=certificate.for_client()
        )
        assert (await smtp.wait_for(1))[0].encrypted


async def test_who_must_sign_in_and_does_not_is_refused() -> None:
    async with smtp_server(account=("tousu", "secret")) as smtp:
        send = partial(aiosmtplib.send, acknowledgement(), hostname="127.0.0.1", port=smtp.port, start_tls=False)
        with pytest.raises(aiosmtplib.SMTPResponseException, match="530"):
            await send()
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await send(username="tousu", password="wrong")
        await send(username="tousu", password="secret")
        assert [taken.account for taken in smtp.taken] == ["tousu"]
