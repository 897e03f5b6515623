"""A connection driven from the event loop: its blocking calls run one after the other in a thread of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeVar

from gateway.channels.email.imap import Session, connect
from gateway.channels.email.settings import Imap

T = TypeVar("T")


class Wire:
    """One session. What takes longer than its limit is cut off: no server can hold us, however slowly it answers."""

    def __init__(self, session: Session, thread: ThreadPoolExecutor, limit: timedelta) -> None:
        self.session = session
        self._thread = thread
        self._limit = limit

    async def ask(self, work: Callable[[Session], T], *, limit: timedelta | None = None) -> T:
        """The result of a blocking call.

        Raises:
            TimeoutError: after `limit`; the connection is gone then.
        """
        try:
            async with asyncio.timeout((limit or self._limit).total_seconds()):
                return await asyncio.wrap_future(self._thread.submit(work, self.session))
        except (TimeoutError, asyncio.CancelledError):
            self.session.cut()
            raise


@asynccontextmanager
async def wired(imap: Imap, folder: str) -> AsyncIterator[Wire]:
    """A signed-in connection to `folder`, closed at the end.

    Raises:
        LoginError, IMAPClientError, OSError: see `connect`.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix=f"imap-{folder}")
    opening = thread.submit(connect, imap, folder)
    try:
        async with asyncio.timeout(imap.step_limit.total_seconds()):
            session = await asyncio.wrap_future(opening)
        try:
            yield Wire(session, thread, imap.step_limit)
        finally:
            session.cut()
    finally:
        thread.submit(_close, opening)  # runs when the thread is free again, whatever it does now
        thread.shutdown(wait=False)


def _close(opening: Future[Session]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
