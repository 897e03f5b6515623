"""Folders into which people or programs put files of cases: each is imported, and moved away with its report."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog

from gateway.channels.base import Tabular
from gateway.importing import import_file, report_csv
from gateway.loops import Health
from gateway.reception import Reception
from ticket_core.store.imports import rows_of_import

log = structlog.get_logger(__name__)

_PAUSE = 5.0  # seconds between two looks; a file must not change between them
_LARGEST = 256 << 20
_DONE, _FAILED = "done", "failed"

Seen = dict[Path, tuple[int, int]]


class Inbox:
    """Looks into the folders of `channels`. Nothing is deleted: a file ends in ``done`` or ``failed`` beside it."""

    def __init__(self, reception: Reception, channels: Sequence[Tabular], health: Health) -> None:
        self._reception = reception
        self._channels = [one for one in channels if one.folder is not None]
        self._health = health
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
                for path in await asyncio.to_thread(self._ready, channel.folder):
                    await self._take(channel, path)
                    taken += 1
            except OSError as error:  # gone, not ours to read, or nothing can be moved in it: that of others goes on
                unreachable.append(f"{channel.name}: {channel.folder}: {error.strerror}")
        if unreachable:
            self._health.ill("; ".join(unreachable))
        else:
            self._health.well()
        return taken

    def _ready(self, folder: Path) -> list[Path]:
        """Files whose size and time are as at the last look, the oldest first."""
        now: Seen = {}
        for path in folder.iterdir():
            if path.is_file() and not path.name.startswith((".", "~")):
                known = path.stat()
                now[path] = (known.st_size, known.st_mtime_ns)
        ready = [path for path, mark in now.items() if self._seen.get(path) == mark]
        self._seen = {path: mark for path, mark in self._seen.items() if path.parent != folder} | now
        return sorted(ready, key=lambda path: now[path][1])

    async def _take(self, channel: Tabular, path: Path) -> None:
        """Import one file. Dying before it is moved, it is imported again, without a second effect."""
        try:
            body = await asyncio.to_thread(_read, path)
            made = await import_file(self._reception, channel, body, name=path.name, actor="folder")
        except ValueError as error:
            log.warning("file_not_imported", channel=channel.name, reason=str(error)[:200])
            await asyncio.to_thread(_move, path, _FAILED, str(error).encode())
            return
        rows = await self._reception.store.read(lambda connection: list(rows_of_import(connection, made.id)))
        await asyncio.to_thread(_move, path, _DONE, b"".join(report_csv(rows)))


def _read(path: Path) -> bytes:
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"larger than {_LARGEST >> 20} MiB")
    return path.read_bytes()


def _move(path: Path, where: str, report: bytes) -> None:
    """Beside it, under a name of its own, with what became of it."""
    folder = path.parent / where
    folder.mkdir(exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    target = folder / f"{stamp}-{path.name}"
    number = 1
    while target.exists():
        number += 1
        target = folder / f"{stamp}-{number}-{path.name}"
    target.with_name(target.name + (".report.csv" if where == _DONE else ".reason.txt")).write_bytes(report)
    path.rename(target)
