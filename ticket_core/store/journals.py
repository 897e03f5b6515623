"""What came in and what went out, for an agent to read: the journal of inputs, the notices with every delivery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from ticket_core.store.clock import from_us
from ticket_core.store.queries import MOST_PER_PAGE, Page, read_cursor, write_cursor
from ticket_core.store.schema import delivery, event, inbound, notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One line of the journal of inputs; `size` is that of its raw bytes."""

    id: int
    channel: str
    external_id: str | None
    sha256: str
    received_at: datetime
    outcome: str
    ticket_id: int | None
    note: str
    actor: str
    raw_type: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """One thing that happened to a notice on its way: a try of ours, a `held` one (not rendered), or a receipt.

    `part` is the SMS segment that a receipt is about, of `parts`.
    """

    kind: str
    at: datetime
    status: str
    provider_id: str
    detail: str
    part: str = ""
    parts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SentNotice:
    """One notice of the outbox with its state and all that happened to it; `rendered` is JSON text of its forms.

    `event_kind` is what it tells of; empty for a reply in a conversation.
    """

    id: int
    ticket_id: int
    event_seq: int
    notice: str
    role: str
    medium: str
    address: str
    name: str
    locale: str
    state: str
    created_at: datetime
    send_at: datetime
    attempts: int
    transport: str
    provider_id: str
    cause: str
    template_version: str
    rendered: str
    event_kind: str = ""
    deliveries: tuple[Delivered, ...] = ()


def list_inbound(
    connection: Connection,
    *,
    channel: str = "",
    outcome: str = "",
    ticket_id: int | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Input]:
    """A page of the journal, newest first, without the raw bytes.

    Raises:
        BadCursor: for a cursor that is not ours.
    """
    limit = max(1, min(limit, MOST_PER_PAGE))
    columns = [column for column in inbound.c if column.name != "raw"]
    query: Select[Any] = select(*columns, func.length(inbound.c.raw).label("size"))
    query = query.order_by(inbound.c.id.desc()).limit(limit + 1)
    for column, value in ((inbound.c.channel, channel), (inbound.c.outcome, outcome), (inbound.c.ticket_id, ticket_id)):
        if value:
            query = query.where(column == value)
    if cursor:
        query = query.where(inbound.c.id < read_cursor(cursor, 1)[0])
    rows = connection.execute(query).all()
    more = write_cursor(rows[limit - 1].id) if len(rows) > limit else None
    return Page(rows=tuple(_input(row) for row in rows[:limit]), cursor=more)


def load_input(connection: Connection, inbound_id: int) -> tuple[Input, bytes] | None:
    """One line of the journal and its raw bytes."""
    query = select(inbound, func.length(inbound.c.raw).label("size")).where(inbound.c.id == inbound_id)
    row = connection.execute(query).first()
    return None if row is None else (_input(row), bytes(row.raw))


def find_input(connection: Connection, channel: str, external_id: str) -> Input | None:
    """The line of the input that came by this channel under this id of its sender."""
    query = select(inbound, func.length(inbound.c.raw).label("size"))
    row = connection.execute(query.where(inbound.c.source_key == f"{channel}:{external_id}")).first()
    return None if row is None else _input(row)


def list_notices(
    connection: Connection,
    *,
    ticket_id: int | None = None,
    state: str = "",
    notice_name: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[SentNotice]:
    """A page of notices, newest first, each with every delivery row in order.

    Raises:
        BadCursor: for a cursor that is not ours.
    """
    limit = max(1, min(limit, MOST_PER_PAGE))
    query = _notices().order_by(notice.c.id.desc()).limit(limit + 1)
    for column, value in ((notice.c.ticket_id, ticket_id), (notice.c.state, state), (notice.c.notice, notice_name)):
        if value:
            query = query.where(column == value)
    if cursor:
        query = query.where(notice.c.id < read_cursor(cursor, 1)[0])
    rows = connection.execute(query).all()
    more = write_cursor(rows[limit - 1].id) if len(rows) > limit else None
    happened = _deliveries(connection, [row.id for row in rows[:limit]])
    return Page(rows=tuple(_sent(row, tuple(happened.get(row.id, ()))) for row in rows[:limit]), cursor=more)


def load_notice(connection: Connection, notice_id: int) -> SentNotice | None:
    """One notice with its deliveries."""
    row = connection.execute(_notices().where(notice.c.id == notice_id)).first()
    return None if row is None else _sent(row, tuple(_deliveries(connection, [notice_id]).get(notice_id, ())))


def count_notices(connection: Connection) -> dict[str, int]:
    """How many notices wait, by state: those the dispatcher still has something to do with."""
    query = select(notice.c.state, func.count()).where(notice.c.due == 1).group_by(notice.c.state)
    return {row[0]: row[1] for row in connection.execute(query)}


def _notices() -> Select[Any]:
    """Notices, each with the kind of the event it tells of."""
    told_of = (event.c.ticket_id == notice.c.ticket_id) & (event.c.seq == notice.c.event_seq)
    return select(notice, event.c.kind.label("event_kind")).outerjoin(event, told_of)


def _deliveries(connection: Connection, ids: list[int]) -> dict[int, list[Delivered]]:
    found: dict[int, list[Delivered]] = {}
    if ids:
        query = select(delivery).where(delivery.c.notice_id.in_(ids)).order_by(delivery.c.notice_id, delivery.c.seq)
        for row in connection.execute(query):
            one = Delivered(
                kind=row.kind,
                at=from_us(row.at),
                status=row.status,
                provider_id=row.provider_id,
                detail=row.detail,
                part=row.part,
                parts=row.parts,
            )
            found.setdefault(row.notice_id, []).append(one)
    return found


def _input(row: Row[Any]) -> Input:
    return Input(
        id=row.id,
        channel=row.channel,
        external_id=None if row.source_key is None else row.source_key.partition(":")[2],
        sha256=row.sha256,
        received_at=from_us(row.received_at),
        outcome=row.outcome,
        ticket_id=row.ticket_id,
        note=row.note,
        actor=row.actor,
        raw_type=row.raw_type,
        size=row.size,
    )


def _sent(row: Row[Any], deliveries: tuple[Delivered, ...]) -> SentNotice:
    return SentNotice(
        id=row.id,
        ticket_id=row.ticket_id,
        event_seq=row.event_seq,
        notice=row.notice,
        role=row.role,
        medium=row.medium,
        address=row.address,
        name=row.name,
        locale=row.locale,
        state=row.state,
        created_at=from_us(row.created_at),
        send_at=from_us(row.send_at),
        attempts=row.attempts,
        transport=row.transport,
        provider_id=row.provider_id,
        cause=row.cause,
        template_version=row.template_version,
        rendered=row.rendered,
        event_kind=row.event_kind or "",
        deliveries=deliveries,
    )
