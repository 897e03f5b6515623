"""One medium on its way out: what is in hand of it, in words or not yet, who sends it, and how its provider does."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.channels.base import Transport
from gateway.compose import Ready
from ticket_core.decide.delivery import Fact
from ticket_core.store.briefing import Brief, Saying
from ticket_core.store.outbox import Owed, Result

_DEAD_AFTER = 3  # tries in a row that nobody answered; being busy is an answer


@dataclass(slots=True)
class Lane:
    """The notices in hand of one medium; `failures` are its provider's in a row."""

    transport: Transport
    waiting: deque[Brief | Saying] = field(default_factory=deque)
    ready: deque[Ready] = field(default_factory=deque)
    senders: set[asyncio.Task[None]] = field(default_factory=set)
    failures: int = 0

    @property
    def left(self) -> int:
        """How many are not begun."""
        return len(self.waiting) + len(self.ready)

    def compose(self, compose: Callable[[Brief | Saying], Ready | Fact], most: int) -> list[Result]:
        """Put the next `most` into words; those that will not be sent, and why."""
        held: list[Result] = []
        for _ in range(min(len(self.waiting), most)):
            brief = self.waiting.popleft()
            made = compose(brief)
            if isinstance(made, Ready):
                self.ready.append(made)
            else:
                held.append(Result(owed=brief.owed, fact=made))
        return held

    def clear(self) -> list[Owed]:
        """Take out all that was not begun."""
        left = [one.owed for one in (*self.ready, *self.waiting)]
        self.ready.clear()
        self.waiting.clear()
        return left

    def judge(self, fact: Fact) -> str | None:
        """What the last tries show of the provider: why it seems dead, "" when it is well again, None for no news."""
        if fact.status != "temporary_failure" or fact.wait is not None:
            was_dead, self.failures = self.failures >= _DEAD_AFTER, 0
            return "" if was_dead else None
        self.failures += 1
        return fact.detail if self.failures >= _DEAD_AFTER else None
