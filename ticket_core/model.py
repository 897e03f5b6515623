"""The domain's values: what a complaint, a ticket and their history are.

All are frozen; all datetimes are aware. An *identity* is a string that names one person on one medium:
``phone:+8613800001234``, ``phone:+862886111234;ext=801``, ``email:li@example.com``, ``chat:our-bot:42``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, get_args

JSON: TypeAlias = "str | int | float | bool | list[JSON] | dict[str, JSON] | None"

Kind = Literal[
    "complaint",
    "report",
    "inquiry",
    "suggestion",
    "help",
    "repair",
    "situation",
    "lost_property",
    "praise",
    "order",
]
Grade = Literal["request", "grievance", "upgraded", "appeal"]
Stage = Literal[
    "draft",
    "received",
    "assigned",
    "accepted",
    "responded",
    "answered",
    "reviewed",
    "closed",
    "archived",
    "returned",
    "suspended",
    "refused",
    "withdrawn",
]
Outcome = Literal["opened", "appended", "repeated", "duplicate", "automatic", "receipt", "triage", "refused"]
NoticeState = Literal[
    "queued", "sending", "accepted", "delivered", "temporary_failure", "failed", "suppressed", "expired"
]
#: What one input is meant to do. `complaint` is a statement of its own, of any kind.
Intent = Literal["complaint", "supplement", "automatic", "triage"]
Disposition = Literal["submit", "answered", "draft"]

KINDS: tuple[str, ...] = get_args(Kind)
GRADES: tuple[str, ...] = get_args(Grade)
STAGES: tuple[str, ...] = get_args(Stage)
#: Higher rank, higher grade; escalation never lowers it.
GRADE_RANK: Mapping[str, int] = {"request": 0, "upgraded": 1, "grievance": 2, "appeal": 3}
#: Stages in which nobody owes anything any more: every timer stops.
FINISHED: frozenset[str] = frozenset({"closed", "archived", "refused", "withdrawn"})
#: Outcomes that a better reading of the same input may change; all others were an effect.
REREADABLE: frozenset[str] = frozenset({"triage", "automatic", "receipt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Complainant:
    """Who complained 投诉人; `mobile` takes SMS, `masked` keeps originals that name nobody.

    Phones are E.164, with the extension where there is one: ``+862886111234;ext=801``. Chats are ``NAME:ACCOUNT``: the
    channel they are held on and the account there.
    """

    name: str = ""
    phones: tuple[str, ...] = ()
    mobile: str = ""
    emails: tuple[str, ...] = ()
    chats: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    anonymous: bool = False
    confidential: bool = False
    real_name: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An attachment with its bytes, on its way in; with a `reference` they are still at the provider of its channel."""

    name: str
    media_type: str
    content: bytes = b""
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """An attachment as kept, found by `sha256`, or at its provider by `reference`; `problem` is why it never came."""

    name: str
    media_type: str
    size: int = 0
    sha256: str = ""
    reference: str = ""
    problem: str = ""

    @property
    def awaited(self) -> bool:
        """Whether somebody still tries to get it."""
        return bool(self.reference) and not self.sha256 and not self.problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The forwarding body 转办来源, its case number and its own deadlines (name, time).

    `track` tells apart the tickets of one case that is several things at once; `act` is what this message means for it,
    `sent_at` when they sent it. `granted` are limits they moved later. It ended `withdrawn_at`, came anew `given_at`.
    """

    body: str = ""
    case_number: str = ""
    deadlines: tuple[tuple[str, datetime], ...] = ()
    track: str = ""
    act: Literal["transfer", "correction", "urge", "withdraw", "extension"] = "transfer"
    sent_at: datetime | None = None
    granted: tuple[tuple[str, datetime], ...] = ()
    withdrawn_at: datetime | None = None
    given_at: datetime | None = None
    other_number: str = ""  # of the same case, in another system of theirs

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two messages one case."""
        return self.body, self.case_number, self.track


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """An input of the journal is read once more, after its parser was put right, at `at`, for `actor`."""

    inbound_id: int
    at: datetime
    actor: str = "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What somebody said in a conversation 会话 with one `account`, as far as words alone tell.

    `command` is empty for plain words; `pressed` where a button gave it. `words`, `files`: anything is left beside it;
    `contact`: it names another way to the person, `reachable`: one was known. `ticket_id` is one the command names.
    `revises` is the external id of an earlier message that this one replaces, or takes back where it is `deleted`.
    Answers go by `medium`, by the channel itself where it is empty.
    """

    account: str
    medium: str = ""
    command: str = ""
    pressed: bool = False
    words: bool = True
    files: bool = False
    contact: bool = False
    reachable: bool = False
    ticket_id: int | None = None
    score: int | None = None
    kind: Kind | None = None
    revises: str = ""
    deleted: bool = False
    route: str = ""
    route_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketDraft:
    """One normalised input, before anything is decided about it.

    `external_id` is the sender's own id of this input; with `channel` it makes a second delivery a no-op; None means
    that every arrival is an input of its own. `claimed_at` is when the sender says it was lodged; it is trusted within
    limits. `thread` is a ticket proven by an unforgeable token; `quoted` are tickets only named in the text. With
    `replay` it is no new input but one of the journal, whose `received_at` it keeps.
    """

    channel: str
    profile: str
    received_at: datetime
    raw: bytes
    raw_type: str = "application/json"
    sha256: str = ""
    external_id: str | None = None
    intent: Intent = "complaint"
    note: str = ""  # why it is automatic or in triage
    claimed_at: datetime | None = None
    kind: Kind = "complaint"
    subject: str = ""
    text: str = ""
    view: str = ""  # the text without quotation, where that differs
    complainant: Complainant = Complainant()
    identities: tuple[str, ...] = ()
    respondent: str = ""
    service_number: str = ""
    category: tuple[str, ...] = ()
    priority: str = ""
    occurred_at: datetime | None = None
    place: str = ""
    locale: str = "zh-CN"
    attachments: tuple[File, ...] = ()
    source: Source | None = None
    entry: str = ""
    disposition: Disposition = "submit"
    answer: str = ""
    actor: str = "complainant"
    thread: int | None = None
    quoted: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    split_from: str = ""  # external id of the input that came in the same message and is its first part
    spoken: Spoken | None = None
    revises: Complaint | None = None  # the statement of its ticket that it replaces, or takes back where `retracts`
    retracts: bool = False
    replay: Replay | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Somebody does something to a ticket: an action of the profile with its fields.

    `role` is the actor's; `raw` is the input as it arrived, kept in the journal, where a citizen or program sent it.
    """

    ticket_id: int
    action: str
    actor: str
    role: str
    at: datetime
    fields: Mapping[str, JSON]
    channel: str = "web"
    raw: bytes | None = None
    external_id: str | None = None
    attachments: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A relation to another ticket: `repeats`, `duplicate`, `split_from`, `parent`."""

    relation: Literal["repeats", "duplicate", "split_from", "parent"]
    ticket_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """The case we answer for 工单. `version` is the sequence number of its last event."""

    id: int
    version: int
    profile: str
    kind: Kind
    grade: Grade
    grade_reason: str
    priority: str
    status: str
    stage: Stage
    channel: str
    received_at: datetime
    lodged_at: datetime
    updated_at: datetime
    subject: str
    text: str
    complainant: Complainant
    identities: tuple[str, ...] = ()  # who belongs to it: only they may add to it by mail or chat
    respondent: str = ""
    service_number: str = ""
    category: tuple[str, ...] = ()
    occurred_at: datetime | None = None
    place: str = ""
    locale: str = "zh-CN"
    source: Source | None = None
    entry: str = ""
    group: str = ""
    assignee: str = ""
    first_owner: str = ""
    triage: str = ""  # why a person must look at it; empty once somebody did
    answer: str = ""
    rating: int | None = None
    urges: int = 0
    statements: int = 1  # how many statements it has; the next one gets this sequence number
    explained: bool = False  # an explanation for being late is on record
    tags: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()

    @property
    def open(self) -> bool:
        """Whether somebody still owes something on it."""
        return self.stage not in FINISHED


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One statement 投诉 as it was sent; `kind` is `complaint` for a statement of its own, else what it adds."""

    ticket_id: int
    seq: int
    kind: Literal["complaint", "supplement"]
    channel: str
    lodged_at: datetime
    received_at: datetime
    text: str
    view: str = ""  # the text without quotation, where that differs
    actor: str = "complainant"
    inbound_id: int | None = None
    identities: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()  # the identities by which the repeat rule counts it
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of a ticket's timeline; never changed, never removed."""

    ticket_id: int
    seq: int
    kind: str
    at: datetime
    actor: str
    data: Mapping[str, JSON]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """One deadline of one ticket, and when to look at it again.

    It keeps the rule of its receipt. `next_at` is when the next rung is, or None, `fired` those done for this `due_at`.
    """

    ticket_id: int
    name: str
    amount: int
    unit: str
    clock: str = "wall"
    roll: str = "none"
    started_at: datetime
    due_at: datetime
    provisional: bool = False
    calendar: str = ""  # version of the calendar it was computed with
    origin: Literal["profile", "source", "extension"] = "profile"
    next_at: datetime | None = None
    fired: tuple[str, ...] = ()
    met_at: datetime | None = None
    cancelled_at: datetime | None = None
    warned_at: datetime | None = None
    overdue_at: datetime | None = None

    @property
    def running(self) -> bool:
        """Whether the ticket still owes this."""
        return self.met_at is None and self.cancelled_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something owed to one recipient 通知: a row of the outbox, rendered when it is sent.

    What a conversation answers tells of what it `said` (JSON) itself; its `ticket_id` is 0 where it is about none.
    """

    ticket_id: int
    event_seq: int
    notice: str
    role: str
    medium: str
    address: str
    name: str = ""
    locale: str = "zh-CN"
    send_at: datetime
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketChange:
    """What happens to one ticket: its new state and the rows that come with it. `before` is None for a new one.

    `rewritten` are statements it has already and that read or count otherwise from now on.
    """

    before: Ticket | None
    after: Ticket
    complaints: tuple[Complaint, ...] = ()
    rewritten: tuple[Complaint, ...] = ()
    events: tuple[Event, ...] = ()
    timers: tuple[Timer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """All that one decision changes, saved in one transaction; the sender is told `outcome` and `ticket_id`."""

    outcome: Outcome
    ticket_id: int | None = None
    repeat_of: int | None = None
    tickets: tuple[TicketChange, ...] = ()
