"""What was said in a conversation 会话, to be shown to the account again: its own words and our notices."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from ticket_core.store.clock import from_us
from ticket_core.store.conversations import load_conversation
from ticket_core.store.schema import conversation, inbound, notice

#: Of each of its words so many bytes are read: files may follow them.
START = 64 << 10
_AT_ONCE = 500  # accounts in one query
#: Only what was sent has an index by address.
_SENT = (notice.c.due == 0) & (notice.c.state != "suppressed") & (notice.c.rendered != "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the account said: `start` are the first bytes of the input."""

    id: int
    at: datetime
    start: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What we said: `rendered` is JSON text of its forms."""

    id: int
    at: datetime
    state: str
    rendered: str


def load_heard(connection: Connection, channel: str, account: str, known: Collection[int] = ()) -> list[Heard]:
    """The newest words of an account, the oldest first, without those whose ids are known."""
    talk = load_conversation(connection, channel, account)
    wanted = set(talk.heard) - set(known) if talk is not None else set()
    if not wanted:
        return []
    start = func.substr(inbound.c.raw, 1, START)
    query = select(inbound.c.id, inbound.c.received_at, start.label("start")).where(inbound.c.id.in_(wanted))
    rows = connection.execute(query.order_by(inbound.c.received_at, inbound.c.id))
    return [Heard(id=row.id, at=from_us(row.received_at), start=bytes(row.start)) for row in rows]


def load_told(connection: Connection, medium: str, address: str, most: int, known: Collection[int] = ()) -> list[Told]:
    """Of the newest notices that went to an account those whose ids are not known, the oldest first."""
    newest = (
        select(notice.c.id)
        .where(_SENT, notice.c.address == address, notice.c.medium == medium)
        .order_by(notice.c.created_at.desc(), notice.c.id.desc())
        .limit(most)
    )
    wanted = set(connection.execute(newest).scalars()) - set(known)
    if not wanted:
        return []
    columns = (notice.c.id, notice.c.created_at, notice.c.state, notice.c.rendered)
    query = select(*columns).where(notice.c.id.in_(wanted)).order_by(notice.c.created_at, notice.c.id)
    rows = connection.execute(query)
    return [Told(id=row.id, at=from_us(row.created_at), state=row.state, rendered=row.rendered) for row in rows]


def load_marks(connection: Connection, channel: str, accounts: Collection[str]) -> dict[str, tuple[int, ...]]:
    """For each account a mark that is another one as soon as either side has said something more, in this process."""
    marks: dict[str, tuple[int, ...]] = {}
    for some in _parts(sorted(accounts)):
        told = (
            select(notice.c.address, func.count(), func.max(notice.c.id))
            .where(_SENT, notice.c.address.in_(some), notice.c.medium == channel)
            .group_by(notice.c.address)
        )
        heard = select(conversation.c.account, conversation.c.doc).where(
            conversation.c.channel == channel, conversation.c.account.in_(some)
        )
        for account, *figures in connection.execute(told):
            marks[account] = tuple(figures)
        for account, doc in connection.execute(heard):
            marks[account] = (*marks.get(account, ()), hash(doc))
    return marks


def _parts(accounts: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(accounts), _AT_ONCE):
        yield accounts[start : start + _AT_ONCE]


def load_raw(connection: Connection, source_key: str) -> bytes | None:
    """The bytes of the input with this key; None where there is none."""
    row = connection.execute(select(inbound.c.raw).where(inbound.c.source_key == source_key)).first()
    return None if row is None else bytes(row.raw)
