"""A connection to one folder."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from importlib.metadata import version

import pytest

from gateway.channels.email.imap import connect
from gateway.channels.email.settings import Imap
from tests.channels.email.desk import mail
from tests.servers.certificate import Certificate
from tests.servers.dovecot import Dovecot


def test_we_say_who_we_are_before_a_folder_is_selected(imap_server: Dovecot) -> None:
    settings = Imap(host="127.0.0.1", port=imap_server.port, security="none", user="tousu", password="secret")
    connect(settings, "INBOX").close()
    (said,) = [line for line in (imap_server.folder / "log").read_text().splitlines() if "ID sent: " in line]
    assert said.endswith(f"name=complaint-gateway, version={version('complaint-gateway')}, vendor=complaint-gateway")


@pytest.mark.slow
@pytest.mark.parametrize("security", ["none", "tls"])
def test_a_mail_is_seen_soon_whenever_it_comes_while_waiting_begins(
    imap_server: Dovecot, certificate: Certificate, security: str
) -> None:
    port = imap_server.tls_port if security == "tls" else imap_server.port
    settings = Imap(
        host="127.0.0.1",
        port=port,
        security=security,  # type: ignore[arg-type]
        ca_file=certificate.certificate,
        user="tousu",
        password="secret",
        timeout=timedelta(seconds=10),
    )
    session = connect(settings, "INBOX")
    last = 0
    for delay in (0.0, 0.0005, 0.001, 0.002, 0.004, 0.008):
        timer = threading.Timer(delay, imap_server.deliver, [mail()])
        timer.start()
        started = time.monotonic()
        while not (found := session.uids_after(last, None)):
            session.wait(20)
        assert time.monotonic() - started < 5
        last = found[-1]
        timer.join()
    session.close()
