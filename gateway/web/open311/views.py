"""Services, requests and updates as the standard shows them: of tickets only what the operator lets everybody read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from functools import cache
from typing import Any, Final

from gateway import places
from gateway.mask import mask_text
from gateway.web.open311.channel import USUAL_QUESTIONS, Open311, usual_service
from gateway.web.open311.form import LONGEST_DESCRIPTION
from gateway.web.open311.settings import Attribute, Service
from gateway.web.pages.language import Words
from gateway.web.public import TOLD, told_text
from gateway.web.words import Locale
from ticket_core.model import Event, Ticket
from ticket_core.number import number_of
from ticket_core.profile import Profile
from ticket_core.store.published import Published

#: Event → state of the request after it, in FixMyStreet's extension of the two that GeoReport v2 has
#: (https://github.com/mysociety/fixmystreet/wiki/Open311-FMS-Additional-states). What is not here is not told.
STATE_AFTER: Final[Mapping[str, str]] = {
    "assigned": "in_progress",
    "accepted": "in_progress",
    "responded": "in_progress",
    "extended": "in_progress",
    "suspended": "open",
    "resumed": "in_progress",
    "answered": "in_progress",
    "reopened": "open",
    "closed": "closed",
    "refused": "no_further_action",
    "withdrawn": "closed",
}
Document = dict[str, Any]


def services_of(channel: Open311, profile: Profile, locale: Locale) -> tuple[Service, ...]:
    """What can be reported: as configured, else the kinds of the process, which ask for its types."""
    if channel.settings.services:
        return channel.settings.services
    words = words_in(locale)
    types = {one.label["zh-CN"]: profile.label_of("type", one.name, locale) for one in profile.types}
    questions = []
    for asked in USUAL_QUESTIONS:
        known = replace(asked, description=words(f"form.{asked.code}"))
        if asked.fills == "category" and types:
            known = replace(known, datatype="singlevaluelist", values=types)
        questions.append(known)
    return tuple(usual_service(kind, words(f"kind.{kind}"), tuple(questions)) for kind in profile.kinds)


@cache
def words_in(locale: Locale) -> Words:
    """The words of a language, read once."""
    return Words(locale)


def service_view(one: Service) -> Document:
    """An entry of the list of services."""
    return {
        "service_code": one.code,
        "service_name": one.name,
        "description": one.description or None,
        "metadata": bool(one.attributes),
        "type": one.type,
        "keywords": one.keywords or None,
        "group": one.group or None,
    }


def definition_view(one: Service) -> Document:
    """What a service asks."""
    return {
        "service_code": one.code,
        "attributes": [_attribute(asked, place) for place, asked in enumerate(one.attributes, 1)],
    }


def service_of(ticket: Ticket, services: Sequence[Service]) -> Service | None:
    """The service a ticket is of as it is now: that of its kind whose category is nearest to its own."""
    fitting = [
        one for one in services if one.kind == ticket.kind and ticket.category[: len(one.category)] == one.category
    ]
    return max(fitting, key=lambda one: len(one.category), default=None)


def request_view(
    one: Published, channel: Open311, services: Sequence[Service], profile: Profile, locale: Locale
) -> Document:
    """A request: service, status and times, and what the operator lets be read beside them."""
    ticket, shows = one.ticket, _shown_of(one.ticket, channel)
    service = service_of(ticket, services)
    spot = places.read(ticket.place if "location" in shows else "")
    answer = mask_text(ticket.answer) if "answer" in shows else ""
    status = profile.label_of("status", ticket.status, locale)
    return {
        "service_request_id": number_of(ticket.id),
        "status": "open" if ticket.open else "closed",
        "status_notes": ": ".join(filter(None, (status, answer))),
        "service_name": service.name if service else words_in(locale)(f"kind.{ticket.kind}"),
        "service_code": service.code if service else ticket.kind,
        "description": mask_text(ticket.text)[:LONGEST_DESCRIPTION] if "description" in shows else None,
        "agency_responsible": channel.settings.agency or None,
        "service_notice": channel.settings.service_notice or None,
        "requested_datetime": w3_time(ticket.received_at, profile.tz),
        "updated_datetime": w3_time(one.ended_at or ticket.updated_at, profile.tz),
        "expected_datetime": w3_time(one.due_at, profile.tz) if one.due_at else None,
        "address": mask_text(spot.address) or None,
        "address_id": spot.number or None,
        "zipcode": None,
        "lat": spot.lat,
        "long": spot.long,
        "media_url": None,
    }


def update_view(ticket: Ticket, event: Event, channel: Open311, profile: Profile, locale: Locale) -> Document:
    """What happened to a request."""
    said = mask_text(told_text(event)) if "answer" in _shown_of(ticket, channel) else ""
    return {
        "update_id": f"{number_of(ticket.id)}-{event.seq}",
        "service_request_id": number_of(ticket.id),
        "status": STATE_AFTER[event.kind],
        "updated_datetime": w3_time(event.at, profile.tz),
        "description": ": ".join(filter(None, (TOLD[event.kind][locale], said))),
        "media_url": None,
    }


def _shown_of(ticket: Ticket, channel: Open311) -> tuple[str, ...]:
    """Of a report 举报 nothing that could betray whoever made it, as words and place do; nothing of other channels."""
    return channel.settings.shows if ticket.kind != "report" and ticket.channel == channel.name else ()


def w3_time(at: datetime, zone: tzinfo) -> str:
    """A time to the second with its offset."""
    return at.astimezone(zone).isoformat(timespec="seconds")


def _attribute(asked: Attribute, place: int) -> Document:
    shown: Document = {
        "variable": asked.variable,
        "code": asked.code,
        "datatype": asked.datatype,
        "required": asked.required,
        "datatype_description": asked.datatype_description or None,
        "order": place,
        "description": asked.description,
    }
    if asked.values:
        shown["values"] = [{"key": key, "name": name} for key, name in asked.values.items()]
    return shown
