"""The journal: every input with its raw bytes and its one outcome."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from ticket_core.model import Command, Outcome, TicketDraft
from ticket_core.store.clock import to_us
from ticket_core.store.schema import inbound
from ticket_core.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Line:
    """One input on its way into the journal."""

    inbound_id: int
    draft: TicketDraft
    outcome: str
    ticket_id: int | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What an input that came before led to."""

    inbound_id: int
    ticket_id: int | None


@dataclass(frozen=True, slots=True)
class Earlier:
    """What became of an input that is read once more."""

    outcome: Outcome
    ticket_id: int | None


def source_key(one: TicketDraft | Command) -> str | None:
    """What makes a second delivery of this input known as one; None where every arrival is an input of its own.

    An id with bytes that no database keeps as text (NUL, a lone surrogate of a header) stands as its SHA-256.
    """
    given = one.external_id
    if given is not None and not given.isprintable():
        given = "sha256=" + hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()
    return None if given is None else f"{one.channel}:{given}"


def known(tx: Tx, keys: Sequence[str]) -> dict[str, Seen]:
    """Those of `keys` that were taken in before."""
    if not keys:
        return {}
    query = select(inbound.c.source_key, inbound.c.id, inbound.c.ticket_id).where(inbound.c.source_key.in_(keys))
    return {key: Seen(inbound_id, ticket_id) for key, inbound_id, ticket_id in tx.connection.execute(query)}


def load(tx: Tx, inbound_id: int) -> Earlier | None:
    """What became of an input, held against others who replay it; None where there is none of this id."""
    query = select(inbound.c.outcome, inbound.c.ticket_id).where(inbound.c.id == inbound_id).with_for_update()
    row = tx.connection.execute(query).first()
    return None if row is None else Earlier(row.outcome, row.ticket_id)


def is_same(tx: Tx, inbound_id: int, command: Command) -> bool:
    """Whether a command says what the input of this id said: the same action with the same bytes."""
    row = tx.connection.execute(select(inbound.c.note, inbound.c.sha256).where(inbound.c.id == inbound_id)).one()
    return (row.note, row.sha256) == (command.action, hashlib.sha256(command.raw or b"").hexdigest())


def rewrite(tx: Tx, inbound_id: int, outcome: Outcome, ticket_id: int | None) -> None:
    """A replay gave an input another outcome."""
    tx.update_rows(inbound, [{"id": inbound_id, "outcome": outcome, "ticket_id": ticket_id}], "id")


def write(tx: Tx, lines: Sequence[Line]) -> None:
    """Put inputs into the journal."""
    tx.insert(
        inbound,
        [
            (
                line.inbound_id,
                line.draft.channel,
                source_key(line.draft),
                line.draft.sha256 or hashlib.sha256(line.draft.raw).hexdigest(),
                to_us(line.draft.received_at),
                line.outcome,
                line.ticket_id,
                line.draft.note,
                line.draft.actor,
                line.draft.raw_type,
                line.draft.raw,
            )
            for line in lines
        ],
    )


def write_command(tx: Tx, inbound_id: int, command: Command) -> None:
    """Put an input that acts on a known ticket into the journal."""
    raw = command.raw or b""
    tx.insert(
        inbound,
        [
            (
                inbound_id,
                command.channel,
                source_key(command),
                hashlib.sha256(raw).hexdigest(),
                to_us(command.at),
                "appended",
                command.ticket_id,
                command.action,
                command.actor,
                "application/json",
                raw,
            )
        ],
    )
