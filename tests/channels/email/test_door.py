"""The door for mail servers: what is taken is committed, what is not taken stays with its sender."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiosmtplib
import pytest

from gateway.channels.email import Door, EmailSettings
from gateway.channels.email.door import opened_door
from gateway.errors import Refused
from gateway.message import Accepted, InboundMessage, Raw
from tests.channels.email.desk import LI, US, Desk, mail
from tests.servers.certificate import Certificate
from tests.servers.process import free_port


class Busy(Exception):
    """The store cannot take anything in now."""


def at_door(**changes: object) -> EmailSettings:
    door = Door(port=free_port(), **changes)  # type: ignore[arg-type]
    return EmailSettings(address=US, aliases=("12345@example.com",), door=door, limit=64 << 10)


async def knock(settings: EmailSettings) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A bare connection to the door, as soon as it is open."""
    assert settings.door
    for _ in range(100):
        try:
            return await asyncio.open_connection("127.0.0.1", settings.door.port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.02)
    raise TimeoutError


async def open_client(settings: EmailSettings, **options: object) -> aiosmtplib.SMTP:
    """A mail server that talks to the door, as soon as it is open."""
    assert settings.door
    (await knock(settings))[1].close()
    await asyncio.sleep(0.01)
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=settings.door.port, timeout=10, **options)  # type: ignore[arg-type]
    await client.connect()
    return client


async def hand_in(settings: EmailSettings, content: bytes, *to: str, sender: str = LI) -> aiosmtplib.SMTP:
    client = await open_client(settings, start_tls=False)
    await client.sendmail(sender, list(to or [US]), content)
    return client


async def test_a_mail_handed_in_is_committed_when_its_sender_is_told_so(desk: Desk) -> None:
    settings = at_door()
    async with desk.running(settings) as health:
        client = await hand_in(settings, mail())
        (line,) = await desk.journal()
        assert line.outcome == "opened"
        assert health.ok
        await client.quit()


@pytest.mark.parametrize(("sessions", "says"), [(1, b"220"), (0, b"421")])
def test_the_door_opens_on_the_faster_loop_too(sessions: int, says: bytes) -> None:
    """`gateway serve` runs on it where it is installed, and its transports are of no class of asyncio's."""
    uvloop = pytest.importorskip("uvloop")
    settings = at_door()
    assert settings.door is not None
    door = replace(settings.door, sessions=sessions)

    async def nobody(_raw: Raw) -> Sequence[Accepted]:
        return ()

    async def greeting() -> bytes:
        async with opened_door("mail", settings, door, nobody):
            reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
            said = await asyncio.wait_for(reader.readline(), 10)
            writer.close()
            return said

    with asyncio.Runner(loop_factory=uvloop.Loop) as runner:
        assert runner.run(greeting()).startswith(says)


@pytest.mark.parametrize(
    "address", [US, "TOUSU@Example.COM", "tousu+260001.abc@example.com", "12345@example.com", "bounce+n17@example.com"]
)
async def test_our_addresses_and_their_plus_addresses_are_taken(desk: Desk, address: str) -> None:
    settings = at_door()
    async with desk.running(settings):
        await hand_in(settings, mail(), address)
        assert len(await desk.journal()) == 1


@pytest.mark.parametrize(
    "address",
    ["li@example.com", "tousu@example.org", "tousu@example.com.example.org", "bounce+n17@example.org", "tousu%a@b.com"],
)
async def test_the_door_is_no_relay(desk: Desk, address: str) -> None:
    settings = at_door()
    async with desk.running(settings):
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
            await hand_in(settings, mail(), address)
        assert refused.value.recipients[0].code == 550
        assert await desk.journal() == []


async def test_one_mail_to_two_of_our_addresses_is_one_ticket(desk: Desk) -> None:
    settings = at_door()
    content = mail(to=f"{US}, 12345@example.com")
    async with desk.running(settings):
        await hand_in(settings, content, US, "12345@example.com")
        await hand_in(settings, b"Received: by another way\r\n" + content, "12345@example.com")
        assert [line.outcome for line in await desk.journal()] == ["opened"]


async def test_one_address_cannot_hold_all_places(desk: Desk) -> None:
    settings = at_door(sessions_per_address=2)
    assert settings.door
    port, writers = settings.door.port, []

    async def greeted(address: str = "127.0.0.1") -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        writers.append(writer)
        return (await reader.readline())[:3]

    async with desk.running(settings), asyncio.timeout(20):
        reader, writer = await knock(settings)
        writers.append(writer)
        assert [(await reader.readline())[:3], await greeted(), await greeted()] == [b"220", b"220", b"421"]
        assert await greeted("127.0.0.2") == b"220", "others have places of their own"
        for writer in writers:
            writer.close()
        while await greeted() != b"220":  # noqa: ASYNC110  the door tells nobody that there is room again
            await asyncio.sleep(0.02)
        for writer in writers:
            writer.close()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def test_a_mail_over_the_limit_is_refused_before_and_after_it_is_sent(desk: Desk) -> None:
    settings = at_door()
    content = mail("大" * 40_000)
    async with desk.running(settings):
        with pytest.raises(aiosmtplib.SMTPSenderRefused) as announced:
            await hand_in(settings, content)
        assert announced.value.code == 552
        client = await open_client(settings, start_tls=False)
        await client.ehlo()
        await client.mail(LI)
        await client.rcpt(US)
        with pytest.raises(aiosmtplib.SMTPDataError) as sent:
            await client.data(content)
        assert sent.value.code == 552
        assert await desk.journal() == []


async def test_while_nothing_can_be_written_the_sender_keeps_the_mail(desk: Desk) -> None:
    async def fail(_: InboundMessage) -> None:
        raise Busy

    settings = at_door()
    content = mail()
    async with desk.running(settings):
        desk.before = fail
        with pytest.raises(aiosmtplib.SMTPDataError) as refused:
            await hand_in(settings, content)
        assert refused.value.code == 451
        desk.before = None
        await hand_in(settings, content)
        assert [line.outcome for line in await desk.journal()] == ["opened"]


@pytest.mark.parametrize(("status", "code"), [(413, 552), (429, 451), (403, 554)])
async def test_a_refusal_is_told_in_the_words_of_mail(desk: Desk, status: int, code: int) -> None:
    async def refuse(_: InboundMessage) -> None:
        raise Refused(status, "no")

    desk.before = refuse
    settings = at_door()
    async with desk.running(settings):
        with pytest.raises(aiosmtplib.SMTPDataError) as refused:
            await hand_in(settings, mail())
        assert refused.value.code == code


def talk_lmtp(port: int, content: bytes, recipients: list[str]) -> list[int]:
    """The codes of the answers after the mail, one for each recipient taken."""
    with smtplib.LMTP("127.0.0.1", port, timeout=10) as client:
        client.ehlo()
        client.mail(LI)
        taken = [address for address in recipients if client.rcpt(address)[0] == 250]
        client.putcmd("data")
        client.getreply()
        client.send(content + b"\r\n.\r\n")
        return [client.getreply()[0] for _ in taken]


async def test_lmtp_answers_for_each_recipient(desk: Desk) -> None:
    async def fail(_: InboundMessage) -> None:
        raise Busy

    settings = at_door(protocol="lmtp")
    assert settings.door
    recipients = [US, "nobody@example.com", "12345@example.com"]
    async with desk.running(settings):
        (await knock(settings))[1].close()
        assert await asyncio.to_thread(talk_lmtp, settings.door.port, mail(), recipients) == [250, 250]
        assert len(await desk.journal()) == 1
        desk.before = fail
        assert await asyncio.to_thread(talk_lmtp, settings.door.port, mail(), recipients) == [451, 451]


async def test_connections_beyond_the_limit_are_told_to_come_later(desk: Desk) -> None:
    settings = at_door(sessions=2)
    async with desk.running(settings):
        first, second = await open_client(settings), await open_client(settings)
        reader, writer = await knock(settings)
        assert (await reader.readline()).startswith(b"421 ")
        writer.close()
        await first.quit()
        await asyncio.sleep(0.1)
        await (await open_client(settings)).quit()
        await second.quit()


async def test_who_says_nothing_is_shown_out(desk: Desk) -> None:
    settings = at_door(idle=timedelta(seconds=0.2))
    assert settings.door
    async with desk.running(settings):
        reader, writer = await knock(settings)
        await reader.readline()
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_mail_is_taken_over_tls_where_there_is_a_certificate(desk: Desk, certificate: Certificate) -> None:
    settings = at_door(certificate=certificate.certificate, key=certificate.key)
    async with desk.running(settings):
        client = await open_client(settings, start_tls=True, tls_context=certificate.for_client())
        await client.sendmail(LI, [US], mail())
        assert len(await desk.journal()) == 1
        assert not client.supports_extension("auth")
        await client.quit()


async def test_long_lines_of_careless_mailers_are_taken_whole(desk: Desk) -> None:
    line = "长" * 9000
    content = f"From: {LI}\r\nSubject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{line}\r\n".encode()
    settings = at_door()
    async with desk.running(settings):
        await hand_in(settings, content)
        (stored,) = await desk.journal()
        assert line.encode() in stored.raw


async def test_a_port_that_is_taken_is_said(desk: Desk) -> None:
    settings = at_door()
    assert settings.door
    async with (
        await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", settings.door.port),
        desk.running(settings) as health,
    ):
        await desk.until(lambda: "door: not open" in health.why)


async def test_folders_and_door_are_independent(
    desk: Desk, mailbox: Callable[..., EmailSettings], tmp_path: Path
) -> None:
    settings = EmailSettings(address=US, imap=mailbox(password="wrong").imap, door=Door(port=free_port()))
    async with desk.running(settings) as health:
        await desk.until(lambda: "LoginError" in health.why)
        await hand_in(settings, mail())
        assert [line.outcome for line in await desk.journal()] == ["opened"]
        assert "folder INBOX" in health.why


async def test_a_server_that_answers_nonsense_is_the_trouble_of_its_folder_alone(
    desk: Desk, mailbox: Callable[..., EmailSettings]
) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n* CAPABILITY IMAP4rev1\r\n")
        while line := await reader.readline():
            writer.write(line.split()[0] + b" OK done\r\n")
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        imap = mailbox(port=server.sockets[0].getsockname()[1]).imap
        settings = EmailSettings(address=US, imap=imap, door=Door(port=free_port()))
        async with desk.running(settings) as health:
            await desk.until(lambda: "folder INBOX: not read since" in health.why)
            await hand_in(settings, mail())
            assert [line.outcome for line in await desk.journal()] == ["opened"]
            assert not health.reason, "the channel itself has not fallen over"
