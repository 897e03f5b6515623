"""Files of cases: taken in row by row with everything, so that a report says what became of each row and why."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import TypeVar

import structlog

from gateway.channels.base import SheetRow, Tabular
from gateway.import_report import problem_of, report_of, why_of
from gateway.message import Accepted, Raw
from gateway.reception import Reception
from ticket_core.errors import StoreBusy
from ticket_core.number import ticket_id_of
from ticket_core.store.imports import (
    ImportedFile,
    ImportedRow,
    Progress,
    begin_import,
    finish_import,
    keep_rows,
    load_import,
)

T = TypeVar("T")
log = structlog.get_logger(__name__)

#: Largest file, in bytes, by whatever way it comes.
LARGEST_FILE = 128 << 20
_AT_A_TIME = 200  # rows on their way at the same time: they share commits, and others get their turn between them
_TRIES, _PAUSE = 600, 1.0  # times, seconds
_AT_ONCE = 2  # uploads on their way: each keeps its file in memory


class Imports:
    """Files of cases that somebody brings, each to a channel of the forwarding body it is from."""

    largest = LARGEST_FILE
    report = staticmethod(report_of)
    why = staticmethod(why_of)
    problem = staticmethod(problem_of)

    def __init__(self, reception: Reception, channels: Iterable[Tabular]) -> None:
        self._reception = reception
        self._channels = tuple(channels)
        self._on_their_way = 0
        self._tasks: set[asyncio.Task[ImportedFile]] = set()

    @property
    def sources(self) -> tuple[str, ...]:
        """The forwarding bodies whose files are taken."""
        return tuple(dict.fromkeys(one.source_name for one in self._channels))

    async def start(self, source: str, body: bytes, *, name: str, actor: str, channel: str = "") -> ImportedFile:
        """Begin to take a file in; returns when its first rows are read, and the rest goes on by itself.

        It goes to the first channel of its source, or to `channel`.

        Raises:
            LookupError: no channel takes files of this source.
            ValueError: the file cannot be read, and why.
            StoreBusy: too many files are on their way; nothing was taken in.
        """
        beginning, _ = self._begin(self._of(source, channel), body, name, actor)
        return (await asyncio.shield(beginning)).file

    async def take(self, source: str, body: bytes, *, name: str, actor: str, channel: str = "") -> ImportedFile:
        """Take a file in; returns when all of it is committed, which goes on when nobody waits for it any more.

        Raises:
            LookupError, ValueError, StoreBusy: as `start`.
        """
        _, whole = self._begin(self._of(source, channel), body, name, actor)
        return await asyncio.shield(whole)

    async def close(self) -> None:
        """Break off what is on its way; the same file again finishes it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _of(self, source: str, channel: str) -> Tabular:
        for one in self._channels:
            if one.source_name == source and channel in ("", one.name):
                return one
        raise LookupError(source)

    def _begin(
        self, channel: Tabular, body: bytes, name: str, actor: str
    ) -> tuple[asyncio.Task[Begun], asyncio.Task[ImportedFile]]:
        """Both its beginning and all of it are tasks of their own: who asked may leave at any moment."""
        if self._on_their_way >= _AT_ONCE:
            raise StoreBusy(f"{_AT_ONCE} files are being imported; try again when one is done")
        self._on_their_way += 1
        beginning = asyncio.create_task(begin_file(self._reception, channel, body, name=name, actor=actor))
        whole = asyncio.create_task(_whole(beginning))
        self._tasks.add(whole)
        whole.add_done_callback(partial(self._done, beginning))
        return beginning, whole

    def _done(self, beginning: asyncio.Task[Begun], whole: asyncio.Task[ImportedFile]) -> None:
        self._on_their_way -= 1
        self._tasks.discard(whole)
        error = None if whole.cancelled() else whole.exception()
        if error is not None and beginning.exception() is None:  # a file that cannot be read is told to who brought it
            log.error("import_stopped", error=type(error).__name__)


async def _whole(beginning: asyncio.Task[Begun]) -> ImportedFile:
    return await (await beginning).finish()


async def import_file(
    reception: Reception,
    channel: Tabular,
    body: bytes,
    *,
    name: str,
    actor: str,
    told: Callable[[int], None] = lambda _rows: None,
) -> ImportedFile:
    """Take a file in; returns when all of it is committed. `told` hears how many rows are done.

    Whatever was taken in before, by a broken-off import too, has no second effect. Rows of one case keep their order.
    Of a file that breaks off in its middle, what came before is taken in, and its `problem` says where that was.

    Raises:
        ValueError: the file cannot be read; nothing of it was taken in.
        StoreError: the store failed; import it again.
    """
    return await (await begin_file(reception, channel, body, name=name, actor=actor)).finish(told)


async def begin_file(reception: Reception, channel: Tabular, body: bytes, *, name: str, actor: str) -> Begun:
    """Read the first rows of a file: what is no sheet leaves no import behind.

    Raises:
        ValueError: the file cannot be read; nothing of it was taken in.
        StoreError: the store failed.
    """
    store, at = reception.store, datetime.now(UTC)
    if len(body) > LARGEST_FILE:
        raise ValueError(f"larger than {LARGEST_FILE >> 20} MiB")
    reading = _Reading(channel.rows(Raw(channel=channel.name, body=body, received_at=at, actor=actor)))
    first = await asyncio.to_thread(reading.some)
    if reading.problem and not first:
        raise ValueError(reading.problem)
    import_id = await store.run(
        partial(
            begin_import,
            channel=channel.name,
            source=channel.source_name,
            name=name,
            sha256=await asyncio.to_thread(lambda: hashlib.sha256(body).hexdigest()),
            actor=actor,
            at=at,
        )
    )
    return Begun(reception=reception, file=await _load(reception, import_id), reading=reading, first=first)


class _Reading:
    """The rows of a file, some at a time; `problem` is what broke it off."""

    def __init__(self, rows: Iterator[SheetRow]) -> None:
        self._rows = rows
        self.problem = ""

    def some(self) -> list[SheetRow]:
        """The next rows; none at the end."""
        found: list[SheetRow] = []
        try:
            found.extend(islice(self._rows, _AT_A_TIME))
        except ValueError as error:
            self.problem = str(error)[:500]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An import that has begun: its first rows are read."""

    reception: Reception
    file: ImportedFile
    reading: _Reading
    first: Sequence[SheetRow]

    async def finish(self, told: Callable[[int], None] = lambda _rows: None) -> ImportedFile:
        """Take all rows in; returns when everything is committed."""
        store, import_id = self.reception.store, self.file.id
        outcomes: Counter[str] = Counter()
        some, share = self.first, 0.0
        while some:
            lines = await _taken(self.reception, some, outcomes.total())
            outcomes.update(line.outcome for line in lines)
            share = max(share, some[-1].share)
            progress = Progress(outcomes=outcomes, share=share, at=datetime.now(UTC))
            await _patiently(partial(store.run, partial(keep_rows, import_id=import_id, rows=lines, progress=progress)))
            told(outcomes.total())
            some = await asyncio.to_thread(self.reading.some)
        end = Progress(
            outcomes=outcomes,
            share=share if self.reading.problem else 1.0,
            at=datetime.now(UTC),
            problem=self.reading.problem,
        )
        await _patiently(partial(store.run, partial(finish_import, import_id=import_id, progress=end)))
        return await _load(self.reception, import_id)


async def _load(reception: Reception, import_id: int) -> ImportedFile:
    made = await reception.store.read(partial(load_import, import_id=import_id))
    assert made is not None
    return made


async def _taken(reception: Reception, rows: Sequence[SheetRow], before: int) -> list[ImportedRow]:
    """Take some rows in together, in their order."""
    receiving = (_patiently(partial(reception.receive, message)) for row in rows for message in row.messages)
    accepted = iter(await asyncio.gather(*receiving))
    return [_line(row, [next(accepted) for _ in row.messages], place) for place, row in enumerate(rows, before + 1)]


async def _patiently(run: Callable[[], Awaitable[T]]) -> T:
    """Do it once the store has room again: a flood elsewhere delays an import and does not break it off."""
    for _ in range(_TRIES):
        try:
            return await run()
        except StoreBusy:
            await asyncio.sleep(_PAUSE)
    return await run()


def _line(row: SheetRow, accepted: Sequence[Accepted], place: int) -> ImportedRow:
    """A row's line; of a case that is two tickets the first, and the other among the reasons."""
    main = accepted[0] if accepted else None
    return ImportedRow(
        row=place,
        sheet=f"{row.sheet} {row.number or ''}".strip(),
        case_number=row.case_number,
        outcome=main.outcome if main else "skipped",
        ticket_id=ticket_id_of(main.ticket) if main and main.ticket else None,
        why=row.why if main is None else (*_why(row, main), *(("also", one.ticket or "") for one in accepted[1:])),
    )


def _why(row: SheetRow, main: Accepted) -> tuple[tuple[str, str], ...]:
    """Why a row had its outcome."""
    match main.outcome:
        case "triage":
            return row.why or (("internal", ""),)
        case "duplicate":
            return (("same_as", str(main.inbound_id)),)
        case "repeated" if main.repeat_of:
            return (("repeats", main.repeat_of),)
        case "appended":
            return ((f"again_{row.messages[0].fields['source']['act']}", ""),)
        case _:
            return ()
