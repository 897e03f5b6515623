"""Who is owed which notice because of an event: the profile's notify table, looked up and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from ticket_core.directory import Directory, Person
from ticket_core.model import Event, Notice, Ticket, TicketChange
from ticket_core.profile import NotifyRule, Profile
from ticket_core.source import Source

#: Where a ticket has come to an end, be it for now, and where somebody works on it.
_ENDS = frozenset({"answered", "reviewed", "closed", "archived", "refused", "returned", "withdrawn"})
_WORKED_ON = frozenset({"received", "assigned", "accepted", "responded"})


def ends_of(profile: Profile) -> frozenset[str]:
    """The kinds of events by which a ticket comes to an end, be it for now."""
    return frozenset(
        action.event for action in profile.actions if action.target and profile.stage_of[action.target] in _ENDS
    )


def taken_back(change: TicketChange, profile: Profile) -> frozenset[str]:
    """The kinds of steps that this change makes untrue: the ticket had come to an end, and is worked on again."""
    before, after = change.before, change.after
    if before is None or after.source is None or before.stage not in _ENDS or after.stage not in _WORKED_ON:
        return frozenset()
    return ends_of(profile)


def owed(
    ticket: Ticket,
    events: Iterable[Event],
    profile: Profile,
    directory: Directory,
    sources: Mapping[str, Source] = MappingProxyType({}),
) -> Iterator[Notice]:
    """The notices that these events of `ticket` (as it is after them) owe, one per recipient and medium.

    The steps of its forwarding body are a notify table too: what it wants to hear goes back the way the case came.
    """
    source = ticket.source.body if ticket.source else ""
    steps = sources[source].steps_in(profile) if source in sources else {}
    for event in events:
        if event.kind in steps and ticket.source is not None and event.actor != source:  # what they did they know
            yield Notice(
                ticket_id=ticket.id,
                event_seq=event.seq,
                notice="source_step",
                role="source",
                medium=ticket.channel,
                address=ticket.source.case_number,
                locale=ticket.locale,
                send_at=event.at,
            )
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


def by_another_way(
    ticket: Ticket, event: Event, profile: Profile, failed: Notice, tried: Collection[tuple[str, str]]
) -> Notice | None:
    """The same notice by the next medium of its rule that the complainant has and that was not `tried`; None else."""
    who = ticket.complainant
    email = who.emails[0] if who.emails else ""
    for rule in profile.notify_on.get(event.kind, ()):
        if rule.to != "complainant" or rule.notice != failed.notice:
            continue
        for medium, address in _addresses(rule.via, email, who.mobile, _first_spoken(who.chats, ticket.channel)):
            if (medium, address) not in tried:
                return _notice(rule, ticket, event, medium, address, who.name, ticket.locale)
    return None


def _of_rule(rule: NotifyRule, ticket: Ticket, event: Event, directory: Directory) -> Iterator[Notice]:
    if rule.to == "complainant":
        who = ticket.complainant
        email = who.emails[0] if who.emails else ""
        known = _addresses(rule.via, email, who.mobile, _first_spoken(who.chats, ticket.channel))
        for medium, address in known if rule.every else known[:1]:
            yield _notice(rule, ticket, event, medium, address, who.name, ticket.locale)
        return
    for person in _people(rule, ticket, event, directory):
        if person.name == event.actor:
            continue  # nobody is told what he did himself
        chats = () if ticket.complainant.confidential else person.chats  # a room has more readers than one
        known = _addresses(rule.via, person.email, person.phone, chats)
        for medium, address in known if rule.every else known[:1]:
            yield _notice(rule, ticket, event, medium, address, person.label or person.name, person.locale)


def _addresses(via: Iterable[str], email: str, phone: str, chats: Sequence[str]) -> list[tuple[str, str]]:
    """Medium and address in the rule's order; that of a chat is the channel it is held on, and the account there."""
    found: list[tuple[str, str]] = []
    for medium in via:
        if medium == "chat" and chats:
            name, _, account = chats[0].partition(":")
            found.append((name, account))
        elif medium == "email" and email:
            found.append((medium, email))
        elif medium == "sms" and phone:
            found.append((medium, phone))
    return found


def _first_spoken(chats: Sequence[str], channel: str) -> Sequence[str]:
    """The chats of a complainant, that on the ticket's own channel first: answered on the way it came."""
    return sorted(chats, key=lambda chat: chat.partition(":")[0] != channel)


def _people(rule: NotifyRule, ticket: Ticket, event: Event, directory: Directory) -> tuple[Person, ...]:
    if rule.to == "supervisor":
        return directory.supervisors
    if rule.to == "requester":
        asked = directory.person(str(event.data.get("requested_by", "")))
        if asked is not None:
            return (asked,)
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
