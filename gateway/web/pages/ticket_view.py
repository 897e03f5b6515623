"""A ticket as the console shows it: plain values in the reader's language and the profile's zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from gateway.render.filters import filters_of
from gateway.web.pages.language import Words
from ticket_core.model import JSON, Attachment, Complaint, Event, Timer
from ticket_core.number import display, number_of
from ticket_core.policy import Policy
from ticket_core.profile import Profile
from ticket_core.store.queries import TicketFile
from ticket_core.ticket_schema import deadline_proof

#: Fields of an event that say nothing to a reader, or are shown elsewhere.
_SILENT = frozenset({"action", "inbound", "concerns_by"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the timeline; `details` are label and value."""

    label: str
    actor: str
    at: datetime
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement; `view` is what is new in it, where that differs.

    `revises` is the number of the statement for which these are other words, `revised_by` of that with newer words; 0:
    none. `retracted`: its author took it back.
    """

    seq: int
    kind: str
    channel: str
    lodged_at: datetime
    by: str
    text: str
    view: str
    inbound_id: int | None
    files: tuple[Attachment, ...]
    revises: int
    revised_by: int
    retracted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """One deadline with its state (met, cancelled, overdue, running), the look of that, and how it was computed."""

    name: str
    label: str
    due_at: datetime
    state: str
    look: str
    provisional: bool
    origin: str
    proof: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two complaints of a repeat."""

    at: datetime
    channel: str
    number: str
    display_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why the repeat rule spoke (contract, section 5)."""

    medium: str
    address: str
    earlier: Side
    later: Side
    apart: timedelta
    window: timedelta
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """For whom something is shown: the language, the process, and who is who."""

    words: Words
    profile: Profile
    policy: Policy
    now: datetime

    def name(self, actor: str) -> str:
        """Somebody's name as people say it."""
        person = self.policy.directory.person(actor)
        return person.label if person is not None and person.label else self.words.named("actor", actor)

    def label(self, what: str, name: str) -> str:
        """The profile's own word."""
        return self.profile.label_of(what, name, self.words.locale)

    def event(self, kind: str) -> str:
        """What an event is called: ours, else as the action that makes it happen."""
        named = self.words.named("event", kind)
        if named != kind:
            return named
        return next((self.label("action", one.name) for one in self.profile.actions if one.event == kind), kind)


def timeline(events: tuple[Event, ...], reader: Reader) -> tuple[Line, ...]:
    """The timeline, newest first: who opens a ticket wants to know how it stands."""
    return tuple(
        Line(
            label=reader.event(one.kind),
            actor=reader.name(one.actor),
            at=one.at.astimezone(reader.profile.tz),
            details=tuple(_details(one, reader)),
        )
        for one in reversed(events)
    )


def _details(event: Event, reader: Reader) -> list[tuple[str, str]]:
    if event.kind == "repeat_found":
        return []  # it has a card of its own
    found = []
    for name, value in event.data.items():
        if name in _SILENT or value in (None, "", []):
            continue
        label = reader.words.named("field", name)
        if label != name:  # what has no word is for programs
            found.append((label, _value(name, value, reader)))
    return found


def _value(name: str, value: JSON, reader: Reader) -> str:
    if name in ("group", "priority", "deadline"):
        return reader.label(name, str(value))
    if name in ("from", "to", "grade"):
        return reader.words.named("grade", str(value))
    if name in ("kind", "unit", "channel"):
        return reader.words.named(name, str(value))
    if name == "reason":
        return reader.words.named("reason", str(value))
    if name in ("assignee", "requested_by"):
        return reader.name(str(value))
    if name in ("due_at", "due_before") and isinstance(value, str):
        at = datetime.fromisoformat(value).astimezone(reader.profile.tz)
        return filters_of(reader.words.locale)["deadline"](at)
    if name == "due_before" and isinstance(value, dict):
        due = {one: kept.get("due_at") if isinstance(kept, dict) else kept for one, kept in value.items()}
        return ", ".join(f"{reader.label('deadline', one)} {_value(name, at, reader)}" for one, at in due.items())
    return " / ".join(map(str, value)) if isinstance(value, list) else str(value)


def statements(complaints: tuple[Complaint, ...], events: tuple[Event, ...], reader: Reader) -> tuple[Statement, ...]:
    """The statements, oldest first."""
    revises = {one.data["statement"]: int(str(one.data["revises"])) for one in events if one.kind == "revised"}
    revised_by = {before: int(str(after)) for after, before in revises.items()}
    retracted = {one.data["statement"] for one in events if one.kind == "retracted"}
    return tuple(
        Statement(
            seq=one.seq,
            kind=one.kind,
            channel=one.channel,
            lodged_at=one.lodged_at.astimezone(reader.profile.tz),
            by="" if one.actor == "complainant" else reader.name(one.actor),
            text=one.text,
            view=one.view if one.view != one.text else "",
            inbound_id=one.inbound_id,
            files=one.attachments,
            revises=revises.get(one.seq, 0),
            revised_by=revised_by.get(one.seq, 0),
            retracted=one.seq in retracted,
        )
        for one in complaints
    )


_STATES: Mapping[str, str] = {"met": "good", "cancelled": "plain", "overdue": "bad", "running": ""}


def deadlines(timers: tuple[Timer, ...], reader: Reader) -> tuple[Deadline, ...]:
    """The deadlines, those still owed first."""
    shown = []
    for one in sorted(timers, key=lambda timer: (not timer.running, timer.due_at)):
        state = "met" if one.met_at else "cancelled" if one.cancelled_at else "running"
        if state == "running" and one.due_at < reader.now:
            state = "overdue"
        shown.append(
            Deadline(
                name=one.name,
                label=reader.label("deadline", one.name),
                due_at=one.due_at.astimezone(reader.profile.tz),
                state=state,
                look=_STATES[state],
                provisional=one.provisional,
                origin=one.origin,
                proof=deadline_proof(one, reader.profile, reader.policy, reader.words.locale),
            )
        )
    return tuple(shown)


def evidence(events: tuple[Event, ...], reader: Reader) -> tuple[Evidence, ...]:
    """Every time the repeat rule spoke, oldest first."""
    return tuple(
        Evidence(
            medium=str(one.data["identity"]).partition(":")[0],
            address=str(one.data["identity"]).partition(":")[2].removeprefix("+86"),
            earlier=_side(one.data["earlier"], reader),
            later=_side(one.data["later"], reader),
            apart=timedelta(seconds=float(str(one.data["apart_seconds"]))),
            window=timedelta(seconds=float(str(one.data["window_seconds"]))),
            rule=str(one.data["rule"]),
        )
        for one in events
        if one.kind == "repeat_found"
    )


def _side(value: JSON, reader: Reader) -> Side:
    side = cast(dict[str, JSON], value)
    number = number_of(int(str(side["ticket"])))
    return Side(
        at=datetime.fromisoformat(str(side["lodged_at"])).astimezone(reader.profile.tz),
        channel=str(side["channel"]),
        number=number,
        display_number=display(number),
    )


def facts(file: TicketFile, reader: Reader, *, hidden: bool) -> dict[str, object]:
    """The head of the page; `hidden` when the reader must not know who complained."""
    ticket, tz = file.ticket, reader.profile.tz
    who = ticket.complainant
    number = number_of(ticket.id)
    plain = ("subject", "kind", "grade", "grade_reason", "triage", "answer", "category", "respondent", "place")
    return {
        **{name: getattr(ticket, name) for name in (*plain, "service_number", "channel", "urges", "rating")},
        "number": number,
        "display_number": display(number),
        "status": reader.label("status", ticket.status),
        "priority": reader.label("priority", ticket.priority),
        "group": reader.label("group", ticket.group) if ticket.group else "",
        "assignee": reader.name(ticket.assignee) if ticket.assignee else "",
        "first_owner": reader.name(ticket.first_owner) if ticket.first_owner else "",
        "escalated": ticket.grade != "request",
        "hidden": hidden,
        "confidential": who.confidential,
        "anonymous": who.anonymous,
        "complainant": who.name,
        "phones": [phone.removeprefix("+86").replace(";ext=", "-") for phone in who.phones],
        "emails": who.emails,
        "chats": who.chats,
        "masked": who.masked,
        "lodged_at": ticket.lodged_at.astimezone(tz),
        "received_at": ticket.received_at.astimezone(tz),
        "occurred_at": None if ticket.occurred_at is None else ticket.occurred_at.astimezone(tz),
        "source": ticket.source.body if ticket.source else "",
        "source_case": ticket.source.case_number if ticket.source else "",
        "links": [
            {"relation": one.relation, "number": (other := number_of(one.ticket_id)), "display_number": display(other)}
            for one in ticket.links
        ],
        "statements": statements(file.complaints, file.events, reader),
        "timeline": timeline(file.events, reader),
        "deadlines": deadlines(file.timers, reader),
        "evidence": evidence(file.events, reader),
    }
