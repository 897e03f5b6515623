"""The transaction script for what providers report 回执: journal it, find its notice, compute the state anew."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ticket_core.decide.delivery import Fact, RetryLadder
from ticket_core.model import NoticeState, TicketDraft
from ticket_core.store import journal
from ticket_core.store.outbox import destinations, keep_strays, notices_of_providers, receive
from ticket_core.store.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One report about a notice, found by our `reference` (``n`` and its id), else by the provider's own id.

    `part` is the SMS segment it is about (empty: the whole message), `parts` how many there are. `raw` is the report as
    it arrived, for the journal; without it nothing is journaled. `address` is whom it is about, if it says so.
    """

    channel: str
    received_at: datetime
    status: NoticeState
    at: datetime
    reference: str = ""
    provider_id: str = ""
    detail: str = ""
    part: str = ""
    parts: int = 1
    address: str = ""
    raw: bytes = b""
    raw_type: str = "application/octet-stream"


def reference_of(notice_id: int) -> str:
    """What a notice is called outside; the same over all tries."""
    return f"n{notice_id}"


def notice_of(reference: str) -> int | None:
    """The notice of such a name; None for anything else."""
    digits = reference[1:] if reference[:1] in ("n", "N") else ""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """The notice a report is about, None where it is not known (yet); and the state it came into, if into another."""

    notice_id: int | None
    state: str | None = None


def record_receipt(tx: Tx, receipts: Sequence[Receipt], ladder: RetryLadder) -> list[Reported]:
    """Take reports in; returns what each is about and does.

    Reports may come twice, in any order, and before the send itself is on record. One about another address than the
    notice went to is forged or astray: it is journaled and has no effect.
    """
    by_provider = notices_of_providers(
        tx.connection, {one.provider_id for one in receipts if one.provider_id and notice_of(one.reference) is None}
    )
    wanted = [notice_of(one.reference) or by_provider.get(one.provider_id) for one in receipts]
    found = destinations(tx.connection, {notice_id for notice_id in wanted if notice_id is not None})
    known = [
        notice_id if notice_id in found and _concerns(one, found[notice_id][1]) else None
        for one, notice_id in zip(receipts, wanted, strict=True)
    ]
    facts = [
        Fact(
            at=one.at,
            status=one.status,
            kind="receipt",
            provider_id=one.provider_id,
            detail=one.detail,
            part=one.part,
            parts=one.parts,
        )
        for one in receipts
    ]
    states = receive(tx, [(where, fact) for where, fact in zip(known, facts, strict=True) if where is not None], ladder)
    strays = [fact for where, fact in zip(known, facts, strict=True) if where is None and fact.provider_id]
    if strays:
        keep_strays(tx, strays, max(one.received_at for one in receipts), ladder.keep)
    journal.write(
        tx,
        [
            journal.Line(tx.next_id("inbound"), _draft(one), "receipt", (found[where][0] or None) if where else None)
            for one, where in zip(receipts, known, strict=True)
            if one.raw
        ],
    )
    return [Reported(notice_id=where, state=states.pop(where, None) if where else None) for where in known]


def _concerns(one: Receipt, address: str) -> bool:
    return not one.address or _plain(one.address) == _plain(address)


def _plain(address: str) -> str:
    """A mail address as it is compared: letters' case aside, the domain as DNS has it."""
    local, _, domain = address.strip().casefold().rpartition("@")
    with contextlib.suppress(UnicodeError):
        domain = domain.encode("idna").decode()
    return f"{local}@{domain}"


def _draft(one: Receipt) -> TicketDraft:
    """A report has a line in the journal and no effect on a ticket."""
    note = " ".join(part for part in (one.status, one.reference or one.provider_id, one.detail) if part)
    return TicketDraft(
        channel=one.channel,
        profile="",
        received_at=one.received_at,
        raw=one.raw,
        raw_type=one.raw_type,
        intent="automatic",
        note=note,
        actor="provider",
    )
