"""The same case of a forwarding body again 重复转办: urged, corrected, prolonged, withdrawn, or given back to us."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ticket_core.decide.case import Case
from ticket_core.decide.known import Known
from ticket_core.decide.timers import from_source, move
from ticket_core.model import JSON, Attachment, Changes, Complaint, Source, Ticket, TicketDraft
from ticket_core.policy import Policy

#: What a correction of theirs may change.
_CORRECTED = ("subject", "text", "category", "priority", "respondent", "service_number", "occurred_at", "place", "kind")


def decide_transfer(
    draft: TicketDraft,
    ticket: Ticket,
    inbound_id: int,
    attachments: Sequence[Attachment],
    known: Known,
    policy: Policy,
) -> Changes:
    """A further message about a case we have: it is never a second complaint, and its ticket is the one we have."""
    assert draft.source is not None
    profile = policy.profiles[ticket.profile]
    case = Case.of(ticket, known.timers(ticket.id), policy)
    at, body, source = draft.received_at, draft.source.body, draft.source
    came: dict[str, JSON] = {"source": body, "act": source.act, "channel": draft.channel, "inbound": inbound_id}
    late = _is_older(source, ticket.source)
    if source.act == "withdraw" and ticket.open:
        status = profile.first_status["withdrawn"]
        case.happen("withdrawn", at, body, came, status=status, stage="withdrawn")
        return _done(case, ticket)
    seq = ticket.statements + 1
    changes: dict[str, Any] = {"statements": seq}
    changed = {} if late else _changed(draft, ticket)
    if not late:
        changes |= {name: new for name, (_, new) in changed.items()}
        changes["source"] = replace(source, deadlines=source.deadlines or _theirs(ticket))
    case.add_statement(
        Complaint(
            ticket_id=ticket.id,
            seq=seq,
            kind="supplement",
            channel=draft.channel,
            lodged_at=draft.claimed_at or at,
            received_at=at,
            text=draft.text,
            actor=draft.actor,
            inbound_id=inbound_id,
            attachments=tuple(attachments),
        )
    )
    came |= {"statement": seq, "late": late, "changed": {name: _shown(old) for name, (old, _) in changed.items()}}
    if not ticket.open:
        back = profile.first_status["received"]
        changes |= {"status": back, "stage": "received", "triage": ""}
    case.happen("transferred_again", at, body, came, **changes)
    if source.act == "urge" and ticket.open:
        case.happen("urged", at, body, {"urges": ticket.urges + 1, "source": body}, urges=ticket.urges + 1)
    if source.act == "extension" and not late:
        _prolong(case, draft, policy)
    elif not late:
        heed_source(case, draft, policy)
    return _done(case, ticket)


def heed_source(case: Case, draft: TicketDraft, policy: Policy) -> None:
    """The forwarding body's own deadlines count where they are earlier than ours."""
    profile = policy.profiles[case.state["profile"]]
    for name, due_at in draft.source.deadlines if draft.source else ():
        case.set_timer(
            from_source(
                case.timers.get(name),
                name,
                due_at,
                ticket_id=case.state["id"],
                at=draft.received_at,
                profile=profile,
                calendar=policy.calendar,
            )
        )


def _prolong(case: Case, draft: TicketDraft, policy: Policy) -> None:
    """They granted more time: the deadline moves to theirs, with an event, while it runs."""
    profile = policy.profiles[case.state["profile"]]
    for name, due_at in draft.source.deadlines if draft.source else ():
        timer = case.timers.get(name)
        if timer is None or not timer.running or due_at <= timer.due_at:
            continue
        told: dict[str, JSON] = {
            "deadline": name,
            "due_before": timer.due_at.isoformat(),
            "due_at": due_at.isoformat(),
            "reason": "granted by the forwarding body",
        }
        case.set_timer(move(timer, due_at, profile, policy.calendar, origin="extension"))
        case.happen("extended", draft.received_at, draft.source.body if draft.source else "", told)


def _is_older(new: Source, known: Source | None) -> bool:
    """Whether the body sent it before what we have."""
    return known is not None and known.sent_at is not None and new.sent_at is not None and new.sent_at < known.sent_at


def _changed(draft: TicketDraft, ticket: Ticket) -> dict[str, tuple[Any, Any]]:
    """What this message says otherwise than the ticket; what it leaves empty stays."""
    pairs = {name: (getattr(ticket, name), getattr(draft, name)) for name in _CORRECTED}
    return {name: (old, new) for name, (old, new) in pairs.items() if new and new != old}


def _theirs(ticket: Ticket) -> tuple[tuple[str, datetime], ...]:
    return ticket.source.deadlines if ticket.source else ()


def _shown(value: Any) -> JSON:
    match value:
        case datetime():
            return value.isoformat()
        case tuple():
            return list(value)
        case _:
            return str(value) if value is not None else None


def _done(case: Case, ticket: Ticket) -> Changes:
    return Changes(outcome="appended", ticket_id=ticket.id, tickets=(case.change(),))
