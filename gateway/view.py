"""From a ticket and what happened to it to the plain view that templates see: only what this recipient may know."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.keys import Keys
from gateway.mask import mask_name, mask_phone
from gateway.render.views import DueView, LinkView, NoticeView, OrganisationView, RecipientView, TicketView
from ticket_core.decide.timers import promise
from ticket_core.model import JSON, Ticket, Timer
from ticket_core.number import display, number_of
from ticket_core.policy import Policy
from ticket_core.profile import Profile
from ticket_core.store.briefing import Brief, Saying

#: Words by what they name (kind, grade, actor) and then by the name in the code.
Words = Mapping[str, Mapping[str, str]]
_HOME = "zh-CN"
_HOME_ZONE = ZoneInfo("Asia/Shanghai")


def read_words(folder: Path) -> dict[str, Words]:
    """The words of each locale, from ``<locale>.toml``; an operator's folder may lack them."""
    return {path.stem: tomllib.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.toml"))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """What all notices of an installation share: who sends them, the address of its pages, its words and secrets."""

    organisation: OrganisationView
    base_url: str
    keys: Keys
    words: Mapping[str, Words] = field(default_factory=dict)

    def word(self, what: str, name: str, locale: str) -> str:
        """The word for `name` in this locale, or one of the same language; the name itself where there is none."""
        own = self.words.get(locale, {}).get(what, {})
        if name in own:
            return own[name]
        language = locale.partition("-")[0].lower()
        near = [words for key, words in self.words.items() if key.partition("-")[0].lower() == language]
        for words in (*near, self.words.get(_HOME, {})):
            if name in words.get(what, {}):
                return words[what][name]
        return name


def view_of(brief: Brief, policy: Policy, letterhead: Letterhead, now: datetime) -> NoticeView:
    """The view of one owed notice, in the recipient's language and the profile's zone."""
    profile = policy.profiles[brief.ticket.profile]
    inside = brief.owed.role != "complainant"
    number = number_of(brief.ticket.id)
    return NoticeView(
        ticket=_ticket(brief.ticket, number, profile, letterhead, brief.owed.locale, inside=inside),
        due=_due(brief, profile, now, inside=inside),
        event=_event(brief, policy, letterhead),
        link=_link(brief.ticket, number, letterhead, inside=inside),
        organisation=letterhead.organisation,
        recipient=RecipientView(name=brief.owed.name or None, role=brief.owed.role),
    )


def view_of_saying(saying: Saying, letterhead: Letterhead) -> NoticeView:
    """The view of a reply in a conversation: what it tells of stands in `event`, with words for what has a name."""
    owed = saying.owed
    seen: dict[str, object] = {"kind": owed.notice.removeprefix("chat_"), **saying.said}
    if "since" in saying.said:
        seen["since"] = datetime.fromisoformat(saying.said["since"]).astimezone(_HOME_ZONE)
    kinds = saying.said.get("kinds", ())
    seen["kinds"] = [{"name": one, "label": letterhead.word("kind", one, owed.locale)} for one in kinds]
    seen["tickets"] = [
        {
            **one,
            "display_number": display(one["number"]),
            "kind_label": letterhead.word("kind", one["kind"], owed.locale),
        }
        for one in saying.said.get("tickets", ())
    ]
    return NoticeView(
        ticket=None,
        due=None,
        event=seen,
        link=LinkView(
            track=None, rate=None, console=None if owed.role == "complainant" else f"{letterhead.base_url}/console/"
        ),
        organisation=letterhead.organisation,
        recipient=RecipientView(name=owed.name or None, role=owed.role),
    )


def _ticket(
    ticket: Ticket, number: str, profile: Profile, letterhead: Letterhead, locale: str, *, inside: bool
) -> TicketView:
    who = ticket.complainant
    nameless = not who.name or who.anonymous or (inside and who.confidential)
    return TicketView(
        number=number,
        display_number=display(number),
        kind=ticket.kind,
        kind_label=letterhead.word("kind", ticket.kind, locale),
        grade=ticket.grade,
        grade_label=letterhead.word("grade", ticket.grade, locale),
        priority_label=profile.label_of("priority", ticket.priority, locale) if ticket.priority else None,
        status_label=profile.label_of("status", ticket.status, locale),
        stage=ticket.stage,
        subject=ticket.subject,
        text=ticket.text,
        received_at=ticket.received_at.astimezone(profile.tz),
        category="/".join(ticket.category) or None,
        service_number=mask_phone(ticket.service_number) if ticket.service_number else None,
        group_label=profile.label_of("group", ticket.group, locale) if ticket.group else None,
        confidential=who.confidential,
        complainant_name=None if nameless else who.name,
        complainant_masked=None if nameless else mask_name(who.name),
    )


def _due(brief: Brief, profile: Profile, now: datetime, *, inside: bool) -> DueView | None:
    """The deadline that the event names; else the next one owed, and to a complainant what was promised."""
    timers = brief.timers
    timer: Timer | None = timers.get(str(brief.event.data.get("deadline", "")))
    if timer is None and inside:
        timer = min((one for one in timers.values() if one.running), key=lambda one: one.due_at, default=None)
    elif timer is None:
        timer = promise(timers.values(), profile)
    if timer is None:
        return None
    return DueView(
        label=profile.label_of("deadline", timer.name, brief.owed.locale),
        due_at=timer.due_at.astimezone(profile.tz),
        remaining=timer.due_at - now,
    )


def _event(brief: Brief, policy: Policy, letterhead: Letterhead) -> Mapping[str, object]:
    happened = brief.event
    zone = policy.profiles[brief.ticket.profile].tz
    seen: dict[str, object] = {
        **happened.data,
        "kind": happened.kind,
        "at": happened.at.astimezone(zone),
        "actor_label": _actor(happened.actor, policy, letterhead, brief.owed.locale),
    }
    for name in ("due_at", "due_before"):
        if isinstance(at := happened.data.get(name), str):
            seen[name] = datetime.fromisoformat(at).astimezone(zone)
    if brief.statement is not None:
        seen.setdefault("text", brief.statement.view or brief.statement.text)
    if "urges" in happened.data:
        seen["count"] = happened.data["urges"]
    if brief.evidence is not None:
        seen |= _evidence(brief.evidence.data, brief.ticket, zone)
    return seen


def _evidence(found: Mapping[str, JSON], ticket: Ticket, zone: ZoneInfo) -> dict[str, object]:
    """What the repeat rule found (contract, section 5): the window, the first complaint and the second."""
    earlier, later = found.get("earlier"), found.get("later")
    window = found.get("window_seconds")
    seen: dict[str, object] = {}
    if isinstance(window, int):
        seen["window"] = timedelta(seconds=window)
    if isinstance(earlier, dict):
        seen["first_at"] = datetime.fromisoformat(str(earlier["lodged_at"])).astimezone(zone)
        if isinstance(earlier["ticket"], int) and earlier["ticket"] != ticket.id:
            seen["earlier_number"] = display(number_of(earlier["ticket"]))
    if isinstance(later, dict):
        seen["again_at"] = datetime.fromisoformat(str(later["lodged_at"])).astimezone(zone)
    return seen


def _actor(name: str, policy: Policy, letterhead: Letterhead, locale: str) -> str:
    person = policy.directory.person(name)
    if person is not None:
        return person.label or person.name
    body = policy.sources.get(name)
    return letterhead.word("actor", name, locale) if body is None else body.label.get(locale) or body.label["zh-CN"]


def _link(ticket: Ticket, number: str, letterhead: Letterhead, *, inside: bool) -> LinkView:
    if inside:
        return LinkView(track=None, rate=None, console=f"{letterhead.base_url}/console/tickets/{number}")
    track = f"{letterhead.base_url}/track/{number}?key={letterhead.keys.key(ticket.id)}"
    return LinkView(track=track, rate=f"{track}#rate", console=None)
