"""What becomes of what somebody says in a conversation 会话: a complaint, more facts, an action, or only talk.

One move for each message. A conversation knows the ticket that further words belong to, and the question that waits
for its answer; from the first words about what happened on there is a ticket, if only a draft: nothing said is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ticket_core.decide.conversation import Add, Conversation, Do, Nothing, Open, Reply, Standing, Step, Turn
from ticket_core.model import JSON, Spoken, Ticket
from ticket_core.profile import ConversationRule

_MOST_ASKED = 2  # times that a contact which cannot be read is asked for
_ADDED_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """One message with all that is needed to understand it; `kinds` are those one may choose from."""

    spoken: Spoken
    now: Conversation
    standing: Standing
    at: datetime
    rule: ConversationRule

    @property
    def current(self) -> Ticket | None:
        """The ticket of the conversation."""
        return self.standing.tickets.get(self.now.ticket_id or 0)

    def waiting(self, step: Step) -> Conversation:
        """The conversation with the next question asked."""
        return replace(self.now, step=step, asked=0, due_at=self.at + self.rule.unfinished)

    @property
    def unfinished(self) -> bool:
        """Whether a complaint is being made: it must not be forgotten over something else."""
        return self.current is not None and self.current.stage == "draft"

    @property
    def resting(self) -> Conversation:
        """The conversation with no question open and nothing begun."""
        return replace(self.now, step="", kind=None, about=None, asked=0, due_at=None)

    @property
    def back(self) -> Conversation:
        """The same after something between: what was begun is still submitted when nobody goes on with it."""
        due_at = self.at + self.rule.unfinished if self.unfinished else None
        return replace(self.resting, due_at=due_at)


def turn(spoken: Spoken, now: Conversation, standing: Standing, at: datetime, rule: ConversationRule) -> Turn:
    """What becomes of one message of this account."""
    heard = _Heard(spoken=spoken, now=now, standing=standing, at=at, rule=rule)
    answer = _COMMANDS.get(spoken.command)
    if answer is not None:
        return answer(heard)
    if spoken.kind is not None and now.step not in ("kind", "text"):
        return _welcome(heard)  # an old button
    return _AT_STEP[now.step](heard)


# --- Plain words, by the question that waits


def _plain(heard: _Heard) -> Turn:
    """No question waits: more about the open ticket, a rating that was asked for, or a new complaint.

    A score that nobody asked for says of nothing what is wrong with it, and must not count as a second complaint.
    """
    spoken, standing = heard.spoken, heard.standing
    if spoken.score is not None and standing.to_rate is not None:
        return _rated(heard, standing.to_rate, spoken.score)
    ticket = heard.current
    if ticket is not None and ticket.open and (heard.unfinished or _still_open(heard)):
        return _added(heard, ticket.id)
    return _welcome(heard) if spoken.score is not None else Turn(move=Open(), after=heard.resting)


def _still_open(heard: _Heard) -> bool:
    """Whether either side said something not longer ago than a conversation lasts."""
    last = max(filter(None, (heard.now.heard_at, heard.standing.heard_of_at)))
    return heard.at - last <= heard.rule.idle


def _added(heard: _Heard, ticket_id: int) -> Turn:
    """Kept; said so at most once a minute, since ten photos come as ten messages."""
    said_at = heard.now.added_at
    quiet = said_at is not None and abs(heard.at - said_at) < _ADDED_PAUSE  # our clock may have been set back
    after = heard.now if quiet else replace(heard.now, added_at=heard.at)
    reply = None if quiet else Reply(name="added", ticket_id=ticket_id)
    return Turn(move=Add(ticket_id=ticket_id), after=after, reply=reply)


def _kind_said(heard: _Heard) -> Turn:
    if heard.spoken.kind is not None:
        return Turn(
            move=Nothing(), after=replace(heard.waiting("text"), kind=heard.spoken.kind), reply=Reply(name="ask_text")
        )
    return _happened(heard)  # whoever tells what happened instead is not sent back


def _happened(heard: _Heard) -> Turn:
    if heard.spoken.kind is not None:
        return _kind_said(heard)
    if not heard.spoken.words and not heard.spoken.files:
        return Turn(move=Nothing(), after=heard.waiting("text"), reply=Reply(name="ask_text"))
    step: Step = "files" if heard.spoken.reachable else "contact"
    return Turn(move=Open(draft=True, kind=heard.now.kind), after=heard.waiting(step), reply=Reply(name=f"ask_{step}"))


def _contact_said(heard: _Heard) -> Turn:
    """Whatever is said is kept; a contact that cannot be read is asked for once more."""
    ticket = heard.current
    if ticket is None:
        return _plain(heard)
    move = Add(ticket_id=ticket.id)
    if heard.spoken.contact or heard.now.asked + 1 >= _MOST_ASKED:
        return Turn(move=move, after=heard.waiting("files"), reply=Reply(name="ask_files"))
    again = replace(heard.waiting("contact"), asked=heard.now.asked + 1)
    return Turn(move=move, after=again, reply=Reply(name="ask_contact_again"))


def _file_said(heard: _Heard) -> Turn:
    ticket = heard.current
    if ticket is None:
        return _plain(heard)
    kept = _added(heard, ticket.id)
    reply = kept.reply and replace(kept.reply, name="kept")
    return replace(kept, after=replace(kept.after, due_at=heard.at + heard.rule.unfinished), reply=reply)


def _confirm_said(heard: _Heard) -> Turn:
    """Neither yes nor no: it belongs to the complaint, and the question stands."""
    ticket = heard.current
    if ticket is None:
        return _plain(heard)
    return Turn(move=Add(ticket_id=ticket.id), after=heard.waiting("confirm"), reply=_summary(heard, ticket))


def _withdraw_said(heard: _Heard) -> Turn:
    """No yes: the ticket stays, and the words are what they are."""
    return _plain(replace(heard, now=heard.back))


_AT_STEP: Mapping[Step, Callable[[_Heard], Turn]] = {
    "": _plain,
    "kind": _kind_said,
    "text": _happened,
    "contact": _contact_said,
    "files": _file_said,
    "confirm": _confirm_said,
    "withdraw": _withdraw_said,
}


# --- Commands


def _welcome(heard: _Heard) -> Turn:
    return Turn(move=Nothing(), after=heard.now, reply=Reply(name="welcome"))


def _new(heard: _Heard) -> Turn:
    """A new complaint: with words it is one, without it is asked for."""
    if heard.unfinished:
        return _finish_first(heard)
    if heard.spoken.words or heard.spoken.files:
        return Turn(move=Open(), after=heard.resting)
    fresh = replace(heard.waiting("kind"), ticket_id=None, kind=None, about=None)
    return Turn(move=Nothing(), after=fresh, reply=Reply(name="ask_kind", said={"kinds": list(heard.rule.kinds)}))


def _finish_first(heard: _Heard) -> Turn:
    assert heard.current is not None
    return Turn(move=Nothing(), after=heard.waiting("confirm"), reply=_summary(heard, heard.current, "unfinished"))


def _stop(heard: _Heard) -> Turn:
    """No more of our texts: kept in the journal, and not answered by one more."""
    return Turn(move=Nothing(), after=heard.now)


def _status(heard: _Heard) -> Turn:
    wanted = heard.spoken.ticket_id
    found = [one for one in heard.standing.tickets.values() if wanted in (None, one.id)]
    if not found:
        return _not_found(heard)
    newest = sorted(found, key=lambda one: one.id, reverse=True)[: heard.rule.shown]
    return Turn(move=Nothing(), after=heard.now, reply=Reply(name="status", said={"ids": [one.id for one in newest]}))


def _not_found(heard: _Heard) -> Turn:
    """The same for a ticket that is not theirs as for one that does not exist."""
    return Turn(move=Nothing(), after=heard.now, reply=Reply(name="not_found"))


def _meant(heard: _Heard, stages: Callable[[Ticket], bool]) -> Ticket | None:
    """The ticket a command is about: the one it names, else that of the conversation, else the newest that fits."""
    tickets = heard.standing.tickets
    if heard.spoken.ticket_id is not None:
        return tickets.get(heard.spoken.ticket_id)
    current = heard.current
    if current is not None and stages(current):
        return current
    return max((one for one in tickets.values() if stages(one)), key=lambda one: one.id, default=None)


def _is_open(ticket: Ticket) -> bool:
    return ticket.open and ticket.stage != "draft"


def _can_be_rated(ticket: Ticket) -> bool:
    return ticket.stage in ("answered", "closed", "archived")


def _urge(heard: _Heard) -> Turn:
    ticket = _meant(heard, _is_open)
    if ticket is None:
        return _not_found(heard)
    return Turn(move=Do(ticket_id=ticket.id, event="urged", says="urged"), after=heard.now)


def _add(heard: _Heard) -> Turn:
    ticket = _meant(heard, _is_open)
    if ticket is None or not ticket.open:
        return _not_found(heard)
    if not heard.spoken.words and not heard.spoken.files:
        if heard.unfinished and ticket.id != heard.now.ticket_id:
            return _finish_first(heard)
        return Turn(move=Nothing(), after=replace(heard.now, ticket_id=ticket.id), reply=Reply(name="ask_more"))
    added = _added(heard, ticket.id)
    return added if heard.unfinished else replace(added, after=replace(added.after, ticket_id=ticket.id))


def _rate(heard: _Heard) -> Turn:
    ticket = heard.standing.tickets.get(heard.standing.to_rate or 0) if heard.spoken.ticket_id is None else None
    ticket = ticket or _meant(heard, _can_be_rated)
    if ticket is None:
        return _not_found(heard)
    if heard.spoken.score is None:
        reply = Reply(name="ask_rating", said={"id": ticket.id}, ticket_id=ticket.id)
        return Turn(move=Nothing(), after=heard.now, reply=reply)
    return _rated(heard, ticket.id, heard.spoken.score)


def _rated(heard: _Heard, ticket_id: int, score: int) -> Turn:
    return Turn(move=Do(ticket_id=ticket_id, event="rated", fields={"score": score}, says="rated"), after=heard.back)


def _withdraw(heard: _Heard) -> Turn:
    ticket = _meant(heard, _is_open)
    if ticket is None:
        return _not_found(heard)
    after = replace(heard.now, step="withdraw", about=ticket.id)
    return Turn(move=Nothing(), after=after, reply=Reply(name="ask_withdraw", said={"id": ticket.id}))


def _skip(heard: _Heard) -> Turn:
    ticket = heard.current
    if heard.now.step == "contact":
        return Turn(move=Nothing(), after=heard.waiting("files"), reply=Reply(name="ask_files"))
    if heard.now.step in ("files", "confirm") and ticket is not None:
        return Turn(move=Nothing(), after=heard.waiting("confirm"), reply=_summary(heard, ticket))
    if heard.now.step == "kind":
        return Turn(move=Nothing(), after=heard.waiting("text"), reply=Reply(name="ask_text"))
    return _plain_if_typed(heard)


def _confirm(heard: _Heard) -> Turn:
    ticket = heard.current
    if heard.now.step == "withdraw" and heard.now.about is not None:
        after = heard.resting if heard.now.about == heard.now.ticket_id else heard.back
        return Turn(move=Do(ticket_id=heard.now.about, event="withdrawn"), after=after)
    if ticket is not None and ticket.stage == "draft":
        return Turn(move=Do(ticket_id=ticket.id, event="received"), after=heard.resting)
    return _plain_if_typed(heard)


def _cancel(heard: _Heard) -> Turn:
    ticket = heard.current
    if heard.now.step == "withdraw":
        return Turn(move=Nothing(), after=heard.back, reply=Reply(name="kept_open"))
    if ticket is not None and ticket.stage == "draft":
        return Turn(
            move=Do(ticket_id=ticket.id, event="withdrawn"),
            after=replace(heard.resting, ticket_id=None),
        )
    if heard.now.step:
        return Turn(move=Nothing(), after=heard.resting, reply=Reply(name="cancelled"))
    return _plain_if_typed(heard)


def _plain_if_typed(heard: _Heard) -> Turn:
    """No question waits for this yes or no: typed it is what it says; pressed on an old button it is nothing."""
    return _welcome(heard) if heard.spoken.pressed else _AT_STEP[heard.now.step](heard)


def _summary(heard: _Heard, ticket: Ticket, name: str = "confirm") -> Reply:
    said: dict[str, JSON] = {"id": ticket.id}
    return Reply(name=name, said=said, ticket_id=ticket.id)


_COMMANDS: Mapping[str, Callable[[_Heard], Turn]] = {
    "help": _welcome,
    "start": _welcome,
    "new": _new,
    "stop": _stop,
    "status": _status,
    "urge": _urge,
    "add": _add,
    "rate": _rate,
    "withdraw": _withdraw,
    "skip": _skip,
    "confirm": _confirm,
    "cancel": _cancel,
}
