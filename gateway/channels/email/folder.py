"""Reading one folder for ever: what is new is handed over, and marked only after it is committed.

- The list of UIDs is taken first, then sizes, then bodies in batches of bounded size; `Place` moves on after each.
- A mail that cannot be fetched or taken in is owed: tried again after the others, at growing distances. When that was
  often enough, a stand-in goes to triage in its place, so that a person looks; it never stops the others.
- A mail that is too large goes to triage with its header alone, and stays in the folder.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import TypeVar

import structlog

from gateway.channels.base import Accept, Memory
from gateway.channels.email.handing import failures_of, outcome_of
from gateway.channels.email.imap import BROKEN, REFUSED, Session, Weight, aware
from gateway.channels.email.message import MEDIA_TYPE, PLACE, PROBLEM
from gateway.channels.email.place import Owed, Place
from gateway.channels.email.settings import EmailSettings, Imap
from gateway.channels.email.wire import Wire, wired
from gateway.message import Raw

log = structlog.get_logger(__name__)

T = TypeVar("T")
_MAILS_AT_ONCE = 50
_BYTES_AT_ONCE = 8 << 20
_SHORTEST_WAIT = timedelta(milliseconds=50)
_CLEAN_EVERY = timedelta(hours=1)
_FARTHEST_ZONE = timedelta(hours=14)


class NotTaken(Exception):
    """The gateway itself cannot take mail in now; nothing is wrong with the mail."""


class Folder:
    """One folder of one channel. `trouble` is where it says what is wrong, under its part's name."""

    def __init__(
        self, channel: str, settings: EmailSettings, imap: Imap, name: str, memory: Memory, trouble: dict[str, str]
    ) -> None:
        self.name = name
        self._channel = channel
        self._settings = settings
        self._imap = imap
        self._memory = memory
        self._trouble = trouble
        self._part = f"folder {name}"
        self._suspects: set[int] = set()  # one of them broke the connection: they are fetched one by one
        self._place = Place(validity=0, last=0)
        self._progress = False

    async def watch(self, accept: Accept) -> None:
        """Read until cancelled; connect again, after growing pauses, whenever the connection is lost."""
        pause = self._imap.retry
        failing_since: datetime | None = None
        while True:
            self._progress = False
            try:
                async with wired(self._imap, self.name) as wire:
                    await self._read_on(wire, accept)
            except (*BROKEN, REFUSED, NotTaken) as error:
                if self._progress:
                    pause, failing_since = self._imap.retry, None
                failing_since = failing_since or datetime.now(UTC)
                reason = f"{type(error).__name__}: {error}"[:200]
                self._trouble[self._part] = f"not read since {failing_since:%Y-%m-%d %H:%M:%S} UTC: {reason}"
                log.warning("folder_failed", channel=self._channel, folder=self.name, error=reason)
            await asyncio.sleep(pause.total_seconds() * random.uniform(0.5, 1.0))  # noqa: S311  jitter, no secret
            pause = min(pause * 2, self._imap.retry_at_most)

    async def _read_on(self, wire: Wire, accept: Accept) -> None:
        self._place = await self._find_place(wire)
        await self._mark_again(wire)
        while True:
            await self._drain(wire, accept)
            owed = self._place.owed.values()
            if owed:
                self._trouble[self._part] = f"{len(owed)} mails could not be taken in and are tried again"
            else:
                self._trouble.pop(self._part, None)
            now = datetime.now(UTC)
            due = min((one.wait(now, self._imap.owed_pause) for one in owed), default=timedelta.max)
            longest = max(min(self._imap.idle_refresh, due), _SHORTEST_WAIT)
            seconds = longest.total_seconds()
            await wire.ask(lambda session, s=seconds: session.wait(s), limit=longest + self._imap.timeout * 2)  # type: ignore[misc]

    # --- Where we are ---------------------------------------------------------------------------------------------

    async def _find_place(self, wire: Wire) -> Place:
        """Where reading stopped; at the first connection, and after the server has renumbered, where it begins."""
        session = wire.session
        text = await outcome_of(self._memory.get(self.name))
        if isinstance(text, BaseException):
            raise NotTaken(type(text).__name__) from text
        if text is None:
            place = await self._first_place(wire)
        else:
            place = Place.from_text(text)
            if place.validity == session.validity != 0:
                return place
            place = place.renumbered(session.validity)
            log.warning("folder_renumbered", channel=self._channel, folder=self.name, validity=session.validity)
        await self._remember(place)
        return place

    async def _first_place(self, wire: Wire) -> Place:
        validity = wire.session.validity
        if self._imap.since is not None:
            start = datetime.combine(self._imap.since, time(), UTC) - _FARTHEST_ZONE
            log.info("first_connection", channel=self._channel, folder=self.name, since=self._imap.since.isoformat())
            return Place(validity=validity, last=0, start=start, since=start)
        last = await wire.ask(Session.last_uid)
        newest = (await wire.ask(lambda session: session.weigh([last]))).get(last) if last else None
        begins = aware(newest.arrived_at) + timedelta(seconds=1) if newest and newest.arrived_at else None
        log.info("first_connection", channel=self._channel, folder=self.name, left_alone=wire.session.count)
        return Place(validity=validity, last=last, start=begins, clean_at=datetime.now(UTC))

    async def _remember(self, place: Place) -> None:
        failure = await outcome_of(self._memory.set(self.name, place.to_text()))
        if isinstance(failure, BaseException):
            raise NotTaken(type(failure).__name__) from failure
        if place != self._place:
            self._progress = True
        self._place = place

    # --- What is new ----------------------------------------------------------------------------------------------

    async def _drain(self, wire: Wire, accept: Accept) -> None:
        """Take in all that is new, then try again what is owed from before."""
        owed = dict(self._place.owed)
        last, since = self._place.last, self._place.since
        uids = await wire.ask(lambda session: session.uids_after(last, since))
        for some in _batches(uids, self._suspects):
            await self._take(wire, accept, some)
        self._suspects.clear()
        for uid, one in owed.items():
            if one.wait(datetime.now(UTC), self._imap.owed_pause) > timedelta(0):
                continue
            if one.tries < self._imap.tries:
                await self._take(wire, accept, [uid])
            else:
                await self._give_up(wire, accept, uid, one.tries)
        now = datetime.now(UTC)
        clean_at = self._place.clean_at
        if self._place.since is not None or clean_at is None or now - clean_at > _CLEAN_EVERY:
            await self._remember(replace(self._place, since=None, clean_at=now))

    async def _take(self, wire: Wire, accept: Accept, uids: Sequence[int]) -> None:
        """Take in a few mails. What breaks on several of them is looked for one by one at the next connection."""
        weights = await self._fetch(wire, uids, lambda session: session.weigh(uids))
        for group in _groups(uids, weights):
            raws = await self._fetch(wire, group, lambda session, g=group: self._raws(session, g, weights))  # type: ignore[misc]
            await self._hand_over(wire, accept, raws)

    async def _fetch(self, wire: Wire, uids: Sequence[int], work: Callable[[Session], T]) -> T:
        try:
            return await wire.ask(work)
        except (*BROKEN, REFUSED):
            if len(uids) == 1:
                await self._remember(self._moved_on([], uids))
            else:
                self._suspects.update(uids)
            raise

    def _raws(self, session: Session, uids: Sequence[int], weights: Mapping[int, Weight]) -> dict[int, Raw | None]:
        """What there is of each mail; None for one that is gone or from before our time. Blocks."""
        since, limit = self._place.since, self._settings.limit
        raws: dict[int, Raw | None] = dict.fromkeys(uids)
        ours = [uid for uid in uids if uid in weights and not _before(weights[uid], since)]
        for uid, body in session.bodies([uid for uid in ours if weights[uid].size <= limit]).items():
            raws[uid] = self._raw(uid, body)
        for uid in ours:
            if weights[uid].size > limit:
                problem = f"the mail has {weights[uid].size} bytes, more than the limit of {limit}"
                raws[uid] = self._raw(uid, session.header(uid), problem)
                log.warning("mail_too_large", channel=self._channel, folder=self.name, uid=uid, size=weights[uid].size)
        return raws

    def _raw(self, uid: int, body: bytes, problem: str = "") -> Raw:
        place = f"{self.name}:{self._place.validity}:{uid}"
        headers = {PLACE: place}
        if problem:
            headers[PROBLEM] = f"{problem}; it is in folder {self.name} of {self._imap.user}, UID {uid}"
        return Raw(
            channel=self._channel, body=body, received_at=datetime.now(UTC), headers=headers, media_type=MEDIA_TYPE
        )

    async def _give_up(self, wire: Wire, accept: Accept, uid: int, tries: int) -> None:
        """Hand over a stand-in: with the header if that can be fetched, at the next try without."""
        header = (
            await self._fetch(wire, [uid], lambda session: session.header(uid)) if tries == self._imap.tries else b""
        )
        log.error("mail_stepped_over", channel=self._channel, folder=self.name, uid=uid, tries=tries)
        await self._hand_over(wire, accept, {uid: self._raw(uid, header, "a mail could not be taken in")})

    async def _hand_over(self, wire: Wire, accept: Accept, raws: Mapping[int, Raw | None]) -> None:
        """Have mails committed, remember that, and only then mark them on the server.

        That the place could be remembered shows that the store works: only then is a failure the mail's own.
        """
        there = {uid: raw for uid, raw in raws.items() if raw is not None}
        failures = dict(zip(there, await failures_of(accept, list(there.values())), strict=True))
        failed = [uid for uid, failure in failures.items() if failure is not None]
        settled = [uid for uid in raws if uid not in failed]
        whole = tuple(uid for uid in settled if uid in there and PROBLEM not in there[uid].headers)
        await self._remember(replace(self._moved_on(settled, failed), unmarked=whole))
        for uid in failed:
            log.warning("mail_not_taken", channel=self._channel, folder=self.name, uid=uid, error=repr(failures[uid]))
        await self._mark(wire, whole)

    def _moved_on(self, settled: Sequence[int], failed: Sequence[int]) -> Place:
        place = self._place
        owed = {uid: tries for uid, tries in place.owed.items() if uid not in settled}
        now = datetime.now(UTC)
        for uid in failed:
            before = place.owed.get(uid)
            owed[uid] = before.again(now) if before else Owed(1, now)
        return replace(place, last=max((place.last, *settled, *failed)), owed=owed)

    # --- What is done ---------------------------------------------------------------------------------------------

    async def _mark_again(self, wire: Wire) -> None:
        """Mark what was committed when the connection was lost; tried once, for it is settled either way."""
        unmarked = self._place.unmarked
        if unmarked:
            await self._remember(replace(self._place, unmarked=()))
            await self._mark(wire, unmarked)

    async def _mark(self, wire: Wire, uids: Sequence[int]) -> None:
        flag, move_to = self._imap.flag, self._imap.move_to
        if not uids or not (flag or move_to):
            return
        try:
            await wire.ask(lambda session: session.mark(uids, flag, move_to))
        except BROKEN:
            raise
        except REFUSED as error:
            log.warning("mail_not_marked", channel=self._channel, folder=self.name, error=str(error)[:200])


def _before(weight: Weight, since: datetime | None) -> bool:
    return since is not None and weight.arrived_at is not None and aware(weight.arrived_at) < since


def _batches(uids: Sequence[int], suspects: set[int]) -> Iterator[list[int]]:
    """A few at a time, suspects one by one, in order."""
    batch: list[int] = []
    for uid in uids:
        if uid in suspects:
            if batch:
                yield batch
            yield [uid]
            batch = []
        else:
            batch.append(uid)
            if len(batch) == _MAILS_AT_ONCE:
                yield batch
                batch = []
    if batch:
        yield batch


def _groups(uids: Sequence[int], weights: Mapping[int, Weight]) -> Iterator[list[int]]:
    """The same in order, cut where their bytes would be too many to hold at once."""
    group: list[int] = []
    held = 0
    for uid in uids:
        size = weights[uid].size if uid in weights else 0
        if group and held + size > _BYTES_AT_ONCE:
            yield group
            group, held = [], 0
        group.append(uid)
        held += size
    if group:
        yield group
