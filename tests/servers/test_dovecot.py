"""The IMAP server of the tests."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from tests.servers.certificate import Certificate
from tests.servers.dovecot import Dovecot, dovecot

COMPLAINT = "From: li@example.com\r\nTo: tousu@example.com\r\nSubject: complaint\r\n\r\n宽带断网三天\r\n".encode()


@pytest.fixture
def imap(imap_server: Dovecot) -> Iterator[IMAPClient]:
    with IMAPClient("127.0.0.1", port=imap_server.port, ssl=False, timeout=10) as client:
        client.login("tousu", "secret")
        yield client


def test_a_mail_that_arrives_wakes_an_idle_client(imap_server: Dovecot, imap: IMAPClient) -> None:
    imap.select_folder("INBOX")
    imap.idle()
    imap_server.deliver(COMPLAINT)
    started = time.monotonic()
    answers: list[object] = []
    while (1, b"EXISTS") not in answers and time.monotonic() < started + 10:
        answers += imap.idle_check(timeout=1)
    imap.idle_done()
    assert (1, b"EXISTS") in answers
    (uid,) = imap.search(["UNSEEN"])
    assert imap.fetch([uid], ["BODY.PEEK[]"])[uid][b"BODY[]"] == COMPLAINT


def test_a_mail_delivered_while_the_server_is_down_is_there_when_it_is_back(imap_server: Dovecot) -> None:
    imap_server.stop()
    with pytest.raises(ConnectionRefusedError):
        IMAPClient("127.0.0.1", port=imap_server.port, ssl=False, timeout=10)
    imap_server.deliver(COMPLAINT)
    imap_server.start()
    with IMAPClient("127.0.0.1", port=imap_server.port, ssl=False, timeout=10) as client:
        client.login("tousu", "secret")
        assert client.select_folder("INBOX")[b"EXISTS"] == 1


def test_a_renumbered_mailbox_has_another_uidvalidity(imap_server: Dovecot) -> None:
    seen = []
    for _ in range(2):
        imap_server.deliver(COMPLAINT)
        with IMAPClient("127.0.0.1", port=imap_server.port, ssl=False, timeout=10) as client:
            client.login("tousu", "secret")
            seen.append(client.select_folder("INBOX")[b"UIDVALIDITY"])
        imap_server.stop()
        imap_server.forget_uids()
        time.sleep(1.1)  # the new number is the clock's second
        imap_server.start()
    assert seen[0] != seen[1]


def test_mail_can_be_moved_to_a_folder_once_it_is_done(imap_server: Dovecot, imap: IMAPClient) -> None:
    imap_server.deliver(COMPLAINT)
    imap.create_folder("done")
    imap.select_folder("INBOX")
    imap.move(imap.search(), "done")
    assert imap.search() == []
    assert imap.select_folder("done")[b"EXISTS"] == 1


def test_the_tls_port_shows_its_certificate_and_takes_mail_clients(
    imap_server: Dovecot, certificate: Certificate
) -> None:
    context = certificate.for_client()
    with IMAPClient("127.0.0.1", port=imap_server.tls_port, ssl_context=context, timeout=10) as client:
        client.login("tousu", "secret")
        assert client.select_folder("INBOX")[b"EXISTS"] == 0


def test_a_wrong_password_and_a_wrong_token_are_refused(imap_server: Dovecot) -> None:
    with IMAPClient("127.0.0.1", port=imap_server.port, ssl=False, timeout=10) as client:
        with pytest.raises(LoginError):
            client.login("tousu", "wrong")
        assert b"AUTH=XOAUTH2" in client.capabilities()
        with pytest.raises(LoginError):
            client.oauth2_login("tousu", "not-a-token")


def test_each_user_has_a_mailbox_of_their_own(certificate: Certificate) -> None:
    with dovecot(certificate, {"tousu": "one", "jubao": "two"}) as server:
        server.deliver(COMPLAINT, user="jubao")
        counts = {}
        for user, password in (("tousu", "one"), ("jubao", "two")):
            with IMAPClient("127.0.0.1", port=server.port, ssl=False, timeout=10) as client:
                client.login(user, password)
                counts[user] = client.select_folder("INBOX")[b"EXISTS"]
    assert counts == {"tousu": 0, "jubao": 1}
