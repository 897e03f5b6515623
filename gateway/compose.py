"""From an owed notice to the message that leaves: through the gate, into the recipient's view, into words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from gateway.config import Settings
from gateway.errors import RenderError
from gateway.keys import Keys
from gateway.message import File, OutboundMessage
from gateway.render import FORMS, Form, OrganisationView, Rendered, Renderer
from gateway.render.renderer import SPOKEN
from gateway.view import Letterhead, read_words, view_of, view_of_saying
from ticket_core.decide.delivery import Fact
from ticket_core.decide.gate import Caps, Passage, reason_to_hold, reason_to_hold_apart
from ticket_core.decide.owed import ends_of
from ticket_core.decide.reply import LIMITS, limit_of
from ticket_core.delivery_service import reference_of
from ticket_core.model import JSON, Event, Ticket
from ticket_core.number import number_of
from ticket_core.policy import Policy
from ticket_core.profile import Profile
from ticket_core.source import Source
from ticket_core.store.briefing import REPORTED_TO, Brief, Saying
from ticket_core.store.outbox import Owed

_SAYING_KEEPS = timedelta(minutes=10)  # a menu that comes later answers nothing any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A notice as it goes to its transport, and what will be kept of it: `rendered` is JSON text of its forms."""

    owed: Owed
    message: OutboundMessage
    rendered: str
    template_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """All that composing needs; `keep` is the age at which a notice is of no use any more."""

    policy: Policy
    renderer: Renderer
    letterhead: Letterhead
    caps: Caps
    keep: timedelta

    @classmethod
    def of(cls, settings: Settings, policy: Policy, renderer: Renderer, keys: Keys, keep: timedelta) -> Composer:
        """The composer of a configured installation."""
        letterhead = letterhead_of(settings, renderer, keys)
        return cls(policy=policy, renderer=renderer, letterhead=letterhead, caps=caps_of(settings), keep=keep)

    def compose(self, brief: Brief | Saying, forms: Collection[str], now: datetime) -> Ready | Fact:
        """The message in these forms, or the fact that it is suppressed, expired or held because it has no words."""
        owed = brief.owed
        menu = isinstance(brief, Saying) and owed.notice.startswith(SPOKEN)
        late = now - owed.created_at > (_SAYING_KEEPS if menu else self.keep)
        if late and owed.role != "source":  # a body hears of each step, however late
            return Fact(at=now, status="expired", detail="too_late")
        reason = self._reason(brief)
        if reason is not None:
            return Fact(at=now, status="suppressed", detail=reason)
        if owed.role == "source" and isinstance(brief, Brief):
            return self._step(brief, now)
        wanted: list[Form] = [form for form in (*FORMS, "choices") if form in forms]
        try:
            if isinstance(brief, Saying):
                view = view_of_saying(brief, self.letterhead)
            else:
                view = view_of(brief, self.policy, self.letterhead, now)
            rendered = self.renderer.render(owed.notice, locale=owed.locale, view=view, forms=wanted)
        except (RenderError, ValueError, LookupError) as error:  # what cannot be shown is held like what has no words
            return Fact(
                at=now, status="temporary_failure", kind="held", detail=f"{type(error).__name__}: {error}"[:500]
            )
        return Ready(
            owed=owed,
            message=_message(brief, rendered, self.letterhead.keys, now),
            rendered=orjson.dumps(rendered.forms).decode(),
            template_version=rendered.template_version,
        )

    def _reason(self, brief: Brief | Saying) -> str | None:
        """Why it is held back; what a conversation answers, and what people of the house hear of a part, never is."""
        if isinstance(brief, Brief):
            return reason_to_hold(_passage(brief), self.caps)
        if brief.owed.role != REPORTED_TO:
            return None
        return reason_to_hold_apart(brief.owed.address, brief.to_address_in_hour, self.caps)

    def _step(self, brief: Brief, now: datetime) -> Ready | Fact:
        """A step back to the forwarding body: values, which its channel puts into the body's own form."""
        ticket, event = brief.ticket, brief.event
        source = self.policy.sources.get(ticket.source.body) if ticket.source else None
        profile = self.policy.profiles[ticket.profile]
        step = source.steps_in(profile).get(event.kind) if source else None
        if source is None or step is None:
            return Fact(at=now, status="suppressed", detail="no_such_step")
        said = _said(event, source)
        action = profile.action_of.get(str(event.data.get("action", "")))
        status = action.target if action and action.target else ticket.status
        fields = {
            "step": step.code or step.name,
            "step_name": step.name,
            "case_number": brief.owed.address,
            "other_number": ticket.source.other_number if ticket.source else "",
            "number": number_of(ticket.id),
            "seq": event.seq,
            "at": event.at.astimezone(source.tz).isoformat(timespec="seconds"),
            "status": profile.label_of("status", status),
            "group": profile.label_of("group", ticket.group) if ticket.group else "",
            "answer": _answer(event, ticket, profile),
            **{theirs: said.get(ours, "") for theirs, ours in step.fields.items()},
        }
        return Ready(
            owed=brief.owed,
            message=OutboundMessage(
                reference=reference_of(brief.owed.id),
                to=brief.owed.address,
                forms={},
                ticket_number=number_of(ticket.id),
                reply=False,
                fields=fields,
            ),
            rendered=orjson.dumps(fields).decode(),
            template_version="",
        )


def _said(event: Event, source: Source) -> dict[str, JSON]:
    """What an event says, with the body's words for the code of its reason, and limits in the body's own time."""
    label = source.reasons.get(event.kind, {}).get(str(event.data.get("code", "")), "")
    said: dict[str, JSON] = {**event.data, "code_label": label}
    for name in LIMITS & said.keys():
        said[name] = limit_of(str(said[name]), source).isoformat(timespec="seconds")
    return said


def _answer(event: Event, ticket: Ticket, profile: Profile) -> str:
    """The answer of a step that comes with it or after it; a step says the same however late it is told."""
    if event.kind == "answered":
        return str(event.data.get("text", ""))
    return ticket.answer if event.kind in ends_of(profile) else ""


def letterhead_of(settings: Settings, renderer: Renderer, keys: Keys) -> Letterhead:
    """What all that goes out of an installation has at its head."""
    return Letterhead(
        organisation=OrganisationView(
            name=settings.organisation.name,
            hotline=settings.organisation.hotline or None,
            signature=settings.organisation.signature,
        ),
        base_url=settings.http.base_url,
        keys=keys,
        words=read_words(renderer.folder / "words"),
    )


def caps_of(settings: Settings) -> Caps:
    """The caps of an installation; its own addresses are those it reads and those it writes from."""
    own = (
        address
        for table in (*settings.channels.values(), *settings.transports.values())
        for address in (table.get("address"), table.get("reply_address"), *(table.get("aliases") or ()))
        if isinstance(address, str) and "@" in address
    )
    return Caps(
        per_address_per_hour=settings.dispatch.per_address_per_hour,
        per_person_per_hour=settings.dispatch.per_person_per_hour,
        per_ticket_per_day=settings.dispatch.per_ticket_per_day,
        own_addresses=frozenset(address.casefold() for address in own),
    )


def _passage(brief: Brief) -> Passage:
    return Passage(
        role=brief.owed.role,
        address=brief.owed.address,
        ticket=brief.ticket,
        event=brief.event,
        timers=brief.timers,
        to_address_in_hour=brief.to_address_in_hour,
        of_ticket_in_day=brief.of_ticket_in_day,
    )


def _message(brief: Brief | Saying, rendered: Rendered, keys: Keys, now: datetime) -> OutboundMessage:
    owed, line = brief.owed, brief.line
    template = {} if rendered.sms is None else {"id": rendered.sms.template, "variables": dict(rendered.sms.variables)}
    thread = tuple(brief.said.get("thread", ())) if isinstance(brief, Saying) else brief.thread
    files = brief.files if isinstance(brief, Saying) else ()
    return OutboundMessage(
        reference=reference_of(owed.id),
        to=owed.address,
        name=owed.name,
        forms={str(form): text for form, text in rendered.forms.items()},
        locale=rendered.locale,
        ticket_number=number_of(owed.ticket_id) if owed.ticket_id else "",
        thread=tuple(one if isinstance(one, str) else reference_of(one) for one in thread),
        token=keys.token(owed.ticket_id) if owed.ticket_id or owed.role == REPORTED_TO else "",
        reply=owed.role in ("complainant", REPORTED_TO),
        attachments=tuple(File(name=name, media_type=kind, content=content) for name, kind, content in files),
        template=template,
        fields={} if isinstance(brief, Saying) or owed.role == "complainant" else _facts(brief),
        route=line.route if line.route_until is None or now < line.route_until else "",
        heard_at=line.heard_at,
        sent_since=line.sent_since,
    )


def _facts(brief: Brief) -> dict[str, str | bool]:
    """What a notice to somebody of the house is about, for ways out that speak to programs; of a secret one nothing."""
    ticket = brief.ticket
    if ticket.complainant.confidential:
        return {"open": ticket.open}
    said = brief.event.data.get("text") or (brief.statement.text if brief.statement is not None else "")
    return {"text": ticket.text, "said": str(said), "place": ticket.place, "open": ticket.open}
