"""Where conversations stand, and what an account is told of: its tickets and its newest notice."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, tuple_

from ticket_core.decide.conversation import Conversation
from ticket_core.model import Ticket
from ticket_core.store.clock import from_us, to_us
from ticket_core.store.person import who
from ticket_core.store.rows import ticket_of
from ticket_core.store.schema import contact, conversation, delivery, notice, ticket
from ticket_core.store.tx import Tx

_TICKETS = 20  # the newest of an account that its commands can be about


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The newest notice that went to an account, and the ticket it is about; 0 where it is about none."""

    notice: str
    ticket_id: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How an account is reached now: where the platform wants answers, when it last spoke, what it got since."""

    route: str = ""
    route_until: datetime | None = None
    heard_at: datetime | None = None
    sent_since: int = 0


UNKNOWN_LINE = Line()


def load_conversation(connection: Connection, channel: str, account: str) -> Conversation | None:
    """The conversation with an account; None when there was none."""
    query = select(conversation).where(conversation.c.channel == channel, conversation.c.account == account)
    row = connection.execute(query).first()
    return None if row is None else _conversation_of(row)


def load_unfinished(connection: Connection, now: datetime, most: int) -> list[Conversation]:
    """Conversations whose question nobody answered in time, the oldest first; those others work on are left out."""
    due = conversation.c.due_at.is_not(None) & (conversation.c.due_at <= to_us(now))
    query = select(conversation).where(due).order_by(conversation.c.due_at).limit(most)
    return [_conversation_of(row) for row in connection.execute(query.with_for_update(skip_locked=True))]


def save_conversation(tx: Tx, one: Conversation) -> None:
    """Write where a conversation stands."""
    doc = {
        name: value
        for name, value in (
            ("kind", one.kind),
            ("about", one.about),
            ("asked", one.asked),
            ("told", one.told),
            ("told_from", one.told_from and to_us(one.told_from)),
            ("added_at", one.added_at and to_us(one.added_at)),
            ("heard", one.heard),
        )
        if value
    }
    row = {
        "channel": one.channel,
        "account": one.account,
        "ticket_id": one.ticket_id,
        "step": one.step,
        "doc": json.dumps(doc),
        "heard_at": to_us(one.heard_at),
        "told_at": None,
        "due_at": one.due_at and to_us(one.due_at),
        "route": one.route,
        "route_until": one.route_until and to_us(one.route_until),
    }
    tx.upsert(conversation, row, "channel", "account")


def _conversation_of(row: Row[Any]) -> Conversation:
    doc = json.loads(row.doc or "{}")
    return Conversation(
        channel=row.channel,
        account=row.account,
        heard_at=from_us(row.heard_at),
        ticket_id=row.ticket_id,
        step=row.step,
        kind=doc.get("kind"),
        about=doc.get("about"),
        asked=doc.get("asked", 0),
        told=doc.get("told", 0),
        told_from=_time(doc.get("told_from")),
        added_at=_time(doc.get("added_at")),
        due_at=_time(row.due_at),
        route=row.route,
        route_until=_time(row.route_until),
        heard=tuple(doc.get("heard", ())),
    )


def _time(at: int | None) -> datetime | None:
    return None if at is None else from_us(at)


def tickets_of(connection: Connection, identity: str) -> dict[int, Ticket]:
    """The newest tickets that this identity belongs to."""
    ids = select(contact.c.ticket_id).where(contact.c.who == who(identity)).distinct()
    query = select(ticket).where(ticket.c.id.in_(ids)).order_by(ticket.c.id.desc()).limit(_TICKETS)
    found = (ticket_of(row) for row in connection.execute(query))
    return {one.id: one for one in found if identity in one.identities}


def newest_notice(connection: Connection, medium: str, address: str) -> Newest | None:
    """What an account heard of us last."""
    sent = (notice.c.due == 0) & (notice.c.state != "suppressed")
    query = (
        select(notice.c.notice, notice.c.ticket_id, notice.c.created_at)
        .where(sent, notice.c.address == address, notice.c.medium == medium, notice.c.said == "")
        .order_by(notice.c.created_at.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else Newest(notice=row.notice, ticket_id=row.ticket_id, at=from_us(row.created_at))


def load_lines(connection: Connection, accounts: Collection[tuple[str, str]]) -> dict[tuple[str, str], Line]:
    """How these accounts, each of a channel, are reached now."""
    if not accounts:
        return {}
    key = tuple_(conversation.c.channel, conversation.c.account)
    rows = connection.execute(select(conversation).where(key.in_(list(accounts)))).all()
    return {
        (row.channel, row.account): Line(
            route=row.route,
            route_until=_time(row.route_until),
            heard_at=from_us(row.heard_at),
            sent_since=_sent_since(connection, row),
        )
        for row in rows
    }


def _sent_since(connection: Connection, row: Row[Any]) -> int:
    """Messages, as platforms count them: a notice may go out in several."""
    sent = (notice.c.due == 0) & (notice.c.state != "suppressed")
    query = (
        select(func.coalesce(func.sum(delivery.c.parts), 0))
        .join(notice, notice.c.id == delivery.c.notice_id)
        .where(
            sent,
            notice.c.medium == row.channel,
            notice.c.address == row.account,
            notice.c.created_at >= row.heard_at,
            delivery.c.kind == "try",
            delivery.c.status.in_(("accepted", "delivered")),
        )
    )
    return int(connection.execute(query).scalar_one())
