"""What lies between a transport and its provider on a bad day: a line that drips, or somebody else at its other end."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

#: What an honest line may do: hand an answer over in pieces.
InPieces = Literal["in pieces"]
#: What is at the other end: the provider, byte for byte; an answer without end; an answer that sends elsewhere.
Line = Literal["drips", "never ends", "sends elsewhere"]
_PORT = re.compile(r"(?<=//127\.0\.0\.1:)\d+")
_DRIP = 0.1  # seconds between two bytes: any single wait is short, an answer takes a minute
_BLOCK = b"x" * (64 << 10)
_PIECE = 16  # bytes

_Spoil = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Led:
    """Settings that lead over the line; `sent` are the bytes of its answer, `strayed` how many went on elsewhere."""

    settings: Mapping[str, Any]
    sent: int = 0
    strayed: int = 0


@contextlib.asynccontextmanager
async def led_over(line: Line | InPieces, settings: Mapping[str, Any]) -> AsyncIterator[Led]:
    """The settings of a provider on this machine, with every port of it replaced by one of the line's."""
    tasks: set[asyncio.Task[None]] = set()
    led = Led(settings)

    async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await passes_on(reader, writer, 1, _DRIP)

    async def in_pieces(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await passes_on(reader, writer, _PIECE, 0.001)

    async def passes_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, size: int, pause: float) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", provider)
        try:
            onward = asyncio.create_task(_forward(reader, up_writer))
            while piece := await up_reader.read(size):
                await asyncio.sleep(pause)
                writer.write(piece)
                await writer.drain()
            await onward
        finally:
            up_writer.transport.abort()

    async def never_ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _asked(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{")
        while True:
            writer.write(_BLOCK)
            await writer.drain()
            led.sent += len(_BLOCK)

    async def sends_elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _asked(reader)
        port = elsewhere.sockets[0].getsockname()[1]
        writer.write(f"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:{port}/\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    async def strayed(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        led.strayed += 1
        writer.close()

    ways: Mapping[Line | InPieces, _Spoil] = {
        "in pieces": in_pieces,
        "drips": drips,
        "never ends": never_ends,
        "sends elsewhere": sends_elsewhere,
    }

    async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await ways[line](reader, writer)
        writer.transport.abort()

    listener = await asyncio.start_server(come, "127.0.0.1", 0)
    elsewhere = await asyncio.start_server(strayed, "127.0.0.1", 0)
    provider, own = _port_of(settings), listener.sockets[0].getsockname()[1]
    led.settings = {name: _with_port(value, provider, own) for name, value in settings.items()}
    try:
        yield led
    finally:
        for server in (listener, elsewhere):
            server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while block := await reader.read(65536):
        writer.write(block)
        await writer.drain()


async def _asked(reader: asyncio.StreamReader) -> None:
    """Return when something was asked, or soon where the other side waits for us to speak first."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            await reader.read(65536)


def _port_of(settings: Mapping[str, Any]) -> int:
    for value in settings.values():
        if isinstance(value, int) and not isinstance(value, bool) and value > 1023:
            return value
        if isinstance(value, str) and (found := _PORT.search(value)):
            return int(found.group())
    raise AssertionError("the provider's settings name no port of this machine")


def _with_port(value: Any, old: int, new: int) -> Any:
    if isinstance(value, str):
        return _PORT.sub(lambda found: str(new) if int(found.group()) == old else found.group(), value)
    return new if value == old and not isinstance(value, bool) else value
