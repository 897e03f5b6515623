"""Sheets that a forwarding body sends by mail: taken in as its cases, and a stranger's never."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtplib import SMTP
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection

from gateway.channels.email import Door, Email, EmailSettings
from gateway.channels.email.door import opened_door
from gateway.channels.email.message import ENVELOPE_TO
from gateway.channels.email.settings import Forwarder
from gateway.channels.transfer import Transfer
from gateway.channels.transfer.settings import TransferSettings
from gateway.cli.findings import of_forwarders
from gateway.config import Settings
from gateway.configured import make_channels
from gateway.errors import ConfigError
from gateway.loops import take
from gateway.mailed import Mailed
from gateway.message import Accepted, InboundMessage, Raw
from gateway.testing.house import House, opened_house
from ticket_core.store.imports import ImportedRow, list_imports, rows_of_import
from ticket_core.store.tickets import load_ticket

US, BODY, MX = "complaints@example.com", "zhuanban@12345.example.net", "mx.example.com"
PASSED = f"{MX}; spf=pass smtp.mailfrom={BODY}; dkim=pass header.d=12345.example.net"
TOKEN = "synthetic-token-of-12345"
HEAD = "工单编号,诉求类型,标题,诉求内容,联系电话,受理时间"


def sheet(*numbers: int) -> bytes:
    rows = [f"CD{n:06},投诉,停水{n},第{n}件:停水两天,138{n:08},2026-11-20 08:30:00" for n in numbers]
    return "\n".join([HEAD, *rows]).encode("gb18030")


def mail(
    *files: tuple[str, bytes], proof: Sequence[str] = (PASSED,), sender: str = BODY, to: str = US, **headers: str
) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, to, "今日转办件"
    made["Message-ID"] = "<20261120.1@12345.example.net>"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content("请查收附件。")
    for name, content in files:
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    marks = "".join(f"Authentication-Results: {value}\n" for value in proof)  # folded as servers fold
    return marks.encode() + made.as_bytes()


BY_SERVER = Forwarder(channel="city", senders=(BODY,), authserv=MX)
BY_TOKEN = Forwarder(channel="city", senders=("@12345.example.net",), token=TOKEN)


def mailbox(*forwarders: Forwarder) -> Email:
    return Email("mail", EmailSettings(address=US, door=Door(port=0), forwarders=forwarders or (BY_SERVER,)))


def read(body: bytes, *forwarders: Forwarder, to: str = US) -> InboundMessage:
    raw = Raw(channel="mail", body=body, received_at=datetime.now(UTC), headers={ENVELOPE_TO: to})
    message = mailbox(*forwarders).parse(raw)[0]
    assert isinstance(message, InboundMessage)
    return message


# --- Who is believed


@pytest.mark.parametrize(
    "proof",
    [
        PASSED,
        f"{MX.upper()} 1; DKIM=pass (2048-bit key; unprotected) header.d=12345.EXAMPLE.net header.s=s1",
        f"{MX}; dkim=fail header.d=12345.example.net; dkim=pass header.i=@example.net header.b=abc",
        f"{MX};\n dmarc=pass (p=REJECT sp=REJECT) header.from=12345.example.net",
        f'{MX}; spf=pass smtp.mailfrom="a;b (c"@x.example.org; dkim=pass header.d=12345.example.net',
    ],
)
def test_what_our_server_found_proves_the_body(proof: str) -> None:
    message = read(mail(("a.csv", sheet(1)), proof=[proof]))
    assert message.sheets is not None
    assert [one.name for one in message.sheets.files] == ["a.csv"]
    assert message.attachments == ()


@pytest.mark.parametrize(
    "proof",
    [
        [],
        [f"{MX}; none"],
        [f"{MX}; dkim=fail header.d=12345.example.net"],
        [f"{MX}; dkim=pass header.d=evil.example.org"],
        [f"{MX}; dkim=pass header.d=net"],
        [f"{MX}; dkim=pass header.d=5.example.net"],
        [f"{MX}; spf=pass smtp.mailfrom={BODY}"],
        [f"{MX}; dmarc=pass header.from=evil.example.org"],
        [f"{MX}; x=y dkim=pass header.d=12345.example.net"],
        ["mx.evil.example.org; dkim=pass header.d=12345.example.net"],
        [f"mx.evil.example.org; {PASSED}"],
        [f"{MX}; none", PASSED],
        [PASSED, PASSED],
        [f'{MX}; spf=pass smtp.mailfrom="; dkim=pass header.d=12345.example.net; "@evil.example.org'],
        [f"{MX}; spf=none (; dkim=pass header.d=12345.example.net; )"],
        [f"{MX}; (dkim=pass header.d=12345.example.net"],
        [f'{MX}; dkim=pass header.d="12345.example.net'],
        [f"{MX}; dkim=pass"],
        [";", "", "()", "=", '"'],
    ],
    ids=lambda one: (one[-1] if one else "nothing")[:60] or "empty",
)
def test_anything_else_proves_nothing_and_it_stays_an_ordinary_mail(proof: list[str]) -> None:
    message = read(mail(("a.csv", sheet(1)), proof=proof))
    assert message.sheets is None
    assert [one.name for one in message.attachments] == ["a.csv"]
    assert message.readable


@pytest.mark.parametrize(
    "more",
    [
        {"sender": "somebody@12345.example.net"},
        {"sender": "zhuanban@12345.example.net.evil.example.org"},
        {"sender": f"{BODY} <x@evil.example.org>"},
        {"sender": f"{BODY}, x@evil.example.org"},
        {"sender": "=?utf-8?q?zhuanban=4012345=2Eexample=2Enet?= <x@evil.example.org>"},
    ],
    ids=lambda one: one["sender"],
)
def test_only_the_addresses_in_the_list_are_the_body(more: dict[str, Any]) -> None:
    assert read(mail(("a.csv", sheet(1)), **more)).sheets is None


def test_a_second_author_takes_the_proof_away() -> None:
    body = mail(("a.csv", sheet(1)))
    assert read(body).sheets is not None
    assert read(body.replace(b"From: ", b"From: x@evil.example.org\nFrom: ", 1)).sheets is None


def test_a_secret_address_proves_the_body_where_no_server_does() -> None:
    body, ours = mail(("a.csv", sheet(1)), proof=[]), f"complaints+{TOKEN}@example.com"
    assert read(body, BY_TOKEN, to=ours).sheets is not None
    assert read(mail(("a.csv", sheet(1)), proof=[], to=ours), BY_TOKEN).sheets is not None
    for other in (US, f"complaints+{TOKEN}x@example.com", f"complaints+{TOKEN[:-1]}@example.com", "+@", ""):
        assert read(body, BY_TOKEN, to=other).sheets is None
    stranger = mail(("a.csv", sheet(1)), proof=[PASSED], sender="x@evil.example.org")
    assert read(stranger, BY_TOKEN, to=ours).sheets is None


def test_a_machine_of_the_body_may_send_it_and_a_receipt_carries_no_cases() -> None:
    assert read(mail(("a.csv", sheet(1)), Auto_Submitted="auto-generated")).sheets is not None
    receipt = mail(("a.csv", sheet(1))).replace(b"multipart/mixed;", b"multipart/report; report-type=delivery-status;")
    assert read(receipt).sheets is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"senders": [BODY]},
        {"senders": [BODY], "authserv": MX, "token": TOKEN},
        {"senders": [], "authserv": MX},
        {"senders": ["everybody"], "authserv": MX},
        {"senders": [BODY], "token": "short"},
    ],
)
def test_a_body_without_a_proof_is_no_body(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Forwarder).validate_python({"channel": "city", **wrong})


# --- What becomes of it


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened_house(tmp_path) as opened:
        yield opened


class Desk:
    """A mailbox beside the channel that reads the body's sheets."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.mail = mailbox()
        self.city = Transfer("city", TransferSettings(source="12345"))
        for one in (self.mail, self.city):
            house.admit(one)
        self.mailed = Mailed(house.reception, {"city": self.city})

    async def accept(self, raw: Raw) -> Sequence[Accepted]:
        """As the loops hand it over."""
        return await take(self.mail, raw, self.mailed.receive, self.house.record)

    async def take(self, body: bytes) -> str:
        """One mail; what the journal says of it."""
        raw = Raw(channel="mail", body=body, received_at=datetime.now(UTC), media_type="message/rfc822")
        (accepted,) = await self.accept(raw)
        return accepted.outcome

    async def of_mail(self) -> list[tuple[str, str]]:
        """The mails' lines in the journal."""
        lines = await self.house.journal()
        return [(one.entry.outcome, one.entry.note) for one in lines if one.entry.channel == "mail"]

    async def reports(self) -> list[tuple[str, str, list[ImportedRow]]]:
        """Every import with its rows."""

        def look(connection: Connection) -> list[tuple[str, str, list[ImportedRow]]]:
            found = list_imports(connection).rows
            return [(one.name, one.actor, list(rows_of_import(connection, one.id))) for one in found]

        return await self.house.store.read(look)


@pytest.fixture
def desk(house: House) -> Desk:
    return Desk(house)


async def test_each_row_is_a_case_of_the_body_and_the_mail_one_line_in_the_journal(desk: Desk) -> None:
    assert await desk.take(mail(("11月20日.csv", sheet(1, 2, 3)))) == "automatic"
    assert await desk.of_mail() == [("automatic", "sheets:12345")]
    assert await desk.house.tickets() == 3
    ((name, actor, rows),) = await desk.reports()
    assert (name, actor) == ("11月20日.csv", f"mail:{BODY}")
    assert [one.outcome for one in rows] == ["opened"] * 3


async def test_the_mail_again_has_no_effect_and_a_corrected_sheet_finds_its_tickets(desk: Desk) -> None:
    body = mail(("a.csv", sheet(1, 2)))
    await desk.take(body)
    assert await desk.take(body) == "duplicate"
    assert len(await desk.reports()) == 1
    changed = sheet(1, 2).replace("停水两天".encode("gb18030"), "停水三天".encode("gb18030"))
    assert await desk.take(mail(("a.csv", changed))) == "automatic"
    assert [one.outcome for one in (await desk.reports())[0][2]] == ["appended"] * 2
    assert await desk.house.tickets() == 2


async def test_a_crash_between_the_rows_and_the_mail_doubles_nothing(desk: Desk) -> None:
    body = mail(("a.csv", sheet(1, 2)))
    rows_only = await desk.mailed.settled(read(body))  # and then the process died
    assert rows_only.automatic == "sheets:12345"
    assert await desk.of_mail() == []
    assert await desk.take(body) == "automatic"
    assert await desk.house.tickets() == 2


@pytest.mark.parametrize(
    ("files", "rows", "why"),
    [
        ([("a.csv", b"no sheet at all")], 0, "a.csv: no header"),
        ([("a.xlsx", b"PK\x03\x04 broken")], 0, "a.xlsx: "),
        ([("a.csv", sheet(1)), ("b.csv", b"x")], 1, "b.csv: no header"),
        ([("a.csv", sheet(1)), ("来信.pdf", b"%PDF-1.4 a letter")], 1, "来信.pdf: not a sheet"),
    ],
    ids=["no table", "broken", "one of two", "a letter beside it"],
)
async def test_what_is_no_sheet_is_for_a_person_with_the_file(
    desk: Desk, files: list[tuple[str, bytes]], rows: int, why: str
) -> None:
    assert await desk.take(mail(*files)) == "triage"
    ((outcome, note),) = await desk.of_mail()
    assert (outcome, note.startswith(why)) == ("triage", True), note
    assert await desk.house.tickets() == rows + 1
    assert await desk.take(mail(*files)) == "duplicate"


@pytest.mark.parametrize(
    "files", [[("a.csv", b"no sheet")], [("今日转办.zip", b"PK\x03\x04 packed")]], ids=["broken", "zip"]
)
async def test_what_a_machine_of_the_body_sent_is_seen_by_a_person_and_never_answered(
    desk: Desk, files: list[tuple[str, bytes]]
) -> None:
    assert await desk.take(mail(*files, Auto_Submitted="auto-generated")) in ("triage", "opened")
    (line,) = await desk.house.journal()
    ticket_id = line.entry.ticket_id
    assert ticket_id is not None
    ticket = await desk.house.store.read(lambda connection: load_ticket(connection, ticket_id))
    assert ticket is not None
    assert "no_automatic_replies" in ticket.tags


async def test_a_strangers_sheet_opens_one_ordinary_ticket_and_no_case(desk: Desk) -> None:
    assert await desk.take(mail(("a.csv", sheet(1, 2, 3)), proof=[])) == "opened"
    assert await desk.house.tickets() == 1
    assert await desk.reports() == []


async def test_a_mail_of_the_body_without_a_sheet_is_an_ordinary_mail(desk: Desk) -> None:
    assert await desk.take(mail()) == "opened"


async def test_its_server_is_told_taken_after_all_rows_are_committed(desk: Desk) -> None:
    settings = desk.mail.settings
    assert settings.door is not None
    door = replace(settings.door, port=_free())
    async with (
        opened_door("mail", settings, door, desk.accept),
        SMTP(hostname="127.0.0.1", port=door.port, use_tls=False, start_tls=False) as smtp,
    ):
        await smtp.sendmail(BODY, [US], mail(("a.csv", sheet(1, 2))))
        assert await desk.house.tickets() == 2
    assert await desk.of_mail() == [("automatic", "sheets:12345")]


def _free() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- What the operator is told


def _settings(channel: str) -> Settings:
    forwarder = {"channel": channel, "senders": [BODY], "authserv": MX}
    door = {"host": "0.0.0.0"}
    return Settings(
        channels={
            "mail": {"kind": "email", "address": US, "door": door, "forwarders": [forwarder]},
            "city": {"kind": "transfer", "source": "12345"},
        }
    )


def test_sheets_that_nobody_reads_are_named_at_the_start() -> None:
    with pytest.raises(ConfigError) as caught:
        make_channels(_settings("web"))
    assert caught.value.problems == ["channels.mail.forwarders.0.channel: web reads no sheets; those that do: city"]


def test_a_door_open_to_everybody_is_no_place_to_believe_a_header() -> None:
    (warning,) = of_forwarders(make_channels(_settings("city")))
    assert warning.startswith("channels.mail.forwarders: believes Authentication-Results")
