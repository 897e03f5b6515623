"""A gateway for a test: the real store on SQLite, the real reception and receipts, and bad luck on request."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, func, select

from gateway.channels.base import Channel
from gateway.keys import Keys
from gateway.loops import take
from gateway.message import Accepted, DeliveryReceipt, Raw
from gateway.normalize.draft import Reading
from gateway.reception import Reception
from ticket_core.calendar import load_calendar
from ticket_core.decide.delivery import RetryLadder
from ticket_core.delivery_service import Receipt, record_receipt
from ticket_core.directory import Directory
from ticket_core.errors import StoreBusy
from ticket_core.policy import Policy
from ticket_core.profile import load_profile
from ticket_core.store.journals import Input, list_inbound, load_input
from ticket_core.store.schema import ticket
from ticket_core.store.store import Store
from ticket_core.store.tx import Tx

_SECRET = b"synthetic secret of a test gateway"
_PROFILE = "generic"


class Crash(Exception):
    """The process died after the commit and before it could answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the journal with its raw bytes."""

    entry: Input
    raw: bytes


@dataclass(slots=True, kw_only=True)
class House:
    """What stands behind a door. While `crashes` is set, every answer is lost after its commit."""

    store: Store
    reception: Reception
    readings: dict[str, Reading]
    reading: Reading
    crashes: bool = False
    _recorded: list[DeliveryReceipt] = field(default_factory=list)

    def admit(self, channel: Channel) -> None:
        """Let a channel's messages in."""
        self.readings[channel.name] = self.reading

    async def accept(self, channel: Channel, raw: Raw) -> Sequence[Accepted]:
        """Parse an input and commit what it says, as the loops and the HTTP door do it."""
        return await take(channel, raw, self.reception.receive, self.record)

    async def record(self, receipt: DeliveryReceipt, *, channel: str = "", raw: bytes = b"") -> None:
        """Take in what a provider reports, as the dispatcher does it."""
        one = Receipt(
            channel=channel,
            received_at=datetime.now(UTC),
            status=receipt.status,
            at=receipt.at,
            reference=receipt.reference,
            provider_id=receipt.provider_id,
            detail=receipt.detail,
            part=receipt.part,
            parts=receipt.parts,
            address=receipt.address,
            raw=raw,
        )
        await self.store.run(lambda tx: record_receipt(tx, [one], RetryLadder()))

    async def journal(self) -> list[Line]:
        """Every line of the journal, in the order of arrival."""
        return await self.store.read(_journal)

    async def tickets(self) -> int:
        """How many tickets there are."""
        return await self.store.read(
            lambda connection: connection.execute(select(func.count(ticket.c.id))).scalar_one()
        )

    @contextlib.asynccontextmanager
    async def slow(self) -> AsyncIterator[None]:
        """Nothing is committed before the end of the block."""
        gate = threading.Event()
        stuck = asyncio.create_task(self.store.run(lambda tx: _wait(tx, gate)))
        await asyncio.sleep(0.05)  # the writer is stuck now
        try:
            yield
        finally:
            gate.set()
            await stuck

    @contextlib.asynccontextmanager
    async def full(self) -> AsyncIterator[None]:
        """So much waits to be written that the store takes nothing more: everybody is told `StoreBusy`."""
        async with self.slow():
            waiting: list[asyncio.Task[None]] = []
            while not any(task.done() and isinstance(task.exception(), StoreBusy) for task in waiting[-256:]):
                waiting += [asyncio.create_task(self.store.run(_nothing)) for _ in range(256)]
                await asyncio.sleep(0)
            yield
        await asyncio.gather(*waiting, return_exceptions=True)

    def _committed(self) -> None:
        if self.crashes:
            raise Crash


@contextlib.asynccontextmanager
async def opened_house(folder: Path) -> AsyncIterator[House]:
    """A gateway whose database lies in `folder`, with the shipped generic profile; open until the end of the block."""
    store = Store(f"sqlite:///{folder / 'house.sqlite3'}")
    keys = Keys(_SECRET)
    readings: dict[str, Reading] = {}
    reading = Reading(profile=_PROFILE, ticket_of_token=keys.ticket_of_token)
    house: House
    reception = Reception(store, _policy(), keys, readings, lambda: house._committed())
    house = House(store=store, reception=reception, readings=readings, reading=reading)
    store.open()
    try:
        yield house
    finally:
        await asyncio.to_thread(store.close)


@functools.cache
def _policy() -> Policy:
    return Policy(profiles={_PROFILE: load_profile(_PROFILE)}, calendar=load_calendar(), directory=Directory(()))


def _journal(connection: Connection) -> list[Line]:
    lines: list[Line] = []
    cursor: str | None = None
    while True:
        page = list_inbound(connection, cursor=cursor, limit=200)
        for entry in page.rows:
            found = load_input(connection, entry.id)
            assert found is not None
            lines.append(Line(entry=entry, raw=found[1]))
        cursor = page.cursor
        if cursor is None:
            return lines[::-1]


def _wait(_: Tx, gate: threading.Event) -> None:
    gate.wait(30)


def _nothing(_: Tx) -> None:
    """Waits in the queue, and does nothing when its turn comes."""
