"""How long we wait for a caller to have said everything."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

from gateway.web.problems import Problem

T = TypeVar("T")
#: Seconds for a whole body: 32 MB over a slow mobile line; who sends a byte now and then only holds a place.
LONGEST_BODY: Final = 300.0
#: Seconds for a request's head, and between two requests of one connection.
LONGEST_SILENCE: Final = 75.0


async def in_time(read: Awaitable[T], seconds: float = LONGEST_BODY) -> T:
    """What `read` gives.

    Raises:
        Problem: 408 after `seconds`.
    """
    try:
        async with asyncio.timeout(seconds):
            return await read
    except TimeoutError:
        raise Problem(408, "too-slow", headers={"Connection": "close"}) from None
