"""Hand mails to the operator's mail server over kept connections.

Replies (RFC 5321, section 4.2.1): 4yz is worth another try, 5yz is not; being refused a sign-in is our own side's
trouble and worth another try. A kept connection that turns out to be broken is opened anew; once the data was sent
nobody knows, so the outbox tries again with the same Message-ID.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal

import aiosmtplib
from pydantic import ConfigDict, Field

from gateway.channels.base import PermanentDelivery, TransientDelivery, Transport
from gateway.channels.smtp.mail import Sender, checked_address, mail_bytes, plus_address
from gateway.channels.smtp.wire import Refusal, Wire
from gateway.message import DeliveryReceipt, OutboundMessage

_ENHANCED = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_LEAVE = 2.0  # seconds to say goodbye in
_SIGN_IN_REFUSED = frozenset({530, 534, 535, 538})


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """A mail server that takes our mails.

    `address` and `name` are whom mails come from. `reply_address` is the mailbox we fetch: answers go there, with the
    ticket's token as plus-address. Leave it empty where the server knows no plus-addresses; answers then find their
    ticket by the thread. `bounce_address` is the sender on the envelope, with the notice as plus-address while
    `bounce_tagged`; empty is the null sender, to which nothing ever bounces. `security` "none" is for loopback.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    host: str
    port: Annotated[int, Field(ge=0, le=65535)] = 0  # 0: 465 with tls, 587 with starttls, else 25
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: str = ""  # trust these certificates instead of the system's
    user: str = ""
    password: str = field(default="", repr=False)
    address: Annotated[str, Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$")]
    name: str = ""
    domain: str = ""  # of message ids; default: that of `address`
    reply_address: str = ""
    bounce_address: str = ""
    bounce_tagged: bool = True
    timeout: Annotated[float, Field(gt=0, le=25)] = 20.0  # seconds for one mail, connecting included
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4  # connections
    mails_per_connection: Annotated[int, Field(ge=1)] = 500
    idle: Annotated[float, Field(ge=0)] = 30.0  # seconds after which an unused connection is not trusted any more


@dataclass(slots=True)
class _Line:
    """One open connection."""

    wire: Wire
    mails: int = 0
    used_at: float = 0.0


class Smtp(Transport):
    """Mail out through one server."""

    Settings: ClassVar = SmtpSettings
    medium = "email"
    forms = ("subject", "text", "html")
    settings: SmtpSettings

    def __init__(self, name: str, settings: SmtpSettings) -> None:
        super().__init__(name, settings)
        self.concurrency = settings.concurrency
        self._sender = Sender(
            address=settings.address,
            name=settings.name,
            domain=settings.domain or settings.address.rpartition("@")[2],
            reply_address=settings.reply_address,
        )
        self._idle: list[_Line] = []
        self._tls: ssl.SSLContext | None = None

    async def open(self) -> None:
        """Read the certificates; connections are opened when there is something to send."""
        if self.settings.security != "none":
            self._tls = await asyncio.to_thread(ssl.create_default_context, cafile=self.settings.ca_file or None)

    async def close(self) -> None:
        """Take leave of the server on every connection."""
        while self._idle:
            await self._leave(self._idle.pop())

    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """Hand one mail over; returns when the server has taken it."""
        to = checked_address(message.to)
        now = datetime.now(UTC)
        mail = mail_bytes(message, self._sender, now)
        sender = self._envelope_sender(message.reference)
        until = asyncio.get_running_loop().time() + self.settings.timeout
        line: _Line | None = None
        good = False
        try:
            if line := self._kept():
                try:
                    await line.wire.begin(sender, to, until)
                except ConnectionError:  # it went stale while it waited: nothing was handed over
                    line.wire.close()
                    line = None
            if line is None:
                async with asyncio.timeout_at(until):
                    line = _Line(await self._connect())
                await line.wire.begin(sender, to, until)
            said = await line.wire.hand_over(mail)
            good = True
        except Refusal as refusal:
            good = True
            raise _refused(refusal.code, refusal.said) from refusal
        except (aiosmtplib.SMTPException, OSError) as error:  # timeouts and broken connections: perhaps it was taken
            raise TransientDelivery(f"{type(error).__name__}: {error}") from error
        finally:
            if line is not None:
                await self._put_back(line, good=good)
        return DeliveryReceipt(status="accepted", at=now, reference=message.reference, detail=said)

    def _envelope_sender(self, reference: str) -> str:
        bounce = self.settings.bounce_address
        return plus_address(bounce, reference) if bounce and self.settings.bounce_tagged else bounce

    def _kept(self) -> _Line | None:
        """The connection used last, while it can be trusted."""
        now = asyncio.get_running_loop().time()
        while self._idle:
            line = self._idle.pop()
            if line.wire.open and now - line.used_at < self.settings.idle:
                return line
            line.wire.close()
        return None

    async def _connect(self) -> Wire:
        own = self.settings
        client = aiosmtplib.SMTP(
            hostname=own.host,
            port=own.port or None,
            use_tls=own.security == "tls",
            start_tls=own.security == "starttls",
            tls_context=self._tls,
            username=own.user or None,
            password=own.password or None,
            timeout=own.timeout,
        )
        try:
            await client.connect()
            await client.ehlo()
            return Wire(client)
        except aiosmtplib.SMTPResponseException as error:
            client.close()
            raise TransientDelivery(f"{error.code} {error.message}") from error
        except BaseException:
            client.close()
            raise

    async def _put_back(self, line: _Line, *, good: bool) -> None:
        line.mails += 1
        line.used_at = asyncio.get_running_loop().time()
        if not good:
            line.wire.close()
        elif line.mails < self.settings.mails_per_connection:
            self._idle.append(line)
        else:
            await self._leave(line)

    async def _leave(self, line: _Line) -> None:
        try:
            await line.wire.quit(asyncio.get_running_loop().time() + _LEAVE)
        except OSError:
            line.wire.close()


def _refused(code: int, said: str) -> TransientDelivery | PermanentDelivery:
    if 500 <= code < 600 and code not in _SIGN_IN_REFUSED:
        status = _ENHANCED.search(said)
        return PermanentDelivery(f"{code} {said}", status=status[0] if status else "")
    return TransientDelivery(f"{code} {said}")
