"""Steps that the rules for channels are made of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from gateway.channels.base import Channel, Parsed
from gateway.loops import take
from gateway.message import Accepted, DeliveryReceipt, InboundMessage, Raw
from gateway.testing.captured import plain
from gateway.testing.house import House, opened_house


def play(folder: Path, scene: Callable[[House], Awaitable[None]]) -> None:
    """Play a scene in a gateway whose database lies in `folder`."""

    async def played() -> None:
        async with opened_house(folder) as house:
            await scene(house)

    asyncio.run(played())


def parsed(channel: Channel, raw: Raw) -> list[Parsed]:
    """What the house makes of an input; what parse fails on is a message that is not readable."""
    items: list[Parsed] = []

    async def receive(message: InboundMessage) -> Accepted:
        items.append(message)
        return Accepted(outcome="opened")

    async def record(receipt: DeliveryReceipt, *, channel: str = "", raw: bytes = b"") -> None:
        items.append(receipt)

    asyncio.run(take(channel, raw, receive, record))
    return items


def ids_of(items: Sequence[Parsed]) -> list[str | None]:
    """The sender's ids of the messages among what an input says."""
    return [one.external_id for one in items if isinstance(one, InboundMessage)]


def journaled(says: Sequence[Mapping[str, Any]]) -> list[str]:
    """The outcomes that stand in the journal: each message's, or one for all receipts of an input."""
    outcomes = [str(one["outcome"]) for one in says]
    return [one for one in outcomes if one != "receipt"] or outcomes[:1]


def outcome_of(future: Future[Sequence[Parsed]]) -> object:
    """What was read, as JSON with the zone of every time, or the name of the error."""
    error = future.exception()
    return [plain(one) for one in future.result()] if error is None else type(error).__name__
