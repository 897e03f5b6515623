"""One ticket while a decision is being made: events happen to it, and its timers follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from ticket_core.decide.timers import earlier, rules_for, settle, start_timer
from ticket_core.model import FINISHED, JSON, Complaint, Event, Ticket, TicketChange, Timer
from ticket_core.policy import Policy
from ticket_core.profile import Profile


class Case:
    """Collects what happens to one ticket; `change()` is the sum. Not kept beyond one decision."""

    def __init__(
        self, before: Ticket | None, state: dict[str, Any], timers: Mapping[str, Timer], policy: Policy
    ) -> None:
        self.state = state
        self._before = before
        self._policy = policy
        self._profile: Profile = policy.profiles[state["profile"]]
        self._timers = dict(timers)
        self._touched: dict[str, Timer] = {}
        self._complaints: list[Complaint] = []
        self._rewritten: list[Complaint] = []
        self._events: list[Event] = []

    @classmethod
    def new(cls, policy: Policy, **state: Any) -> Case:
        """A ticket that does not exist yet."""
        return cls(None, {**state, "version": 0}, {}, policy)

    @classmethod
    def of(cls, ticket: Ticket, timers: Mapping[str, Timer], policy: Policy) -> Case:
        """A ticket as it stands."""
        return cls(ticket, {field.name: getattr(ticket, field.name) for field in _FIELDS}, timers, policy)

    @property
    def timers(self) -> Mapping[str, Timer]:
        """The ticket's timers as they stand now."""
        return self._timers

    def happen(self, kind: str, at: datetime, actor: str, data: Mapping[str, JSON], /, **changes: Any) -> None:
        """An event happens: the ticket changes, timers it meets end, timers it starts begin.

        What a finished ticket goes through starts nothing: nobody owes anything on it.
        """
        state = self.state
        state.update(changes)
        state["version"] += 1
        state["updated_at"] = at
        self._events.append(
            Event(ticket_id=state["id"], seq=state["version"], kind=kind, at=at, actor=actor, data=data)
        )
        for timer in settle(self._timers, kind, state["stage"], at, self._profile).values():
            self.set_timer(timer)
        if state["stage"] not in FINISHED:
            self._start_timers(kind, at)

    def _start_timers(self, kind: str, at: datetime) -> None:
        state, start = self.state, _STARTS_AS.get(kind, kind)
        source = state.get("source")
        for rule in rules_for(
            self._profile,
            start,
            state["received_at"],
            kind=state["kind"],
            grade=state["grade"],
            priority=state["priority"],
            source=source.body if source else "",
            stage=state["stage"],
        ):
            started_at = state["received_at"] if start == "received" and kind != _GIVEN_AGAIN else at
            timer = start_timer(rule, state["id"], started_at, self._profile, self._policy.calendar)
            self.set_timer(earlier(self._timers.get(rule.name), timer))

    def set_timer(self, timer: Timer) -> None:
        """Put a timer in the place of the one of its name."""
        if self._timers.get(timer.name) is not timer:
            self._timers[timer.name] = self._touched[timer.name] = timer

    def look_again(self, at: datetime) -> None:
        """What is overdue is looked at now: a rung may have waited for what has happened."""
        for timer in tuple(self._timers.values()):
            if timer.running and timer.overdue_at is not None:
                self.set_timer(replace(timer, next_at=min(timer.next_at or at, at)))

    def add_statement(self, complaint: Complaint) -> None:
        """A statement joins the ticket."""
        self._complaints.append(complaint)

    def rewrite(self, complaint: Complaint) -> None:
        """A statement that is there already reads or counts otherwise."""
        self._rewritten.append(complaint)

    def change(self) -> TicketChange:
        """All that happened."""
        return TicketChange(
            before=self._before,
            after=Ticket(**self.state),
            complaints=tuple(self._complaints),
            rewritten=tuple(self._rewritten),
            events=tuple(self._events),
            timers=tuple(self._touched.values()),
        )


_FIELDS = fields(Ticket)
_GIVEN_AGAIN = "given_again"
#: A triage ticket that is understood at last has the deadlines it would have had, from its receipt on; a finished case
#: that its forwarding body gives to us once more has them from then on.
_STARTS_AS = {"replayed": "received", "transcribed": "received", _GIVEN_AGAIN: "received"}
