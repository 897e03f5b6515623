"""Notices whose complaints we have not asked for yet: kept over a restart."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.channels.base import Memory

_MOST = 10_000  # what is beyond is found when all open complaints are asked for
_NAME = "owed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A complaint to ask for: what happened to it, when that was noticed, and since when we know."""

    number: str
    action: str
    noticed_at: str
    since: datetime

    def stub(self) -> dict[str, str]:
        """As much of the case as the notice told."""
        return {"complaint_id": self.number, "action_type": self.action, "create_time": self.noticed_at}


@dataclass(slots=True)
class OwedNotices:
    """Each notice once, in the order in which they came."""

    _waiting: dict[tuple[str, str, str], Owed] = field(default_factory=dict)
    _remembered: str = "[]"

    @property
    def all(self) -> list[Owed]:
        """Everything that is owed now."""
        return list(self._waiting.values())

    def add(self, number: str, action: str, noticed_at: str) -> None:
        """A notice came; one that came before keeps its time."""
        if len(self._waiting) < _MOST:
            one = Owed(number=number, action=action, noticed_at=noticed_at, since=datetime.now(UTC))
            self._waiting.setdefault((number, action, noticed_at), one)

    def settle(self, one: Owed) -> None:
        """Its complaint is committed."""
        self._waiting.pop((one.number, one.action, one.noticed_at), None)

    async def recall(self, memory: Memory) -> None:
        """What was owed when we stopped."""
        self._remembered = await memory.get(_NAME) or "[]"
        kept: list[dict[str, Any]] = json.loads(self._remembered)
        for one in kept:
            owed = Owed(**{**one, "since": datetime.fromisoformat(one["since"])})
            self._waiting.setdefault((owed.number, owed.action, owed.noticed_at), owed)

    async def remember(self, memory: Memory) -> None:
        """Keep it; returns after the commit."""
        said = json.dumps([{**asdict(one), "since": one.since.isoformat()} for one in self.all])
        if said != self._remembered:
            await memory.set(_NAME, said)
            self._remembered = said
