"""Steps that forwarding bodies have not heard of, and the sheets in which they were reported."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, select, text

from ticket_core.decide.delivery import Fact, RetryLadder
from ticket_core.errors import AlreadyReported
from ticket_core.model import Event, File
from ticket_core.store.clock import from_us, to_us
from ticket_core.store.outbox import receive
from ticket_core.store.rows import event_of
from ticket_core.store.schema import UNREPORTED, event, notice, reply_sheet, ticket
from ticket_core.store.tickets import keep_files
from ticket_core.store.tx import Tx

#: The condition as a query with several tables wants it; an index has the same one.
_UNREPORTED = text(" AND ".join(f"notice.{part}" for part in UNREPORTED.text.split(" AND ")))


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingStep:
    """A step to be reported; `cause` is why the body did not take it, where it was told and refused."""

    notice_id: int
    ticket_id: int
    source: str
    case_number: str
    channel: str
    state: str
    cause: str
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetKept:
    """A file of the past: what was reported to whom, when and by whom; the bytes are found by `sha256`."""

    id: int
    source: str
    name: str
    form: str
    sha256: str
    actor: str
    made_at: datetime
    cases: int
    steps: int


def waiting_steps(
    connection: Connection,
    *,
    source: str = "",
    ticket_id: int | None = None,
    since: datetime | None = None,
    limit: int = 10_000,
) -> list[WaitingStep]:
    """Steps nobody has reported yet, oldest first: to one body, of one ticket, since a time."""
    query = (
        select(
            notice.c.id, notice.c.address, notice.c.medium, notice.c.state, notice.c.cause, ticket.c.source_body, event
        )
        .join(ticket, ticket.c.id == notice.c.ticket_id)
        .join(event, (event.c.ticket_id == notice.c.ticket_id) & (event.c.seq == notice.c.event_seq))
        .where(_UNREPORTED)
        .order_by(notice.c.id)
        .limit(limit)
    )
    if source:
        query = query.where(ticket.c.source_body == source)
    if ticket_id is not None:
        query = query.where(notice.c.ticket_id == ticket_id)
    if since is not None:
        query = query.where(event.c.at >= to_us(since))
    return [
        WaitingStep(
            notice_id=row.id,
            ticket_id=row.ticket_id,
            source=row.source_body,
            case_number=row.address,
            channel=row.medium,
            state=row.state,
            cause=row.cause if row.state != "queued" else "",
            event=event_of(row),
        )
        for row in connection.execute(query)
    ]


def keep_sheet(
    tx: Tx,
    *,
    source: str,
    form: str,
    content: bytes,
    cases: int,
    notices: Collection[int],
    actor: str,
    at: datetime,
    ladder: RetryLadder,
) -> SheetKept:
    """Keep a file and mark what it reports, with a receipt that names it and whoever made it.

    Raises:
        AlreadyReported: some of it was reported in the meantime; nothing is kept.
    """
    sheet_id = tx.next_id("reply_sheet")
    name = f"{source}-{sheet_id}.{form}"
    mark_reported(tx, notices, by=f"sheet-{sheet_id}", detail=f"{name} {actor}", at=at, ladder=ladder)
    (kept,) = keep_files(tx, [File(name=name, media_type="application/octet-stream", content=content)])
    row = (sheet_id, source, name, form, kept.sha256, actor, to_us(at), cases, len(notices))
    tx.insert(reply_sheet, [row])
    return SheetKept(
        id=sheet_id,
        source=source,
        name=name,
        form=form,
        sha256=kept.sha256,
        actor=actor,
        made_at=at,
        cases=cases,
        steps=len(notices),
    )


def mark_reported(tx: Tx, notices: Collection[int], *, by: str, detail: str, at: datetime, ladder: RetryLadder) -> None:
    """A person has reported these steps, by a sheet or a document.

    Raises:
        AlreadyReported: some of them were reported in the meantime; nothing is marked.
    """
    lock = select(notice.c.id).where(notice.c.id.in_(notices), UNREPORTED).order_by(notice.c.id).with_for_update()
    if len(tx.connection.execute(lock).all()) != len(set(notices)):
        raise AlreadyReported
    fact = Fact(at=at, status="accepted", kind="receipt", provider_id=by, detail=detail[:500])
    receive(tx, [(notice_id, fact) for notice_id in sorted(notices)], ladder)


def tell_again(tx: Tx, source: str, *, by: str, at: datetime, ladder: RetryLadder) -> int:
    """Tell a body once more by its interface what it did not take; returns how many steps those are."""
    ids = [one.notice_id for one in waiting_steps(tx.connection, source=source) if one.state != "queued"]
    fact = Fact(at=at, status="queued", kind="again", detail=by[:500])
    receive(tx, [(notice_id, fact) for notice_id in ids], ladder)
    return len(ids)


def list_sheets(connection: Connection, *, source: str = "", limit: int = 50) -> list[SheetKept]:
    """The newest files, newest first."""
    query = select(reply_sheet).order_by(reply_sheet.c.id.desc()).limit(limit)
    return _kept(connection, query.where(reply_sheet.c.source == source) if source else query)


def load_sheet(connection: Connection, sheet_id: int) -> SheetKept | None:
    """One file of the past."""
    return next(iter(_kept(connection, select(reply_sheet).where(reply_sheet.c.id == sheet_id))), None)


def _kept(connection: Connection, query: Select[tuple[object, ...]]) -> list[SheetKept]:
    return [
        SheetKept(
            id=row.id,
            source=row.source,
            name=row.name,
            form=row.form,
            sha256=row.sha256,
            actor=row.actor,
            made_at=from_us(row.made_at),
            cases=row.cases,
            steps=row.steps,
        )
        for row in connection.execute(query)
    ]


def events_of(connection: Connection, ids: Sequence[int]) -> dict[int, list[Event]]:
    """The timelines of these tickets, oldest first."""
    found: dict[int, list[Event]] = {one: [] for one in ids}
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        query = select(event).where(event.c.ticket_id.in_(some)).order_by(event.c.ticket_id, event.c.seq)
        for row in connection.execute(query):
            found[row.ticket_id].append(event_of(row))
    return found


_AT_ONCE = 500  # tickets a query
