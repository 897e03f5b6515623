"""What a template can see: plain values, already in the recipient's language and time zone.

A field that may be missing is `None`, never an empty string: printing `None` holds the notice, as printing an
undefined name does. So a template must ask before it uses such a field, and no notice goes out with a hole in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketView:
    """The ticket as this one recipient may see it; the caller leaves out what the recipient must not know."""

    number: str
    display_number: str
    """`number` grouped for people to read aloud."""
    kind: str
    kind_label: str
    grade: str
    """`request` for a plain ticket; anything else counts as escalated in the templates."""
    grade_label: str
    priority_label: str | None
    status_label: str
    stage: str
    subject: str
    """One line; the complainant's own words, or taken from them."""
    text: str
    """The complainant's own words."""
    received_at: datetime
    """Aware, in the zone in which it shall be read."""
    category: str | None
    service_number: str | None
    """Masked."""
    group_label: str | None
    confidential: bool
    """Text forms then tell handlers to read the case in the console instead of quoting it (domain rule: 5.4)."""
    complainant_name: str | None
    """`None` when anonymous, and in every staff view of a confidential ticket."""
    complainant_masked: str | None
    """Such as ``李**``; `None` as above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueView:
    """The deadline a notice is about."""

    label: str
    """What is owed, such as ``答复``."""
    due_at: datetime
    """Aware, local; midnight means the end of the day before."""
    remaining: timedelta
    """From now to `due_at`; negative when overdue. The filter `duration` shows it without its sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """Absolute URLs; `None` when this recipient has no such page."""

    track: str | None
    rate: str | None
    console: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationView:
    """The organisation that sends; `signature` is the SMS signature without 【】."""

    name: str
    hotline: str | None
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientView:
    """Who gets the notice; `role` is ``complainant`` or one of the profile's own roles."""

    name: str | None
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeView:
    """Everything a template sees; `due` is `None` when nothing is owed by a time, `ticket` in a conversation's reply.

    `event` holds `kind`, `at` (aware, local) and `actor_label`, and what the notice needs beside, such as `reason`
    or `text`; each notice's sample shows its own. Reading an absent key holds the notice.
    """

    ticket: TicketView | None
    due: DueView | None
    event: Mapping[str, object]
    link: LinkView
    organisation: OrganisationView
    recipient: RecipientView


#: The views by the names that templates know them by.
VIEWS: dict[str, type] = {
    "ticket": TicketView,
    "due": DueView,
    "link": LinkView,
    "organisation": OrganisationView,
    "recipient": RecipientView,
}
VIEW_FIELDS: dict[type, frozenset[str]] = {
    view: frozenset(field.name for field in fields(view)) for view in VIEWS.values()
}
"""The only attributes that a template can read of a view."""
