"""A way to the mail server on which things go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable

from tests.servers.process import free_port

#: What becomes of a piece of the server's answers; raising breaks the connection.
Fault = Callable[[bytes], AsyncIterator[bytes]]


@contextlib.asynccontextmanager
async def spoiled(server: int, fault: Fault) -> AsyncIterator[int]:
    """A port that leads to the port `server`, with one fault for all connections together."""
    port = free_port()
    tasks: set[asyncio.Task[None]] = set()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while block := await reader.read(65536):
            writer.write(block)
            await writer.drain()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while block := await reader.read(65536):
            async for piece in fault(block):
                writer.write(piece)
                await writer.drain()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", server)
        both = {asyncio.create_task(forward(reader, up_writer)), asyncio.create_task(answer(up_reader, writer))}
        tasks.update(both)
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        for one in (writer, up_writer):
            one.transport.abort()

    listener = await asyncio.start_server(connect, "127.0.0.1", port)
    try:
        yield port
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0.05)


def once_after(size: int, fault: Fault) -> Fault:
    """Apply `fault` to the first block after `size` bytes, and to nothing else."""
    left = size

    async def counted(block: bytes) -> AsyncIterator[bytes]:
        nonlocal left
        before, left = left, left - len(block)
        if before > 0 >= left:
            async for piece in fault(block):
                yield piece
        else:
            yield block

    return counted


async def cut(block: bytes) -> AsyncIterator[bytes]:
    """The connection breaks in the middle of an answer."""
    yield block[: len(block) // 2]
    raise ConnectionResetError


async def fall_silent(block: bytes) -> AsyncIterator[bytes]:
    """Nothing more is heard, and the connection stays open."""
    yield block[: len(block) // 2]
    await asyncio.sleep(3600)


async def drip(block: bytes) -> AsyncIterator[bytes]:
    """Byte for byte, always in time to keep each single wait short."""
    for position in range(len(block)):
        yield block[position : position + 1]
        await asyncio.sleep(0.05)


async def without_uidvalidity(block: bytes) -> AsyncIterator[bytes]:
    """As a server that numbers nothing."""
    yield re.sub(rb"UIDVALIDITY \d+", b"UIDVALIDITY 0", block)


async def without_idle(block: bytes) -> AsyncIterator[bytes]:
    """As a server that has to be asked."""
    yield block.replace(b" IDLE", b" XDLE")
