"""The documents of a ticket: which of its steps can be written, and each of them in its last state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gateway.documents.writing import DocumentError, Documents, values_of
from gateway.view import Letterhead, view_of
from ticket_core.model import Event, Ticket
from ticket_core.number import number_of
from ticket_core.policy import Policy
from ticket_core.store.briefing import Brief
from ticket_core.store.outbox import Owed
from ticket_core.store.queries import TicketFile

_HOME = "zh-CN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Writable:
    """A step that can be written: the event, what the body calls it, the forms, the languages, the usual one first."""

    event: str
    step: str
    forms: tuple[str, ...]
    locales: tuple[str, ...]


class Writer:
    """Writes the steps of tickets."""

    def __init__(self, documents: Documents, policy: Policy, letterhead: Letterhead) -> None:
        self._documents = documents
        self._policy = policy
        self._letterhead = letterhead

    def writable(self, file: TicketFile) -> list[Writable]:
        """The steps that have happened and have a template, in the order of their last time."""
        body = file.ticket.source.body if file.ticket.source else ""
        last = {one.kind: one for one in file.events}
        kinds = [kind for kind in self._documents.events(body) if kind in last]
        return [
            Writable(
                event=kind,
                step=self._named(file, kind),
                forms=self._documents.forms(kind, body),
                locales=self._locales(file, kind),
            )
            for kind in sorted(kinds, key=lambda kind: last[kind].seq)
        ]

    def event_of(self, file: TicketFile, step: str) -> str:
        """The event that `step` names: by its own name, or as the body calls it or codes it."""
        source = self._policy.sources.get(file.ticket.source.body) if file.ticket.source else None
        steps = source.steps_in(self._policy.profiles[file.ticket.profile]) if source else {}
        return next((event for event, one in steps.items() if step in (one.name, one.code)), step)

    def write(self, file: TicketFile, event: str, form: str, now: datetime, *, locale: str = "") -> tuple[str, bytes]:
        """A file name and the document about the last event of this kind, in this language if there is a template.

        Where no language is told it is that of the ticket; cases of a forwarding body are written in Chinese.

        Raises:
            DocumentError: it has not happened, or cannot be written.
        """
        happened = next((one for one in reversed(file.events) if one.kind == event), None)
        if happened is None:
            raise DocumentError(f"{number_of(file.ticket.id)}: {event} has not happened")
        body = file.ticket.source.body if file.ticket.source else ""
        wanted = locale or _usual(file.ticket)
        written = self._documents.locale_for(wanted, event, form, body)
        values = self._values(file, happened, now, written)
        content = self._documents.write(event, form, values, source=body, locale=written)
        mark = "" if written == _HOME else f"-{written}"
        return f"{number_of(file.ticket.id)}-{event}{mark}.{form}", content

    def _locales(self, file: TicketFile, kind: str) -> tuple[str, ...]:
        body = file.ticket.source.body if file.ticket.source else ""
        form, *_ = self._documents.forms(kind, body)
        wanted = (_usual(file.ticket), *self._documents.locales())
        return tuple(dict.fromkeys(self._documents.locale_for(one, kind, form, body) for one in wanted))

    def _named(self, file: TicketFile, kind: str) -> str:
        profile = self._policy.profiles[file.ticket.profile]
        source = self._policy.sources.get(file.ticket.source.body) if file.ticket.source else None
        step = source.steps_in(profile).get(kind) if source else None
        action = next((one.name for one in profile.actions if one.event == kind), kind)
        return step.name if step else profile.label_of("action", action)

    def _values(self, file: TicketFile, happened: Event, now: datetime, locale: str) -> Mapping[str, Any]:
        ticket = file.ticket
        profile = self._policy.profiles[ticket.profile]
        owed = Owed(
            id=0,
            epoch=0,
            ticket_id=ticket.id,
            event_seq=happened.seq,
            notice="document",
            role="complainant",
            medium="document",
            address="",
            name="" if ticket.complainant.anonymous else ticket.complainant.name,
            locale=locale,
            created_at=now,
            lease_until=now,
        )
        timers = {one.name: one for one in file.timers}
        view = view_of(
            Brief(owed=owed, ticket=ticket, event=happened, timers=timers), self._policy, self._letterhead, now
        )
        source = self._policy.sources.get(ticket.source.body) if ticket.source else None
        reasons = source.reasons.get(happened.kind, {}) if source else {}
        seen = {**view.event, "code_label": reasons.get(str(happened.data.get("code", "")), "")}
        body = None
        if ticket.source is not None:
            body = {
                "label": source.label.get(locale, source.label[_HOME]) if source else ticket.source.body,
                "case_number": ticket.source.case_number,
                "other_number": ticket.source.other_number,
            }
        return values_of(
            replace(view, event=seen),
            source=body,
            number=f"{number_of(ticket.id)}-{happened.seq}",
            date=happened.at.astimezone(profile.tz),
            locale=locale,
        )


def _usual(ticket: Ticket) -> str:
    """The language of a ticket's documents: the complainant's, but a regulator reads Chinese."""
    return _HOME if ticket.source is not None else ticket.locale
