"""The transaction scripts of conversations 会话: what an account says, and complaints that were begun and left."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ticket_core.decide import repeat
from ticket_core.decide.conversation import Add, Conversation, Do, Move, Nothing, Open, Reply, Standing, told
from ticket_core.decide.converse import turn
from ticket_core.errors import ActionRefused, FieldMissing
from ticket_core.model import JSON, Command, Complaint, Notice, Spoken, Ticket, TicketDraft
from ticket_core.number import number_of
from ticket_core.policy import Policy
from ticket_core.profile import Profile
from ticket_core.service import Taken, act, intake
from ticket_core.store import journal
from ticket_core.store.clock import to_us
from ticket_core.store.conversations import (
    load_conversation,
    load_unfinished,
    newest_notice,
    save_conversation,
    tickets_of,
)
from ticket_core.store.fallback import owe
from ticket_core.store.person import lock_people
from ticket_core.store.tickets import load_complaints, load_events, load_tickets
from ticket_core.store.tx import Tx

#: Notices that ask for a rating; a bare digit after one of them is the answer.
_ASKS_FOR_RATING = frozenset({"closing", "answer"})
COMPLAINANT = "complainant"
_REMEMBERED = 100  # newest words of an account that its conversation can show again


def converse(tx: Tx, draft: TicketDraft, policy: Policy) -> Taken:
    """Take one message of a conversation in; idempotent like every input.

    The account is locked first, so messages that come at once or twice are decided one after the other.
    """
    spoken = draft.spoken
    assert spoken is not None
    profile = policy.profiles[draft.profile]
    lodged_at = repeat.claimed_or_received(draft, profile.repeat)
    lock_people(tx, draft.identities, profile.repeat.window, [to_us(lodged_at)])
    key = journal.source_key(draft)
    if key and journal.known(tx, [key]):
        return intake(tx, [draft], policy)[0]  # tells that it is there already
    now = load_conversation(tx.connection, draft.channel, spoken.account)
    if spoken.revises:
        revised = _revise(tx, draft, spoken, now, policy)
        if revised is not None:
            return revised
    known = now or Conversation(channel=draft.channel, account=spoken.account, heard_at=draft.received_at)
    standing = _standing(tx, draft, spoken, known)
    spoken = replace(spoken, reachable=spoken.contact or _is_reachable(draft))
    made = turn(spoken, known, standing, draft.received_at, profile.conversation)
    taken, problem = _move(tx, draft, made.move, policy)
    reply = made.reply
    if isinstance(made.move, Do) and made.move.says and not problem:
        reply = Reply(name=made.move.says, ticket_id=made.move.ticket_id)
    after = made.after if not problem else known
    reply = Reply(name="not_now", ticket_id=taken.ticket.id if taken.ticket else 0) if problem else reply
    if isinstance(made.move, Open) and taken.ticket is not None:
        after = replace(after, ticket_id=taken.ticket.id)
    after, reply = told(after, reply, draft.received_at)
    after = replace(after, heard_at=max(known.heard_at, draft.received_at), heard=_heard(known, taken))
    if spoken.route:
        after = replace(after, route=spoken.route, route_until=spoken.route_until)
    save_conversation(tx, after)
    if reply is not None:
        _say(tx, draft, reply, taken.ticket, policy)
    return taken


def _heard(known: Conversation, taken: Taken) -> tuple[int, ...]:
    return (*known.heard, taken.inbound_id)[-_REMEMBERED:]


def _standing(tx: Tx, draft: TicketDraft, spoken: Spoken, known: Conversation) -> Standing:
    account = draft.identities[0] if draft.identities else ""
    tickets = tickets_of(tx.connection, account) if account else {}
    missing = {one for one in (known.ticket_id, spoken.ticket_id) if one and one not in tickets}
    if missing and account:
        named = load_tickets(tx.connection, missing)
        tickets |= {one.id: one for one in named.values() if account in one.identities}
    newest = newest_notice(tx.connection, spoken.medium or draft.channel, spoken.account)
    to_rate = newest.ticket_id if newest and newest.notice in _ASKS_FOR_RATING and newest.ticket_id in tickets else None
    return Standing(tickets=tickets, to_rate=to_rate, heard_of_at=newest.at if newest else None)


def _is_reachable(draft: TicketDraft) -> bool:
    who = draft.complainant
    return bool(who.mobile or who.emails)


def _move(tx: Tx, draft: TicketDraft, move: Move, policy: Policy) -> tuple[Taken, bool]:
    """Do what the turn decided; the second value tells that it is not possible now."""
    match move:
        case Open(draft=unfinished, kind=kind):
            disposition = "draft" if unfinished else draft.disposition
            opened = replace(draft, intent="complaint", disposition=disposition, kind=kind or draft.kind)
            return intake(tx, [opened], policy)[0], False
        case Add(ticket_id=ticket_id):
            return intake(tx, [replace(draft, intent="supplement", thread=ticket_id)], policy)[0], False
        case Do(ticket_id=ticket_id, event=event, fields=fields):
            command = _command(tx, draft, ticket_id, event, fields, policy)
            if command is not None:
                try:
                    ticket = act(tx, command, policy)
                except (ActionRefused, FieldMissing):
                    return _only_talk(tx, draft, f"{event}: not possible now"), True
                seen = journal.known(tx, [journal.source_key(command) or ""])
                inbound_id = next((one.inbound_id for one in seen.values()), 0)
                return Taken(outcome="appended", inbound_id=inbound_id, ticket=ticket), False
            return _only_talk(tx, draft, f"{event}: not possible now"), True
        case Nothing():
            return _only_talk(tx, draft, draft.spoken.command if draft.spoken else ""), False


def _command(
    tx: Tx, draft: TicketDraft, ticket_id: int, event: str, fields: Mapping[str, JSON], policy: Policy
) -> Command | None:
    """The profile's action by which a complainant makes this event happen; None where there is none."""
    tickets = load_tickets(tx.connection, [ticket_id])
    profile = policy.profiles[tickets[ticket_id].profile]
    action = action_of(profile, event)
    if action is None:
        return None
    return Command(
        ticket_id=ticket_id,
        action=action,
        actor=COMPLAINANT,
        role=COMPLAINANT,
        at=draft.received_at,
        fields=fields,
        channel=draft.channel,
        raw=draft.raw,
        external_id=draft.external_id,
    )


def action_of(profile: Profile, event: str) -> str | None:
    """What a complainant does to make this event happen."""
    return next((one.name for one in profile.actions if one.event == event and COMPLAINANT in one.by), None)


def _only_talk(tx: Tx, draft: TicketDraft, note: str) -> Taken:
    """A line in the journal, and no effect on any ticket."""
    inbound_id = tx.next_id("inbound")
    said = replace(draft, note=f"conversation: {note or 'said'}")
    journal.write(tx, [journal.Line(inbound_id, said, "automatic", None)])
    return Taken(outcome="automatic", inbound_id=inbound_id)


def _revise(tx: Tx, draft: TicketDraft, spoken: Spoken, now: Conversation | None, policy: Policy) -> Taken | None:
    """Other words for an earlier message, or none at all: the ticket keeps both.

    None where the earlier one is no statement: a command, or on its way still. Then these words are a message of
    their own, and nothing is lost; taking back what nobody knows is only noted. Who was asked to confirm is shown
    what he now confirms.
    """
    key = f"{draft.channel}:{spoken.revises}"
    earlier = journal.known(tx, [key]).get(key)
    said = load_complaints(tx.connection, earlier.ticket_id) if earlier is not None and earlier.ticket_id else ()
    statement = next((one for one in said if earlier is not None and one.inbound_id == earlier.inbound_id), None)
    if statement is None:
        kept = not spoken.deleted and (spoken.words or spoken.files)
        return None if kept else _only_talk(tx, draft, "revises what is not known")
    again = replace(
        draft,
        intent="supplement",
        thread=statement.ticket_id,
        revises=statement if spoken.deleted else _newest_wording(tx, statement, said),
        retracts=spoken.deleted,
        # Some platforms tell what was taken back, and not by whom: then by whoever had said it.
        identities=draft.identities or statement.identities,
    )
    taken = intake(tx, [again], policy)[0]
    if now is None or spoken.deleted:
        return taken
    ticket, after, reply = taken.ticket, replace(now, heard=_heard(now, taken)), None
    if ticket is not None and ticket.id == now.ticket_id and now.step == "confirm":
        rule = policy.profiles[ticket.profile].conversation
        after = replace(after, due_at=draft.received_at + rule.unfinished)
        after, reply = told(after, Reply(name="confirm", ticket_id=ticket.id), draft.received_at)
    save_conversation(tx, after)
    if reply is not None:
        _say(tx, draft, reply, ticket, policy)
    return taken


def _newest_wording(tx: Tx, statement: Complaint, said: Sequence[Complaint]) -> Complaint:
    """What a message reads now: platforms name the message that is edited, and not the edit before."""
    seq = statement.seq
    for event in load_events(tx.connection, statement.ticket_id, "revised"):
        if event.data["revises"] == seq:
            seq = int(str(event.data["statement"]))
    return next(one for one in said if one.seq == seq)


def finish_conversations(tx: Tx, now: datetime, policy: Policy, most: int = 50) -> int:
    """Submit complaints that were begun and left as they are; returns how many conversations were looked at."""
    left = load_unfinished(tx.connection, now, most)
    for one in left:
        ticket = load_tickets(tx.connection, [one.ticket_id]).get(one.ticket_id) if one.ticket_id else None
        if ticket is not None and ticket.stage == "draft":
            action = action_of(policy.profiles[ticket.profile], "received")
            if action is not None:
                command = Command(
                    ticket_id=ticket.id, action=action, actor="clock", role=COMPLAINANT, at=now, fields={}
                )
                act(tx, command, policy)
        save_conversation(tx, replace(one, step="", kind=None, about=None, asked=0, due_at=None))
    return len(left)


def _say(tx: Tx, draft: TicketDraft, reply: Reply, ticket: Ticket | None, policy: Policy) -> None:
    """Put our reply into the outbox: it goes where the words came from."""
    spoken = draft.spoken
    assert spoken is not None
    said = _telling(tx, draft, reply, ticket, policy)
    owing = Notice(
        ticket_id=reply.ticket_id,
        event_seq=0,
        notice=f"chat_{reply.name}",
        role=COMPLAINANT,
        medium=spoken.medium or draft.channel,
        address=spoken.account,
        name=draft.complainant.name,
        locale=ticket.locale if ticket is not None else draft.locale,
        send_at=draft.received_at,
        said=json.dumps(said, ensure_ascii=False),
    )
    owe(tx, owing)


def _telling(tx: Tx, draft: TicketDraft, reply: Reply, ticket: Ticket | None, policy: Policy) -> dict[str, JSON]:
    """What the reply tells of: kinds to choose from, tickets with how they stand."""
    said: dict[str, Any] = dict(reply.said)
    ids = said.pop("ids", None) or [one for one in (said.pop("id", None) or reply.ticket_id,) if one]
    tickets = load_tickets(tx.connection, ids) if ids else {}
    locale = ticket.locale if ticket is not None else draft.locale
    said["tickets"] = [
        {
            "number": number_of(one.id),
            "subject": one.subject,
            "text": one.text[:500],
            "kind": one.kind,
            "stage": one.stage,
            "status": policy.profiles[one.profile].label_of("status", one.status, locale),
            "phones": len(one.complainant.phones),
            "emails": len(one.complainant.emails),
            "statements": one.statements,
        }
        for one in (tickets[ticket_id] for ticket_id in ids if ticket_id in tickets)
    ]
    return said
