"""What a complainant sees of a ticket: no staff names, no internal comments, no secrets but their own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from gateway.web.words import Locale
from ticket_core.decide.act import allowed_actions
from ticket_core.model import Event
from ticket_core.number import display, number_of
from ticket_core.policy import Policy
from ticket_core.store.queries import TicketFile
from ticket_core.ticket_schema import labels_of

COMPLAINANT = "complainant"
_STRICT = ConfigDict(extra="forbid")

#: The events a complainant is told, in plain words; all others are internal.
TOLD: Mapping[str, Mapping[Locale, str]] = {
    "received": {"zh-CN": "已收到", "en": "Received"},
    "complained_again": {"zh-CN": "收到您的再次投诉", "en": "Your second complaint was received"},
    "supplemented": {"zh-CN": "收到补充信息", "en": "More information was received"},
    "escalated": {"zh-CN": "已升级处理", "en": "Escalated"},
    "assigned": {"zh-CN": "已转交办理部门", "en": "Passed to the department in charge"},
    "accepted": {"zh-CN": "已开始办理", "en": "Work has begun"},
    "responded": {"zh-CN": "首次回应", "en": "First response"},
    "extended": {"zh-CN": "办理时限已延长", "en": "The deadline was extended"},
    "suspended": {"zh-CN": "暂缓办理", "en": "Suspended"},
    "resumed": {"zh-CN": "恢复办理", "en": "Resumed"},
    "urged": {"zh-CN": "收到催单", "en": "Your reminder was received"},
    "answered": {"zh-CN": "已答复", "en": "Answered"},
    "rated": {"zh-CN": "收到您的评价", "en": "Your rating was received"},
    "reopened": {"zh-CN": "重新办理", "en": "Reopened"},
    "closed": {"zh-CN": "已办结", "en": "Closed"},
    "refused": {"zh-CN": "不予受理", "en": "Not accepted"},
    "withdrawn": {"zh-CN": "已撤诉", "en": "Withdrawn"},
}
# Of these the words of the organisation are part of what is told; a reason is told only with a refusal or extension.
_WITH_TEXT: Mapping[str, str] = {
    "responded": "text",
    "answered": "text",
    "closed": "text",
    "refused": "reason",
    "extended": "reason",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicEvent:
    """One line of the timeline in plain words."""

    __pydantic_config__ = _STRICT
    kind: str
    label: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicDeadline:
    """By when the organisation owes something."""

    __pydantic_config__ = _STRICT
    name: str
    label: str
    due_at: datetime
    provisional: bool
    met_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicStatement:
    """What the complainant said, as it was received."""

    __pydantic_config__ = _STRICT
    lodged_at: datetime
    text: str
    attachments: Annotated[tuple[str, ...], Field(description="file names")]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicTicket:
    """A ticket as its complainant sees it; `actions` are what the complainant can do now."""

    __pydantic_config__ = _STRICT
    number: str
    display_number: str
    kind: str
    kind_label: str
    grade: str
    grade_label: str
    stage: str
    status_label: str
    subject: str
    received_at: datetime
    updated_at: datetime
    answer: str
    rating: int | None
    urges: int
    actions: tuple[str, ...]
    deadlines: tuple[PublicDeadline, ...]
    statements: tuple[PublicStatement, ...]
    timeline: tuple[PublicEvent, ...]


def public_view(file: TicketFile, policy: Policy, locale: Locale, statement: int = 1) -> PublicTicket:
    """The complainant's view of a ticket, in `locale`, times in the profile's zone.

    Whoever holds the key of a later `statement` sees that one and how things stand, and can do nothing.
    """
    if statement != 1:
        file = _around(file, statement)
    ticket = file.ticket
    profile = policy.profiles[ticket.profile]
    tz = profile.tz
    labels = labels_of(ticket, profile, locale)
    return PublicTicket(
        number=number_of(ticket.id),
        display_number=display(number_of(ticket.id)),
        kind=ticket.kind,
        kind_label=labels.kind,
        grade=ticket.grade,
        grade_label=labels.grade,
        stage=ticket.stage,
        status_label=labels.status,
        subject=ticket.subject,
        received_at=ticket.received_at.astimezone(tz),
        updated_at=ticket.updated_at.astimezone(tz),
        answer=ticket.answer,
        rating=ticket.rating,
        urges=ticket.urges,
        actions=tuple(action.name for action in allowed_actions(ticket, COMPLAINANT, profile) if statement == 1),
        deadlines=tuple(
            PublicDeadline(
                name=one.name,
                label=profile.label_of("deadline", one.name, locale),
                due_at=one.due_at.astimezone(tz),
                provisional=one.provisional,
                met_at=None if one.met_at is None else one.met_at.astimezone(tz),
            )
            for one in file.timers
            if one.cancelled_at is None
        ),
        statements=tuple(
            PublicStatement(
                lodged_at=one.lodged_at.astimezone(tz),
                text=one.text,
                attachments=tuple(attachment.name for attachment in one.attachments),
            )
            for one in file.complaints
            if one.kind == "complaint" or one.actor == COMPLAINANT
        ),
        timeline=tuple(
            PublicEvent(kind=one.kind, label=TOLD[one.kind][locale], at=one.at.astimezone(tz), text=told_text(one))
            for one in file.events
            if one.kind in TOLD
        ),
    )


def _around(file: TicketFile, statement: int) -> TicketFile:
    """One statement of a ticket, and of the others and their answers nothing."""
    return replace(
        file,
        ticket=replace(file.ticket, subject="", answer="", rating=None),
        complaints=tuple(one for one in file.complaints if one.seq == statement),
        events=tuple(replace(one, data={}) for one in file.events),
    )


def told_text(event: Event) -> str:
    """What the complainant is told of an event beside its label."""
    text = event.data.get(_WITH_TEXT.get(event.kind, ""), "")
    return text if isinstance(text, str) else ""
