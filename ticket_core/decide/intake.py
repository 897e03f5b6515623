"""What becomes of one input: a new ticket, a statement on an open one, an escalation, or only a line in the journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from ticket_core.decide import repeat
from ticket_core.decide.case import Case
from ticket_core.decide.repeat import Past
from ticket_core.model import (
    GRADE_RANK,
    JSON,
    Attachment,
    Changes,
    Complaint,
    Link,
    Ticket,
    TicketChange,
    TicketDraft,
    Timer,
)
from ticket_core.policy import Policy
from ticket_core.profile import RepeatRule

_LONGEST_SUBJECT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known before an input is decided: the person's counted complaints and tickets, and tickets it names."""

    past: Sequence[Past] = ()
    tickets: Mapping[int, Ticket] = field(default_factory=dict)
    timers: Callable[[int], Mapping[str, Timer]] = lambda _ticket_id: {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The input itself: its draft, its line in the journal, its attachments, and where a new ticket's id comes from."""

    draft: TicketDraft
    inbound_id: int
    attachments: tuple[Attachment, ...] = ()
    new_ticket_id: Callable[[date], int]


def decide_intake(arrival: Arrival, known: Known, policy: Policy) -> Changes:
    """The one outcome of an input (contract, sections 4 and 5)."""
    draft = arrival.draft
    if draft.intent == "automatic":
        return Changes(outcome="automatic")
    if draft.intent == "supplement":
        ticket = known.tickets.get(draft.thread or 0)
        if ticket is not None and ticket.open and not set(draft.identities).isdisjoint(ticket.identities):
            return _supplement(arrival, ticket, known, policy)
    if draft.intent == "triage":
        return _open(arrival, known, policy, lodged_at=_lodged_at(draft, policy), earlier=None)
    return _complaint(arrival, known, policy)


def _lodged_at(draft: TicketDraft, policy: Policy) -> datetime:
    return repeat.claimed_or_received(draft, policy.profiles[draft.profile].repeat)


def _complaint(arrival: Arrival, known: Known, policy: Policy) -> Changes:
    """A statement of its own. The repeat rule looks back for what it repeats and ahead for what it makes a repeat."""
    draft = arrival.draft
    rule = policy.profiles[draft.profile].repeat
    lodged_at = _lodged_at(draft, policy)
    past = known.past if rule.action != "none" and repeat.counted_identities(draft, rule) else ()
    earlier = repeat.repeated(lodged_at, draft.channel, past, rule)
    concern = repeat.concerned(draft, known.tickets.values()) if earlier or draft.quoted or draft.thread else None
    if concern is not None and draft.disposition == "submit":
        ticket, by = concern
        if earlier is not None and rule.action in ("escalate", "merge"):
            return _append(arrival, ticket, by, earlier, known, policy)
        if by == "quoted":
            return _append(arrival, ticket, by, None, known, policy)
    changes = _open(arrival, known, policy, lodged_at=lodged_at, earlier=earlier)
    if rule.action != "escalate":
        return changes
    mine = changes.tickets[0].after
    this = Past(ticket_id=mine.id, seq=1, lodged_at=lodged_at, channel=draft.channel, identity="")
    later = _late(this, repeat.made_repeats(lodged_at, draft.channel, past, rule), known, policy, draft.received_at)
    return Changes(
        outcome=changes.outcome,
        ticket_id=mine.id,
        repeat_of=changes.repeat_of,
        tickets=(*changes.tickets, *later),
    )


def _append(arrival: Arrival, ticket: Ticket, by: str, earlier: Past | None, known: Known, policy: Policy) -> Changes:
    """A second complaint about an open ticket: its statement joins it, and with `earlier` the ticket escalates."""
    draft = arrival.draft
    rule = policy.profiles[ticket.profile].repeat
    lodged_at = _lodged_at(draft, policy)
    case = Case.of(ticket, known.timers(ticket.id), policy)
    seq = ticket.statements + 1
    statement = _statement(arrival, ticket.id, seq, lodged_at, "complaint", rule)
    case.add_statement(statement)
    identities = tuple(dict.fromkeys((*ticket.identities, *draft.identities)))
    case.happen(
        "complained_again",
        draft.received_at,
        draft.actor,
        {"statement": seq, "channel": draft.channel, "concerns_by": by, "inbound": arrival.inbound_id},
        statements=seq,
        identities=identities,
    )
    if earlier is None:
        return Changes(outcome="appended", ticket_id=ticket.id, tickets=(case.change(),))
    this = Past(ticket_id=ticket.id, seq=seq, lodged_at=lodged_at, channel=draft.channel, identity=earlier.identity)
    _escalate(case, rule, repeat.evidence(rule, earlier, this), draft.received_at)
    late = _late(
        this,
        [one for one in repeat.made_repeats(lodged_at, draft.channel, known.past, rule) if one.ticket_id != ticket.id],
        known,
        policy,
        draft.received_at,
    )
    outcome = "repeated" if rule.action == "escalate" else "appended"
    return Changes(
        outcome=outcome,  # type: ignore[arg-type]  # both are outcomes
        ticket_id=ticket.id,
        repeat_of=earlier.ticket_id,
        tickets=(case.change(), *late),
    )


def _open(arrival: Arrival, known: Known, policy: Policy, *, lodged_at: datetime, earlier: Past | None) -> Changes:
    """A ticket of its own; with `earlier` it repeats that one."""
    draft = arrival.draft
    profile = policy.profiles[draft.profile]
    rule = profile.repeat
    escalates = earlier is not None and rule.action == "escalate"
    direct = repeat.direct_reason(draft, rule)
    stage = {"submit": "received", "answered": "closed", "draft": "draft"}[draft.disposition]
    ticket_id = arrival.new_ticket_id(draft.received_at.astimezone(profile.tz).date())
    case = Case.new(
        policy,
        id=ticket_id,
        profile=profile.name,
        kind=draft.kind,
        grade=rule.grade if direct else "request",
        grade_reason=direct,
        priority=draft.priority or profile.default_priority,
        status=profile.first_status["draft" if stage == "draft" else "received"],
        stage="draft" if stage == "draft" else "received",
        channel=draft.channel,
        received_at=draft.received_at,
        lodged_at=lodged_at,
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
        source=draft.source,
        entry=draft.entry,
        group=profile.default_group,
        first_owner=draft.actor if draft.actor != "complainant" else "",
        triage=draft.note if draft.intent == "triage" else "",
        links=(Link(relation="repeats", ticket_id=earlier.ticket_id),) if earlier else (),
    )
    case.add_statement(_statement(arrival, ticket_id, 1, lodged_at, "complaint", rule))
    first = {"draft": "drafted"}.get(stage, "received")
    case.happen(first, draft.received_at, draft.actor, {"channel": draft.channel, "inbound": arrival.inbound_id})
    if direct:
        case.happen(
            "escalated", draft.received_at, draft.actor, {"reason": direct, "from": "request", "to": rule.grade}
        )
    if earlier is not None:
        this = Past(ticket_id=ticket_id, seq=1, lodged_at=lodged_at, channel=draft.channel, identity=earlier.identity)
        _escalate(case, rule, repeat.evidence(rule, earlier, this), draft.received_at)
    if draft.disposition == "answered":
        for kind, to in (("answered", "answered"), ("closed", "closed")):
            status = profile.first_status[to]
            case.happen(
                kind,
                draft.received_at,
                draft.actor,
                {"text": draft.answer} if kind == "answered" else {},
                status=status,
                stage=to,
                answer=draft.answer,
            )
    outcome = "triage" if draft.intent == "triage" else "repeated" if escalates else "opened"
    return Changes(
        outcome=outcome,  # type: ignore[arg-type]  # all three are outcomes
        ticket_id=ticket_id,
        repeat_of=earlier.ticket_id if earlier else None,
        tickets=(case.change(),),
    )


def _escalate(case: Case, rule: RepeatRule, proof: dict[str, JSON], at: datetime) -> None:
    """The evidence goes on record; the grade rises once, and with it the deadlines of the higher grade apply."""
    case.happen("repeat_found", at, "rule", proof)
    state = case.state
    if rule.action != "escalate" or GRADE_RANK[state["grade"]] >= GRADE_RANK[rule.grade]:
        return
    before: dict[str, Any] = {name: timer.due_at.isoformat() for name, timer in case.timers.items() if timer.running}
    case.happen(
        "escalated",
        at,
        "rule",
        {"reason": "repeat", "from": state["grade"], "to": rule.grade, "due_before": before},
        grade=rule.grade,
        grade_reason="repeat",
    )


def _late(this: Past, repeats: Sequence[Past], known: Known, policy: Policy, at: datetime) -> tuple[TicketChange, ...]:
    """Stored complaints that turn out to repeat `this`, which was lodged before them but came in after."""
    changes = []
    for ticket_id in dict.fromkeys(one.ticket_id for one in repeats):
        ticket = known.tickets.get(ticket_id)
        if ticket is None or ticket.id == this.ticket_id:
            continue
        rule = policy.profiles[ticket.profile].repeat
        if GRADE_RANK[ticket.grade] >= GRADE_RANK[rule.grade]:
            continue
        one = next(one for one in repeats if one.ticket_id == ticket_id)
        first = Past(
            ticket_id=this.ticket_id,
            seq=this.seq,
            lodged_at=this.lodged_at,
            channel=this.channel,
            identity=one.identity,
        )
        case = Case.of(ticket, known.timers(ticket_id), policy)
        case.state["links"] = (*ticket.links, Link(relation="repeats", ticket_id=this.ticket_id))
        _escalate(case, rule, repeat.evidence(rule, first, one), at)
        changes.append(case.change())
    return tuple(changes)


def _supplement(arrival: Arrival, ticket: Ticket, known: Known, policy: Policy) -> Changes:
    """More facts from somebody who belongs to the ticket."""
    draft = arrival.draft
    rule = policy.profiles[ticket.profile].repeat
    case = Case.of(ticket, known.timers(ticket.id), policy)
    seq = ticket.statements + 1
    case.add_statement(_statement(arrival, ticket.id, seq, _lodged_at(draft, policy), "supplement", rule))
    case.happen(
        "supplemented",
        draft.received_at,
        draft.actor,
        {"statement": seq, "channel": draft.channel, "inbound": arrival.inbound_id},
        statements=seq,
    )
    return Changes(outcome="appended", ticket_id=ticket.id, tickets=(case.change(),))


def _statement(
    arrival: Arrival, ticket_id: int, seq: int, lodged_at: datetime, kind: str, rule: RepeatRule
) -> Complaint:
    draft = arrival.draft
    counted = repeat.counted_identities(draft, rule) if kind == "complaint" and draft.intent == "complaint" else ()
    return Complaint(
        ticket_id=ticket_id,
        seq=seq,
        kind=kind,  # type: ignore[arg-type]  # one of the two, said by the callers above
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
