"""The same case of a forwarding body again 重复转办: urged, corrected, prolonged, withdrawn, or given back to us.

Its messages may come in any order, so each counts by when the body sent it, where it says so. Limits of theirs only
become earlier, unless they grant more time, which then counts whatever else they send.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ticket_core.decide.case import Case
from ticket_core.decide.known import Known
from ticket_core.decide.timers import from_source, move
from ticket_core.model import (
    FINISHED,
    JSON,
    Attachment,
    Changes,
    Complainant,
    Complaint,
    Source,
    Ticket,
    TicketDraft,
    Timer,
)
from ticket_core.policy import Policy
from ticket_core.profile import Profile

#: What a correction of theirs may change.
_CORRECTED = ("subject", "text", "category", "priority", "respondent", "service_number", "occurred_at", "place", "kind")
#: What tells the whole case anew; the others are about it.
_TELLING = frozenset({"transfer", "correction"})


def begins_anew(draft: TicketDraft, ticket: Ticket, policy: Policy) -> bool:
    """Whether a finished case that they transfer once more gets a new ticket, as their source says."""
    source = policy.sources.get(draft.source.body) if draft.source else None
    return source is not None and source.again == "new" and _revives(draft, ticket)


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
    case = Case.of(ticket, known.timers(ticket.id), policy)
    act, at, body = draft.source.act, draft.received_at, draft.source.body
    seq = ticket.statements + 1
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
    late = _is_older(draft.source, ticket.source)
    changed = {} if late or act not in _TELLING else _changed(draft, ticket, policy.profiles[ticket.profile])
    changes: dict[str, Any] = {name: new for name, (_, new) in changed.items()}
    revives = _revives(draft, ticket)
    if act in _TELLING and not late:
        changes["complainant"] = _reached(ticket.complainant, draft.complainant)
        changes["identities"] = tuple(dict.fromkeys((*ticket.identities, *draft.identities)))
        changes["source"] = _given(draft, ticket.source) if revives else _told(draft.source, ticket.source)
    came: dict[str, JSON] = {
        "source": body,
        "act": act,
        "channel": draft.channel,
        "inbound": inbound_id,
        "statement": seq,
        "late": late,
        "changed": {name: _shown(old) for name, (old, _) in changed.items()},
    }
    changes["statements"] = seq
    if revives:
        status = policy.profiles[ticket.profile].first_status["received"]
        changes |= {"status": status, "stage": "received", "triage": ""}
    case.happen(_event_of(act, revives), at, body, came, **changes)
    heed_source(case, draft, policy)
    return Changes(outcome="appended", ticket_id=ticket.id, tickets=(case.change(),))


def heed_source(case: Case, draft: TicketDraft, policy: Policy) -> None:
    """What the forwarding body asks for with this message: its limits, an urge, more time, or an end."""
    if draft.source is None:
        return
    match draft.source.act:
        case "transfer" | "correction":
            _limit(case, draft.source, draft.received_at, policy)
        case "urge":
            _urge(case, draft)
        case "extension":
            _prolong(case, draft, policy)
        case "withdraw":
            _withdraw(case, draft, policy)


def opened_by(source: Source | None) -> Source | None:
    """What a new ticket keeps of the message that opened it; one about a case does not say when the case was sent."""
    if source is None or source.act in _TELLING:
        return source
    return replace(source, sent_at=None, deadlines=())


def _limit(case: Case, source: Source, at: datetime, policy: Policy) -> None:
    """Their own deadlines count where they are earlier than ours, and where they have not granted more time."""
    profile = policy.profiles[case.state["profile"]]
    granted = dict(_kept(case).granted)
    for name, due_at in source.deadlines:
        old = case.timers.get(name)
        if name in granted or (old is not None and _is_done(old, _kept(case))):
            continue  # what they prolonged, or what was done in time already
        ours = old if old is not None and old.running else None
        theirs = from_source(
            ours, name, due_at, ticket_id=case.state["id"], at=at, profile=profile, calendar=policy.calendar
        )
        if case.state["stage"] not in FINISHED:
            case.set_timer(theirs)


def _urge(case: Case, draft: TicketDraft) -> None:
    """Their urge 督办 counts like one of the complainant."""
    assert draft.source is not None
    if case.state["stage"] in FINISHED:
        return
    urges = case.state.get("urges", 0) + 1
    told: dict[str, JSON] = {"urges": urges, "source": draft.source.body, "text": draft.text}
    case.happen("urged", draft.received_at, draft.source.body, told, urges=urges)
    case.look_again(draft.received_at)


def _prolong(case: Case, draft: TicketDraft, policy: Policy) -> None:
    """They granted more time: the deadline moves to theirs, with an event, while it runs."""
    assert draft.source is not None
    profile, body, at = policy.profiles[case.state["profile"]], draft.source.body, draft.received_at
    kept = _kept(case)
    if draft.source.sent_at is not None and kept.given_at is not None and draft.source.sent_at < kept.given_at:
        return  # it was about the time before they gave us the case once more
    granted = dict(kept.granted)
    for name, due_at in draft.source.deadlines:
        granted[name] = max(due_at, granted.get(name, due_at))
        timer = case.timers.get(name)
        if timer is None and case.state["stage"] in FINISHED:
            continue
        if timer is None:
            timer = from_source(
                None, name, due_at, ticket_id=case.state["id"], at=at, profile=profile, calendar=policy.calendar
            )
            case.set_timer(timer)
        if not timer.running or due_at <= timer.due_at:
            continue
        told: dict[str, JSON] = {
            "deadline": name,
            "due_before": timer.due_at.isoformat(),
            "due_at": due_at.isoformat(),
            "reason": "",
            "source": body,
        }
        case.set_timer(move(timer, due_at, profile, policy.calendar, origin="extension", provisional=False))
        case.happen("extended", at, body, told)
    case.state["source"] = replace(kept, granted=tuple(sorted(granted.items())))


def _withdraw(case: Case, draft: TicketDraft, policy: Policy) -> None:
    """They say that the complainant has withdrawn; what they transferred after that stands."""
    assert draft.source is not None
    kept = _kept(case)
    if _is_older(draft.source, kept):
        return
    said_at = draft.source.sent_at or draft.received_at
    source = replace(kept, withdrawn_at=max(said_at, kept.withdrawn_at or said_at))
    if case.state["stage"] in FINISHED:
        case.state["source"] = source
        return
    status = policy.profiles[case.state["profile"]].first_status["withdrawn"]
    told: dict[str, JSON] = {"source": draft.source.body}
    case.happen(
        "withdrawn", draft.received_at, draft.source.body, told, status=status, stage="withdrawn", source=source
    )


def _revives(draft: TicketDraft, ticket: Ticket) -> bool:
    """Whether this message gives to us once more a case that is finished, or that we returned."""
    new, known = draft.source, ticket.source
    if (
        new is None
        or known is None
        or (ticket.open and ticket.stage != "returned")
        or new.act != "transfer"
        or _is_older(new, known)
    ):
        return False
    return new.sent_at is None or known.withdrawn_at is None or new.sent_at > known.withdrawn_at


def _event_of(act: str, revives: bool) -> str:
    if revives:
        return "given_again"
    return "supervised_by_source" if act == "urge" else "transferred_again"


def _kept(case: Case) -> Source:
    source: Source = case.state["source"]
    return source


def _told(new: Source, known: Source | None) -> Source:
    """What is known of the case once it was told anew; what was granted and withdrawn stays."""
    if known is None:
        return new
    return replace(
        new,
        deadlines=new.deadlines or known.deadlines,
        sent_at=new.sent_at or known.sent_at,
        granted=known.granted,
        withdrawn_at=known.withdrawn_at,
        given_at=known.given_at,
        other_number=new.other_number or known.other_number,
    )


def _given(draft: TicketDraft, known: Source | None) -> Source:
    """What is known of a case that they give to us once more: of its limits only those that they send with it."""
    assert draft.source is not None
    told = _told(draft.source, known)
    given_at = draft.source.sent_at or draft.received_at
    return replace(told, deadlines=draft.source.deadlines, granted=(), given_at=given_at)


def _is_done(timer: Timer, source: Source) -> bool:
    """Whether a limit was met since they gave the case to us last."""
    return timer.met_at is not None and (source.given_at is None or timer.met_at > source.given_at)


def _reached(known: Complainant, told: Complainant) -> Complainant:
    """The complainant as they correct it: what they say first, and the contacts of before after it."""
    return replace(
        known,
        name=told.name or known.name,
        phones=tuple(dict.fromkeys((*told.phones, *known.phones))),
        mobile=told.mobile or known.mobile,
        emails=tuple(dict.fromkeys((*told.emails, *known.emails))),
        masked=tuple(dict.fromkeys((*told.masked, *known.masked))),
        anonymous=known.anonymous or told.anonymous,
        confidential=known.confidential or told.confidential,
    )


def _is_older(new: Source, known: Source | None) -> bool:
    """Whether the body sent it before what we have."""
    return known is not None and known.sent_at is not None and new.sent_at is not None and new.sent_at < known.sent_at


def _changed(draft: TicketDraft, ticket: Ticket, profile: Profile) -> dict[str, tuple[Any, Any]]:
    """What this message says otherwise than the ticket; what it leaves empty stays."""
    pairs = {name: (getattr(ticket, name), getattr(draft, name)) for name in _CORRECTED}
    pairs["priority"] = (ticket.priority, profile.priority_or(draft.priority, ""))
    return {name: (old, new) for name, (old, new) in pairs.items() if new and new != old}


def _shown(value: Any) -> JSON:
    match value:
        case datetime():
            return value.isoformat()
        case tuple():
            return list(value)
        case _:
            return str(value) if value is not None else None
