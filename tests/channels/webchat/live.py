"""A whole gateway with a web chat, and a page of a visitor without a browser."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import ClientResponse, ClientSession

from gateway.app import Parts, assemble, running, serving
from gateway.config import Database, Http, Settings
from tests.channels.webchat.at_hand import body, said
from tests.cli.terminal import free_port
from ticket_core.directory import Person
from ticket_core.model import Command, Ticket
from ticket_core.store.journals import Input, SentNotice, list_inbound, list_notices
from ticket_core.store.tickets import load_ticket

T = TypeVar("T")
_IDS = itertools.count(1)
PEOPLE = (
    Person(name="wang", label="王坐席", roles=("agent", "supervisor"), email="wang@example.com"),
    Person(name="zhao", label="赵工", roles=("handler",), groups=("service",), email="zhao@example.com"),
)


@contextlib.asynccontextmanager
async def gateway(
    folder: Path, *, url: str = "", port: int = 0, unlimited: tuple[str, ...] = ("127.0.0.1",), **chat: Any
) -> AsyncIterator[Parts]:
    """A gateway with the chat `chat`, serving until the end of the block."""
    port = port or free_port()
    settings = Settings(
        secret="a synthetic secret of a test gateway",
        database=Database(url=url or f"sqlite:///{folder}/gateway.sqlite3"),
        http=Http(port=port, public_url=f"http://127.0.0.1:{port}", unlimited=frozenset(unlimited)),
        channels={"chat": {"kind": "webchat", **chat}},
        people=PEOPLE,
    )
    parts = assemble(settings)
    async with running(parts), serving(parts):
        yield parts


async def until(found: Callable[[], Awaitable[T]]) -> T:
    """What `found` finds, as soon as it finds something."""
    async with asyncio.timeout(20):
        while not (what := await found()):  # noqa: ASYNC110  the store tells nobody
            await asyncio.sleep(0.02)
        return what


async def journal(parts: Parts) -> list[Input]:
    """All inputs, oldest first."""
    page = await parts.store.read(lambda connection: list_inbound(connection, limit=200))
    return list(page.rows)[::-1]


async def notices(parts: Parts, **where: object) -> list[SentNotice]:
    """All notices that have these values, oldest first."""
    page = await parts.store.read(lambda connection: list_notices(connection, limit=200))
    return [one for one in page.rows[::-1] if all(getattr(one, name) == value for name, value in where.items())]


async def the_ticket(parts: Parts) -> Ticket:
    """The one ticket there is."""
    (ticket_id,) = {line.ticket_id for line in await journal(parts)} - {None}
    assert ticket_id is not None
    return await parts.store.read(partial(load_ticket, ticket_id=ticket_id))


async def do(parts: Parts, ticket: Ticket, action: str, **fields: Any) -> None:
    """The supervisor does something to the ticket."""
    command = Command(
        ticket_id=ticket.id, action=action, actor="wang", role="supervisor", at=datetime.now(UTC), fields=fields
    )
    await parts.reception.act(command)


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """An answer that was read."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """Its JSON."""
        return json.loads(self.body)


async def _got(response: ClientResponse) -> Got:
    return Got(status=response.status, headers=response.headers, body=await response.read())


@dataclass(slots=True, kw_only=True)
class Page:
    """A page of one visitor; `lines` are those it heard, by their ids."""

    client: ClientSession
    account: str = ""
    token: str = ""
    lines: dict[str, dict[str, Any]] = field(default_factory=dict)
    renewed: dict[str, Any] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def begin(self) -> Page:
        """Get a session."""
        async with self.client.post("/chat/chat/sessions") as response:
            assert response.status == 201
            opened = await response.json()
        self.account, self.token = opened["account"], opened["token"]
        return self

    def other(self) -> Page:
        """Another window of the same browser."""
        return Page(client=self.client, account=self.account, token=self.token)

    @property
    def headers(self) -> dict[str, str]:
        """What proves who it is."""
        return {"X-Chat-Session": self.token}

    async def push(self, message: dict[str, Any], content: bytes = b"", **headers: str) -> Got:
        """Say or confirm something."""
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        async with self.client.post(
            "/channels/chat", data=body(message, content, self.account), headers=sent
        ) as response:
            return await _got(response)

    async def say(self, text: str, **more: Any) -> str:
        """Say something that is taken in; returns its id."""
        name = f"message-{next(_IDS):04}"
        answer = await self.push(said(text, name, **more))
        assert answer.status == 200, answer.body
        return name

    async def get(self, path: str) -> Got:
        """Ask for something."""
        async with self.client.get(path, headers=self.headers) as response:
            return await _got(response)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Hear the stream until the end of the block."""
        async with self.client.get("/chat/chat/stream", headers=self.headers) as response:
            assert response.status == 200, await response.text()
            task = asyncio.create_task(self._hear(response))
            try:
                yield
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _hear(self, response: ClientResponse) -> None:
        kind = ""
        async for line in response.content:
            if line.startswith(b"event: "):
                kind = line[7:].decode().strip()
            elif line.startswith(b"data: ") and kind == "session":
                self.renewed = json.loads(line[6:])
            elif line.startswith(b"data: "):
                self.lines |= {one["id"]: one for one in json.loads(line[6:])}
                self._news.set()

    async def hears(self, words: str) -> dict[str, Any]:
        """The line that holds these words, as soon as it is heard."""
        async with asyncio.timeout(20):
            while True:
                self._news.clear()
                for line in self.lines.values():
                    if words in line["text"]:
                        return line
                await self._news.wait()


@contextlib.asynccontextmanager
async def page_of(parts: Parts, language: str = "zh-CN", *, like: Page | None = None) -> AsyncIterator[Page]:
    """A page with a session of its own, or in the browser of another one."""
    headers = {"Accept-Language": language}
    async with ClientSession(parts.settings.http.public_url, headers=headers) as client:
        page = Page(client=client)
        yield replace(page, account=like.account, token=like.token) if like else await page.begin()
