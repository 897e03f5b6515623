"""Servers of other people, played in the test's own event loop on a free port of this machine."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web


@dataclass(slots=True, kw_only=True)
class Loopback(ABC):
    """One server: where it is, and how many calls it had in hand at the same time at most."""

    url: str = ""
    most_at_once: int = 0
    _in_hand: int = 0
    _runner: web.AppRunner | None = None

    @abstractmethod
    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One call, whatever its path."""

    @property
    def connections(self) -> int:
        """How many are open now."""
        server = self._runner.server if self._runner else None
        return len(server.connections) if server else 0

    @contextlib.contextmanager
    def in_hand(self) -> Iterator[None]:
        """Count what is done inside as one call at work."""
        self._in_hand += 1
        self.most_at_once = max(self.most_at_once, self._in_hand)
        try:
            yield
        finally:
            self._in_hand -= 1


AnyLoopback = TypeVar("AnyLoopback", bound=Loopback)


@contextlib.asynccontextmanager
async def listening(server: AnyLoopback, path: str = "") -> AsyncIterator[AnyLoopback]:
    """The server on a free port until the end of the block; its `url` ends with `path`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = server._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
    try:
        yield server
    finally:
        await runner.cleanup()


def hang_up(request: web.Request) -> web.Response:
    """Break the connection off where an answer is waited for."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
