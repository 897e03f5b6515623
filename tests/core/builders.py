"""Short ways to say what comes in, who does what, and under which process; for tests of decisions and of the store."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from ticket_core.calendar import load_calendar
from ticket_core.decide.intake import Arrival, decide_intake
from ticket_core.decide.known import Known
from ticket_core.decide.repeat import Past
from ticket_core.directory import Directory, Person
from ticket_core.model import JSON, Changes, Command, Complainant, Ticket, TicketChange, TicketDraft, Timer
from ticket_core.policy import Policy
from ticket_core.profile import Profile, RepeatRule, load_profile

NINE = datetime.fromisoformat("2026-11-20T09:00:00+08:00")
LI = "phone:+8613800000001"
LI_MAIL = "email:li@example.com"
WANG = "phone:+8613800000002"
PEOPLE = Directory(
    (
        Person(name="handler", groups=("service", "monitoring"), email="handler@example.com", phone="13800000101"),
        Person(name="other", groups=("business", "optimisation"), email="other@example.com"),
        Person(name="boss", roles=("supervisor",), email="boss@example.com", phone="13800000102"),
    )
)


@lru_cache
def policy(name: str = "generic", **changes: Any) -> Policy:
    """One shipped process, its repeat rule changed as told; handlers and a supervisor with addresses."""
    profile: Profile = load_profile(name)
    if changes:
        profile = replace(profile, repeat=replace(profile.repeat, **changes))
    return Policy(profiles={name: profile}, calendar=load_calendar(()), directory=PEOPLE)


def rule(**changes: Any) -> RepeatRule:
    """The default repeat rule, changed as told."""
    return RepeatRule(**changes)


def at(clock: str, day: str = "2026-11-20") -> datetime:
    """A time of day in Shanghai."""
    return datetime.fromisoformat(f"{day}T{clock}+08:00")


def draft(who: str | tuple[str, ...] = LI, when: datetime = NINE, **changes: Any) -> TicketDraft:
    """A complaint of `who`, lodged and received at `when`; without a subject of its own in common with any other."""
    identities = (who,) if isinstance(who, str) else who
    known: dict[str, Any] = {
        "channel": "web",
        "profile": "generic",
        "received_at": when,
        "raw": b"{}",
        "text": f"code{next(_TEXTS)}",
        "identities": tuple(key for key in identities if key),
        "complainant": Complainant(name="李四", phones=("+8613800000001",), mobile="+8613800000001"),
    }
    return TicketDraft(**{**known, **changes})


_TEXTS = itertools.count(1)  # one word each: two texts are never alike by accident


class Desk:
    """Takes inputs in with the pure decisions alone, remembering what the store would; one person at the counter."""

    def __init__(self, process: Policy | None = None) -> None:
        self.policy = process or policy()
        self.tickets: dict[int, Ticket] = {}
        self.timers: dict[int, dict[str, Timer]] = {}
        self.changes: list[TicketChange] = []
        self._ids = itertools.count(26112000000001)
        self._inputs = itertools.count(1)
        self._past: list[Past] = []

    def take(self, one: TicketDraft, linked: tuple[str, ...] = ()) -> Changes:
        """What becomes of an input of somebody with these identities, `linked` among them."""
        profile = self.policy.profiles[one.profile]
        mine = frozenset((*(key for key in one.identities if key not in profile.repeat.shared_numbers), *linked))
        arrival = Arrival(draft=one, inbound_id=next(self._inputs), new_ticket_id=lambda _day: next(self._ids))
        changes = decide_intake(arrival, self.known(mine), self.policy)
        for change in changes.tickets:
            self.remember(change)
        return changes

    def known(self, mine: frozenset[str]) -> Known:
        """What is known about a person; all tickets are named, as if each were quoted."""
        return Known(
            identities=mine,
            past=[one for one in self._past if one.identity in mine],
            tickets=self.tickets,
            timers=lambda ticket_id: self.timers[ticket_id],
        )

    def remember(self, change: TicketChange) -> None:
        """Keep what happened to a ticket."""
        self.changes.append(change)
        ticket = change.after
        self.tickets[ticket.id] = ticket
        self.timers.setdefault(ticket.id, {}).update({one.name: one for one in change.timers})
        for one in (*change.complaints, *change.rewritten):
            self._past += [
                Past(ticket_id=ticket.id, seq=one.seq, lodged_at=one.lodged_at, channel=one.channel, identity=key)
                for key in one.counted
            ]

    def ticket(self, changes: Changes) -> Ticket:
        """The ticket an input led to, as it stands now."""
        assert changes.ticket_id is not None
        return self.tickets[changes.ticket_id]

    def events(self, ticket: Ticket) -> list[str]:
        """What happened to a ticket so far."""
        return [event.kind for change in self.changes if change.after.id == ticket.id for event in change.events]

    def data(self, ticket: Ticket, kind: str) -> list[Mapping[str, JSON]]:
        """What the events of one kind say."""
        changes = [change for change in self.changes if change.after.id == ticket.id]
        return [event.data for change in changes for event in change.events if event.kind == kind]


def command(ticket: Ticket, action: str, when: datetime = NINE, **fields: Any) -> Command:
    """An agent does something; `role` and `actor` may be told."""
    return Command(
        ticket_id=ticket.id,
        action=action,
        actor=fields.pop("actor", "agent"),
        role=fields.pop("role", "agent"),
        at=when,
        fields=fields,
    )
