"""More time 延期: asked for, granted or denied while a deadline runs, and no further than its rule lets it go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import Any, cast

from ticket_core.decide.case import Case
from ticket_core.decide.deadline import Roll, due, prolonged
from ticket_core.decide.span import Span, parse_span
from ticket_core.decide.timers import move, rules_for, their_limit
from ticket_core.errors import FieldMissing
from ticket_core.model import Event, Source, Timer
from ticket_core.policy import Policy
from ticket_core.profile import Profile

REQUESTED, GRANTED, DENIED = "extension_requested", "extended", "extension_denied"
#: What has happened to extensions so far.
KINDS = (REQUESTED, GRANTED, DENIED)


def grant(case: Case, fields: dict[str, Any], at: datetime, past: Sequence[Event], policy: Policy) -> None:
    """Move the deadline that `fields` name; possible only before it (contract, section 6).

    Past the forwarding body's own limit it goes with their `consent`, which then counts as if they had sent it.

    Raises:
        FieldMissing: it is not owed, has passed, does not go so far, or not without their consent.
    """
    timer, later, provisional = _later(case, fields, at, policy)
    _heed_theirs(case, timer.name, later, fields, policy)
    profile = policy.profiles[case.state["profile"]]
    case.set_timer(move(timer, later, profile, policy.calendar, origin="extension", provisional=provisional))
    fields |= {"due_before": timer.due_at.isoformat(), "due_at": later.isoformat(), **_requested(past, timer.name)}


def ask(case: Case, fields: dict[str, Any], at: datetime, policy: Policy) -> None:
    """Check that what is asked for could be granted (N30).

    Raises:
        FieldMissing: as `grant`.
    """
    timer, later, _ = _later(case, fields, at, policy)
    fields |= {"due_before": timer.due_at.isoformat(), "due_at": later.isoformat()}


def deny(fields: dict[str, Any], past: Sequence[Event]) -> None:
    """Name who asked, and for which deadline."""
    fields |= _requested(past)


def shown(at: datetime, zone: tzinfo) -> str:
    """A limit as people read it: midnight is the end of the day before."""
    local = at.astimezone(zone)
    if local.time() == datetime.min.time():
        return f"{local - timedelta(days=1):%Y-%m-%d} 24:00"
    return f"{local:%Y-%m-%d %H:%M}"


def _later(case: Case, fields: dict[str, Any], at: datetime, policy: Policy) -> tuple[Timer, datetime, bool]:
    timer = case.timers.get(fields["deadline"])
    if timer is None or not timer.running:
        raise FieldMissing({"deadline": "the ticket does not owe this"})
    if at >= timer.due_at:
        raise FieldMissing({"deadline": "it is past; only a deadline that has not passed can be extended"})
    profile = policy.profiles[case.state["profile"]]
    later = prolonged(timer.due_at, Span(fields["amount"], fields["unit"]), calendar=policy.calendar, zone=profile.tz)
    limits = sorted(_limits(case, timer, profile, policy))
    furthest = next((limit for limit in limits if limit > timer.due_at), None)
    if limits and furthest is None:
        raise FieldMissing({"deadline": "it has been extended as far as it can be"})
    if furthest is not None and later.due_at > furthest:
        raise FieldMissing({"amount": f"it can be extended until {shown(furthest, profile.tz)}"})
    return timer, later.due_at, timer.provisional or later.provisional


def _heed_theirs(case: Case, deadline: str, later: datetime, fields: dict[str, Any], policy: Policy) -> None:
    """The body's own limit counts until they move it; what they agreed to outlasts whatever else they send."""
    source: Source | None = case.state.get("source")
    theirs = their_limit(source, deadline)
    if source is None or theirs is None or later <= theirs:
        return
    if "consent" not in fields:
        until = shown(theirs, policy.profiles[case.state["profile"]].tz)
        raise FieldMissing(
            {"consent": f"the forwarding body's own limit is {until}; who of them agreed to more, and when"}
        )
    granted = dict(source.granted) | {deadline: later}
    case.state["source"] = replace(source, granted=tuple(sorted(granted.items())))


def _limits(case: Case, timer: Timer, profile: Profile, policy: Policy) -> Iterator[datetime]:
    """How far the rule of a timer goes, from its start; a rule of another length says it where its own is silent."""
    state = case.state
    source = state.get("source")
    rules = [
        rule
        for start in dict.fromkeys(one.start for one in profile.deadlines if one.name == timer.name)
        for rule in rules_for(
            profile,
            start,
            state["received_at"],
            kind=state["kind"],
            grade=state["grade"],
            priority=state["priority"],
            source=source.body if source else "",
            stage="received",
        )
        if rule.name == timer.name and rule.extend_to
    ]
    rules.sort(key=lambda rule: (rule.amount, rule.unit) != (timer.amount, timer.unit))
    for span in rules[0].extend_to if rules else ():
        when = due(
            timer.started_at,
            parse_span(span),
            calendar=policy.calendar,
            zone=profile.tz,
            roll=cast("Roll", timer.roll),
        )
        yield when.due_at


def _requested(past: Sequence[Event], deadline: str = "") -> dict[str, Any]:
    """Who asked last, if nobody has decided since."""
    last = next(
        (one for one in reversed(past) if one.kind in KINDS and deadline in ("", one.data.get("deadline"))), None
    )
    if last is None or last.kind != REQUESTED:
        return {}
    return {"requested_by": last.actor, "deadline": last.data["deadline"]}
