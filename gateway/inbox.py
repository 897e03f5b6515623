"""Folders into which people or programs put files: each is taken in, and moved away with what became of it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import structlog
from sqlalchemy import Connection

from gateway.channels.base import NAME_HEADER, NOTE_HEADER, Filed, Tabular, Watched
from gateway.import_report import problem_of, report_of
from gateway.importing import LARGEST_FILE, import_file
from gateway.loops import Health, Record, take
from gateway.message import File, InboundMessage, Raw
from gateway.reception import Reception
from ticket_core.store.imports import rows_of_import

log = structlog.get_logger(__name__)

_PAUSE = 5.0  # seconds between two looks; a file must not change between them
_LARGEST_NOTE = 64 << 10
_STILL_COMES = 600.0  # seconds for which an empty file, or a note without its file, may only be a beginning
_LARGEST_KEPT = 26 << 20  # bytes of a file that nobody could read: as large as a mail
_LONGEST_NAME = 200  # bytes, of the 255 that a file's name may have
_DONE, _FAILED = "done", "failed"
_LOCALE = "zh-CN"  # of reports that nobody has asked for

Seen = dict[Path, tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """A file that is there whole, with the note about it; `problem` is why it cannot be taken in.

    `mark` is its size and time when it was looked at.
    """

    path: Path
    mark: tuple[int, int]
    note: Path | None = None
    problem: str = ""


class Inbox:
    """Looks into the folders of `channels`. Nothing is deleted: a file ends in ``done`` or ``failed`` beside it.

    `clock` gives seconds since 1970, as files have them.
    """

    def __init__(
        self,
        reception: Reception,
        channels: Sequence[Watched],
        health: Health,
        record: Record,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._reception = reception
        self._channels = [one for one in channels if one.folder is not None]
        self._health = health
        self._record = record
        self._clock = clock
        self._seen: Seen = {}

    async def run(self) -> None:
        """Go on until cancelled.

        Raises:
            StoreError: when the store fails; `run` may be called again.
        """
        while True:
            await self.step()
            await asyncio.sleep(_PAUSE)

    async def step(self) -> int:
        """Take in every file that has not changed since the last look; returns how many."""
        taken = 0
        unreachable = []
        for channel in self._channels:
            assert channel.folder is not None
            try:
                ready = await asyncio.to_thread(self._ready, channel, channel.folder)
            except OSError as error:  # gone, or not ours to read: that of others goes on
                unreachable.append(f"{channel.name}: {channel.folder}: {error.strerror}")
                continue
            stuck = [problem for one in ready if (problem := await self._handled(channel, one))]
            unreachable += [f"{channel.name}: {channel.folder}: {problem}" for problem in stuck]
            taken += len(ready) - len(stuck)
        if unreachable:
            self._health.ill("; ".join(unreachable)[:500])
        else:
            self._health.well()
        return taken

    def _ready(self, channel: Watched, folder: Path) -> list[_Ready]:
        """Files whose size and time are as at the last look, the oldest first."""
        now: Seen = {}
        for path in folder.iterdir():
            if path.is_file() and not path.name.startswith((".", "~")) and path.name not in (_DONE, _FAILED):
                with contextlib.suppress(FileNotFoundError):  # it was given another name just now
                    now[path] = _mark(path)
        still = {path: mark for path, mark in now.items() if self._seen.get(path) == mark}
        self._seen = {path: mark for path, mark in self._seen.items() if path.parent != folder} | now
        if isinstance(channel, Filed):
            return self._with_notes(channel, now, still)
        return [_Ready(path=path, mark=now[path]) for path in sorted(still, key=lambda path: now[path][1])]

    def _with_notes(self, channel: Filed, now: Mapping[Path, tuple[int, int]], still: Seen) -> list[_Ready]:
        """Files with the notes about them; a note that still changes, or may still come, is waited for."""
        notes = {
            path: next(
                (beside for name in channel.notes_of(path.name) if (beside := path.with_name(name)) in now), None
            )
            for path in now
        }
        taken = {note for note in notes.values() if note is not None}
        found = []
        for path in sorted(still, key=lambda path: now[path][1]):
            size, changed = now[path]
            age, note = self._clock() - changed / 1e9, notes[path]
            if path in taken or (note is not None and note not in still):
                continue
            if note is None and age < channel.note_within.total_seconds():
                continue
            if channel.may_be_note(path.name) and age < _STILL_COMES:
                continue
            if not size:
                if age >= _STILL_COMES:
                    found.append(_Ready(path=path, mark=now[path], note=note, problem="empty"))
                continue
            found.append(_Ready(path=path, mark=now[path], note=note))
        return found

    async def _handled(self, channel: Watched, one: _Ready) -> str:
        """Take one file in and move it away; returns why that is not possible now, so that others have their turn.

        Dying before it is moved, it is taken in again, without a second effect.
        """
        try:
            await self._take(channel, one)
        except OSError as error:
            log.warning("file_stuck", channel=channel.name, error=type(error).__name__)
            return f"{_name_of(one.path)}: {error.strerror}"
        return ""

    async def _take(self, channel: Watched, one: _Ready) -> None:
        problem, report = one.problem, b""
        if not problem:
            try:
                problem, report = await self._taken(channel, one)
            except ValueError as error:
                problem = str(error)
        if problem:
            log.warning("file_not_imported", channel=channel.name, reason=problem[:200])
            if isinstance(channel, Tabular):
                await self._reception.receive(await asyncio.to_thread(_unread, channel, one, problem))
        await asyncio.to_thread(_move, one, problem, report)

    async def _taken(self, channel: Watched, one: _Ready) -> tuple[str, bytes]:
        """What broke it off, and what became of its rows; neither where the file is one input.

        Raises:
            ValueError: it cannot be taken in, and why.
        """
        if isinstance(channel, Tabular):
            body = await asyncio.to_thread(_read, one, LARGEST_FILE)
            made = await import_file(self._reception, channel, body, name=_name_of(one.path), actor="folder")

            def reported(connection: Connection) -> bytes:
                return b"".join(report_of(rows_of_import(connection, made.id), "csv", _LOCALE))

            return made.progress.problem, await self._reception.store.read(reported)
        body = await asyncio.to_thread(_read, one, channel.limit)
        headers = {NAME_HEADER: quote(os.fsencode(one.path.name))}
        if one.note is not None:
            headers[NOTE_HEADER] = quote(await asyncio.to_thread(_beginning, one.note))
        raw = Raw(channel=channel.name, body=body, received_at=datetime.now(UTC), headers=headers)
        await take(channel, raw, self._reception.receive, self._record)
        return "", b""


def _mark(path: Path) -> tuple[int, int]:
    known = path.stat()
    return known.st_size, known.st_mtime_ns


def _name_of(path: Path) -> str:
    """The file's name as people read it, also where a program wrote it in the encoding of Chinese Windows."""
    written = os.fsencode(path.name)
    try:
        return written.decode()
    except UnicodeDecodeError:
        return written.decode("gb18030", "replace")


def _unread(channel: Watched, one: _Ready, problem: str) -> InboundMessage:
    """A file of cases that could not be read, or not to its end: for a person, with the file unless it is huge."""
    _check_unchanged(one)
    name, at = _name_of(one.path), datetime.now(UTC)
    body = one.path.read_bytes() if one.mark[0] <= _LARGEST_KEPT else b""
    return InboundMessage(
        channel=channel.name,
        external_id=f"file:{hashlib.sha256(body or repr((name, one.mark)).encode()).hexdigest()}",
        received_at=at,
        raw=Raw(channel=channel.name, body=body, received_at=at, headers={NAME_HEADER: quote(name)}),
        text=f"{name}: {problem_of(problem, _LOCALE)}",
        attachments=(File(name=name, media_type="application/octet-stream", content=body),) if body else (),
        readable=False,
        problem=f"{name}: {problem}"[:500],
    )


def _read(one: _Ready, most: int) -> bytes:
    if one.path.stat().st_size > most:
        raise ValueError(f"larger than {most >> 20} MiB")
    content = one.path.read_bytes()
    _check_unchanged(one)
    return content


def _beginning(note: Path) -> bytes:
    """A note is no reason to hold its file up, however long it is."""
    with note.open("rb") as file:
        return file.read(_LARGEST_NOTE)


def _check_unchanged(one: _Ready) -> None:
    """Somebody may have gone on writing: then it is not whole yet, and is looked at again.

    Raises:
        OSError: it is not as it was when it was looked at.
    """
    if _mark(one.path) != one.mark:
        raise OSError(errno.EBUSY, "somebody still writes it")


def _move(one: _Ready, problem: str, report: bytes) -> None:
    """Beside it, under a name of its own, with what became of it and the note about it."""
    _check_unchanged(one)
    folder = one.path.parent / (_FAILED if problem else _DONE)
    folder.mkdir(exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    name = _short(_name_of(one.path))
    target = folder / f"{stamp}-{name}"
    number = 1
    while target.exists():
        number += 1
        target = folder / f"{stamp}-{number}-{name}"
    if report:
        target.with_name(f"{target.name}.report.csv").write_bytes(report)
    if problem:
        reason = "\n".join(dict.fromkeys((problem_of(problem, _LOCALE), problem)))
        target.with_name(f"{target.name}.reason.txt").write_text(reason, encoding="utf-8")
    if one.note is not None:
        one.note.rename(target.with_name(f"{target.name}.note"))
    one.path.rename(target)


def _short(name: str) -> str:
    """The name with its ending, cut in its middle so that ours fit around it."""
    ending = Path(name).suffix if len(Path(name).suffix) <= 10 else ""
    return name.removesuffix(ending).encode()[: _LONGEST_NAME - len(ending.encode())].decode("utf-8", "ignore") + ending
