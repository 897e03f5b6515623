"""Reading a mailbox: what is new comes in once, and nothing that goes wrong loses or repeats a complaint."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from imapclient import IMAPClient

from gateway.channels.email import EmailSettings
from gateway.message import InboundMessage
from tests.channels.email.desk import Desk, mail, open_desk
from tests.channels.email.faults import (
    Fault,
    cut,
    drip,
    fall_silent,
    once_after,
    spoiled,
    without_idle,
    without_uidvalidity,
)
from tests.servers.certificate import Certificate
from tests.servers.dovecot import Dovecot

Settings = Callable[..., EmailSettings]


@contextlib.contextmanager
def client(server: Dovecot) -> Iterator[IMAPClient]:
    """A mail program looking into the mailbox."""
    with IMAPClient("127.0.0.1", port=server.port, ssl=False, timeout=10) as opened:
        opened.login("tousu", "secret")
        yield opened


def seen(server: Dovecot, folder: str = "INBOX") -> int:
    with client(server) as opened:
        opened.select_folder(folder, readonly=True)
        return len(opened.search("SEEN"))


async def test_a_new_mail_comes_in_within_two_seconds(desk: Desk, mailbox: Settings, imap_server: Dovecot) -> None:
    async with desk.running(mailbox(idle_refresh=timedelta(minutes=1))) as health:
        await desk.connected()
        await asyncio.sleep(0.5)  # in IDLE now
        imap_server.deliver(mail())
        started = time.monotonic()
        (line,) = await desk.lines(1)
        assert time.monotonic() - started < 2
        assert line.outcome == "opened"
        assert health.ok, health.why
    assert await desk.subjects() == ["宽带断网"]
    assert seen(imap_server) == 1


async def test_a_server_without_idle_is_asked(desk: Desk, mailbox: Settings, imap_server: Dovecot) -> None:
    async with spoiled(imap_server.port, without_idle) as port, desk.running(mailbox(port=port)) as health:
        await desk.connected()
        imap_server.deliver(mail())
        await desk.lines(1)
        assert health.ok, health.why


async def test_old_mail_is_left_alone_at_the_first_connection(
    desk: Desk, mailbox: Settings, imap_server: Dovecot
) -> None:
    for number in range(3):
        imap_server.deliver(mail(subject=f"旧信 {number}"))
    async with desk.running(mailbox()):
        await desk.connected()
        imap_server.deliver(mail(subject="新信"))
        assert len(await desk.lines(1)) == 1
    assert await desk.subjects() == ["新信"]
    assert seen(imap_server) == 1


async def test_with_a_start_date_mail_since_then_is_read_and_older_is_not(
    desk: Desk, mailbox: Settings, imap_server: Dovecot
) -> None:
    old = imap_server.deliver(mail(subject="十天前"))
    os.utime(old, (time.time() - 10 * 86400,) * 2)
    imap_server.deliver(mail(subject="今天"))
    since = datetime.now(UTC).date() - timedelta(days=5)
    async with desk.running(mailbox(since=since)):
        assert len(await desk.lines(1)) == 1
    assert await desk.subjects() == ["今天"]


async def test_after_a_restart_reading_goes_on_where_it_stopped(
    tmp_path: Path, mailbox: Settings, imap_server: Dovecot
) -> None:
    async with open_desk(tmp_path) as desk, desk.running(mailbox()):
        await desk.connected()
        imap_server.deliver(mail("第一封", subject="第一封"))
        await desk.lines(1)
    imap_server.deliver(mail("停机时到的信", sender="zhao@example.com", subject="停机时到的信"))
    async with open_desk(tmp_path) as desk, desk.running(mailbox()):
        assert [line.outcome for line in await desk.lines(2)] == ["opened", "opened"]
        assert desk.received == 1  # the first one was not even fetched again


async def test_a_renumbered_mailbox_is_reconciled_without_a_flood(
    tmp_path: Path, mailbox: Settings, imap_server: Dovecot
) -> None:
    for number in range(5):
        old = imap_server.deliver(mail(subject=f"旧信 {number}"))
        os.utime(old, (time.time() - 86400,) * 2)
    async with open_desk(tmp_path) as desk, desk.running(mailbox()):
        await desk.connected()
        imap_server.deliver(mail("第一封", subject="第一封"))
        await desk.lines(1)
    imap_server.stop()
    imap_server.forget_uids()
    imap_server.deliver(mail("新信", sender="zhao@example.com", subject="新信"))
    await asyncio.sleep(1.1)  # the new number is the clock's second
    imap_server.start()
    async with open_desk(tmp_path) as desk, desk.running(mailbox()):
        assert len(await desk.lines(2)) == 2
        assert sorted(await desk.subjects()) == ["新信", "第一封"]
        assert len(await desk.notified()) == 2


async def test_a_server_that_goes_away_is_found_again(desk: Desk, mailbox: Settings, imap_server: Dovecot) -> None:
    async with desk.running(mailbox()) as health:
        await desk.connected()
        imap_server.stop()
        await desk.until(lambda: "not read since" in health.why)
        imap_server.deliver(mail())
        imap_server.start()
        await desk.lines(1)
        await desk.until(lambda: health.ok)


async def test_a_wrong_password_is_said_and_tried_again(desk: Desk, mailbox: Settings, imap_server: Dovecot) -> None:
    async with desk.running(mailbox(password="wrong")) as health:
        await desk.until(lambda: "LoginError" in health.why)
        assert "folder INBOX: not read since" in health.why


async def test_a_silent_server_hangs_neither_reading_nor_the_end(desk: Desk, mailbox: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = mailbox(port=silent.getsockname()[1], timeout=timedelta(seconds=0.5))
        started = time.monotonic()
        async with desk.running(settings) as health:
            await desk.until(lambda: "imeout" in health.why or "timed out" in health.why, within=5)
        assert time.monotonic() - started < 5


async def test_one_folder_in_trouble_does_not_stop_the_other(
    desk: Desk, mailbox: Settings, imap_server: Dovecot
) -> None:
    async with desk.running(mailbox(folders=("INBOX", "missing"))) as health:
        await desk.connected()
        imap_server.deliver(mail())
        await desk.lines(1)
        await desk.until(lambda: "folder missing" in health.why)
        assert "folder INBOX" not in health.why


async def test_the_same_mail_in_two_folders_is_one_complaint(
    desk: Desk, mailbox: Settings, imap_server: Dovecot
) -> None:
    with client(imap_server) as opened:
        opened.create_folder("spam")
    async with desk.running(mailbox(folders=("INBOX", "spam"))):
        await desk.connected("spam")
        await desk.connected()
        both = mail()
        imap_server.deliver(b"Received: from one\r\n" + both)
        imap_server.deliver(b"Received: from another\r\n" + both, mailbox="spam")
        await desk.until(lambda: desk.received == 2)
        assert [line.outcome for line in await desk.lines(1)] == ["opened"]
    assert seen(imap_server) == seen(imap_server, "spam") == 1


async def test_mail_is_marked_only_after_it_is_committed(desk: Desk, mailbox: Settings, imap_server: Dovecot) -> None:
    committed = asyncio.Event()

    async def wait(_: InboundMessage) -> None:
        await committed.wait()

    desk.before = wait
    async with desk.running(mailbox()):
        await desk.connected()
        imap_server.deliver(mail())
        await desk.until(lambda: desk.received == 1)
        assert await asyncio.to_thread(seen, imap_server) == 0
    assert seen(imap_server) == 0  # stopped before the commit: nothing was marked, nothing is lost
    desk.before = None
    async with desk.running(mailbox()):
        assert len(await desk.lines(1)) == 1
    assert seen(imap_server) == 1


async def test_a_crash_after_the_commit_has_no_second_effect(
    desk: Desk, mailbox: Settings, imap_server: Dovecot
) -> None:
    async def crash(message: InboundMessage) -> None:
        await desk.reception.receive(message)
        raise ConnectionError("died after the commit")

    async with desk.running(mailbox()):
        await desk.connected()
    desk.before = crash
    async with desk.running(mailbox()):
        imap_server.deliver(mail())
        await desk.lines(1)
    desk.before = None
    received = desk.received
    async with desk.running(mailbox()):
        await desk.until(lambda: desk.received > received)
        assert [line.outcome for line in await desk.lines(1)] == ["opened"]
        assert len(await desk.notified()) == 1


async def test_mail_that_is_done_is_moved(desk: Desk, mailbox: Settings, imap_server: Dovecot) -> None:
    with client(imap_server) as opened:
        opened.create_folder("done")
    async with desk.running(mailbox(move_to="done")):
        await desk.connected()
        imap_server.deliver(mail())
        await desk.lines(1)
        await asyncio.sleep(0.3)
    assert seen(imap_server, "done") == 1


async def test_a_mail_that_cannot_be_fetched_goes_to_triage_and_stops_nobody(
    desk: Desk, mailbox: Settings, imap_server: Dovecot
) -> None:
    async with desk.running(mailbox()):
        await desk.connected()
    for number in range(10):
        file = imap_server.deliver(mail(f"第{number}封", sender=f"a{number}@example.com", subject=f"第{number}封"))
        if number == 4:
            file.chmod(0)
    async with desk.running(mailbox(idle_refresh=timedelta(milliseconds=500))) as health:
        others = await desk.lines(9)
        assert {line.outcome for line in others[:9]} == {"opened"}
        lines = await desk.lines(10, within=30)
        assert Counter(line.outcome for line in lines) == {"opened": 9, "triage": 1}
        await desk.until(lambda: health.ok)
        received = desk.received
    async with desk.running(mailbox()):
        await asyncio.sleep(0.7)
    assert desk.received == received  # it is settled: no new attempt
    assert "could not be taken in" in next(line.note for line in lines if line.outcome == "triage")


@pytest.mark.slow
async def test_a_thousand_mails_with_fifty_poisoned_have_one_outcome_each(
    desk: Desk, mailbox: Settings, imap_server: Dovecot
) -> None:
    async with desk.running(mailbox()):
        await desk.connected()
    for number in range(50):
        imap_server.deliver(b"\x00\xff\xfe\x9d poison %d \x00" % number * 3)
    complaints = [
        mail(f"第{number}封", sender=f"a{number}@example.com", subject=f"第{number}封") for number in range(950)
    ]
    with client(imap_server) as opened:
        opened.multiappend("INBOX", complaints)
    async with desk.running(mailbox()) as health:
        lines = await desk.lines(1000, within=60)
        assert health.ok
    assert Counter(line.outcome for line in lines) == {"opened": 950, "triage": 50}
    assert desk.received == 1000
    async with desk.running(mailbox()):
        await asyncio.sleep(0.7)
    assert desk.received == 1000
    assert seen(imap_server) == 1000


async def test_a_mail_that_the_gateway_fails_on_does_not_stop_the_others(
    desk: Desk, mailbox: Settings, imap_server: Dovecot
) -> None:
    async def fail(message: InboundMessage) -> None:
        if message.subject == "坏" and message.readable:
            raise ValueError("a fault of ours")

    desk.before = fail
    async with desk.running(mailbox(idle_refresh=timedelta(milliseconds=200))):
        await desk.connected()
        imap_server.deliver(mail(subject="坏"))
        imap_server.deliver(mail(sender="zhao@example.com", subject="好"))
        lines = await desk.lines(2, within=20)
    assert [line.outcome for line in lines] == ["opened", "triage"]
    assert await desk.subjects() == ["好", "坏"]  # the stand-in has the header


async def test_a_mail_that_is_too_large_is_told_to_a_person(
    desk: Desk, mailbox: Settings, imap_server: Dovecot
) -> None:
    async with desk.running(replace(mailbox(), limit=4096)):
        await desk.connected()
        imap_server.deliver(mail("大" * 9000, subject="太大"))
        (line,) = await desk.lines(1)
    assert (line.outcome, await desk.subjects()) == ("triage", ["太大"])
    assert "more than the limit" in line.note
    assert seen(imap_server) == 0


@pytest.mark.slow
@pytest.mark.parametrize("fault", [cut, fall_silent, drip])
async def test_a_connection_that_fails_while_mail_is_fetched_loses_none(
    desk: Desk, mailbox: Settings, imap_server: Dovecot, fault: Fault
) -> None:
    async with desk.running(mailbox()):
        await desk.connected()
    for number in range(60):
        imap_server.deliver(mail("字" * 20_000, sender=f"a{number}@example.com", subject=f"第{number}封"))
    limits = {"timeout": timedelta(seconds=1), "step_limit": timedelta(seconds=2)}
    async with (
        spoiled(imap_server.port, once_after(1_500_000, fault)) as port,
        desk.running(mailbox(port=port, **limits)) as health,
    ):
        await desk.until(lambda: "not read since" in health.why)
        lines = await desk.lines(60, within=30)
        await desk.until(lambda: health.ok)
    assert Counter(line.outcome for line in lines) == {"opened": 60}


async def test_a_server_that_numbers_nothing_is_read_once_and_never_floods(
    desk: Desk, mailbox: Settings, imap_server: Dovecot
) -> None:
    old = imap_server.deliver(mail(subject="旧信"))
    os.utime(old, (time.time() - 86400,) * 2)
    async with spoiled(imap_server.port, without_uidvalidity) as port:
        async with desk.running(mailbox(port=port)):
            await desk.connected()
            imap_server.deliver(mail(subject="第一封"))
            await desk.lines(1)
        imap_server.deliver(mail(sender="zhao@example.com", subject="第二封"))
        async with desk.running(mailbox(port=port)):
            assert [line.outcome for line in await desk.lines(2)] == ["opened", "opened"]
    assert await desk.subjects() == ["第一封", "第二封"]
    assert len(await desk.notified()) == 2


async def test_two_mails_under_one_message_id_are_both_kept(
    desk: Desk, mailbox: Settings, imap_server: Dovecot
) -> None:
    async with desk.running(mailbox()):
        await desk.connected()
        for sender, text in (
            ("li@example.com", "没有网"),
            ("zhao@example.com", "电费多收了"),
            ("li@example.com", "没有网"),
        ):
            imap_server.deliver(mail(text, sender=sender, Message_ID="<same@example.com>"))
        await desk.until(lambda: desk.received == 3)
        assert [line.outcome for line in await desk.lines(2)] == ["opened", "opened"]


@pytest.mark.parametrize("message_id", ["", "<>", "   "])
async def test_a_mail_without_message_id_is_known_by_its_bytes(
    desk: Desk, mailbox: Settings, imap_server: Dovecot, message_id: str
) -> None:
    content = mail(Message_ID="").replace(b"From:", b"Message-ID: " + message_id.encode() + b"\r\nFrom:", 1)
    async with desk.running(mailbox()):
        await desk.connected()
        imap_server.deliver(content)
        imap_server.deliver(content)
        await desk.until(lambda: desk.received == 2)
        (line,) = await desk.lines(1)
    assert line.external_id.startswith("sha256:")


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_mail_is_read_over_tls(
    desk: Desk, mailbox: Settings, imap_server: Dovecot, certificate: Certificate, security: str
) -> None:
    port = imap_server.tls_port if security == "tls" else imap_server.port
    async with desk.running(mailbox(security=security, port=port, ca_file=certificate.certificate)):
        await desk.connected()
        imap_server.deliver(mail())
        await desk.lines(1)


async def test_a_certificate_nobody_vouches_for_is_refused(desk: Desk, mailbox: Settings, imap_server: Dovecot) -> None:
    async with desk.running(mailbox(security="tls", port=imap_server.tls_port)) as health:
        await desk.until(lambda: "CERTIFICATE_VERIFY_FAILED" in health.why)


async def test_a_token_that_is_refused_or_cannot_be_had_is_said(
    desk: Desk, mailbox: Settings, imap_server: Dovecot
) -> None:
    async with desk.running(mailbox(password="", token_command=("echo", "not-a-token"))) as health:
        await desk.until(lambda: "LoginError" in health.why)
    async with desk.running(mailbox(password="", token_command=("false",))) as health:
        await desk.until(lambda: "the token command failed" in health.why)
