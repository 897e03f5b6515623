"""Attachments that are still at their providers: who fetches which, and when again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select, update

from ticket_core.store.clock import from_us, to_us
from ticket_core.store.schema import awaited_file
from ticket_core.store.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedFile:
    """An attachment to fetch: the `place`-th of a statement; `attempts` were made before."""

    id: int
    channel: str
    reference: str
    ticket_id: int
    seq: int
    place: int
    attempts: int
    created_at: datetime


def claim_files(tx: Tx, now: datetime, channels: Collection[str], most: int, lease: timedelta) -> list[AwaitedFile]:
    """Take up to so many files of these channels that are due, the oldest first, for the time of `lease`."""
    if not channels:
        return []
    due = awaited_file.c.next_at.is_not(None) & (awaited_file.c.next_at <= to_us(now))
    pick = (
        select(awaited_file.c.id)
        .where(due, awaited_file.c.channel.in_(sorted(channels)))
        .order_by(awaited_file.c.next_at, awaited_file.c.id)
        .limit(most)
        .with_for_update(skip_locked=True)
        .cte("pick")
    )
    statement = (
        update(awaited_file)
        .where(awaited_file.c.id.in_(select(pick.c.id)))
        .values(next_at=to_us(now + lease), attempts=awaited_file.c.attempts + 1)
        .returning(*awaited_file.c)
    )
    return [
        AwaitedFile(
            id=row.id,
            channel=row.channel,
            reference=row.reference,
            ticket_id=row.ticket_id,
            seq=row.seq,
            place=row.place,
            attempts=row.attempts,
            created_at=from_us(row.created_at),
        )
        for row in sorted(tx.connection.execute(statement), key=lambda row: row.id)
    ]


def is_awaited(tx: Tx, file_id: int) -> bool:
    """Whether it is still to be fetched; held against others who fetch it."""
    query = select(awaited_file.c.id).where(awaited_file.c.id == file_id).with_for_update()
    return tx.connection.execute(query).first() is not None


def try_later(tx: Tx, one: AwaitedFile, at: datetime, problem: str) -> None:
    """It did not come this time."""
    row = {"next_at": to_us(at), "problem": problem[:200]}
    tx.connection.execute(update(awaited_file).where(awaited_file.c.id == one.id).values(row))


def forget_file(tx: Tx, one: AwaitedFile) -> None:
    """It came, or never will."""
    tx.connection.execute(delete(awaited_file).where(awaited_file.c.id == one.id))


def next_file_due(connection: Connection, channels: Collection[str]) -> datetime | None:
    """When the next file of these channels is due."""
    query = select(func.min(awaited_file.c.next_at)).where(
        awaited_file.c.next_at.is_not(None), awaited_file.c.channel.in_(sorted(channels))
    )
    at = connection.execute(query).scalar()
    return None if at is None else from_us(at)
