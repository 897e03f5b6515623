"""Tells the people who run the house that a part has been unwell for a while, by another way than the broken one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from gateway.loops import Health
from ticket_core.directory import Person
from ticket_core.model import Notice
from ticket_core.store.cursors import load_cursor, swap_cursor
from ticket_core.store.fallback import owe
from ticket_core.store.store import Store
from ticket_core.store.tx import Tx

log = structlog.get_logger(__name__)

_PAUSE = 5.0  # seconds between two looks
#: Without these no notice can leave: the log is all there is, and whoever watches ``/readyz``.
_CANNOT_TELL = frozenset({"database", "dispatcher"})


_UNWELL, _WELL = "part_unwell", "part_well"
_KEPT = " alarms"  # among the cursors; no channel has such a name


@dataclass(slots=True)
class _Watched:
    """One part: since when it is as it is, and when somebody was told that it is unwell."""

    ok: bool
    since: datetime
    told_at: datetime | None = None


class Alarm:
    """Watches `health`. `unwell_media` says which media cannot be used now; `people` are told by the others.

    A part is told of once it has been unwell for `after`, again each day, and once more when it has been well so long.
    What was told is kept in the store: of several processes one tells, and a new start tells nothing twice.
    """

    def __init__(
        self,
        store: Store,
        people: Iterable[Person],
        health: Mapping[str, Health],
        unwell_media: Callable[[], frozenset[str]],
        committed: Callable[[], None],
        *,
        after: timedelta,
        again: timedelta = timedelta(days=1),
    ) -> None:
        known = tuple(people)
        self._people = [one for one in known if "admin" in one.roles] or [
            one for one in known if "supervisor" in one.roles
        ]
        self._store = store
        self._health = health
        self._unwell_media = unwell_media
        self._committed = committed
        self._after = after
        self._again = again
        self._watched: dict[str, _Watched] = {}

    async def run(self) -> None:
        """Go on until cancelled.

        Raises:
            StoreError: when the store fails; `run` may be called again.
        """
        while True:
            await self.step(datetime.now(UTC))
            await asyncio.sleep(_PAUSE)

    async def step(self, now: datetime) -> int:
        """Look once; returns how many parts somebody is told of."""
        told = 0
        for part, health in self._health.items():
            if part not in self._watched:
                self._watched[part] = await self._first_look(part, now)
            watched = self._watched[part]
            if watched.ok != health.ok:
                watched.ok, watched.since = health.ok, now
            watched.since = min(watched.since, now)  # the clock may have been set back
            lasts = now - watched.since >= self._after
            if not lasts or part in _CANNOT_TELL:
                continue
            if not watched.ok and (watched.told_at is None or abs(now - watched.told_at) >= self._again):
                told += await self._tell(_UNWELL, part, health.why, watched.since, now)
                watched.told_at = now
            elif watched.ok and watched.told_at is not None:
                told += await self._tell(_WELL, part, "", watched.since, now)
                watched.told_at = None
        return told

    async def _first_look(self, part: str, now: datetime) -> _Watched:
        """What was told of it before this process began."""
        told = _read(await self._store.read(lambda connection: load_cursor(connection, _KEPT, part)))
        return _Watched(ok=True, since=now, told_at=told[1] if told is not None and told[0] == _UNWELL else None)

    async def _tell(self, notice: str, part: str, reason: str, since: datetime, now: datetime) -> bool:
        """Whether it was not told already, by this process or another."""
        owed = list(self._notices(notice, part, reason, since, now))

        def write(tx: Tx) -> bool:
            kept = load_cursor(tx.connection, _KEPT, part)
            told = _read(kept)
            if told is not None and told[0] == notice and (notice == _WELL or abs(now - told[1]) < self._again):
                return False
            if not swap_cursor(tx, _KEPT, part, kept, f"{notice} {now.isoformat()}"):
                return False
            for one in owed:
                owe(tx, one)
            return True

        first = await self._store.run(write)
        if first:
            log.warning("part_told_of", part=part, notice=notice, people=len(owed))
            self._committed()
        return first

    def _notices(self, notice: str, part: str, reason: str, since: datetime, now: datetime) -> Iterator[Notice]:
        """One for each person by the first two ways that work; by all there are where none does."""
        unwell = self._unwell_media()
        for person in self._people:
            chats = [chat.partition(":")[::2] for chat in person.chats]
            ways = [way for way in (("email", person.email), ("sms", person.phone), *chats) if way[1] or way in chats]
            good = [way for way in ways if way[0] not in unwell][:2]
            for medium, address in good or ways:
                yield Notice(
                    ticket_id=0,
                    event_seq=0,
                    notice=notice,
                    role="operator",
                    medium=medium,
                    address=address,
                    name=person.label or person.name,
                    locale=person.locale,
                    send_at=now,
                    said=json.dumps(
                        {"part": part, "reason": reason[:200] or "–", "since": since.isoformat()}, ensure_ascii=False
                    ),
                )


def _read(kept: str | None) -> tuple[str, datetime] | None:
    """What was told lastly of a part, and when."""
    notice, _, at = (kept or "").partition(" ")
    return (notice, datetime.fromisoformat(at)) if at else None
