"""The repeat rule 4小时重复升级 (contract, section 5): which complaint repeats which, and where it belongs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ticket_core.likeness import ALIKE, likeness
from ticket_core.model import JSON, Ticket, TicketDraft
from ticket_core.profile import RepeatRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A complaint that counts and shares `identity` with the person in question."""

    ticket_id: int
    seq: int
    lodged_at: datetime
    channel: str
    identity: str


def claimed_or_received(draft: TicketDraft, rule: RepeatRule) -> datetime:
    """When it was lodged: the sender's time unless in the future or beyond the trust limit, else the arrival."""
    claimed = draft.claimed_at
    if claimed is None or claimed > draft.received_at or claimed < draft.received_at - rule.trust_limit:
        return draft.received_at
    return claimed


def counted_identities(draft: TicketDraft, rule: RepeatRule) -> tuple[str, ...]:
    """The identities by which the rule counts it; none for what is anonymous, a draft or of another kind."""
    if draft.complainant.anonymous or draft.disposition == "draft" or draft.kind not in rule.kinds:
        return ()
    return tuple(key for key in draft.identities if key not in rule.shared_numbers)


def direct_reason(draft: TicketDraft, rule: RepeatRule) -> str:
    """Why a complaint is a grievance at once (a visit, a special number); empty when it is not."""
    if draft.kind not in rule.kinds:
        return ""
    if draft.entry == "walk_in" and rule.walk_in:
        return "walk_in"
    return "special_number" if draft.entry and draft.entry in rule.special_numbers else ""


def repeated(lodged_at: datetime, channel: str, past: Iterable[Past], rule: RepeatRule) -> Past | None:
    """The complaint that one lodged now repeats: the last before it, or at the same instant, within the window."""
    inside = (
        one
        for one in past
        if one.lodged_at <= lodged_at <= one.lodged_at + rule.window and _in_scope(one, channel, rule)
    )
    return max(inside, key=lambda one: (one.lodged_at, one.ticket_id, one.seq), default=None)


def made_repeats(lodged_at: datetime, channel: str, past: Iterable[Past], rule: RepeatRule) -> Sequence[Past]:
    """The stored complaints that repeat one that comes in late: those lodged after it, within the window."""
    found = {
        (one.ticket_id, one.seq): one
        for one in past
        if lodged_at < one.lodged_at <= lodged_at + rule.window and _in_scope(one, channel, rule)
    }
    return sorted(found.values(), key=lambda one: (one.lodged_at, one.ticket_id, one.seq))


def _in_scope(one: Past, channel: str, rule: RepeatRule) -> bool:
    return rule.scope == "all" or one.channel == channel


def concerned(draft: TicketDraft, tickets: Iterable[Ticket]) -> tuple[Ticket, str] | None:
    """The open ticket of this person that a draft is about, the newest of several, and by what it is known.

    That is: its number or thread is quoted, the same service number, the same category and respondent, or text alike
    (`likeness` at least `ALIKE`).
    """
    mine = sorted((ticket for ticket in tickets if _belongs(draft, ticket)), key=lambda ticket: ticket.id, reverse=True)
    for ticket in mine:
        if ticket.id == draft.thread or ticket.id in draft.quoted:
            return ticket, "quoted"
    for ticket in mine:
        if draft.service_number and draft.service_number == ticket.service_number:
            return ticket, "service_number"
        if (
            draft.category
            and draft.respondent
            and (draft.category, draft.respondent) == (ticket.category, ticket.respondent)
        ):
            return ticket, "category_and_respondent"
        if likeness(draft.text, ticket.text) >= ALIKE:
            return ticket, "text"
    return None


def _belongs(draft: TicketDraft, ticket: Ticket) -> bool:
    return ticket.open and ticket.stage != "draft" and not set(draft.identities).isdisjoint(ticket.identities)


def evidence(rule: RepeatRule, earlier: Past, later: Past) -> dict[str, JSON]:
    """What an agent reads to see why the rule spoke: which identity, which times, which version of the rule."""
    return {
        "rule": rule.version,
        "window_seconds": int(rule.window.total_seconds()),
        "identity": earlier.identity,
        "earlier": _named(earlier),
        "later": _named(later),
        "apart_seconds": (later.lodged_at - earlier.lodged_at).total_seconds(),
    }


def _named(one: Past) -> dict[str, JSON]:
    return {
        "ticket": one.ticket_id,
        "statement": one.seq,
        "lodged_at": one.lodged_at.isoformat(),
        "channel": one.channel,
    }
