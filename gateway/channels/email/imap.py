"""One connection to one folder of a mailbox. All calls block, each at most for the settings' timeout per wait.

A connection is used by one thread at a time; only `cut` may be called from another one, to end a wait at once.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from imaplib import IMAP4
from importlib.metadata import version
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError

from gateway.channels.email.settings import Imap

#: The connection is lost or cannot be trusted any more; a new one may do better. Of answers that it did not expect
#: imapclient takes some for what they are not, and stumbles.
BROKEN = (OSError, IMAP4.abort, ValueError, AttributeError, TypeError, LookupError, AssertionError)
#: The server said no.
REFUSED = IMAPClientError

_NAME = "complaint-gateway"  # of the product and of its package
_MOST_AT_ONCE = 500  # UIDs in one command, which some servers limit to 8000 bytes
_LONGEST_CONNECT = 10.0  # seconds; a connection that is being made cannot be cut
_LOOK_WITHOUT_IDLE = 15.0  # seconds
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 3))


@dataclass(frozen=True, slots=True)
class Weight:
    """How large a mail is, in bytes, and when it came into the folder."""

    size: int
    arrived_at: datetime | None


class _Client(IMAPClient):  # type: ignore[misc]  # the library says no types
    """In IDLE also sees what came in one packet with the server's "+ idling", or waits inside TLS."""

    def _poll_socket(self, sock: socket.socket, timeout: float | None = None) -> object:
        """The library asks the socket alone; with timeout 0 it shall try to read, whatever the socket says."""
        return timeout == 0 or super()._poll_socket(sock, timeout)


class Session:
    """A signed-in connection with `folder` selected. `validity` is its UIDVALIDITY, 0 when the server has none."""

    def __init__(self, client: IMAPClient, folder: str) -> None:
        self._client = client
        self.folder = folder
        selected = client.select_folder(folder)
        self.validity = int(selected.get(b"UIDVALIDITY", 0))
        self.count = int(selected.get(b"EXISTS", 0))
        self._next = int(selected.get(b"UIDNEXT", 0))
        self._idles = client.has_capability("IDLE")

    def last_uid(self) -> int:
        """The highest UID in the folder; 0 when it is empty."""
        if self._next:
            return self._next - 1
        return max(self._client.search("ALL"), default=0)

    def uids_after(self, last: int, since: datetime | None) -> list[int]:
        """The UIDs above `last` in order; with `since`, only of mail that came in on that day or later.

        "5:*" also names the last mail when its UID is below 5, so the answer is not trusted.
        """
        criteria: list[str | object] = ["UID", f"{last + 1}:*"]
        if since is not None:
            criteria += ["SINCE", (since - timedelta(days=1)).date()]  # the server's day may be another than ours
        return sorted(uid for uid in self._client.search(criteria) if uid > last)

    def weigh(self, uids: Sequence[int]) -> dict[int, Weight]:
        """Size and time of those of `uids` that are still there."""
        found = self._fetch(uids, "RFC822.SIZE", "INTERNALDATE")
        return {
            uid: Weight(int(what[b"RFC822.SIZE"]), what.get(b"INTERNALDATE"))
            for uid, what in found.items()
            if b"RFC822.SIZE" in what
        }

    def bodies(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The whole bytes of those of `uids` that are still there; reading does not mark them."""
        found = self._fetch(uids, "BODY.PEEK[]")
        return {uid: what[b"BODY[]"] for uid, what in found.items() if what.get(b"BODY[]") is not None}

    def header(self, uid: int) -> bytes:
        """The header alone; empty when the mail is not there."""
        found = self._fetch([uid], "BODY.PEEK[HEADER]")
        return next((what.get(b"BODY[HEADER]") or b"" for what in found.values()), b"")

    def mark(self, uids: Sequence[int], flag: str, move_to: str) -> None:
        """Flag mails and move them; those that are gone are left out."""
        for start in range(0, len(uids), _MOST_AT_ONCE):
            some = uids[start : start + _MOST_AT_ONCE]
            if flag:
                self._client.add_flags(some, [flag], silent=True)
            if move_to and self._client.has_capability("MOVE"):
                self._client.move(some, move_to)
            elif move_to:
                self._client.copy(some, move_to)
                self._client.add_flags(some, ["\\Deleted"], silent=True)
                if self._client.has_capability("UIDPLUS"):
                    self._client.uid_expunge(some)

    def wait(self, longest: float) -> None:
        """Return as soon as the server says that something is new, at the latest after `longest` seconds.

        What came in since the last look is not announced again in IDLE, so UIDNEXT is asked first.
        """
        before, self._next = self._next, self._ask_next()
        if self._next != before:
            return
        if self._idles:
            self._client.idle()
            if not self._client.idle_check(timeout=0):
                self._client.idle_check(timeout=longest)
            self._client.idle_done()
        else:
            time.sleep(min(longest, _LOOK_WITHOUT_IDLE))

    def cut(self) -> None:
        """Break the connection off, from any thread: whatever waits for it ends."""
        with contextlib.suppress(OSError):
            self._client.socket().shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the connection without a word; the server copes."""
        with contextlib.suppress(OSError):
            self._client.shutdown()

    def _ask_next(self) -> int:
        try:
            return int(self._client.folder_status(self.folder, ["UIDNEXT"]).get(b"UIDNEXT", 0))
        except IMAP4.abort:
            raise
        except IMAPClientError:  # a server that answers this for other folders only
            self._client.noop()
            return self._next

    def _fetch(self, uids: Sequence[int], *what: str) -> dict[int, dict[bytes, Any]]:
        found: dict[int, dict[bytes, Any]] = {}  # the library says no types
        for start in range(0, len(uids), _MOST_AT_ONCE):
            found |= self._client.fetch(uids[start : start + _MOST_AT_ONCE], [*what])
        return found


def connect(settings: Imap, folder: str) -> Session:
    """Sign in and select `folder`.

    Raises:
        LoginError, IMAPClientError: the server said no.
        OSError: no connection, no answer in time, or no token.
    """
    wait = settings.timeout.total_seconds()
    client = _Client(
        settings.host,
        port=settings.port,
        ssl=settings.security == "tls",
        ssl_context=_tls(settings) if settings.security == "tls" else None,
        timeout=SocketTimeout(min(wait, _LONGEST_CONNECT), wait),
    )
    try:
        _keep_alive(client.socket())
        client.normalise_times = False
        if settings.security == "starttls":
            client.starttls(_tls(settings))
        if settings.token_command:
            client.oauth2_login(settings.user, _token(settings))
        else:
            client.login(settings.user, settings.password)
        _introduce(client)
        return Session(client, folder)
    except BaseException:
        with contextlib.suppress(OSError):
            client.shutdown()
        raise


def _introduce(client: IMAPClient) -> None:
    """Say who we are (RFC 2971): 163.com, 126.com and yeah.net let nobody select a folder who does not."""
    if client.has_capability("ID"):
        with contextlib.suppress(REFUSED):  # what it means for us, selecting the folder will show
            client.id_({"name": _NAME, "version": version(_NAME), "vendor": _NAME})


def aware(moment: datetime) -> datetime:
    """A time of the server with its zone; without one it is UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _tls(settings: Imap) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)


def _token(settings: Imap) -> str:
    limit = settings.timeout.total_seconds()
    try:
        done = subprocess.run(settings.token_command, capture_output=True, text=True, timeout=limit, check=False)  # noqa: S603  the operator's own program
    except subprocess.TimeoutExpired as error:
        raise TimeoutError("the token command did not end in time") from error
    if done.returncode or not done.stdout.strip():
        raise ConnectionError(f"the token command failed with code {done.returncode}")
    return done.stdout.strip()


def _keep_alive(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
