"""A whole gateway with some channels, and what can be seen of it from outside."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from gateway.app import Parts, assemble, running, serving
from gateway.config import Database, Http, Settings
from tests.cli.terminal import free_port
from ticket_core.model import Command
from ticket_core.store.journals import list_inbound
from ticket_core.store.schema import notice
from ticket_core.store.tickets import load_complaints, load_events, load_ticket


@contextlib.asynccontextmanager
async def gateway(
    folder: Path, channels: dict[str, dict[str, Any]], prepare: Callable[[Any], object] = lambda _channel: None
) -> AsyncIterator[Parts]:
    """A gateway with these channels, serving until the end of the block; `prepare` is done to each of them first."""
    port = free_port()
    settings = Settings(
        secret="a synthetic secret of a test gateway",
        database=Database(url=f"sqlite:///{folder}/gateway.sqlite3"),
        http=Http(port=port, public_url=f"http://127.0.0.1:{port}"),
        channels=channels,
    )
    parts = assemble(settings)
    for channel in parts.channels.values():
        prepare(channel)
    async with serving(parts), running(parts):
        yield parts


async def until(found: Any) -> Any:
    """What `found` finds, as soon as it finds something."""
    async with asyncio.timeout(15):
        while not (what := await found()):  # noqa: ASYNC110  the store tells nobody
            await asyncio.sleep(0.02)
        return what


async def arrived(sent: list[Any], count: int) -> list[Any]:
    """What a provider was handed, as soon as it is so many."""

    async def enough() -> bool:
        return len(sent) >= count

    await until(enough)
    return sent


async def at_rest(parts: Parts) -> None:
    """All that was owed is sent, and that is written down."""

    async def nothing_owed() -> bool:
        owed = select(func.count()).select_from(notice).where(notice.c.due != 0)
        return await parts.store.read(lambda connection: connection.execute(owed).scalar_one()) == 0

    await until(nothing_owed)


async def journal(parts: Parts) -> list[Any]:
    """All inputs, newest first."""
    page = await parts.store.read(lambda connection: list_inbound(connection, cursor=None, limit=200))
    return list(page.rows)


async def the_ticket(parts: Parts) -> Any:
    """The one ticket there is."""
    (ticket_id,) = {line.ticket_id for line in await journal(parts)} - {None}
    return await parts.store.read(partial(load_ticket, ticket_id=ticket_id))


async def happened(parts: Parts, kind: str) -> Any:
    """The first event of this kind of the one ticket, as soon as there is one."""

    async def found() -> Any:
        ticket = await the_ticket(parts)
        events = await parts.store.read(partial(load_events, ticket_id=ticket.id))
        return next((one for one in events if one.kind == kind), None)

    return await until(found)


async def statements(parts: Parts) -> list[Any]:
    """What was said of the one ticket."""
    ticket = await the_ticket(parts)
    return list(await parts.store.read(partial(load_complaints, ticket_id=ticket.id)))


async def do(parts: Parts, ticket: Any, action: str, *, role: str, **fields: Any) -> None:
    """Somebody does something to the ticket."""
    command = Command(ticket_id=ticket.id, action=action, actor=role, role=role, at=datetime.now(UTC), fields=fields)
    await parts.reception.act(command)
