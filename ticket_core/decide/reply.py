"""What a reply sheet 反馈表 says: the cases with steps their forwarding body has not heard of, in its own columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from ticket_core.calendar import Calendar
from ticket_core.decide.deadline import due
from ticket_core.model import Event, Ticket, Timer
from ticket_core.number import number_of
from ticket_core.profile import Profile
from ticket_core.source import Source, Step

_STEP = "step."
#: What an event says of deadlines.
LIMITS = frozenset({"due_at", "due_before"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One case with all that happened to it; `steps` are the events to report, oldest first."""

    ticket: Ticket
    events: Sequence[Event]
    steps: Sequence[Event]


def rows_of(
    cases: Sequence[Reported], source: Source, profiles: Mapping[str, Profile], at: datetime
) -> Iterator[list[str]]:
    """The rows of a sheet made `at`, each with a text for every column of the source."""
    by_step = any(value.startswith(_STEP) for value in source.reply.values())
    for case in cases:
        told = _Telling(case, source, profiles[case.ticket.profile], at)
        for event in case.steps if by_step else (None,):
            yield [told.text(value, event) for value in source.reply.values()]


class _Telling:
    """What the values of one case are."""

    def __init__(self, case: Reported, source: Source, profile: Profile, at: datetime) -> None:
        ticket = case.ticket
        self._source, self._profile = source, profile
        self._steps = source.steps_in(profile)
        self._last = {one.kind: one for one in case.events}
        self._instead = {step.event: event for event, step in self._steps.items()}
        self._values = {
            "case_number": ticket.source.case_number if ticket.source else "",
            "other_number": ticket.source.other_number if ticket.source else "",
            "number": number_of(ticket.id),
            "subject": ticket.subject,
            "kind": _theirs(source, "kind", ticket.kind),
            "status": profile.label_of("status", ticket.status),
            "group": profile.label_of("group", ticket.group) if ticket.group else "",
            "category": "/".join(ticket.category),
            "answer": ticket.answer,
            "reported_at": self._time(at),
        }

    def text(self, value: str, step: Event | None) -> str:
        """A value of the case, or of `step`."""
        if value in self._values:
            return self._values[value]
        if step is not None and value.startswith(_STEP):
            return self._of_step(value.removeprefix(_STEP), step)
        kind, dot, field = value.partition(".")
        if not dot:
            event = self._event(value.removesuffix("_at"))
            return self._time(event.at) if event else ""
        event = self._event(kind)
        return self._of_event(field, event) if event else ""

    def _event(self, kind: str) -> Event | None:
        """The last event of a kind; where the process has none such, of the one that stands for it."""
        return self._last.get(kind) or self._last.get(self._instead.get(kind, ""))

    def _of_step(self, field: str, event: Event) -> str:
        step: Step | None = self._steps.get(event.kind)
        match field:
            case "name":
                return step.name if step else event.kind
            case "code_name":
                return step.code if step else event.kind
            case _:
                return self._of_event(field, event)

    def _of_event(self, field: str, event: Event) -> str:
        match field:
            case "at":
                return self._time(event.at)
            case "code_label":
                return self._source.reasons.get(event.kind, {}).get(str(event.data.get("code", "")), "")
            case _:
                value = event.data.get(field, "")
                if isinstance(value, str) and field in LIMITS:
                    return self._time(limit_of(value, self._source))
                return "" if value is None else str(value)

    def _time(self, at: datetime) -> str:
        return at.astimezone(self._source.tz).strftime(self._source.reply_sheet.times)


def limit_of(written: str, source: Source) -> datetime:
    """A limit in the body's own time; the end of a day is its last second, so that the date alone is right too."""
    at = datetime.fromisoformat(written).astimezone(source.tz)
    return at - timedelta(seconds=1) if at.time() == time.min else at


def _theirs(source: Source, place: str, ours: str) -> str:
    """Their word for a value of ours; ours where they have none."""
    table: Mapping[str, str] = source.values.get(place, {})  # type: ignore[call-overload]  # a place by its name
    return next((word for word, value in table.items() if value == ours), ours)


def report_by(
    step: Event, ticket: Ticket, timers: Mapping[str, Timer], source: Source, profile: Profile, calendar: Calendar
) -> datetime | None:
    """By when the body should have heard of a step: the limit that the step met, or within which a case goes back."""
    met = [timer.due_at for timer in timers.values() if timer.met_at == step.at]
    if step.kind == "returned" and source.return_span is not None:
        given_at = (ticket.source and ticket.source.given_at) or ticket.received_at
        met.append(due(given_at, source.return_span, calendar=calendar, zone=profile.tz).due_at)
    return min(met, default=None)
