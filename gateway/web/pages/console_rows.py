"""A ticket in one of the console's lists; personal data is masked for everybody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.mask import mask_name, mask_phone, mask_text
from gateway.web.privacy import masked_ticket
from gateway.web.words import Locale
from ticket_core.model import Ticket
from ticket_core.number import display, number_of
from ticket_core.policy import Policy
from ticket_core.store.queries import Listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a list; `left` is the time to or since the next deadline."""

    number: str
    display_number: str
    subject: str
    complainant: str
    grade: str
    triage: str
    status: str
    group: str
    assignee: str
    received_at: datetime
    due_at: datetime | None
    late: bool
    left: timedelta


def row_of(ticket: Ticket, due_at: datetime | None, policy: Policy, locale: Locale, now: datetime) -> Row:
    """The line of a ticket whose next deadline is `due_at`."""
    profile = policy.profiles[ticket.profile]
    number = number_of(ticket.id)
    assignee = policy.directory.person(ticket.assignee)
    return Row(
        number=number,
        display_number=display(number),
        subject=masked_ticket(ticket).subject,
        complainant=_complainant(ticket),
        grade=ticket.grade,
        triage=mask_text(ticket.triage),
        status=profile.label_of("status", ticket.status, locale),
        group=profile.label_of("group", ticket.group, locale),
        assignee=assignee.label if assignee and assignee.label else ticket.assignee,
        received_at=ticket.received_at.astimezone(profile.tz),
        due_at=None if due_at is None else due_at.astimezone(profile.tz),
        late=due_at is not None and due_at < now,
        left=timedelta() if due_at is None else due_at - now,
    )


def rows_of(listed: Iterable[Listed], policy: Policy, locale: Locale, now: datetime) -> list[Row]:
    """The lines of a list."""
    return [row_of(one.ticket, one.next_due_at, policy, locale, now) for one in listed]


def _complainant(ticket: Ticket) -> str:
    who = ticket.complainant
    if who.confidential:
        return ""
    return " ".join(filter(None, (mask_name(who.name), mask_phone(who.phones[0]) if who.phones else "")))
