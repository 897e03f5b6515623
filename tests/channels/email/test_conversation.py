"""Answers to our mails: who belongs to the ticket joins it, a stranger never does, a machine gets no answer."""

from __future__ import annotations

import pytest

from gateway.channels.email import Door, EmailSettings
from tests.channels.email.desk import LI, US, Desk, mail
from tests.channels.email.test_door import hand_in
from tests.servers.process import free_port

STRANGER = "zhao@example.com"


@pytest.fixture
def settings() -> EmailSettings:
    return EmailSettings(address=US, aliases=("12345@example.com",), door=Door(port=free_port()))


async def opened(desk: Desk, settings: EmailSettings) -> tuple[int, str]:
    """A ticket of Li's, and the token that our mails about it carry."""
    await hand_in(settings, mail())
    (line,) = await desk.journal()
    assert line.ticket_id
    return line.ticket_id, desk.keys.token(line.ticket_id)


def answer(token: str, way: str, **headers: str) -> bytes:
    ours = f"<n1.{token}@example.com>"
    ways = {
        "in-reply-to": {"In_Reply_To": ours},
        "references": {"References": f"<x@example.com> {ours} <y@example.com>", "In_Reply_To": "<x@example.com>"},
        "plus-address": {"to": f"投诉受理 <tousu+{token}@example.com>"},
    }
    return mail("还是没有网，照片见附件。", subject="Re: 宽带断网", **ways[way], **headers)


@pytest.mark.parametrize("way", ["in-reply-to", "references", "plus-address"])
async def test_an_answer_of_the_complainant_joins_the_ticket(desk: Desk, settings: EmailSettings, way: str) -> None:
    async with desk.running(settings):
        ticket_id, token = await opened(desk, settings)
        await hand_in(settings, answer(token, way))
        line = (await desk.journal())[1]
        assert (line.outcome, line.ticket_id) == ("appended", ticket_id)
        assert "还是没有网，照片见附件。" in (await desk.statements(ticket_id))[1]


async def test_an_answer_with_the_token_in_capitals_joins_too(desk: Desk, settings: EmailSettings) -> None:
    async with desk.running(settings):
        _, token = await opened(desk, settings)
        await hand_in(settings, answer(token.upper(), "plus-address"))
        assert (await desk.journal())[1].outcome == "appended"


@pytest.mark.parametrize("way", ["in-reply-to", "references", "plus-address"])
async def test_a_strangers_text_never_enters_the_ticket(desk: Desk, settings: EmailSettings, way: str) -> None:
    async with desk.running(settings):
        ticket_id, token = await opened(desk, settings)
        await hand_in(settings, answer(token, way, From=STRANGER), sender=STRANGER)
        line = (await desk.journal())[1]
        assert line.outcome in ("opened", "triage")
        assert line.ticket_id != ticket_id
        assert len(await desk.statements(ticket_id)) == 1


async def test_a_forged_token_opens_nothing_of_anybody(desk: Desk, settings: EmailSettings) -> None:
    async with desk.running(settings):
        ticket_id, token = await opened(desk, settings)
        number = token.partition(".")[0]
        forged = f"{number}.{'a' * 16}"
        await hand_in(settings, answer(forged, "in-reply-to", From=STRANGER), sender=STRANGER)
        line = (await desk.journal())[1]
        assert line.outcome == "opened"
        assert line.ticket_id != ticket_id


MACHINES = {
    "out of office": {"Auto_Submitted": "auto-replied"},
    "bulk": {"Precedence": "bulk"},
    "mail system": {"From": "MAILER-DAEMON@example.com"},
    "our own marker": {"X_Complaint_Gateway_Loop": "1"},
    "our own address": {"From": US},
    "our own address through a list": {"From": US, "List_Id": "<news.example.com>"},
    "our own alias, with a plus part": {"From": "12345+x@example.com"},
}


@pytest.mark.parametrize("headers", MACHINES.values(), ids=MACHINES)
async def test_a_machine_gets_no_answer_and_no_ticket(
    desk: Desk, settings: EmailSettings, headers: dict[str, str]
) -> None:
    async with desk.running(settings):
        await hand_in(settings, mail(**headers))
        (line,) = await desk.journal()
        assert line.outcome == "automatic"
        assert line.ticket_id is None
        assert await desk.notified() == []


@pytest.mark.parametrize("headers", [{"X_Auto_Response_Suppress": "All"}, {"List_Id": "<news.example.com>"}])
async def test_a_complaint_through_a_group_address_is_taken_and_not_answered_by_a_machine(
    desk: Desk, settings: EmailSettings, headers: dict[str, str]
) -> None:
    async with desk.running(settings):
        await hand_in(settings, mail(**headers))
        (line,) = await desk.journal()
        assert line.outcome == "opened"
        assert (await desk.ticket(line.ticket_id)).tags == ("no_automatic_replies",)


async def test_a_mail_with_the_null_sender_gets_no_answer(desk: Desk, settings: EmailSettings) -> None:
    async with desk.running(settings):
        await hand_in(settings, mail(), sender="")
        (line,) = await desk.journal()
        assert (line.outcome, line.note) == ("automatic", "null-sender")
        assert await desk.notified() == []


async def test_an_out_of_office_note_changes_nothing_of_its_ticket(desk: Desk, settings: EmailSettings) -> None:
    async with desk.running(settings):
        ticket_id, token = await opened(desk, settings)
        notices = await desk.notified()
        await hand_in(settings, answer(token, "in-reply-to", Auto_Submitted="auto-replied"))
        assert (await desk.journal())[1].outcome == "automatic"
        assert len(await desk.statements(ticket_id)) == 1
        assert await desk.notified() == notices


REPORT = """\
From: MAILER-DAEMON@example.com
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <report@example.com>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.com

Final-Recipient: rfc822; li@example.com
Action: failed
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

{original}
--b--
"""


@pytest.mark.parametrize(
    ("to", "original"),
    [
        (US, "Message-ID: <n123.260001.abc@example.com>"),
        ("bounce+n123@example.com", "Subject: no id"),
        ("bounce+n123@example.com", "Message-ID: <somebody-elses@example.com>"),
    ],
)
async def test_a_bounce_tells_which_notice_of_ours_failed(
    desk: Desk, settings: EmailSettings, to: str, original: str
) -> None:
    content = REPORT.format(to=US, original=original).replace("\n", "\r\n").encode()
    async with desk.running(settings):
        await hand_in(settings, content, to, sender="")
        (line,) = await desk.journal()
        assert line.outcome == "automatic"
        (receipt,) = desk.receipts
        assert (receipt.reference, receipt.status, receipt.address) == ("n123", "failed", "li@example.com")


async def test_a_bounce_of_somebody_elses_mail_is_no_receipt(desk: Desk, settings: EmailSettings) -> None:
    content = REPORT.format(to=US, original="Message-ID: <x@example.com>").replace("\n", "\r\n").encode()
    async with desk.running(settings):
        await hand_in(settings, content, sender="")
        assert desk.receipts == []
        assert (await desk.journal())[0].outcome == "automatic"


async def test_a_letter_to_a_bounce_address_fails_no_notice(desk: Desk, settings: EmailSettings) -> None:
    async with desk.running(settings):
        await hand_in(settings, mail(), "bounce+n123@example.com")
        assert desk.receipts == []
        assert (await desk.journal())[0].outcome == "opened"


async def test_two_complaints_by_mail_within_four_hours_escalate(desk: Desk, settings: EmailSettings) -> None:
    first = mail("宽带断网三天", Date="Mon, 16 Nov 2026 09:00:00 +0800")
    second = mail("电费多收了一百元", subject="电费", Date="Mon, 16 Nov 2026 13:00:00 +0800")
    async with desk.running(settings):
        await hand_in(settings, first)
        await hand_in(settings, second)
        assert [line.outcome for line in await desk.journal()] == ["opened", "repeated"]
        assert (await desk.ticket((await desk.journal())[1].ticket_id)).complainant.emails == (LI,)
