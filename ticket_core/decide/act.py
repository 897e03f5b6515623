"""What somebody may do to a ticket, and what follows from it: the profile's actions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ticket_core.decide import extension
from ticket_core.decide.case import Case
from ticket_core.decide.deadline import due
from ticket_core.decide.span import UNITS
from ticket_core.decide.timers import move, put_back, their_limit, with_next_rung
from ticket_core.errors import ActionRefused, FieldMissing
from ticket_core.model import (
    GRADE_RANK,
    GRADES,
    JSON,
    KINDS,
    Attachment,
    Command,
    Complainant,
    Complaint,
    Event,
    Ticket,
    Timer,
)
from ticket_core.policy import Policy
from ticket_core.profile import Action, Profile

_LONGEST_TEXT = 20_000
_RATINGS = range(1, 6)
_MOBILE = re.compile(r"\+861[3-9][0-9]{9}")
#: Fields that an action writes straight into the ticket.
_TICKET_FIELDS = ("group", "assignee", "priority", "kind", "respondent", "service_number", "subject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A ticket as it stands when somebody acts: its timers, what happened before that the action goes by (`past`, see

    `kinds_that_matter`), the attachments that came along, and whether who shall have it has an account.
    """

    ticket: Ticket
    timers: Mapping[str, Timer]
    past: Sequence[Event] = ()
    attachments: tuple[Attachment, ...] = ()
    inbound_id: int | None = None
    assignee_signs_in: bool = False


def kinds_that_matter(action: str, profile: Profile) -> tuple[str, ...]:
    """The kinds of earlier events that an action goes by."""
    found = profile.action_of.get(action)
    return _GOES_BY.get(found.event, ()) if found else ()


_GOES_BY: Mapping[str, tuple[str, ...]] = {
    "repeat_undone": ("escalated",),
    "returned": ("given_again",),
    "assigned": ("returned",),
    "accepted": ("returned",),
    extension.GRANTED: extension.KINDS,
    extension.DENIED: extension.KINDS,
}


def allowed_actions(ticket: Ticket, role: str, profile: Profile) -> tuple[Action, ...]:
    """The actions that are legal now for this role."""
    return tuple(
        action
        for action in profile.actions
        if role in action.by
        and (not action.source or ticket.status in action.source)
        and (action.name != "undo_repeat" or ticket.grade_reason == "repeat")
        and (action.event != "transcribed" or ticket.triage)
    )


def decide_act(command: Command, standing: Standing, policy: Policy) -> Case:
    """The case after the action.

    Raises:
        ActionRefused: the action is not legal now, for this role.
        FieldMissing: a field is missing or wrong.
    """
    ticket = standing.ticket
    profile = policy.profiles[ticket.profile]
    allowed = allowed_actions(ticket, command.role, profile)
    action = next((one for one in allowed if one.name == command.action), None)
    if action is None:
        raise ActionRefused(command.action, ticket.status, tuple(one.name for one in allowed))
    fields = _checked(action, command.fields, profile)
    if not standing.assignee_signs_in:
        _heed_people(command, fields, policy)
    _heed_reasons(ticket, action.event, fields, policy)
    if action.event == "returned" and (late := _too_late(command, standing, profile, policy)):
        others = tuple(one.name for one in allowed if one.event != "returned")
        raise ActionRefused(command.action, ticket.status, others, late)
    case = Case.of(ticket, standing.timers, policy)
    changes: dict[str, Any] = {name: fields[name] for name in _TICKET_FIELDS if name in fields}
    if action.target is not None:
        changes["status"], changes["stage"] = action.target, profile.stage_of[action.target]
    if ticket.triage and action.target is not None:
        changes["triage"] = ""
    if fields.get("group", ticket.group) != ticket.group and "assignee" not in fields:
        changes["assignee"] = ""  # whoever had it belongs to the other group
    effect = _EFFECTS.get(action.event)
    if effect is not None:
        effect(case, standing, command, fields, changes, policy)
    case.happen(action.event, command.at, command.actor, {"action": action.name, **fields}, **changes)
    if action.event == "transcribed" and not _reachable(ticket.complainant) and _reachable(case.state["complainant"]):
        case.happen("reached", command.at, command.actor, {})
    return case


def _checked(action: Action, given: Mapping[str, JSON], profile: Profile) -> dict[str, Any]:
    """The action's fields, each checked; all problems at once."""
    problems: dict[str, str] = {}
    fields: dict[str, Any] = {}
    for name in given:
        if name not in action.requires and name not in action.accepts:
            problems[name] = "unknown field"
    for name in (*action.requires, *action.accepts):
        value = given.get(name)
        if value is None or value == "":
            if name in action.requires:
                problems[name] = "required"
            continue
        problem = _CHECKS.get(name, _a_text)(value, profile)
        if problem:
            problems[name] = problem
        else:
            fields[name] = value
    if problems:
        raise FieldMissing(problems)
    return fields


def _heed_people(command: Command, fields: Mapping[str, Any], policy: Policy) -> None:
    """Who has no account is one of the people, or takes it himself: a misspelt name would be nobody."""
    name, people = fields.get("assignee"), policy.directory.people
    if name and people and name != command.actor and policy.directory.person(name) is None:
        raise FieldMissing({"assignee": f"must be one of {', '.join(one.name for one in people)}"})


def _heed_reasons(ticket: Ticket, event: str, fields: Mapping[str, Any], policy: Policy) -> None:
    """A step of a forwarding body that keeps a list of reasons needs one of them."""
    source = policy.sources.get(ticket.source.body) if ticket.source else None
    reasons = source.reasons.get(event) if source else None
    if reasons and fields.get("code") not in reasons:
        raise FieldMissing({"code": f"must be one of {', '.join(f'{code} ({why})' for code, why in reasons.items())}"})


def _too_late(command: Command, standing: Standing, profile: Profile, policy: Policy) -> str:
    """Why a case does not go back to its forwarding body any more, counted from when they gave it to us last."""
    ticket = standing.ticket
    source = policy.sources.get(ticket.source.body) if ticket.source else None
    if source is None or source.return_span is None:
        return ""
    given_at = max((ticket.received_at, *(one.at for one in standing.past if one.kind == "given_again")))
    limit = due(given_at, source.return_span, calendar=policy.calendar, zone=profile.tz).due_at
    if command.at <= limit or (source.return_late == "supervisor" and command.role == "supervisor"):
        return ""
    who = "; a supervisor still may" if source.return_late == "supervisor" else ""
    return f"it could be returned until {extension.shown(limit, profile.tz)}{who}"


def _a_text(value: JSON, _profile: Profile) -> str:
    if not isinstance(value, str) or not value.strip():
        return "must be a text"
    return "" if len(value) <= _LONGEST_TEXT else f"longer than {_LONGEST_TEXT} characters"


def _one_of(names: Callable[[Profile], Sequence[str]]) -> Callable[[JSON, Profile], str]:
    def check(value: JSON, profile: Profile) -> str:
        known = names(profile)
        return "" if value in known else f"must be one of {', '.join(known)}"

    return check


def _a_number(allowed: range) -> Callable[[JSON, Profile], str]:
    def check(value: JSON, _profile: Profile) -> str:
        good = isinstance(value, int) and not isinstance(value, bool) and value in allowed
        return "" if good else f"must be a whole number from {allowed.start} to {allowed.stop - 1}"

    return check


def _an_identity(value: JSON, _profile: Profile) -> str:
    known = isinstance(value, str) and value.startswith(("phone:", "email:", "chat:"))
    return "" if known else "must be a phone number or an e-mail address"


_CHECKS: Mapping[str, Callable[[JSON, Profile], str]] = {
    "group": _one_of(lambda profile: [group.name for group in profile.groups]),
    "priority": _one_of(lambda profile: [row.name for row in profile.priorities]),
    "kind": _one_of(lambda profile: profile.kinds or KINDS),
    "grade": _one_of(lambda _profile: GRADES[1:]),
    "deadline": _one_of(lambda profile: list(dict.fromkeys(rule.name for rule in profile.deadlines))),
    "unit": _one_of(lambda _profile: UNITS),
    "score": _a_number(_RATINGS),
    "amount": _a_number(range(1, 1000)),
    "identity": _an_identity,
    "category": lambda value, _profile: (
        ""
        if isinstance(value, list) and len(value) <= 4 and all(isinstance(part, str) for part in value)
        else "must be a list of up to four texts"
    ),
}

Effect = Callable[[Case, Standing, Command, dict[str, Any], dict[str, Any], Policy], None]


def _answer(
    _case: Case, _s: Standing, _c: Command, fields: dict[str, Any], changes: dict[str, Any], _p: Policy
) -> None:
    changes["answer"] = fields["text"]


def _urge(
    case: Case, _s: Standing, command: Command, fields: dict[str, Any], changes: dict[str, Any], _p: Policy
) -> None:
    changes["urges"] = fields["urges"] = case.state["urges"] + 1
    case.look_again(command.at)


def _take_back(
    case: Case, standing: Standing, _c: Command, _f: dict[str, Any], _ch: dict[str, Any], policy: Policy
) -> None:
    """A case that we returned is worked on after all: what going back had met is owed again."""
    if standing.ticket.stage != "returned":
        return
    profile, returned_at = policy.profiles[standing.ticket.profile], {one.at for one in standing.past}
    for timer in tuple(case.timers.values()):
        if timer.met_at in returned_at:
            case.set_timer(with_next_rung(replace(timer, met_at=None), profile, policy.calendar))


def _rate(_case: Case, _s: Standing, _c: Command, fields: dict[str, Any], changes: dict[str, Any], _p: Policy) -> None:
    changes["rating"] = fields["score"]


def _explain(_case: Case, _s: Standing, _c: Command, _f: dict[str, Any], changes: dict[str, Any], _p: Policy) -> None:
    changes["explained"] = True


def _categorise(
    _c: Case, _s: Standing, _m: Command, fields: dict[str, Any], changes: dict[str, Any], _p: Policy
) -> None:
    if "category" in fields:
        changes["category"] = tuple(fields["category"])


def _supplement(
    case: Case, standing: Standing, command: Command, fields: dict[str, Any], changes: dict[str, Any], _p: Policy
) -> None:
    seq = standing.ticket.statements + 1
    changes["statements"] = fields["statement"] = seq
    case.add_statement(
        Complaint(
            ticket_id=standing.ticket.id,
            seq=seq,
            kind="supplement",
            channel=command.channel,
            lodged_at=command.at,
            received_at=command.at,
            text=fields["text"],
            actor=command.actor,
            inbound_id=standing.inbound_id,
            attachments=standing.attachments,
        )
    )


def _escalate(
    case: Case, _s: Standing, _c: Command, fields: dict[str, Any], changes: dict[str, Any], _p: Policy
) -> None:
    grade = fields.get("grade", "grievance")
    if GRADE_RANK[grade] <= GRADE_RANK[case.state["grade"]]:
        raise FieldMissing({"grade": "the ticket has this grade or a higher one already"})
    fields |= {"from": case.state["grade"], "to": grade}
    changes |= {"grade": grade, "grade_reason": "manual"}


def _undo_repeat(
    case: Case, standing: Standing, command: Command, fields: dict[str, Any], changes: dict[str, Any], policy: Policy
) -> None:
    """Back to the grade before, to no link, and to the deadlines before where they still run.

    What only the escalation set going ends; what somebody extended since stays if it is due later.
    """
    raised = next(event for event in reversed(standing.past) if event.data["reason"] == "repeat")
    changes |= {"grade": raised.data["from"], "grade_reason": raised.data["reason_before"]}
    changes["links"] = tuple(link for link in standing.ticket.links if link.relation != "repeats")
    fields |= {"from": case.state["grade"], "to": raised.data["from"]}
    before: Mapping[str, Any] = raised.data["timers_before"]  # type: ignore[assignment]  # as `raise_grade` wrote it
    profile = policy.profiles[standing.ticket.profile]
    for timer in tuple(case.timers.values()):
        if not timer.running:
            continue
        if timer.name in before:
            back = put_back(timer, before[timer.name], profile, policy.calendar)
            theirs = their_limit(standing.ticket.source, timer.name)
            if theirs is not None and theirs < back.due_at:  # they sent it since
                back = move(back, theirs, profile, policy.calendar, origin="source")
            if timer.due_at < back.due_at:
                case.set_timer(back)
        elif timer.started_at == raised.at:
            case.set_timer(replace(timer, cancelled_at=command.at, next_at=None))


def _submit(
    case: Case, standing: Standing, command: Command, fields: dict[str, Any], changes: dict[str, Any], policy: Policy
) -> None:
    """A draft becomes a complaint: its clocks start when it is submitted; it counts from when it was lodged."""
    if "text" in fields:
        changes["text"] = fields["text"]
    changes["received_at"] = command.at


def _transcribe(
    case: Case, standing: Standing, _c: Command, fields: dict[str, Any], changes: dict[str, Any], _p: Policy
) -> None:
    """A person has heard or read what no machine could, and says what it is and who it is from."""
    changes |= {"text": fields["text"], "triage": ""}
    if "category" in fields:
        changes["category"] = tuple(fields["category"])
    who = standing.ticket.complainant
    if "name" in fields:
        who = replace(who, name=fields["name"])
    if "identity" in fields:
        who = _reached_at(who, fields["identity"])
        changes["identities"] = tuple(dict.fromkeys((*case.state["identities"], fields["identity"])))
    changes["complainant"] = who


def _reachable(who: Complainant) -> bool:
    """Whether a notice can be sent."""
    return bool(who.mobile or who.emails or who.chats)


def _reached_at(who: Complainant, identity: str) -> Complainant:
    """The complainant with this phone or address before those known."""
    medium, _, value = identity.partition(":")
    if medium == "email":
        return replace(who, emails=tuple(dict.fromkeys((value, *who.emails))))
    if medium != "phone":
        return who
    mobile = value if _MOBILE.fullmatch(value) else who.mobile
    return replace(who, phones=tuple(dict.fromkeys((value, *who.phones))), mobile=mobile)


_EFFECTS: Mapping[str, Effect] = {
    "transcribed": _transcribe,
    "answered": _answer,
    "assigned": _take_back,
    "accepted": _take_back,
    "urged": _urge,
    "rated": _rate,
    "explained": _explain,
    "corrected": _categorise,
    "supplemented": _supplement,
    "escalated": _escalate,
    "repeat_undone": _undo_repeat,
    extension.GRANTED: lambda case, standing, command, fields, _ch, policy: extension.grant(
        case, fields, command.at, standing.past, policy
    ),
    extension.REQUESTED: lambda case, _s, command, fields, _ch, policy: extension.ask(case, fields, command.at, policy),
    extension.DENIED: lambda _case, standing, _c, fields, _ch, _p: extension.deny(fields, standing.past),
    "received": _submit,
}
