"""Handing mails over to the gateway, where what goes wrong with one must not stop the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from gateway.channels.base import Accept
from gateway.message import Raw

T = TypeVar("T")


async def outcome_of(work: Awaitable[T]) -> T | BaseException:
    """What `work` gives or raises; that we are cancelled ourselves is raised."""
    (result,) = await asyncio.gather(work, return_exceptions=True)
    return result


async def failures_of(accept: Accept, raws: Sequence[Raw]) -> list[BaseException | None]:
    """Hand over all at once, so that they share a commit; for each, None when it is committed, else what went wrong."""
    results = await asyncio.gather(*(accept(raw) for raw in raws), return_exceptions=True)
    return [result if isinstance(result, BaseException) else None for result in results]
