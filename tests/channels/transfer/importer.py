"""The process that imports a file and may be killed: says when it begins and how many rows are done."""

from __future__ import annotations

import asyncio
import time
from multiprocessing.connection import Connection
from pathlib import Path

from gateway.channels.transfer import Transfer
from gateway.channels.transfer.settings import TransferSettings
from gateway.importing import import_file
from gateway.testing.house import opened_house


def work(folder: str, file: str, said: Connection) -> None:
    """Import `file` into the house in `folder`; at the end say its id, seconds, seconds of work, and KiB grown."""
    asyncio.run(_work(Path(folder), Path(file), said))


async def _work(folder: Path, file: Path, said: Connection) -> None:
    async with opened_house(folder) as house:
        city = Transfer("city", TransferSettings(source="12345"))
        house.admit(city)
        body = await asyncio.to_thread(file.read_bytes)
        before, began, worked = _peak(), time.monotonic(), time.process_time()
        said.send(("begun", 0))
        made = await import_file(
            house.reception, city, body, name=file.name, actor="wang", told=lambda rows: said.send(("rows", rows))
        )
        took = (time.monotonic() - began, time.process_time() - worked, _peak() - before)
        said.send(("done", (made.id, *took)))


def _peak() -> int:
    """The most memory that this process has had, in KiB (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")))
