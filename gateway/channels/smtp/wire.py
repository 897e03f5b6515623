"""One mail after another over a connection that aiosmtplib has opened, encrypted and signed in.

aiosmtplib waits for the answer to each command; this puts a mail's three commands into one write where the server knows
pipelining (RFC 2920, and nearly all do), so a mail takes two round trips instead of four.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

import aiosmtplib

_LONGEST_ANSWER = 64 << 10


class Refusal(Exception):
    """The server said no: its reply code, and its words."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"{code} {said}")
        self.code = code
        self.said = said


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answered to one command."""

    code: int
    said: str


class Wire(asyncio.Protocol):
    """The connection's protocol from now on; after any error but a refusal it must be closed."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        if client.transport is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        self._transport = cast(asyncio.Transport, client.transport)
        self._pipelining = client.supports_extension("pipelining")
        self._held = b""
        self._lines: list[bytes] = []
        self._replies: list[Reply] = []
        self._expected = 0
        self._waiter: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._until = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self.open = True
        self._transport.set_protocol(self)

    async def begin(self, sender: str, to: str, until: float) -> None:
        """Say from whom and to whom a mail goes, up to DATA; all of it must be done by `until`, by the loop's clock.

        Raises:
            Refusal: the connection is good for another mail.
            ConnectionError: it is lost, and nothing was handed over.
            TimeoutError: the server is too slow.
        """
        self._until = until
        commands = [f"MAIL FROM:<{sender}>\r\n", f"RCPT TO:<{to}>\r\n", "DATA\r\n"]
        if self._pipelining:
            replies = await self._ask("".join(commands).encode("ascii"), 3)
        else:
            replies = []
            for command in commands:
                replies += await self._ask(command.encode("ascii"), 1)
                if replies[-1].code >= 400:
                    break
        refused = next((reply for reply in replies if reply.code >= 400), None)
        if refused is not None:
            # With pipelining it may wait for data that nobody gets (RFC 2920, section 3.1).
            await self._ask(b".\r\n" if replies[-1].code == 354 else b"RSET\r\n", 1)
            raise Refusal(refused.code, refused.said)

    async def hand_over(self, content: bytes) -> str:
        """Send the data (CRLF, no line that begins with a dot); what the server says when it has it.

        Raises:
            Refusal: the connection is good for another mail.
            ConnectionError, TimeoutError: it is lost, and nobody knows whether the mail was taken.
        """
        (reply,) = await self._ask(content + b".\r\n", 1)
        if reply.code != 250:
            raise Refusal(reply.code, reply.said)
        return reply.said

    async def quit(self, until: float) -> None:
        """Take leave.

        Raises:
            ConnectionError, TimeoutError: the server did not take leave of us.
        """
        self._disarm()
        self._until = until
        await self._ask(b"QUIT\r\n", 1)
        self.close()

    def close(self) -> None:
        """Break off."""
        self.open = False
        self._disarm()
        self._transport.abort()

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    async def _ask(self, said: bytes, replies: int) -> list[Reply]:
        if not self.open:
            raise ConnectionResetError("the server closed the connection")
        self._replies, self._expected = [], replies
        self._waiter = self._loop.create_future()
        if self._alarm is None:
            self._alarm = self._loop.call_at(self._until, self._look_at_clock)
        self._transport.write(said)
        await self._waiter
        return self._replies

    def _look_at_clock(self) -> None:
        """One alarm serves many mails: where it finds a later one it is set anew; a timer for each costs far more."""
        self._alarm = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() < self._until:
            self._alarm = self._loop.call_at(self._until, self._look_at_clock)
        else:
            self._lost(TimeoutError("no answer in time"))
            self.close()

    def data_received(self, data: bytes) -> None:
        """Collect whole replies; wake who waits when there are enough."""
        *lines, self._held = (self._held + data).split(b"\r\n")
        if len(self._held) + len(self._lines) * 80 > _LONGEST_ANSWER:
            self._lost(ConnectionResetError("the server's answer has no end"))
            self.close()
            return
        for line in lines:
            self._lines.append(line[4:])
            if line[3:4] != b"-":
                said = b" ".join(self._lines).decode("utf-8", "replace").strip()
                self._lines = []
                self._replies.append(Reply(int(line[:3]) if line[:3].isdigit() else 499, said))
        if self._waiter is not None and len(self._replies) >= self._expected and not self._waiter.done():
            self._waiter.set_result(None)

    def eof_received(self) -> bool:
        """The server has hung up."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits."""
        self._lost(exc or ConnectionResetError("the server closed the connection"))

    def _lost(self, error: Exception) -> None:
        self.open = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
