"""A short message centre for tests: the SMPP 3.4 a gateway needs to send, get delivery reports and receive.

PDU layout and numbers: SMPP Protocol Specification v3.4, chapters 3 to 5.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

_GENERIC_NACK: Final = 0x80000000
_RESPONSE: Final = 0x80000000
_SUBMIT_SM, _DELIVER_SM, _ENQUIRE_LINK, _UNBIND = 0x04, 0x05, 0x15, 0x06
_BINDS: Final = (0x01, 0x02, 0x09)  # receiver, transmitter, transceiver
_UDH_PRESENT: Final = 0x40
_IS_RECEIPT: Final = 0x04
_UCS2: Final = 0x08


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One submitted short message: a whole text, or part `number` of `total` under `group`."""

    id: str
    sender: str
    to: str
    text: str
    group: int = 0
    number: int = 1
    total: int = 1


@dataclass(slots=True, kw_only=True)
class Smsc:
    """A running centre: what it was given, and what it shall answer from now on.

    `states` maps a telephone number to the state in its delivery report (default DELIVRD; UNDELIV, EXPIRED, REJECTD,
    or "" for no report); `refuse_with` is the command status of every submit (0 takes it, 0x58 is throttling, 0x0b an
    invalid number).
    """

    port: int = 0
    states: dict[str, str] = field(default_factory=dict)
    refuse_with: int = 0
    parts: list[Part] = field(default_factory=list)
    submits: int = 0
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _bound: list[asyncio.StreamWriter] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def texts(self) -> list[tuple[str, str]]:
        """Return (telephone number, text) of every message whose parts are all here, in order of arrival."""
        messages: dict[tuple[str, int, str], list[Part]] = {}
        for part in self.parts:
            own = part.id if part.total == 1 else ""
            messages.setdefault((part.to, part.group, own), []).append(part)
        whole = (parts for parts in messages.values() if len(parts) == parts[0].total)
        return [(parts[0].to, "".join(p.text for p in sorted(parts, key=lambda p: p.number))) for parts in whole]

    async def wait_for(self, count: int, within: float = 15) -> list[tuple[str, str]]:
        """Return `texts()` as soon as there are `count`; TimeoutError after `within` seconds."""
        async with asyncio.timeout(within), self._news:
            await self._news.wait_for(lambda: len(self.texts()) >= count)
        return self.texts()

    async def wait_until_bound(self, within: float = 15) -> None:
        """Return when a gateway has bound; TimeoutError after `within` seconds."""
        async with asyncio.timeout(within), self._news:
            await self._news.wait_for(lambda: bool(self._bound))

    async def say(self, *, sender: str, to: str, text: str) -> None:
        """Let a telephone send `text` (at most 70 UTF-16 units) to our service number."""
        await self._deliver(sender, to, text.encode("utf-16-be"), esm_class=0, coding=_UCS2)

    async def _deliver(self, sender: str, to: str, content: bytes, *, esm_class: int, coding: int) -> None:
        addresses = b"\0\0\1" + sender.encode() + b"\0\0\1" + to.encode() + b"\0"
        body = addresses + bytes([esm_class, 0, 0, 0, 0, 0, 0, coding, 0, len(content)]) + content
        await _write(self._bound[-1], _DELIVER_SM, 0, next(self._numbers), body)

    async def _report(self, part: Part) -> None:
        state = self.states.get(part.to, "DELIVRD")
        if state:
            delivered = int(state == "DELIVRD")
            when = "2611200900"
            receipt = (
                f"id:{part.id} sub:001 dlvrd:{delivered:03} submit date:{when} done date:{when} "
                f"stat:{state} err:{0 if delivered else 1:03} text:"
            )
            await self._deliver(part.to, part.sender, receipt.encode(), esm_class=_IS_RECEIPT, coding=0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                length, command, _status, sequence = struct.unpack(">4I", await reader.readexactly(16))
                body = await reader.readexactly(length - 16)
                await self._answer(writer, command, sequence, body)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the gateway left, or the test is over
        finally:
            if writer in self._bound:
                self._bound.remove(writer)
            writer.transport.abort()

    async def _answer(self, writer: asyncio.StreamWriter, command: int, sequence: int, body: bytes) -> None:
        if command & _RESPONSE:
            return
        if command in _BINDS:
            await _write(writer, command | _RESPONSE, 0, sequence, b"stub\0")
            async with self._news:
                self._bound.append(writer)
                self._news.notify_all()
        elif command == _SUBMIT_SM:
            await self._take(writer, sequence, body)
        elif command in (_ENQUIRE_LINK, _UNBIND):
            await _write(writer, command | _RESPONSE, 0, sequence, b"")
        else:
            await _write(writer, _GENERIC_NACK, 0x03, sequence, b"")  # invalid command id

    async def _take(self, writer: asyncio.StreamWriter, sequence: int, body: bytes) -> None:
        self.submits += 1
        if self.refuse_with:
            await _write(writer, _SUBMIT_SM | _RESPONSE, self.refuse_with, sequence, b"")
            return
        part, wants_report = _read_submit(body, str(next(self._numbers)))
        await _write(writer, _SUBMIT_SM | _RESPONSE, 0, sequence, part.id.encode() + b"\0")
        async with self._news:
            self.parts.append(part)
            self._news.notify_all()
        if wants_report:
            await self._report(part)


def _read_submit(body: bytes, id: str) -> tuple[Part, bool]:
    _service, rest = body.split(b"\0", 1)
    sender, rest = rest[2:].split(b"\0", 1)
    to, rest = rest[2:].split(b"\0", 1)
    esm_class, rest = rest[0], rest[3:]
    _schedule, _validity, rest = rest.split(b"\0", 2)
    registered, coding, length = rest[0], rest[2], rest[4]
    content, group, number, total = rest[5 : 5 + length], 0, 1, 1
    if esm_class & _UDH_PRESENT:
        header, content = content[1 : content[0] + 1], content[content[0] + 1 :]
        if header[:2] == b"\x00\x03":  # concatenation, 8-bit reference
            group, total, number = header[2:5]
    text = content.decode("utf-16-be" if coding == _UCS2 else "ascii", "replace")
    part = Part(id=id, sender=sender.decode(), to=to.decode(), text=text, group=group, number=number, total=total)
    return part, bool(registered & 0x03)


async def _write(writer: asyncio.StreamWriter, command: int, status: int, sequence: int, body: bytes) -> None:
    writer.write(struct.pack(">4I", 16 + len(body), command, status, sequence) + body)
    await writer.drain()


@contextlib.asynccontextmanager
async def smsc() -> AsyncIterator[Smsc]:
    """Serve SMPP on a free loopback port; any name and password may bind."""
    centre = Smsc()
    conversations: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        try:
            await centre._serve(reader, writer)
        finally:
            conversations.discard(task)

    listener = await asyncio.start_server(converse, "127.0.0.1", 0)
    centre.port = listener.sockets[0].getsockname()[1]
    try:
        yield centre
    finally:
        listener.close()
        for task in conversations.copy():
            task.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)
        await asyncio.sleep(0)  # the transports close their sockets in the loop's next round
