"""The gateway behind the channel: reception, store and memory, and what a test wants to know of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path

from sqlalchemy import Connection, func, select

from gateway.channels.email import Email, EmailSettings
from gateway.keys import Keys
from gateway.loops import Health, run_channel
from gateway.memory import StoreMemory
from gateway.message import Accepted, DeliveryReceipt, InboundMessage
from gateway.normalize.draft import Reading
from gateway.reception import Reception
from ticket_core.calendar import load_calendar
from ticket_core.model import Ticket
from ticket_core.policy import Policy
from ticket_core.profile import load_profile
from ticket_core.store.rows import ticket_of
from ticket_core.store.schema import complaint, inbound, notice, ticket
from ticket_core.store.store import Store

US = "tousu@example.com"
LI = "li@example.com"
_TEXT = "宽带断网三天没有人来处理，请尽快派人上门。"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the journal."""

    outcome: str
    external_id: str
    ticket_id: int | None
    note: str
    raw: bytes


@dataclass(slots=True)
class Desk:
    """A running gateway with one e-mail channel. `before` is awaited before each message is received."""

    store: Store
    reception: Reception
    keys: Keys
    receipts: list[DeliveryReceipt] = field(default_factory=list)
    received: int = 0
    before: Callable[[InboundMessage], Awaitable[None]] | None = None

    @contextlib.asynccontextmanager
    async def running(self, settings: EmailSettings) -> AsyncIterator[Health]:
        """Run the channel until the end of the block; gives its health."""
        channel = Email("mail", settings)
        channel.memory = StoreMemory(self.store, channel.name)
        health = Health()
        task = asyncio.create_task(run_channel(channel, self._receive, self._record, health))
        try:
            yield health
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _receive(self, message: InboundMessage) -> Accepted:
        self.received += 1
        if self.before:
            await self.before(message)
        return await self.reception.receive(message)

    async def _record(self, receipt: DeliveryReceipt, *, channel: str = "", raw: bytes = b"") -> None:
        self.receipts.append(receipt)

    async def connected(self, folder: str = "INBOX") -> None:
        """Wait until the channel knows where reading `folder` begins."""
        async with asyncio.timeout(10):
            while await StoreMemory(self.store, "mail").get(folder) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def journal(self) -> list[Line]:
        """All inputs in the order of their commits."""
        columns = (inbound.c.outcome, inbound.c.source_key, inbound.c.ticket_id, inbound.c.note, inbound.c.raw)
        rows = await self.store.read(lambda c: c.execute(select(*columns).order_by(inbound.c.id)).all())
        return [Line(row[0], (row[1] or "").removeprefix("mail:"), *row[2:]) for row in rows]

    async def lines(self, count: int, within: float = 10) -> list[Line]:
        """The journal as soon as it has `count` lines, and a moment later to see whether more come."""
        async with asyncio.timeout(within):
            while await self.store.read(_inputs) < count:  # noqa: ASYNC110  the database tells nobody
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.15)
        return await self.journal()

    async def read(self, query: Callable[[Connection], list[str]]) -> list[str]:
        """What a query finds."""
        return await self.store.read(query)

    async def statements(self, ticket_id: int) -> list[str]:
        """The texts of a ticket, in order."""
        query = select(complaint.c.text).where(complaint.c.ticket_id == ticket_id).order_by(complaint.c.seq)
        return await self.read(lambda c: list(c.execute(query).scalars()))

    async def subjects(self) -> list[str]:
        """The subjects of all tickets, in order."""
        return await self.read(lambda c: list(c.execute(select(ticket.c.subject).order_by(ticket.c.id)).scalars()))

    async def notified(self) -> list[str]:
        """The addresses of all notices to complainants."""
        query = select(notice.c.address).where(notice.c.medium == "email").order_by(notice.c.id)
        return await self.read(lambda c: list(c.execute(query).scalars()))

    async def ticket(self, ticket_id: int | None) -> Ticket:
        """A ticket as it stands."""
        query = select(ticket).where(ticket.c.id == ticket_id)
        return await self.store.read(lambda c: ticket_of(c.execute(query).one()))

    async def until(self, condition: Callable[[], bool], within: float = 10) -> None:
        """Wait for something that the channel does by itself."""
        async with asyncio.timeout(within):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.02)


def _inputs(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(inbound)).scalar_one()


@contextlib.asynccontextmanager
async def open_desk(place: Path | str) -> AsyncIterator[Desk]:
    """A gateway on a database, or a SQLite file in a folder; opened twice it is the same gateway after a restart."""
    store = Store(place if isinstance(place, str) else f"sqlite:///{place / 'gateway.sqlite3'}")
    store.open()
    keys = Keys(b"a secret of a test, long enough to be one")
    policy = Policy(profiles={"generic": load_profile("generic")}, calendar=load_calendar())
    readings = {"mail": Reading(profile="generic", ticket_of_token=keys.ticket_of_token)}
    try:
        yield Desk(store, Reception(store, policy, keys, readings, lambda: None), keys)
    finally:
        store.close()


def mail(text: str = _TEXT, *, sender: str = LI, to: str = US, subject: str = "宽带断网", **headers: str) -> bytes:
    """A complaint as a mail program sends it; header names are written with `_` for `-`, an empty value removes one."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = make_msgid(domain="example.com")
    for name, value in headers.items():
        del message[name.replace("_", "-")]
        if value:
            message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
