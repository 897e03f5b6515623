"""What becomes of one input: a new ticket, a statement on an open one, an escalation, or only a line in the journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

from ticket_core.decide import repeat
from ticket_core.decide.case import Case
from ticket_core.decide.escalation import begin_to_count, find_repeat, late_repeats, links_to, raise_grade
from ticket_core.decide.known import Known
from ticket_core.decide.repeat import Past
from ticket_core.decide.transfer import begins_anew, decide_transfer, heed_source, opened_by
from ticket_core.model import (
    JSON,
    Attachment,
    Changes,
    Complainant,
    Complaint,
    Link,
    Replay,
    Stage,
    Ticket,
    TicketDraft,
)
from ticket_core.policy import Policy
from ticket_core.profile import Profile

_LONGEST_SUBJECT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The input itself: its draft, its line in the journal, its attachments, and where a new ticket's id comes from."""

    draft: TicketDraft
    inbound_id: int
    attachments: tuple[Attachment, ...] = ()
    new_ticket_id: Callable[[date], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """What the repeat rule makes of an input: when it was lodged, by which identities it counts, what it repeats.

    `past` are the complaints that it may repeat or that may repeat it.
    """

    lodged_at: datetime
    counted: tuple[str, ...]
    past: Sequence[Past]
    earlier: Past | None


def decide_intake(arrival: Arrival, known: Known, policy: Policy) -> Changes:
    """The one outcome of an input (contract, sections 4 and 5)."""
    draft = arrival.draft
    if draft.intent == "automatic":
        return Changes(outcome="automatic")
    if known.case is not None and draft.intent == "complaint":
        if begins_anew(draft, known.case, policy):
            return _open_again(arrival, known, policy)
        return decide_transfer(arrival.draft, known.case, arrival.inbound_id, arrival.attachments, known, policy)
    if draft.intent == "supplement":
        ticket = known.tickets.get(draft.thread or 0)
        colleague = policy.directory.by_chat(draft.identities)
        if ticket is not None and colleague is not None:
            return _report_back(arrival, ticket, colleague.name, known, policy)
        heard = ticket is not None and (ticket.open or draft.revises is not None)
        if ticket is not None and heard and not known.identities.isdisjoint(ticket.identities):
            return _supplement(arrival, ticket, known, policy)
    return _complaint(arrival, known, policy)


def decide_understood(
    arrival: Arrival, ticket: Ticket, statement: Complaint, known: Known, policy: Policy, replay: Replay
) -> Changes:
    """An input that is in triage is read again and understood: its ticket is filled, and its complaint counts.

    Where its forwarding body has sent the case again meanwhile, this ticket is a duplicate and tells the body nothing.
    """
    draft, at = arrival.draft, replay.at
    source, links = draft.source, ticket.links
    if known.case is not None:
        source, links = None, (*links, Link(relation="duplicate", ticket_id=known.case.id))
    rule = policy.profiles[ticket.profile].repeat
    case = Case.of(ticket, known.timers(ticket.id), policy)
    case.happen(
        "replayed",
        at,
        replay.actor,
        {"inbound": arrival.inbound_id},
        lodged_at=repeat.claimed_or_received(draft, rule),
        kind=draft.kind,
        priority=policy.profiles[ticket.profile].priority_or(draft.priority, ticket.priority),
        subject=draft.subject[:_LONGEST_SUBJECT],
        text=draft.text,
        complainant=draft.complainant,
        identities=draft.identities,
        respondent=draft.respondent,
        service_number=draft.service_number,
        category=draft.category,
        occurred_at=draft.occurred_at,
        place=draft.place,
        locale=draft.locale,
        source=source,
        links=links,
        entry=draft.entry,
        tags=tuple(dict.fromkeys((*ticket.tags, *draft.tags))),
        triage="",
    )
    if source is not None:
        heed_source(case, draft, policy)
    read = replace(
        statement, text=draft.text, view=draft.view, attachments=arrival.attachments or statement.attachments
    )
    later = begin_to_count(case, read, known, policy, at)
    change = case.change()
    raised = change.after.grade_reason == "repeat" and ticket.grade_reason != "repeat"
    return Changes(
        outcome="repeated" if raised else "opened",
        ticket_id=ticket.id,
        repeat_of=next((link.ticket_id for link in change.after.links if link.relation == "repeats"), None),
        tickets=(change, *later),
    )


def _complaint(arrival: Arrival, known: Known, policy: Policy) -> Changes:
    """A statement of its own. The repeat rule looks back for what it repeats and ahead for what it makes a repeat."""
    draft = arrival.draft
    rule = policy.profiles[draft.profile].repeat
    lodged_at = repeat.claimed_or_received(draft, rule)
    counted = repeat.counted(draft.kind, draft.complainant, draft.identities, rule) if repeat.counts_now(draft) else ()
    past = known.past if counted and rule.action != "none" else ()
    earlier = repeat.repeated(lodged_at, draft.channel, past, rule)
    heard = _Heard(lodged_at=lodged_at, counted=counted, past=past, earlier=earlier)
    concern = None
    forwarded = draft.source is not None and draft.source.case_number  # its body hears of its own case
    submitted = draft.disposition == "submit" and draft.intent != "triage"
    if submitted and not forwarded and (earlier or draft.quoted or draft.thread):
        concern = repeat.concerned(draft, known.identities, known.tickets.values(), rule)
    if concern is not None and (concern[1] == "quoted" or (earlier and rule.action in ("escalate", "merge"))):
        return _append(arrival, *concern, heard, known, policy)
    return _open(arrival, heard, known, policy)


def _append(arrival: Arrival, ticket: Ticket, by: str, heard: _Heard, known: Known, policy: Policy) -> Changes:
    """A complaint about an open ticket joins it, which escalates if this is a repeat or if what was lodged later is."""
    draft = arrival.draft
    at = draft.received_at
    rule = policy.profiles[ticket.profile].repeat
    case = Case.of(ticket, known.timers(ticket.id), policy)
    seq = ticket.statements + 1
    case.add_statement(_statement(arrival, ticket.id, seq, heard.lodged_at, "complaint", heard.counted))
    case.happen(
        "complained_again",
        at,
        draft.actor,
        {"statement": seq, "channel": draft.channel, "concerns_by": by, "inbound": arrival.inbound_id},
        statements=seq,
        identities=tuple(dict.fromkeys((*ticket.identities, *draft.identities))),
        complainant=_also_reached(ticket.complainant, draft),
    )
    direct = repeat.direct_reason(draft.kind, draft.entry, rule)
    if direct:
        raise_grade(case, rule, direct, at, draft.actor)
    this = Past(ticket_id=ticket.id, seq=seq, lodged_at=heard.lodged_at, channel=draft.channel, identity="")
    pair = None if heard.earlier is None else (heard.earlier, replace(this, identity=heard.earlier.identity))
    if pair is None:
        own = next((one for one in repeat.made_repeats(this, heard.past, rule) if one.ticket_id == ticket.id), None)
        pair = None if own is None else (replace(this, identity=own.identity), own)
    if pair is not None:
        find_repeat(case, rule, *pair, at)
    return Changes(
        outcome="repeated" if pair and rule.action == "escalate" else "appended",
        ticket_id=ticket.id,
        repeat_of=heard.earlier.ticket_id if heard.earlier else None,
        tickets=(case.change(), *late_repeats(this, heard.past, known, policy, at)),
    )


def _also_reached(known: Complainant, draft: TicketDraft) -> Complainant:
    """The complainant with the contacts that a further complaint brings; of the anonymous nothing is learnt.

    Nor from a form that names more than what it was known by: whoever knows somebody's number could write an address
    of their own beside it, and would be sent that person's answers and the key of the ticket.
    """
    brought = draft.complainant
    if known.anonymous or brought.anonymous:
        return known
    if draft.actor == "complainant" and len(draft.identities) > 1:
        return replace(known, confidential=known.confidential or brought.confidential)
    return _reached_by(known, brought)


def _reached_by(known: Complainant, brought: Complainant) -> Complainant:
    """The complainant with the contacts of both."""
    return replace(
        known,
        name=known.name or brought.name,
        phones=tuple(dict.fromkeys((*known.phones, *brought.phones))),
        mobile=known.mobile or brought.mobile,
        emails=tuple(dict.fromkeys((*known.emails, *brought.emails))),
        chats=tuple(dict.fromkeys((*known.chats, *brought.chats))),
        confidential=known.confidential or brought.confidential,
    )


def _not_reached_by(known: Complainant, identities: frozenset[str]) -> Complainant:
    """The complainant without these phones and addresses, such as a number that was mistyped."""
    return replace(
        known,
        phones=tuple(one for one in known.phones if f"phone:{one}" not in identities),
        mobile="" if f"phone:{known.mobile}" in identities else known.mobile,
        emails=tuple(one for one in known.emails if f"email:{one.casefold()}" not in identities),
    )


def _open(arrival: Arrival, heard: _Heard, known: Known, policy: Policy) -> Changes:
    """A ticket of its own; with `heard.earlier` it repeats that one."""
    draft = arrival.draft
    at = draft.received_at
    profile = policy.profiles[draft.profile]
    rule = profile.repeat
    direct = repeat.direct_reason(draft.kind, draft.entry, rule) if repeat.counts_now(draft) else ""
    stage: Stage = "draft" if draft.disposition == "draft" else "received"
    ticket_id = arrival.new_ticket_id(at.astimezone(profile.tz).date())
    case = Case.new(
        policy,
        id=ticket_id,
        profile=profile.name,
        kind=draft.kind,
        grade=rule.grade if direct else "request",
        grade_reason=direct,
        priority=profile.priority_or(draft.priority, profile.default_priority),
        status=profile.first_status[stage],
        stage=stage,
        channel=draft.channel,
        received_at=at,
        lodged_at=heard.lodged_at,
        subject=draft.subject[:_LONGEST_SUBJECT],
        text=draft.text,
        complainant=draft.complainant,
        identities=draft.identities,
        respondent=draft.respondent,
        service_number=draft.service_number,
        category=draft.category,
        occurred_at=draft.occurred_at,
        place=draft.place,
        locale=draft.locale,
        source=opened_by(draft.source),
        entry=draft.entry,
        group=profile.default_group,
        first_owner=draft.actor if draft.actor != "complainant" else "",
        triage=draft.note or "unclear" if draft.intent == "triage" else "",
        tags=draft.tags,
        links=(*links_to(heard.earlier, rule), *_first_links(known)),
    )
    case.add_statement(_statement(arrival, ticket_id, 1, heard.lodged_at, "complaint", heard.counted))
    first = "drafted" if stage == "draft" else "received"
    case.happen(first, at, draft.actor, {"channel": draft.channel, "inbound": arrival.inbound_id})
    if direct:
        case.happen("escalated", at, draft.actor, {"reason": direct, "from": "request", "to": rule.grade})
    this = Past(ticket_id=ticket_id, seq=1, lodged_at=heard.lodged_at, channel=draft.channel, identity="")
    if heard.earlier is not None:
        find_repeat(case, rule, heard.earlier, replace(this, identity=heard.earlier.identity), at)
    heed_source(case, draft, policy)
    if draft.disposition == "answered":
        _answer_at_once(case, draft, profile)
    escalates = heard.earlier is not None and rule.action == "escalate"
    return Changes(
        outcome="triage" if draft.intent == "triage" else "repeated" if escalates else "opened",
        ticket_id=ticket_id,
        repeat_of=heard.earlier.ticket_id if heard.earlier else None,
        tickets=(case.change(), *late_repeats(this, heard.past, known, policy, at)),
    )


def _open_again(arrival: Arrival, known: Known, policy: Policy) -> Changes:
    """A finished case of a forwarding body comes once more as a ticket of its own; it is no second complaint."""
    rule = policy.profiles[arrival.draft.profile].repeat
    lodged_at = repeat.claimed_or_received(arrival.draft, rule)
    return _open(arrival, _Heard(lodged_at=lodged_at, counted=(), past=(), earlier=None), known, policy)


def _first_links(known: Known) -> tuple[Link, ...]:
    """The other part of the same message, and the ticket that the same case had before."""
    split = () if known.split_from is None else (Link(relation="split_from", ticket_id=known.split_from),)
    return split if known.case is None else (*split, Link(relation="parent", ticket_id=known.case.id))


def _answer_at_once(case: Case, draft: TicketDraft, profile: Profile) -> None:
    """直接答复: the caller had the answer on the phone."""
    at, actor = draft.received_at, draft.actor
    case.happen(
        "answered",
        at,
        actor,
        {"text": draft.answer},
        status=profile.first_status["answered"],
        stage="answered",
        answer=draft.answer,
    )
    case.happen("closed", at, actor, {}, status=profile.first_status["closed"], stage="closed")


def _supplement(arrival: Arrival, ticket: Ticket, known: Known, policy: Policy) -> Changes:
    """More facts from somebody who belongs to the ticket, or other words for what he said before; that stays as it was.

    What begins with files alone is about what the first words say. A draft is not yet a complaint: the contacts that
    its author adds are his own, and where he corrects it, it says what he says now.
    """
    draft, revised = arrival.draft, arrival.draft.revises
    lodged_at = repeat.claimed_or_received(draft, policy.profiles[ticket.profile].repeat)
    case = Case.of(ticket, known.timers(ticket.id), policy)
    came: dict[str, JSON] = {"channel": draft.channel, "inbound": arrival.inbound_id}
    if revised is not None and draft.retracts:
        case.happen("retracted", draft.received_at, draft.actor, {"statement": revised.seq, **came})
        return Changes(outcome="appended", ticket_id=ticket.id, tickets=(case.change(),))
    seq = ticket.statements + 1
    changes: dict[str, Any] = {"statements": seq}
    is_draft = ticket.stage == "draft"
    if draft.text and (not ticket.text or (is_draft and revised is not None and revised.text == ticket.text)):
        changes |= {"text": draft.text, "subject": draft.subject[:_LONGEST_SUBJECT]}
    if is_draft:
        unsaid = frozenset(revised.identities if revised is not None else ()) - {*draft.identities}
        known_by = (*ticket.identities, *draft.identities)
        changes["complainant"] = _reached_by(_not_reached_by(ticket.complainant, unsaid), draft.complainant)
        changes["identities"] = tuple(dict.fromkeys(one for one in known_by if one not in unsaid))
    case.add_statement(_statement(arrival, ticket.id, seq, lodged_at, "supplement", ()))
    if revised is not None:
        case.happen(
            "revised", draft.received_at, draft.actor, {"statement": seq, "revises": revised.seq, **came}, **changes
        )
    else:
        case.happen("supplemented", draft.received_at, draft.actor, {"statement": seq, **came}, **changes)
    return Changes(outcome="appended", ticket_id=ticket.id, tickets=(case.change(),))


def _report_back(arrival: Arrival, ticket: Ticket, who: str, known: Known, policy: Policy) -> Changes:
    """Whoever was told of a ticket in a chat says there what came of it: another city's office, say.

    The token proves which ticket, the chat who; it is nothing that the complainant said.
    """
    draft = arrival.draft
    case = Case.of(ticket, known.timers(ticket.id), policy)
    seq = ticket.statements + 1
    lodged_at = repeat.claimed_or_received(draft, policy.profiles[ticket.profile].repeat)
    said = _statement(arrival, ticket.id, seq, lodged_at, "supplement", ())
    case.add_statement(replace(said, actor=who, identities=()))
    told: dict[str, JSON] = {
        "statement": seq,
        "text": draft.text,
        "channel": draft.channel,
        "inbound": arrival.inbound_id,
    }
    case.happen("reported_back", draft.received_at, who, told, statements=seq)
    return Changes(outcome="appended", ticket_id=ticket.id, tickets=(case.change(),))


def _statement(
    arrival: Arrival,
    ticket_id: int,
    seq: int,
    lodged_at: datetime,
    kind: Literal["complaint", "supplement"],
    counted: tuple[str, ...],
) -> Complaint:
    draft = arrival.draft
    return Complaint(
        ticket_id=ticket_id,
        seq=seq,
        kind=kind,
        channel=draft.channel,
        lodged_at=lodged_at,
        received_at=draft.received_at,
        text=draft.text,
        view=draft.view,
        actor=draft.actor,
        inbound_id=arrival.inbound_id,
        identities=draft.identities,
        counted=counted,
        attachments=arrival.attachments,
    )
