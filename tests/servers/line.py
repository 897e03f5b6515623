"""A line to a server that can be cut, fall silent or drip, while the server itself is well."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tests.servers.process import free_port


@dataclass(slots=True, kw_only=True)
class Line:
    """Leads from `port` to a server's own port, until it is told otherwise."""

    port: int
    server: int
    _listener: asyncio.Server | None = None
    _open: set[asyncio.Task[None]] = field(default_factory=set)
    _silent: bool = False
    _dripping: bool = False

    async def mend(self) -> None:
        """Whoever calls now is put through; what was silent or slow breaks."""
        await self.cut()
        self._silent = self._dripping = False
        self._listener = await asyncio.start_server(self._come, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Nobody is reached any more, and whoever was connected loses the connection."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        await self.hang_up()

    async def hang_up(self) -> None:
        """Whoever is connected loses the connection."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        self._open.clear()

    async def fall_silent(self) -> None:
        """Whoever calls is connected and hears nothing; so does whoever was connected."""
        self._silent = True

    async def drip(self) -> None:
        """Whoever calls is answered a byte now and then, never so late that nothing seems to come any more."""
        self._dripping = True
        await self.hang_up()

    async def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._lead(reader, writer)
        except (OSError, asyncio.CancelledError):
            return
        finally:
            writer.transport.abort()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opening = asyncio.ensure_future(asyncio.open_connection("127.0.0.1", self.server))
        try:
            up_reader, up_writer = await asyncio.shield(opening)
        except asyncio.CancelledError:  # else nobody would close it
            _, up_writer = await opening
            up_writer.transport.abort()
            raise
        ways = [
            asyncio.create_task(self._pass_on(reader, up_writer, up=True)),
            asyncio.create_task(self._pass_on(up_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            up_writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool = False) -> None:
        while block := await reader.read(1 if self._dripping and not up else 65536):
            while self._silent:  # noqa: ASYNC110  it is cancelled when the line is mended
                await asyncio.sleep(0.05)
            writer.write(block)
            await writer.drain()
            if self._dripping and not up:
                await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def line_to(server: int) -> AsyncIterator[Line]:
    """A line to this port."""
    line = Line(port=free_port(), server=server)
    await line.mend()
    try:
        yield line
    finally:
        await line.cut()
