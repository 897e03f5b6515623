"""What crosses the edge: values between channels, normalize and dispatch. Nothing here knows a ticket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """An input as it arrived at the door, before anybody understood it.

    `query` holds texts; what in it is not UTF-8 stands only in the `query_string`, as it came.
    """

    channel: str
    body: bytes
    received_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    query_string: str = ""
    media_type: str = "application/octet-stream"
    actor: str = "complainant"  # who brought it in: the complainant, or the name of a signed-in agent


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An attachment as it was sent. With a `reference` its bytes are still at the provider and `content` is empty:

    the channel fetches them after the commit (`gateway.channels.base.Fetching`).
    """

    name: str
    media_type: str
    content: bytes = b""
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheets:
    """Files of cases that came with a message of a forwarding body; `channel` is the channel that reads them.

    `told` is the proven address that hears what became of each row; empty where nobody may be answered.
    """

    channel: str
    files: tuple[File, ...]
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What makes a message part of a conversation 会话: both sides talk in turn, and it is answered where it was said.

    `account` is whom the channel answers: what its transport takes as `to`, and what follows ``NAME:`` in the sender's
    chat address. `route` is where the platform wants answers until `route_until`, such as a session webhook. `revises`
    is the external id of an earlier message that this one replaces, or takes back where it is `deleted`. `medium` is by
    what the answer goes where that is not the channel itself: a text is answered by ``sms``.
    """

    account: str
    medium: str = ""
    route: str = ""
    route_until: datetime | None = None
    revises: str = ""
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where somebody can be reached: `medium` is ``email``, ``phone``, ``chat``; `value` as it was written.

    A chat account is ``NAME:ACCOUNT``: the channel's configured name, and whom its transport writes to.
    """

    medium: str
    value: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """One recipient whom a message of ours did not reach (or reaches late: neither of it is a complaint)."""

    address: str
    permanent: bool
    status: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage:
    """An input as its channel understood it; normalize turns it into a TicketDraft.

    `external_id` is the sender's own id (None: each arrival is its own). `lodged_at` is what the sender claims.
    `fields` are structured values of forms and sources under the names of the intake body (contract, section 3).
    `automatic` names the marker that shows a machine wrote it. `readable` is False when parse gave up (then: triage).
    `thread` are the message ids and reply addresses it refers to; normalize looks for our own token among them.
    A message with a `talk` belongs to a conversation; a button that was pressed is the `text` it stands for.
    `sheets` are cases of a forwarding body, each for itself; they are not among the `attachments`.
    """

    channel: str
    external_id: str | None
    received_at: datetime
    raw: Raw
    sender: tuple[Address, ...] = ()
    recipients: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""
    html: str | None = None
    reply_text: str = ""
    lodged_at: datetime | None = None
    attachments: tuple[File, ...] = ()
    thread: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    automatic: str | None = None
    bounced: tuple[Bounce, ...] = ()
    talk: Talk | None = None
    sheets: Sheets | None = None
    readable: bool = True
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """One notice on its way out: `reference` stays the same over all tries and is the provider's idempotency key."""

    reference: str
    to: str
    name: str = ""
    forms: Mapping[str, str]  # "subject", "text", "short", "html", "choices" as the transport asked for
    locale: str = "zh-CN"
    ticket_number: str = ""
    thread: tuple[str, ...] = ()  # message ids of earlier mails of the same ticket
    token: str = ""  # unforgeable; an answer that carries it joins the ticket
    reply: bool = True  # it answers a complainant; False: it tells somebody of the house
    template: Mapping[str, Any] = field(default_factory=dict)  # provider template id and variables, for SMS
    attachments: tuple[File, ...] = ()  # of mails alone
    fields: Mapping[str, Any] = field(default_factory=dict)  # a step back to a forwarding body: what it is about
    route: str = ""  # in a conversation: where the platform wants the answer now; empty when that has passed
    heard_at: datetime | None = None  # in a conversation: when that account last said something
    sent_since: int = 0  # in a conversation: how many messages it got since then


#: queued: kept until somebody fetches it. accepted: the provider has it. delivered: it reached the person. failed: it
#: never will.
DeliveryStatus = Literal["queued", "accepted", "delivered", "temporary_failure", "failed", "suppressed", "expired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReceipt:
    """What a provider says became of a notice 回执. Found by our `reference`, else by `provider_id`.

    `parts` is how many SMS the notice takes; `part` names the one a report is about, and is empty when it is about all.
    `address` is whom the report is about, where anybody could have written it: it counts only for a notice to him.
    """

    status: DeliveryStatus
    at: datetime
    reference: str = ""
    provider_id: str = ""
    detail: str = ""
    part: str = ""
    parts: int = 1
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What the base tells a channel after the commit: enough to answer its sender."""

    outcome: str
    inbound_id: int | None = None
    ticket: str | None = None  # the number
    key: str | None = None
    grade: str | None = None
    repeat_of: str | None = None
    deadlines: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """An input of the journal was read again: what it `was` and what it is now; `duplicate` where nothing changed."""

    inbound_id: int
    channel: str
    was: str
    outcome: str
    ticket: str | None = None  # the number
