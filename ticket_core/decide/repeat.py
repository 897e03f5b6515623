"""The repeat rule 4小时重复升级 (contract, section 5): which complaint repeats which, and where it belongs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ticket_core.likeness import ALIKE, gist, likeness_of
from ticket_core.model import JSON, Complainant, Ticket, TicketDraft
from ticket_core.profile import RepeatRule

#: Open tickets of one person whose texts are compared with what is said now; whoever has more is no person.
_MOST_COMPARED = 50


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


def naming(identities: Iterable[str], rule: RepeatRule) -> tuple[str, ...]:
    """The identities that name one person: a configured shared number names nobody."""
    return tuple(key for key in identities if key not in rule.shared_numbers)


def counts_now(draft: TicketDraft) -> bool:
    """Whether an input says something at once; a draft does when it is submitted, triage when it is understood."""
    return draft.disposition != "draft" and draft.intent != "triage"


def counted(kind: str, who: Complainant, identities: Iterable[str], rule: RepeatRule) -> tuple[str, ...]:
    """The identities by which the rule counts a complaint; none for what is anonymous or of another kind."""
    return () if who.anonymous or kind not in rule.kinds else naming(identities, rule)


def direct_reason(kind: str, entry: str, rule: RepeatRule) -> str:
    """Why a complaint is a grievance at once (a visit, a special number); empty when it is not."""
    if kind not in rule.kinds:
        return ""
    if entry == "walk_in" and rule.walk_in:
        return "walk_in"
    return "special_number" if entry and entry in rule.special_numbers else ""


def repeated(lodged_at: datetime, channel: str, past: Iterable[Past], rule: RepeatRule) -> Past | None:
    """The complaint that one lodged now repeats: the last before it, or at the same instant, within the window."""
    after, first = _next_instant(lodged_at), lodged_at - rule.window
    inside = (one for one in past if first <= one.lodged_at < after and _in_scope(one, channel, rule))
    return max(inside, key=lambda one: (one.lodged_at, one.ticket_id, one.seq), default=None)


def made_repeats(this: Past, past: Iterable[Past], rule: RepeatRule) -> Sequence[Past]:
    """The stored complaints that repeat `this`, which comes in late: those lodged after it, within the window."""
    after, last = _next_instant(this.lodged_at), this.lodged_at + rule.window
    found = {
        (one.ticket_id, one.seq): one
        for one in past
        if after <= one.lodged_at <= last and _in_scope(one, this.channel, rule)
    }
    return sorted(found.values(), key=lambda one: (one.lodged_at, one.ticket_id, one.seq))


def _next_instant(lodged_at: datetime) -> datetime:
    """What is lodged from then on is later. An instant is a second.

    A mail's `Date` has no fractions: it must not come before a call of the same second that was in earlier.
    """
    return lodged_at.replace(microsecond=0) + timedelta(seconds=1)


def _in_scope(one: Past, channel: str, rule: RepeatRule) -> bool:
    return rule.scope == "all" or one.channel == channel


def concerned(
    draft: TicketDraft, identities: frozenset[str], tickets: Iterable[Ticket], rule: RepeatRule
) -> tuple[Ticket, str] | None:
    """The open ticket of this person that a draft is about, the newest of several, and by what it is known.

    That is: its number or thread is quoted, the same service number, the same category and respondent, or text alike
    (`likeness` at least `ALIKE`; of the newest `_MOST_COMPARED`). Only a quoted one may be of a kind that the rule does
    not count: an inquiry about the same line does not become a grievance.
    """
    mine = sorted(
        (ticket for ticket in tickets if _belongs(draft, identities, ticket)),
        key=lambda ticket: ticket.id,
        reverse=True,
    )
    for ticket in mine:
        if ticket.id == draft.thread or ticket.id in draft.quoted:
            return ticket, "quoted"
    said = gist(draft.text)
    for place, ticket in enumerate(mine):
        if ticket.kind not in rule.kinds:
            continue
        if draft.service_number and draft.service_number == ticket.service_number:
            return ticket, "service_number"
        if (
            draft.category
            and draft.respondent
            and (draft.category, draft.respondent) == (ticket.category, ticket.respondent)
        ):
            return ticket, "category_and_respondent"
        if place < _MOST_COMPARED and likeness_of(said, gist(ticket.text)) >= ALIKE:
            return ticket, "text"
    return None


def _belongs(draft: TicketDraft, identities: frozenset[str], ticket: Ticket) -> bool:
    """Whether it is an open ticket of that person; what is anonymous is nobody's, except by a token of ours."""
    if not ticket.open or ticket.stage == "draft" or identities.isdisjoint(ticket.identities):
        return False
    return ticket.id == draft.thread or not (draft.complainant.anonymous or ticket.complainant.anonymous)


def evidence(rule: RepeatRule, earlier: Past, later: Past) -> dict[str, JSON]:
    """What an agent reads to see why the rule spoke: which identity, which times, which version of the rule."""
    return {
        "rule": rule.version,
        "window_seconds": int(rule.window.total_seconds()),
        "identity": earlier.identity,
        "earlier": _named(earlier),
        "later": _named(later),
        "apart_seconds": max(0.0, (later.lodged_at - earlier.lodged_at).total_seconds()),
    }


def _named(one: Past) -> dict[str, JSON]:
    return {
        "ticket": one.ticket_id,
        "statement": one.seq,
        "lodged_at": one.lodged_at.isoformat(),
        "channel": one.channel,
    }
