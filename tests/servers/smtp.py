"""An SMTP server in the test's own event loop that records what it takes and refuses what it is told to refuse."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import itertools
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers.certificate import Certificate

Stage = Literal["MAIL", "RCPT", "DATA"]
Security = Literal["none", "starttls", "tls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One mail as the server took it."""

    sender: str  # "" is the null sender
    recipients: tuple[str, ...]
    content: bytes
    encrypted: bool
    account: str | None

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed."""
        return email.message_from_bytes(self.content, policy=email.policy.default)


@dataclass(slots=True, kw_only=True)
class SmtpServer:
    """A running server: what it took, and what it shall do from now on.

    `account` is whom it knows. `replies` maps a recipient to the answer to its RCPT (`"550 5.1.1 no such user"`);
    `after_data` answers the whole mail; `delay` seconds pass before each of these; `drop_at` breaks the connection
    instead of answering: at DATA the mail was taken but its sender never learns it.
    """

    port: int = 0
    account: tuple[str, str] | None = None
    replies: dict[str, str] = field(default_factory=dict)
    after_data: str = "250 2.0.0 taken"
    delay: float = 0
    drop_at: Stage | None = None
    taken: list[Taken] = field(default_factory=list)
    connections: int = 0
    most_open: int = 0  # connections at the same time
    _sessions: list[SMTP] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def open_connections(self) -> int:
        """How many there are now."""
        return sum(map(_unfinished, self._sessions))

    async def wait_for(self, count: int, within: float = 10) -> list[Taken]:
        """Return all mails taken as soon as there are `count`; TimeoutError after `within` seconds."""
        async with asyncio.timeout(within), self._news:
            await self._news.wait_for(lambda: len(self.taken) >= count)
        return list(self.taken)


class _Hooks:
    """What aiosmtpd calls; it fixes the names."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server

    async def handle_MAIL(  # noqa: N802
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return await self._answer(smtp, "MAIL", "250 2.1.0 go on")

    async def handle_RCPT(  # noqa: N802
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self._server.replies.get(address, "250 2.1.5 go on")
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
        return await self._answer(smtp, "RCPT", reply)

    async def handle_DATA(self, smtp: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        server = self._server
        if server.after_data.startswith("2"):
            async with server._news:
                server.taken.append(_taken(smtp, session, envelope))
                server._news.notify_all()
        return await self._answer(smtp, "DATA", server.after_data)

    async def _answer(self, smtp: SMTP, stage: Stage, reply: str) -> str:
        await asyncio.sleep(self._server.delay)
        if self._server.drop_at == stage:
            _break_off(smtp)
        return reply


def _taken(smtp: SMTP, session: Session, envelope: Envelope) -> Taken:
    content = envelope.content or b""
    return Taken(
        sender=(envelope.mail_from or "").removeprefix("<>"),  # aiosmtpd gives the null sender as it was written
        recipients=tuple(address for address in envelope.rcpt_tos if address),
        content=content.encode() if isinstance(content, str) else content,
        encrypted=smtp.transport is not None and smtp.transport.get_extra_info("sslcontext") is not None,
        account=session.auth_data if isinstance(session.auth_data, str) else None,
    )


@contextlib.asynccontextmanager
async def smtp_server(
    *,
    certificate: Certificate | None = None,
    security: Security = "none",
    account: tuple[str, str] | None = None,
    port: int = 0,
) -> AsyncIterator[SmtpServer]:
    """Serve SMTP on a free loopback port; `account` is the (name, password) that senders must then show.

    With `security="starttls"` mail is taken only after STARTTLS, with `"tls"` the port is TLS from the first byte.
    """
    server = SmtpServer(account=account)
    context = certificate.for_server() if certificate and security != "none" else None
    smtps = server._sessions

    def authenticate(_smtp: SMTP, _session: Session, _envelope: Envelope, _way: str, shown: object) -> AuthResult:
        known = server.account
        good = isinstance(shown, LoginPassword) and (shown.login.decode(), shown.password.decode()) == known
        return AuthResult(success=good, handled=False, auth_data=known[0] if good and known else None)

    def session() -> SMTP:
        server.connections += 1
        with warnings.catch_warnings():  # passwords without TLS: on loopback, on purpose
            warnings.simplefilter("ignore")
            smtps.append(
                SMTP(
                    _Hooks(server),
                    hostname="localhost",
                    tls_context=context if security == "starttls" else None,
                    require_starttls=security == "starttls",
                    auth_required=account is not None,
                    auth_require_tls=security == "starttls",
                    authenticator=authenticate,
                )
            )
        server.most_open = max(server.most_open, server.open_connections + 1)
        return smtps[-1]

    listener = await asyncio.get_running_loop().create_server(
        session, "127.0.0.1", port, ssl=context if security == "tls" else None
    )
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for smtp in smtps:
            _break_off(smtp)
        for _ in itertools.takewhile(lambda _: any(_unfinished(smtp) for smtp in smtps), range(100)):
            await asyncio.sleep(0.01)


def _break_off(smtp: SMTP) -> None:
    if isinstance(smtp.transport, asyncio.WriteTransport):
        smtp.transport.abort()


def _unfinished(smtp: SMTP) -> bool:
    """A session's task must end inside the test, or its loop closes on it with a warning."""
    task: asyncio.Task[None] | None = smtp._handler_coroutine
    return task is not None and not task.done()
