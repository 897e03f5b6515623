"""The door where mail servers hand mail to us: SMTP or LMTP, "250 taken" only after the commit.

A reply that is not 2xx leaves the mail with the server that has it: 4xx it keeps trying, 5xx its sender is told.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import cast

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from gateway.channels.base import Accept
from gateway.channels.email.handing import failures_of
from gateway.channels.email.message import ENVELOPE_FROM, ENVELOPE_TO, MEDIA_TYPE
from gateway.channels.email.settings import Door, EmailSettings
from gateway.errors import Refused
from gateway.message import Raw

log = structlog.get_logger(__name__)

_LONGEST_LINE = 1 << 20  # RFC 5321 allows 1000 bytes; real mail does not keep to it
_PAUSE = 10.0  # seconds between tries to open it
_TOO_MANY = b"421 4.7.0 too many connections, try again later\r\n"
_REFUSED = {413: "552 5.3.4 too large", 429: "451 4.7.1 too much mail, try again later"}


class _Common(SMTP):
    """What our SMTP and LMTP have in common: lines as long as real mail has them, and a place only where there is one.

    `admits` says of an address whether it may have one more session.
    """

    line_length_limit = _LONGEST_LINE
    admits: Callable[[str], bool]
    peer = ""
    turned_away = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or say that it must wait for its own sessions to end."""
        transport = cast(asyncio.WriteTransport, transport)  # a faster loop's are of no class of asyncio's
        peer = str((transport.get_extra_info("peername") or ("",))[0])
        if self.transport is None and not self.admits(peer):  # with STARTTLS it is made twice
            self.turned_away = True
            transport.write(_TOO_MANY)
            transport.close()
            return
        self.peer = peer
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Whoever was turned away has begun nothing."""
        if not self.turned_away:
            super().connection_lost(error)


class _Smtp(_Common):
    pass


class _Lmtp(_Common, LMTP):
    pass


_PROTOCOLS = {"smtp": _Smtp, "lmtp": _Lmtp}


class MailDoor:
    """What aiosmtpd calls while a mail comes in; it fixes the names of the hooks."""

    def __init__(self, channel: str, settings: EmailSettings, door: Door, accept: Accept) -> None:
        self._channel = channel
        self._settings = settings
        self._door = door
        self._accept = accept

    async def handle_EHLO(  # noqa: N802
        self, smtp: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Offer what LMTP demands (RFC 2033), and no sign-in: nobody has an account here."""
        session.host_name = hostname
        offered = [line for line in responses if not line.startswith("250-AUTH")]
        return [*offered[:1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", *offered[1:]]

    async def handle_MAIL(  # noqa: N802
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take any sender; who belongs to a ticket is decided later."""
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 go on"

    async def handle_RCPT(  # noqa: N802
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take our own addresses only: this is no relay."""
        if not self._settings.is_own(address):
            return "550 5.1.1 no such address here"
        if len(envelope.rcpt_tos) >= self._door.recipients:
            return "452 4.5.3 too many recipients, send the rest in another mail"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 go on"

    async def handle_DATA(self, smtp: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Answer after the commit; LMTP wants one answer for each recipient (RFC 2033)."""
        answer = await self._take(envelope)
        return "\r\n".join([answer] * (len(envelope.rcpt_tos) if self._door.protocol == "lmtp" else 1))

    async def _take(self, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        sender = envelope.mail_from or ""
        raw = Raw(
            channel=self._channel,
            body=content,
            received_at=datetime.now(UTC),
            headers={ENVELOPE_FROM: sender or "<>", ENVELOPE_TO: ",".join(envelope.rcpt_tos)},
            media_type=MEDIA_TYPE,
        )
        (failure,) = await failures_of(self._accept, [raw])
        if failure is None:
            return "250 2.0.0 taken"
        log.warning("mail_not_taken", channel=self._channel, size=len(content), error=type(failure).__name__)
        if isinstance(failure, Refused):
            return _REFUSED.get(failure.status, "554 5.7.1 refused")
        return "451 4.3.0 cannot take it now, try again later"


class _Full(asyncio.Protocol):
    """Says no to a connection beyond the limit."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.WriteTransport, transport)
        transport.write(_TOO_MANY)
        transport.close()


async def keep_door(channel: str, settings: EmailSettings, door: Door, accept: Accept, trouble: dict[str, str]) -> None:
    """Listen until cancelled; while the port or the certificate cannot be had, say so in `trouble` and try again."""
    while True:
        try:
            async with opened_door(channel, settings, door, accept):
                trouble.pop("door", None)
                await asyncio.get_running_loop().create_future()  # until cancelled
        except OSError as error:
            trouble["door"] = f"not open: {type(error).__name__}: {error}"[:200]
            log.warning("door_not_open", channel=channel, error=trouble["door"])
        await asyncio.sleep(_PAUSE)


@asynccontextmanager
async def opened_door(channel: str, settings: EmailSettings, door: Door, accept: Accept) -> AsyncIterator[None]:
    """Listen until the end of the block.

    Raises:
        OSError: when the port cannot be had or the certificate cannot be read.
    """
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd logs every line of every mail
    hooks = MailDoor(channel, settings, door, accept)
    tls = _tls(door)
    loop = asyncio.get_running_loop()
    sessions: list[_Common] = []

    def admits(peer: str) -> bool:
        here = sum(one.peer == peer and _unfinished(one) for one in sessions)
        if here >= door.sessions_per_address:
            log.warning("door_full_for_one", channel=channel, sessions=here)
        return here < door.sessions_per_address

    def session() -> asyncio.BaseProtocol:
        sessions[:] = [one for one in sessions if _unfinished(one)]
        if len(sessions) >= door.sessions:
            log.warning("door_full", channel=channel, sessions=len(sessions))
            return _Full()
        smtp = _PROTOCOLS[door.protocol](
            hooks,
            data_size_limit=settings.limit,
            enable_SMTPUTF8=True,
            hostname=door.hostname,
            ident="ready",
            tls_context=tls,
            timeout=door.idle.total_seconds(),
            loop=loop,
        )
        smtp.admits = admits
        sessions.append(smtp)
        return smtp

    listener = await loop.create_server(session, door.host, door.port)
    log.info("door_open", channel=channel, protocol=door.protocol, port=door.port)
    try:
        yield
    finally:
        listener.close()
        await _finish(sessions)


def _tls(door: Door) -> ssl.SSLContext | None:
    if door.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(door.certificate, door.key)
    return context


async def _finish(sessions: Sequence[_Common]) -> None:
    """Break off what still talks: no sender was told "taken" for a mail that was not."""
    for smtp in sessions:
        if smtp.transport is not None:
            cast(asyncio.WriteTransport, smtp.transport).abort()
    for _ in itertools.takewhile(lambda _: any(map(_unfinished, sessions)), range(100)):
        await asyncio.sleep(0.01)


def _unfinished(smtp: _Common) -> bool:
    task: asyncio.Task[None] | None = smtp._handler_coroutine
    return not smtp.turned_away and (task is None or not task.done())
