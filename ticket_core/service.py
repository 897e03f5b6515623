"""The four transaction scripts: take an input in, act on a ticket, move the clocks on, record a receipt.

Each is a plain function of a transaction; run them through the store. All are idempotent where input can come twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ticket_core.decide import repeat
from ticket_core.decide.act import Standing, decide_act, kinds_that_matter
from ticket_core.decide.escalation import begin_to_count
from ticket_core.decide.intake import Arrival, decide_intake, decide_understood
from ticket_core.decide.known import Known
from ticket_core.decide.repeat import Past
from ticket_core.decide.rung import climb
from ticket_core.errors import InputChanged, UnknownInput
from ticket_core.model import FINISHED, Changes, Command, Outcome, Replay, Ticket, TicketChange, TicketDraft, Timer
from ticket_core.policy import Policy
from ticket_core.store import journal
from ticket_core.store.accounts import account_of
from ticket_core.store.clock import to_us
from ticket_core.store.person import People, link_identities, lock_people, unlink_identity
from ticket_core.store.tickets import (
    keep_files,
    load_cases,
    load_complaints,
    load_due_timers,
    load_events,
    load_ticket,
    load_tickets,
    load_timers,
    save,
    statement_of_input,
    write_timers,
)
from ticket_core.store.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of an input. `ticket` is as it stands after it; None where the input concerns none.

    `statement` is which one of the ticket's it is; 0 where it is none.
    """

    outcome: Outcome
    inbound_id: int
    ticket: Ticket | None = None
    statement: int = 0
    repeat_of: int | None = None
    timers: tuple[Timer, ...] = ()


def intake(tx: Tx, drafts: Sequence[TicketDraft], policy: Policy) -> list[Taken]:
    """Take inputs in: journal, identities, repeat rule, tickets, events, deadlines, notices; for all at once.

    One input has one effect however often it comes (contract, section 4); the order of `drafts` is that of commits.
    """
    keys = {key for draft in drafts if draft.intent != "automatic" for key in _names(draft, policy)}
    cases = {draft.source.key for draft in drafts if draft.source and draft.source.case_number}
    keys |= {f"case:{body}:{number}" for body, number, _ in cases}  # one message of a case at a time, too
    window = max(profile.repeat.window for profile in policy.profiles.values())
    people = lock_people(tx, keys, window, [to_us(_lodged_at(draft, policy)) for draft in drafts])
    # After the lock: of two deliveries of one input, the second waits for the first and then sees it.
    wanted = [key for draft in drafts if (key := journal.source_key(draft))]
    wanted += [f"{draft.channel}:{draft.split_from}" for draft in drafts if draft.split_from]
    seen = journal.known(tx, wanted)
    batch = _Batch(tx, policy, people, load_cases(tx.connection, cases) if cases else {})
    named = {ticket_id for draft in drafts for ticket_id in (draft.thread, *draft.quoted) if ticket_id}
    people.tickets.update(load_tickets(tx.connection, named - set(people.tickets), lock=True))
    taken: list[Taken] = []
    lines: list[journal.Line] = []
    for draft in drafts:
        if draft.replay is not None:
            taken.append(batch.replay(draft, draft.replay))
            continue
        key = journal.source_key(draft)
        earlier = seen.get(key) if key else None
        if earlier is not None:
            ticket = batch.ticket(earlier.ticket_id)
            statement = batch.statement(earlier.inbound_id, earlier.ticket_id)
            taken.append(Taken(outcome="duplicate", inbound_id=earlier.inbound_id, ticket=ticket, statement=statement))
            continue
        inbound_id = tx.next_id("inbound")
        first = seen.get(f"{draft.channel}:{draft.split_from}") if draft.split_from else None
        changes = batch.decide(draft, inbound_id, first.ticket_id if first else None)
        line = journal.Line(inbound_id, draft, changes.outcome, changes.ticket_id)
        lines.append(line)
        if key:
            seen[key] = journal.Seen(inbound_id, changes.ticket_id)
        taken.append(batch.taken(changes, inbound_id))
    journal.write(tx, lines)
    save(tx, batch.changes, policy)
    return taken


class _Batch:
    """What the inputs of one batch know of each other: each sees the tickets and complaints of those before it."""

    def __init__(
        self, tx: Tx, policy: Policy, people: People, cases: Mapping[tuple[str, str, str], Ticket] | None = None
    ) -> None:
        people.tickets.update({one.id: one for one in (cases or {}).values()})
        self._cases = {key: one.id for key, one in (cases or {}).items()}
        self.changes: list[TicketChange] = []
        self._tx = tx
        self._policy = policy
        self._people = people
        self._timers: dict[int, dict[str, Timer]] = {}

    def ticket(self, ticket_id: int | None) -> Ticket | None:
        """A ticket as it stands now."""
        if ticket_id is None:
            return None
        known = self._people.tickets
        if ticket_id not in known:
            known.update(load_tickets(self._tx.connection, [ticket_id]))
        return known.get(ticket_id)

    def statement(self, inbound_id: int, ticket_id: int | None) -> int:
        """Which statement of the ticket this input is; 0 where it is none."""
        if ticket_id is None:
            return 0
        fresh = (one for change in self.changes for one in change.complaints)
        found = next((one.seq for one in fresh if one.inbound_id == inbound_id), 0)
        return found or statement_of_input(self._tx.connection, ticket_id, inbound_id)

    def timers_of(self, ticket_id: int) -> Mapping[str, Timer]:
        """A ticket's timers as they stand now."""
        if ticket_id not in self._timers:
            self._timers[ticket_id] = load_timers(self._tx.connection, [ticket_id])[ticket_id]
        return self._timers[ticket_id]

    def decide(self, draft: TicketDraft, inbound_id: int, split_from: int | None = None) -> Changes:
        """Decide one input, and remember what it did."""
        known = self.known(draft.identities, draft.profile, (draft.thread, *draft.quoted))
        if draft.source is not None:
            known = replace(known, case=self._case(draft), split_from=split_from)
        return self.remember(decide_intake(self._arrival(draft, inbound_id), known, self._policy))

    def _case(self, draft: TicketDraft) -> Ticket | None:
        """The ticket of the forwarding body's case that a draft names."""
        return self._people.tickets.get(self._cases.get(draft.source.key, 0)) if draft.source else None

    def replay(self, draft: TicketDraft, replay: Replay) -> Taken:
        """An input of the journal, read again: it has an effect only if it had none, or left its ticket in triage.

        Raises:
            UnknownInput: there is none of this id.
        """
        inbound_id = replay.inbound_id
        before = journal.load(self._tx, inbound_id)
        if before is None:
            raise UnknownInput(inbound_id)
        ticket = self.ticket(before.ticket_id)
        if before.outcome in ("automatic", "receipt") and draft.intent != "automatic":
            changes = self.decide(draft, inbound_id)
        elif before.outcome == "triage" and ticket and ticket.triage and draft.intent in ("complaint", "supplement"):
            statement = load_complaints(self._tx.connection, ticket.id)[0]
            known = replace(self.known(draft.identities, ticket.profile), case=self._case(draft))
            arrival = self._arrival(draft, inbound_id)
            changes = decide_understood(arrival, ticket, statement, known, self._policy, replay)
            self.remember(changes)
        else:
            return Taken(outcome="duplicate", inbound_id=inbound_id, ticket=ticket)
        journal.rewrite(self._tx, inbound_id, changes.outcome, changes.ticket_id)
        return self.taken(changes, inbound_id)

    def taken(self, changes: Changes, inbound_id: int) -> Taken:
        """What the sender is told."""
        ticket = self._people.tickets.get(changes.ticket_id) if changes.ticket_id else None
        return Taken(
            outcome=changes.outcome,
            inbound_id=inbound_id,
            ticket=ticket,
            statement=ticket.statements if ticket else 0,
            repeat_of=changes.repeat_of,
            timers=tuple(self.timers_of(changes.ticket_id).values()) if changes.ticket_id else (),
        )

    def known(self, identities: Iterable[str], profile: str, named: Iterable[int | None] = ()) -> Known:
        """What is known about the person of these identities, and of the tickets `named`."""
        people = self._people
        mine = people.same_person(repeat.naming(identities, self._policy.profiles[profile].repeat))
        ids = {ticket_id for key in mine for ticket_id in people.tickets_of.get(key, ())}
        ids.update(ticket_id for ticket_id in named if ticket_id)
        return Known(
            identities=frozenset(mine),
            past=[one for key in mine for one in people.past.get(key, ())],
            tickets={ticket_id: people.tickets[ticket_id] for ticket_id in ids if ticket_id in people.tickets},
            timers=self.timers_of,
        )

    def _arrival(self, draft: TicketDraft, inbound_id: int) -> Arrival:
        return Arrival(
            draft=draft,
            inbound_id=inbound_id,
            attachments=keep_files(self._tx, draft.attachments) if draft.attachments else (),
            new_ticket_id=self._tx.next_ticket_id,
        )

    def remember(self, changes: Changes) -> Changes:
        """Later inputs of the batch see what this one did."""
        for change in changes.tickets:
            self._remember(change)
        return changes

    def _remember(self, change: TicketChange) -> None:
        now = change.after
        self.changes.append(change)
        self._people.tickets[now.id] = now
        if now.source is not None and now.source.case_number:
            self._cases[now.source.key] = now.id
        timers = self._timers.setdefault(now.id, {}) if change.before is None else dict(self.timers_of(now.id))
        timers.update({one.name: one for one in change.timers})
        self._timers[now.id] = timers
        for one in (*change.complaints, *change.rewritten):
            for key in one.identities:
                self._people.tickets_of.setdefault(key, set()).add(now.id)
            for key in one.counted:
                past = Past(ticket_id=now.id, seq=one.seq, lodged_at=one.lodged_at, channel=one.channel, identity=key)
                self._people.past.setdefault(key, []).append(past)


def _names(draft: TicketDraft, policy: Policy) -> tuple[str, ...]:
    return repeat.naming(draft.identities, policy.profiles[draft.profile].repeat)


def _lodged_at(draft: TicketDraft, policy: Policy) -> datetime:
    return repeat.claimed_or_received(draft, policy.profiles[draft.profile].repeat)


def act(tx: Tx, command: Command, policy: Policy) -> Ticket:
    """Do what the command says, if it is legal now.

    Raises:
        UnknownTicket, ActionRefused, FieldMissing, InputChanged: nothing is changed.
    """
    people = _people_of_uncounted(tx, command, policy)
    ticket = load_ticket(tx.connection, command.ticket_id, lock=True)
    key = journal.source_key(command)
    earlier = journal.known(tx, [key]).get(key) if key else None
    if earlier is not None:
        if not journal.is_same(tx, earlier.inbound_id, command):
            raise InputChanged(earlier.inbound_id)
        return ticket
    inbound_id = tx.next_id("inbound") if command.raw is not None or key else None
    kinds = kinds_that_matter(command.action, policy.profiles[ticket.profile])
    standing = Standing(
        ticket=ticket,
        timers=load_timers(tx.connection, [ticket.id])[ticket.id],
        past=load_events(tx.connection, ticket.id, *kinds) if kinds else (),
        attachments=keep_files(tx, command.attachments),
        inbound_id=inbound_id,
        assignee_signs_in=_signs_in(tx, command.fields.get("assignee")),
    )
    case = decide_act(command, standing, policy)
    others: tuple[TicketChange, ...] = ()
    if people is not None and _counts_now(ticket, case.state):
        statement = load_complaints(tx.connection, ticket.id)[0]
        if not statement.text or case.state["text"] != ticket.text:  # else somebody may have reworded it since
            statement = replace(statement, text=case.state["text"])
        known = _Batch(tx, policy, people).known(case.state["identities"], ticket.profile)
        others = begin_to_count(case, statement, known, policy, command.at)
    change = case.change()
    if inbound_id is not None:
        journal.write_command(tx, inbound_id, command)
    save(tx, [change, *others], policy)
    link = _LINKS.get(change.events[-1].kind)
    if link is not None:
        link(tx, ticket, str(change.events[-1].data["identity"]))
    return change.after


def _signs_in(tx: Tx, name: object) -> bool:
    found = account_of(tx.connection, name) if isinstance(name, str) and name else None
    return found is not None and found.active


#: Events by which an agent says that an identity is this person's, or is not.
_LINKS: Mapping[str, Callable[[Tx, Ticket, str], None]] = {
    "identity_linked": lambda tx, ticket, key: link_identities(tx, [*ticket.identities, key]),
    "identity_unlinked": lambda tx, _ticket, key: unlink_identity(tx, key),
}


def _people_of_uncounted(tx: Tx, command: Command, policy: Policy) -> People | None:
    """Whoever acts on a draft may submit it, and one in triage may be understood; then the repeat rule speaks.

    The person is locked before the ticket.
    """
    ticket = load_ticket(tx.connection, command.ticket_id)
    if ticket.stage != "draft" and not ticket.triage:
        return None
    told = command.fields.get("identity")
    keys = [*ticket.identities, *([told] if isinstance(told, str) else [])]
    window = policy.profiles[ticket.profile].repeat.window
    return lock_people(tx, keys, window, [to_us(ticket.lodged_at)])


def _counts_now(before: Ticket, state: Mapping[str, Any]) -> bool:
    """Whether what did not count until now does: a draft was submitted, or a person took it out of triage."""
    if before.stage == "draft":
        return state["stage"] not in ("draft", "withdrawn")
    return bool(before.triage) and not state["triage"] and state["stage"] not in FINISHED


def sweep(tx: Tx, now: datetime, policy: Policy, *, most: int = 200) -> int:
    """Fire the rungs that are due by `now`, at most `most` timers; returns how many were looked at.

    Costs what is due, not what is open. Run again while it returns `most`.
    """
    tickets, timers = load_due_timers(tx.connection, now, most)
    changes = []
    moved = []
    for one in timers:
        after, change = climb(tickets[one.ticket_id], one, now, policy)
        moved.append(after)
        if change is not None:
            tickets[one.ticket_id] = change.after
            changes.append(change)
    save(tx, changes, policy)
    write_timers(tx, moved)
    return len(timers)
