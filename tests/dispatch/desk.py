"""A small installation to send from: a store with complaints in it, and a transport that does as it is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import ClassVar

from sqlalchemy import select

from gateway.channels.base import Transport
from gateway.config import Dispatch, Settings
from gateway.dispatch import Dispatcher
from gateway.keys import Keys
from gateway.loops import Health
from gateway.message import DeliveryReceipt, OutboundMessage
from gateway.render import Renderer
from ticket_core.calendar import load_calendar
from ticket_core.directory import Directory, Person
from ticket_core.model import JSON, Command, Complainant, Ticket, TicketDraft
from ticket_core.policy import Policy
from ticket_core.profile import load_profile
from ticket_core.service import Taken, act, intake
from ticket_core.source import load_source, with_clocks
from ticket_core.store.journals import SentNotice, list_notices
from ticket_core.store.schema import notice
from ticket_core.store.store import Store

TEMPLATES = Path(__file__).parents[2] / "templates"
SECRET = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)  # Friday 09:00 in Shanghai
PEOPLE = (
    Person(name="zhao", label="赵工", groups=("service",), email="zhao@example.com"),
    Person(name="qian", label="钱主任", roles=("supervisor",), email="qian@example.com", phone="+8613800000009"),
    Person(name="east", label="东城区", chats=("east:lamp",)),
)

Answer = Callable[[OutboundMessage], DeliveryReceipt]


def taken_by_provider(message: OutboundMessage) -> DeliveryReceipt:
    return DeliveryReceipt(status="accepted", at=NOW, reference=message.reference, provider_id=f"p-{message.reference}")


@dataclass(slots=True)
class Post:
    """What transports of one test were given."""

    sent: list[OutboundMessage] = field(default_factory=list)
    answer: Answer = taken_by_provider
    delay: float = 0
    at_a_time: int = 0
    most_at_a_time: int = 0
    running: set[str] = field(default_factory=set)
    sent_twice_at_once: bool = False
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def wait_for(self, count: int) -> None:
        """Return when so many sends have begun; TimeoutError after five seconds."""
        async with asyncio.timeout(5), self._news:
            await self._news.wait_for(lambda: len(self.sent) >= count)

    async def take(self, message: OutboundMessage) -> None:
        """A send begins."""
        async with self._news:
            self.sent.append(message)
            self._news.notify_all()


class Letterbox(Transport):
    """A provider in the test's hand."""

    Settings: ClassVar = object
    forms = ("subject", "text", "short", "html", "choices")

    def __init__(self, medium: str, post: Post, *, concurrency: int = 8) -> None:
        super().__init__(f"box-{medium}", None)
        self.medium = medium
        self.concurrency = concurrency
        self._post = post

    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        post = self._post
        post.sent_twice_at_once |= message.reference in post.running
        post.running.add(message.reference)
        post.at_a_time += 1
        post.most_at_a_time = max(post.most_at_a_time, post.at_a_time)
        try:
            await post.take(message)
            await asyncio.sleep(post.delay)
            return post.answer(message)
        finally:
            post.at_a_time -= 1
            post.running.discard(message.reference)


@dataclass(slots=True, kw_only=True)
class Desk:
    """One process of an installation."""

    store: Store
    policy: Policy
    dispatcher: Dispatcher
    post: Post
    health: Health
    now: datetime = NOW
    count: int = 0
    told: list[tuple[str, str]] = field(default_factory=list)
    """What is wrong with the provider of which medium, as it was told."""

    async def complain(
        self, *, email: str = "li@example.com", mobile: str = "", name: str = "李小明", **changes: object
    ) -> Taken:
        """A complaint of somebody who can be reached so."""
        identities = tuple(f"{kind}:{value}" for kind, value in (("email", email), ("phone", mobile)) if value)
        who = Complainant(name=name, emails=(email,) if email else (), mobile=mobile)
        return await self.complain_as(who, *identities, **changes)

    async def complain_as(self, who: Complainant, *identities: str, **changes: object) -> Taken:
        """A complaint of exactly this person."""
        self.count += 1
        draft = TicketDraft(
            channel=str(changes.pop("channel", "web")),
            profile=str(changes.pop("profile", "generic")),
            received_at=self.now,
            raw=b"{}",
            text=f"宽带断网第{self.count}天",
            subject=f"宽带断网{self.count}",
            complainant=who,
            identities=identities,
            **changes,  # type: ignore[arg-type]
        )
        return await self.store.run_each(partial(intake, policy=self.policy), draft)

    async def act(self, ticket: Ticket, action: str, actor: str = "sun", **fields: JSON) -> Ticket:
        """The complainant or somebody of the house does something."""
        outside = action in ("supplement", "urge", "withdraw")
        command = Command(
            ticket_id=ticket.id,
            action=action,
            actor="complainant" if outside else actor,
            role="complainant" if outside else "supervisor",
            at=self.now,
            fields=fields,
        )
        return await self.store.run(lambda tx: act(tx, command, self.policy))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The dispatcher's own loop, stopped cleanly at the end."""
        task = asyncio.create_task(self.dispatcher.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def step(self, after: timedelta = timedelta(0)) -> int:
        """One pass, so much later."""
        self.now += after
        return await self.dispatcher.step(self.now)

    async def notices(self, **where: object) -> list[SentNotice]:
        """All notices that have these values, oldest first."""
        page = await self.store.read(lambda connection: list_notices(connection, limit=500))
        return [row for row in reversed(page.rows) if all(getattr(row, name) == value for name, value in where.items())]

    async def due(self) -> Mapping[int, int]:
        """Which notices the dispatcher still has to do with."""
        query = select(notice.c.id, notice.c.due)
        return {row.id: row.due for row in await self.store.read(lambda c: c.execute(query).all())}


@contextlib.asynccontextmanager
async def desk(
    url: str, post: Post | None = None, *, shared: Store | None = None, **dispatch: object
) -> AsyncIterator[Desk]:
    """An open installation over the database `url`; `dispatch` are settings of that section."""
    post = post or Post()
    store = shared or Store(url)
    sources = {"12345": load_source("12345")}
    policy = Policy(
        profiles={name: with_clocks(load_profile(name), sources) for name in ("generic", "transfer")},
        calendar=load_calendar(),
        directory=Directory(PEOPLE),
        sources=sources,
    )
    health = Health()
    told: list[tuple[str, str]] = []
    settings = Settings(
        secret=SECRET,
        dispatch=Dispatch.model_validate(dispatch),
        channels={"post": {"kind": "email", "address": "Tousu@example.com"}},
        transports={"post": {"kind": "smtp", "address": "tongzhi@example.com"}},
    )
    dispatcher = Dispatcher(
        store=store,
        policy=policy,
        renderer=Renderer(TEMPLATES),
        keys=Keys(SECRET.encode()),
        transports={medium: Letterbox(medium, post) for medium in ("email", "sms", "bot", "city")},
        settings=settings,
        health=health,
        lane_told=lambda medium, reason: told.append((medium, reason)),
    )
    if shared is None:
        store.open()
    try:
        yield Desk(store=store, policy=policy, dispatcher=dispatcher, post=post, health=health, told=told)
    finally:
        if shared is None:
            await asyncio.to_thread(store.close)
