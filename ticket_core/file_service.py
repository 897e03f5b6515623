"""The transaction scripts of attachments that lie at a provider: one came, one did not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from ticket_core.decide.case import Case
from ticket_core.errors import UnknownTicket
from ticket_core.model import JSON, Attachment, File
from ticket_core.policy import Policy
from ticket_core.store.files import AwaitedFile, forget_file, is_awaited, try_later
from ticket_core.store.tickets import keep_files, load_complaints, load_ticket, load_timers, save
from ticket_core.store.tx import Tx

#: Pauses before the next tries; the last ends about a day after the first.
PAUSES = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=15),
)


def file_came(tx: Tx, one: AwaitedFile, file: File, now: datetime, policy: Policy) -> None:
    """Put the bytes of an awaited attachment into its statement; a second time it changes nothing."""
    (kept,) = keep_files(tx, [file])
    _settle(tx, one, kept, now, policy, "attachment_received", {"size": kept.size})


def file_failed(
    tx: Tx, one: AwaitedFile, problem: str, now: datetime, policy: Policy, *, wait: timedelta | None, final: bool
) -> None:
    """It did not come: again later, not before `wait`; or never, and then the statement says so."""
    pause = PAUSES[one.attempts - 1] if one.attempts <= len(PAUSES) else None
    if not final and pause is not None:
        try_later(tx, one, now + max(pause, wait or pause), problem)
        return
    lost = Attachment(name="", media_type="", reference=one.reference, problem=problem[:200] or "lost")
    _settle(tx, one, lost, now, policy, "attachment_lost", {"reason": problem[:200]})


def _settle(
    tx: Tx, one: AwaitedFile, kept: Attachment, now: datetime, policy: Policy, event: str, told: Mapping[str, JSON]
) -> None:
    try:
        ticket = load_ticket(tx.connection, one.ticket_id, lock=True)
    except UnknownTicket:
        forget_file(tx, one)
        return
    if not is_awaited(tx, one.id):
        return
    statement = next((said for said in load_complaints(tx.connection, ticket.id) if said.seq == one.seq), None)
    if statement is not None and one.place < len(statement.attachments):
        files = list(statement.attachments)
        known = files[one.place]
        name, media_type = kept.name or known.name, kept.media_type or known.media_type
        files[one.place] = replace(kept, name=name, media_type=media_type)
        case = Case.of(ticket, load_timers(tx.connection, [ticket.id])[ticket.id], policy)
        case.rewrite(replace(statement, attachments=tuple(files)))
        case.happen(event, now, "provider", {"statement": one.seq, "name": name, **told})
        save(tx, [case.change()], policy)
    forget_file(tx, one)
