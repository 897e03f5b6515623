"""Where a conversation 会话 stands, what one message in it leads to, and what we say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from ticket_core.model import JSON, Kind, Ticket

_MOST_TOLD = 20
_TOLD_IN = timedelta(minutes=10)

#: The question that waits for its answer.
Step = Literal["", "kind", "text", "contact", "files", "confirm", "withdraw"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Where a conversation stands. `about` is the ticket whose withdrawal waits for a yes; `asked` counts one question.

    `told` replies went out since `told_from`; `due_at` is when an unfinished complaint is submitted as it is. `heard`
    are the ids in the journal of what the account said last, the oldest first.
    """

    channel: str
    account: str
    heard_at: datetime
    ticket_id: int | None = None
    step: Step = ""
    kind: Kind | None = None
    about: int | None = None
    asked: int = 0
    told: int = 0
    told_from: datetime | None = None
    added_at: datetime | None = None  # when "added" was said last
    due_at: datetime | None = None
    route: str = ""
    route_until: datetime | None = None
    heard: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known beside the conversation: the tickets of this account, and the one a rating was asked for.

    `heard_of_at` is when the account last got a notice.
    """

    tickets: Mapping[int, Ticket] = field(default_factory=dict)
    to_rate: int | None = None
    heard_of_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """The words are a complaint of their own; as a draft while questions are still to be asked."""

    draft: bool = False
    kind: Kind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Add:
    """The words belong to this ticket."""

    ticket_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Do:
    """The complainant makes this event happen to this ticket; `says` is the reply where no notice tells of it."""

    ticket_id: int
    event: str
    fields: Mapping[str, JSON] = field(default_factory=dict)
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """It changes no ticket."""


Move = Open | Add | Do | Nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One saying of ours: the notice without its ``chat_``, and what it tells of."""

    name: str
    said: Mapping[str, JSON] = field(default_factory=dict)
    ticket_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What follows from one message: the move, the conversation after it, and our reply.

    A ticket that the move opens becomes that of the conversation.
    """

    move: Move
    after: Conversation
    reply: Reply | None = None


def told(after: Conversation, reply: Reply | None, at: datetime) -> tuple[Conversation, Reply | None]:
    """Count our replies: after twenty in ten minutes one more asks for patience, then none: two machines end so."""
    if reply is None:
        return after, None
    fresh = after.told_from is None or abs(at - after.told_from) > _TOLD_IN
    count = 1 if fresh else after.told + 1
    counted = replace(after, told=count, told_from=at if fresh else after.told_from)
    if count > _MOST_TOLD + 1:
        return counted, None
    return counted, reply if count <= _MOST_TOLD else Reply(name="slow_down")
