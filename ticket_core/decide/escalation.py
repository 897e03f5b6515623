"""A grade rises: because one complaint repeats another, or because of the way it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ticket_core.decide import repeat
from ticket_core.decide.case import Case
from ticket_core.decide.known import Known
from ticket_core.decide.repeat import Past
from ticket_core.decide.timers import as_json
from ticket_core.model import GRADE_RANK, JSON, Complaint, Link, Ticket, TicketChange
from ticket_core.policy import Policy
from ticket_core.profile import RepeatRule

#: What each action of the repeat rule does when one complaint repeats another: does it link, does it escalate.
_LINKS: Mapping[str, bool] = {"escalate": True, "link": True, "merge": True, "inform": False, "none": False}


def links_to(earlier: Past | None, rule: RepeatRule) -> tuple[Link, ...]:
    """The link of a ticket of its own to the one it repeats."""
    if earlier is None or not _LINKS[rule.action]:
        return ()
    return (Link(relation="repeats", ticket_id=earlier.ticket_id),)


def find_repeat(case: Case, rule: RepeatRule, earlier: Past, later: Past, at: datetime) -> None:
    """The evidence goes on record; the grade rises once, and with it the deadlines of the higher grade apply."""
    case.happen("repeat_found", at, "rule", repeat.evidence(rule, earlier, later))
    if rule.action == "escalate":
        raise_grade(case, rule, "repeat", at, "rule")


def raise_grade(case: Case, rule: RepeatRule, reason: str, at: datetime, actor: str) -> None:
    """The ticket takes the rule's grade unless it has it or a higher one; what was before is kept to undo it."""
    state = case.state
    if GRADE_RANK[state["grade"]] >= GRADE_RANK[rule.grade]:
        return
    before: dict[str, JSON] = {name: as_json(timer) for name, timer in case.timers.items() if timer.running}
    proof: dict[str, JSON] = {"reason": reason, "from": state["grade"], "to": rule.grade}
    proof |= {"reason_before": state["grade_reason"], "timers_before": before}
    case.happen("escalated", at, actor, proof, grade=rule.grade, grade_reason=reason)


def late_repeats(
    this: Past, past: Sequence[Past], known: Known, policy: Policy, at: datetime
) -> tuple[TicketChange, ...]:
    """What happens to tickets whose stored complaints turn out to repeat `this`, lodged before them but seen after."""
    if not past:
        return ()
    changes = []
    for ticket_id in dict.fromkeys(one.ticket_id for one in past):
        ticket = known.tickets.get(ticket_id)
        if ticket is None or ticket_id == this.ticket_id or _known_as_repeat(ticket):
            continue
        rule = policy.profiles[ticket.profile].repeat
        one = next((one for one in repeat.made_repeats(this, past, rule) if one.ticket_id == ticket_id), None)
        if one is None or rule.action == "none":
            continue
        case = Case.of(ticket, known.timers(ticket_id), policy)
        case.state["links"] = (*ticket.links, *links_to(this, rule))
        find_repeat(case, rule, replace(this, identity=one.identity), one, at)
        changes.append(case.change())
    return tuple(changes)


def _known_as_repeat(ticket: Ticket) -> bool:
    return ticket.grade_reason == "repeat" or any(link.relation == "repeats" for link in ticket.links)


def begin_to_count(
    case: Case, statement: Complaint, known: Known, policy: Policy, at: datetime
) -> tuple[TicketChange, ...]:
    """The repeat rule for a ticket that was there before its complaint counted: a draft submitted, a triage understood.

    It counts from the time it was lodged, as if it came in late, and stays a ticket of its own. Returns what happens
    to other tickets.
    """
    state = case.state
    rule = policy.profiles[state["profile"]].repeat
    counted = repeat.counted(state["kind"], state["complainant"], state["identities"], rule)
    case.rewrite(replace(statement, lodged_at=state["lodged_at"], identities=state["identities"], counted=counted))
    direct = repeat.direct_reason(state["kind"], state["entry"], rule)
    if direct:
        raise_grade(case, rule, direct, at, "rule")
    if not counted or rule.action == "none":
        return ()
    this = Past(
        ticket_id=state["id"],
        seq=statement.seq,
        lodged_at=state["lodged_at"],
        channel=statement.channel,
        identity="",
    )
    earlier = repeat.repeated(this.lodged_at, this.channel, known.past, rule)
    if earlier is not None:
        state["links"] = (*state["links"], *links_to(earlier, rule))
        find_repeat(case, rule, earlier, replace(this, identity=earlier.identity), at)
    return late_repeats(this, known.past, known, policy, at)
