"""An IMAP server for tests: Debian's Dovecot 2.3 with its own configuration, users, mailboxes and ports.

IMAP with IDLE on a plain port (STARTTLS is offered) and on a TLS port; as root the workers run as nobody.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.certificate import Certificate
from tests.servers.process import free_port, give_away, program, running, scratch_folder, unprivileged

_NUMBERS = itertools.count(1)

_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
instance_name = {folder}
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
first_valid_uid = 1
first_valid_gid = 0
mail_location = maildir:{folder}/mail/%u
mailbox_idle_check_interval = 1s
imap_id_log = name version vendor
auth_mechanisms = plain login xoauth2
auth_failure_delay = 0
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  chroot =
  service_count = 0  # one process for all clients
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0  # no waiting after a wrong password
  }}
}}
service stats {{
  chroot =
}}
"""


@dataclass(slots=True, kw_only=True)
class Dovecot:
    """A server that can be stopped and started again on the same ports with the same mail."""

    folder: Path
    port: int
    tls_port: int
    _child: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def start(self) -> None:
        """Start the server and wait until it greets."""
        configuration = str(self.folder / "dovecot.conf")
        self._child.enter_context(
            running(
                [program("/usr/sbin/dovecot", "dovecot-imapd"), "-F", "-c", configuration],
                log=self.folder / "log",
                port=self.port,
                stop_with=signal.SIGKILL,  # asked politely, it waits five seconds for its idle login processes
            )
        )
        for _ in range(10):  # the port is open before the login process and its authenticator are
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=2) as probe:
                if probe.recv(100).startswith(b"* OK"):
                    return
        raise RuntimeError(f"Dovecot does not greet:\n{(self.folder / 'log').read_text()[-2000:]}")

    def stop(self) -> None:
        """Stop the server; clients lose their connections, mail stays."""
        self._child.close()

    def deliver(self, content: bytes, *, user: str = "tousu", mailbox: str = "INBOX") -> Path:
        """Put a mail into a mailbox as a delivery agent does, whether the server runs or not; return its file."""
        maildir = self.folder / "mail" / user / ("" if mailbox == "INBOX" else f".{mailbox}")
        for part in ("tmp", "new", "cur"):
            (maildir / part).mkdir(parents=True, exist_ok=True)
        name = f"{int(time.time())}.{os.getpid()}_{next(_NUMBERS)}.localhost"
        (maildir / "tmp" / name).write_bytes(content)
        give_away(self.folder / "mail")
        return (maildir / "tmp" / name).rename(maildir / "new" / name)

    def forget_uids(self, *, user: str = "tousu") -> None:
        """Renumber the inbox, as after a restored backup: its UIDVALIDITY changes. Stop the server before."""
        for file in (self.folder / "mail" / user).glob("dovecot*"):
            file.unlink()


@contextlib.contextmanager
def dovecot(certificate: Certificate, users: Mapping[str, str] | None = None) -> Iterator[Dovecot]:
    """Run Dovecot with `users` (name to password; default `tousu` with `secret`); ready in about 0.2 seconds."""
    program("/usr/sbin/dovecot", "dovecot-imapd")
    own = pwd.getpwuid(os.geteuid())
    user, group = unprivileged() or (own.pw_name, str(own.pw_gid))
    with scratch_folder("imap") as folder:
        server = Dovecot(folder=folder, port=free_port(), tls_port=free_port())
        for name, file in (("certificate.pem", certificate.certificate), ("key.pem", certificate.key)):
            shutil.copy(file, folder / name)
        accounts = (users or {"tousu": "secret"}).items()
        (folder / "users").write_text("".join(f"{name}:{{PLAIN}}{password}\n" for name, password in accounts))
        for name in ("run", "state", "mail"):
            (folder / name).mkdir()
        give_away(folder / "mail")
        (folder / "users").chmod(0o644)
        configuration = _CONFIGURATION.format(
            folder=folder,
            user=user,
            group=group,
            port=server.port,
            tls_port=server.tls_port,
            certificate=folder / "certificate.pem",
            key=folder / "key.pem",
        )
        (folder / "dovecot.conf").write_text(configuration)
        server.start()
        try:
            yield server
        finally:
            server.stop()
