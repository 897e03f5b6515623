"""Somebody who talks with us on a chat channel, over a real store; and what he is told."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import select

from gateway.message import Address, File, InboundMessage, Raw, Talk
from gateway.normalize.draft import Reading, to_draft
from tests.core.builders import NINE, policy
from ticket_core.conversation_service import converse, finish_conversations
from ticket_core.model import Complaint, Event, Ticket
from ticket_core.service import Taken
from ticket_core.store.schema import notice
from ticket_core.store.store import Store
from ticket_core.store.tickets import load_complaints, load_events, load_ticket

READING = Reading(profile="generic", ticket_of_token=lambda _token: None, area_code="028")
_IDS = itertools.count(1)


@dataclass(slots=True, kw_only=True)
class Talker:
    """One account of one channel. The clock stands still unless it is told to `wait`."""

    store: Store
    channel: str = "bot"
    account: str = "42"
    now: datetime = NINE
    _told: int = 0
    said: list[str] = field(default_factory=list)

    def wait(self, **span: float) -> None:
        """Time passes."""
        self.now += timedelta(**span)

    def message(self, text: str = "", *, name: str = "", files: int = 0, **talk: Any) -> InboundMessage:
        """What the channel makes of some words; `name` is the platform's id of the message."""
        raw = Raw(channel=self.channel, body=f"{text}{files}{talk}".encode(), received_at=self.now)
        return InboundMessage(
            channel=self.channel,
            external_id=name or f"m{next(_IDS)}",
            received_at=self.now,
            raw=raw,
            sender=(Address(medium="chat", value=f"{self.channel}:{self.account}", name="李四"),),
            text=text,
            lodged_at=self.now,
            attachments=tuple(
                File(name=f"{one}.jpg", media_type="image/jpeg", content=b"%d" % next(_IDS)) for one in range(files)
            ),
            talk=Talk(account=self.account, **talk),
        )

    async def say(self, text: str = "", **message: Any) -> Taken:
        """Say something; returns after the commit."""
        return await self.deliver(self.message(text, **message))

    async def deliver(self, message: InboundMessage) -> Taken:
        """The platform delivers a message, perhaps again."""
        draft = to_draft(message, READING)
        return await self.store.run(partial(converse, draft=draft, policy=policy()))

    async def told(self) -> list[str]:
        """The replies and notices that this account was owed since the last time it was asked, in order."""
        return [row.notice for row in await self.rows()]

    async def rows(self) -> list[Any]:
        """The same with all that the outbox knows of them."""
        query = select(notice).where(
            notice.c.medium == self.channel, notice.c.address == self.account, notice.c.id > self._told
        )
        rows = await self.store.read(lambda connection: connection.execute(query.order_by(notice.c.id)).all())
        self._told = max([self._told, *(row.id for row in rows)])
        return list(rows)

    async def heard_of(self) -> None:
        """All that is owed to this account has been sent."""
        await self.store.run(
            lambda tx: tx.connection.execute(
                notice.update().where(notice.c.address == self.account).values(due=0, state="accepted")
            )
        )

    async def leave(self) -> int:
        """The clock looks for conversations that nobody went on with."""
        return await self.store.run(partial(finish_conversations, now=self.now, policy=policy()))

    async def ticket(self, taken: Taken) -> Ticket:
        """A ticket as it stands now."""
        assert taken.ticket is not None
        ticket_id = taken.ticket.id
        return await self.store.read(lambda connection: load_ticket(connection, ticket_id))

    async def statements(self, ticket: Ticket) -> tuple[Complaint, ...]:
        """What was said for a ticket."""
        return await self.store.read(lambda connection: load_complaints(connection, ticket.id))

    async def events(self, ticket: Ticket) -> tuple[Event, ...]:
        """What happened to a ticket."""
        return await self.store.read(lambda connection: load_events(connection, ticket.id))


def tells_of(row: Any) -> Any:
    """What a reply tells of."""
    return json.loads(row.said)
