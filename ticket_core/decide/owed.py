"""Who is owed which notice because of an event: the profile's notify table, looked up and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ticket_core.directory import Directory, Person
from ticket_core.model import Complainant, Event, Notice, Ticket
from ticket_core.profile import NotifyRule, Profile


def owed(ticket: Ticket, events: Iterable[Event], profile: Profile, directory: Directory) -> Iterator[Notice]:
    """The notices that these events of `ticket` (as it is after them) owe, one per recipient and medium."""
    source = ticket.source.body if ticket.source else ""
    for event in events:
        told: set[tuple[str, str, str]] = set()
        for rule in profile.notify_on.get(event.kind, ()):
            if not rule.when.matches(
                kind=ticket.kind, grade=ticket.grade, priority=ticket.priority, source=source, stage=ticket.stage
            ):
                continue
            for notice in _of_rule(rule, ticket, event, directory):
                key = (notice.notice, notice.medium, notice.address)
                if key not in told:
                    told.add(key)
                    yield notice


def _of_rule(rule: NotifyRule, ticket: Ticket, event: Event, directory: Directory) -> Iterator[Notice]:
    if rule.to == "complainant":
        who = ticket.complainant
        media = [(medium, address) for medium in rule.via if (address := _address(who, medium))]
        for medium, address in media if rule.every else media[:1]:
            yield _notice(rule, ticket, event, medium, address, who.name, ticket.locale)
        return
    for person in _people(rule, ticket, directory):
        if person.name == event.actor:
            continue  # nobody is told what he did himself
        known = [(medium, address) for medium in rule.via if (address := person.address(medium))]
        for medium, address in known if rule.every else known[:1]:
            yield _notice(rule, ticket, event, medium, address, person.label or person.name, person.locale)


def _address(who: Complainant, medium: str) -> str:
    if medium == "email":
        return who.emails[0] if who.emails else ""
    return who.mobile if medium == "sms" else ""


def _people(rule: NotifyRule, ticket: Ticket, directory: Directory) -> tuple[Person, ...]:
    if rule.to == "supervisor":
        return directory.supervisors
    if rule.to == "assignee" or ticket.assignee:
        assignee = directory.person(ticket.assignee)
        if assignee is not None:
            return (assignee,)
    return directory.handlers(ticket.group)


def _notice(
    rule: NotifyRule, ticket: Ticket, event: Event, medium: str, address: str, name: str, locale: str
) -> Notice:
    return Notice(
        ticket_id=ticket.id,
        event_seq=event.seq,
        notice=rule.notice,
        role=rule.to,
        medium=medium,
        address=address,
        name=name,
        locale=locale,
        send_at=event.at,
    )
