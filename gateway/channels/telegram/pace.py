"""How fast Telegram lets a bot speak: one message a second to a person, 20 a minute to a group, 30 a second in all.

https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from gateway.channels import pace

_PERSON = pace.Rate(every=1.0, burst=1)
_GROUP = pace.Rate(every=3.0, burst=20)
_BOT = pace.Rate(every=1 / 30, burst=30)


class Pace(pace.Pace):
    """Turns by chat; groups have negative numbers."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        super().__init__("Telegram", _rate, _BOT, clock, sleep)


def _rate(chat: str) -> pace.Rate:
    return _GROUP if chat.startswith("-") else _PERSON
