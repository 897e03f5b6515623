"""The list of tickets as a table for people: labels in their language, personal data masked as in all lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from gateway.mask import mask_name
from gateway.web.pages.language import Words
from gateway.web.privacy import masked_ticket
from ticket_core.number import number_of
from ticket_core.policy import Policy
from ticket_core.store.queries import Listed

COLUMNS = (
    *("number", "received_at", "lodged_at", "channel", "source", "case_number", "kind", "grade", "priority", "status"),
    *("group", "assignee", "complainant", "service_number", "category", "respondent", "place", "subject", "text"),
    *("answer", "urges", "rating", "next_due_at", "overdue", "updated_at"),
)
_TIMES = "%Y-%m-%d %H:%M:%S"


def head(words: Words) -> list[str]:
    """The names of the columns."""
    return [words(f"column.{name}") for name in COLUMNS]


def rows(listed: Iterable[Listed], policy: Policy, words: Words, now: datetime) -> Iterator[list[str]]:
    """A row for each ticket."""
    for one in listed:
        yield _row(one, policy, words, now)


def _row(one: Listed, policy: Policy, words: Words, now: datetime) -> list[str]:
    profile = policy.profiles[one.ticket.profile]
    ticket, locale = masked_ticket(one.ticket), words.locale

    def time(at: datetime | None) -> str:
        return "" if at is None else at.astimezone(profile.tz).strftime(_TIMES)

    def label(what: str, name: str) -> str:
        return profile.label_of(what, name, locale) if name else ""

    person = policy.directory.person(ticket.assignee)
    cells = {
        "number": number_of(ticket.id),
        "received_at": time(ticket.received_at),
        "lodged_at": time(ticket.lodged_at),
        "channel": words.named("channel", ticket.channel),
        "source": ticket.source.body if ticket.source else "",
        "case_number": ticket.source.case_number if ticket.source else "",
        "kind": words.named("kind", ticket.kind),
        "grade": words.named("grade", ticket.grade),
        "priority": label("priority", ticket.priority),
        "status": label("status", ticket.status),
        "group": label("group", ticket.group),
        "assignee": person.label or person.name if person else ticket.assignee,
        "complainant": "" if ticket.complainant.confidential else mask_name(ticket.complainant.name),
        "service_number": ticket.service_number,
        "category": "/".join(ticket.category),
        "respondent": ticket.respondent,
        "place": ticket.place,
        "subject": ticket.subject,
        "text": "" if ticket.complainant.confidential else ticket.text,
        "answer": "" if ticket.complainant.confidential else ticket.answer,
        "urges": str(ticket.urges),
        "rating": "" if ticket.rating is None else str(ticket.rating),
        "next_due_at": time(one.next_due_at),
        "overdue": words("column.yes" if one.next_due_at is not None and one.next_due_at < now else "column.no"),
        "updated_at": time(ticket.updated_at),
    }
    return [cells[name] for name in COLUMNS]
