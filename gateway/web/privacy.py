"""Who sees personal data of whom (domain, 5.4): in full those who handle a ticket, masked everybody else.

- Agents and supervisors handle every ticket that is not confidential, handlers those of their groups and their own;
  an administrator handles none.
- A confidential ticket is handled by its assignee, its first owner and the supervisors alone; others do not even see
  the complainant's masked name.
- Lists are masked for everybody.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.mask import mask_email, mask_name, mask_phone, mask_text
from gateway.web.problems import Problem
from ticket_core.directory import Directory
from ticket_core.model import JSON, Complainant, Complaint, Event, Ticket
from ticket_core.store.accounts import Account
from ticket_core.store.journals import SentNotice
from ticket_core.store.queries import Listed, Person, TicketFile


def handles(account: Account, ticket: Ticket, directory: Directory) -> bool:
    """Whether this account may see the personal data of this ticket."""
    if account.name in (ticket.assignee, ticket.first_owner):
        return True
    if ticket.complainant.confidential:
        return account.role == "supervisor"
    if account.role == "handler":
        person = directory.person(account.name)
        return person is not None and ticket.group in person.groups
    return account.role in ("agent", "supervisor")


def check_may_act(account: Account, ticket: Ticket, directory: Directory) -> None:
    """Refuse an action to handlers of another group, and on a confidential ticket to all who do not handle it.

    Whoever sees nobody's name should not answer him either, and could assign a confidential ticket to himself.

    Raises:
        Problem: 403.
    """
    strict = ticket.complainant.confidential or account.role == "handler"
    if strict and not handles(account, ticket, directory):
        raise Problem(403, "forbidden")


def shown_person(person: Person, account: Account, directory: Directory) -> Person:
    """What a look-up by phone shows this account: who complained in confidence is not found out by dialling numbers."""

    def shown(listed: tuple[Listed, ...]) -> tuple[Listed, ...]:
        return tuple(
            one for one in listed if not one.ticket.complainant.confidential or handles(account, one.ticket, directory)
        )

    return replace(
        person,
        in_transit=shown(person.in_transit),
        history=shown(person.history),
        warned_by=shown(person.warned_by),
    )


def masked_notice(one: SentNotice, ticket: Ticket | None) -> SentNotice:
    """A notice for somebody who does not handle its ticket; of a confidential complainant not even a masked name."""
    secret = one.role == "complainant" and (ticket is None or ticket.complainant.confidential)
    return replace(
        one,
        address="" if secret else mask_address(one.address),
        name="" if secret else mask_name(one.name),
        cause=mask_text(one.cause),
        deliveries=tuple(replace(each, detail=mask_text(each.detail)) for each in one.deliveries),
    )


def masked_ticket(ticket: Ticket) -> Ticket:
    """The ticket for somebody who does not handle it."""
    return replace(
        ticket,
        complainant=masked_complainant(ticket.complainant),
        identities=(),
        service_number=mask_phone(ticket.service_number) if ticket.service_number.isdigit() else ticket.service_number,
        subject=mask_text(ticket.subject),
        text=mask_text(ticket.text),
        answer=mask_text(ticket.answer),
    )


def masked_complainant(who: Complainant) -> Complainant:
    """The complainant masked; of a confidential one nothing but that."""
    if who.confidential:
        return Complainant(anonymous=who.anonymous, confidential=True, real_name=who.real_name)
    return replace(
        who,
        name=mask_name(who.name),
        phones=tuple(map(mask_phone, who.phones)),
        mobile=mask_phone(who.mobile),
        emails=tuple(map(mask_email, who.emails)),
        chats=(),
        masked=tuple(map(mask_text, who.masked)),
    )


def masked_file(file: TicketFile) -> TicketFile:
    """A ticket with all that belongs to it, for somebody who does not handle it."""
    return replace(
        file,
        ticket=masked_ticket(file.ticket),
        complaints=tuple(_masked_complaint(one) for one in file.complaints),
        events=tuple(masked_event(one) for one in file.events),
    )


def masked_event(one: Event) -> Event:
    """An event with the personal data in its texts masked."""
    return replace(one, data={name: _masked(name, value) for name, value in one.data.items()})


def mask_address(address: str) -> str:
    """A recipient of a notice, masked."""
    return mask_email(address) if "@" in address else mask_phone(address)


def _masked_complaint(one: Complaint) -> Complaint:
    return replace(one, text=mask_text(one.text), identities=(), counted=(), attachments=())


def _masked(name: str, value: JSON) -> JSON:
    if name == "identity" and isinstance(value, str):
        medium, _, address = value.partition(":")
        return f"{medium}:{'***' if medium == 'chat' else mask_address(address)}"
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, dict):
        return {key: _masked(key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked("", inner) for inner in value]
    return value
