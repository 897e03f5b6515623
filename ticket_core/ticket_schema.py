"""The one ticket schema (contract, section 2): a ticket as JSON, and the JSON Schema of that, from the same classes.

Times are RFC 3339 with the offset of the profile's zone. Enumerations are lower-case English, with their Chinese labels
beside them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Any

from pydantic import TypeAdapter

from ticket_core.decide.deadline import proof
from ticket_core.decide.span import Span
from ticket_core.decide.timers import working_hours
from ticket_core.model import Attachment, Complaint, Event, Ticket, Timer
from ticket_core.number import number_of
from ticket_core.policy import Policy
from ticket_core.profile import Profile
from ticket_core.ticket_shape import (
    GRADE_LABELS,
    KIND_LABELS,
    STAGE_LABELS,
    AttachmentJSON,
    ComplainantJSON,
    ComplaintJSON,
    DeadlineJSON,
    EventJSON,
    LabelsJSON,
    LinkJSON,
    SourceDeadlineJSON,
    SourceJSON,
    TicketJSON,
)

_ADAPTER: TypeAdapter[TicketJSON] = TypeAdapter(TicketJSON)


def ticket_schema(*, ref_template: str = "#/$defs/{model}") -> dict[str, Any]:
    """The JSON Schema (2020-12) of a ticket; shared parts stand under ``$defs``."""
    schema = _ADAPTER.json_schema(mode="serialization", ref_template=ref_template)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def ticket_json(
    ticket: Ticket,
    complaints: Iterable[Complaint] = (),
    timers: Iterable[Timer] = (),
    events: Iterable[Event] = (),
    *,
    policy: Policy,
    key: str | None = None,
    locale: str = "zh-CN",
) -> dict[str, Any]:
    """A ticket as the schema says, in plain JSON values; labels and proofs in `locale`.

    What a reader must not see is masked before: nothing is hidden here.
    """
    profile = policy.profiles[ticket.profile]
    tz = profile.tz
    said = tuple(_complaint(one, tz) for one in complaints)
    source = ticket.source
    made = TicketJSON(
        number=number_of(ticket.id),
        id=ticket.id,
        key=key,
        profile=ticket.profile,
        kind=ticket.kind,
        grade=ticket.grade,
        grade_reason=ticket.grade_reason,
        priority=ticket.priority,
        status=ticket.status,
        stage=ticket.stage,
        labels=labels_of(ticket, profile, locale),
        open=ticket.open,
        triage=ticket.triage,
        complainant=ComplainantJSON(
            name=ticket.complainant.name,
            phones=ticket.complainant.phones,
            emails=ticket.complainant.emails,
            chats=ticket.complainant.chats,
            masked=ticket.complainant.masked,
            anonymous=ticket.complainant.anonymous,
            confidential=ticket.complainant.confidential,
            real_name=ticket.complainant.real_name,
        ),
        respondent=ticket.respondent,
        service_number=ticket.service_number,
        category=ticket.category,
        subject=ticket.subject,
        text=ticket.text,
        occurred_at=_local(ticket.occurred_at, tz),
        place=ticket.place,
        locale=ticket.locale,
        attachments=tuple(file for one in said for file in one.attachments),
        source=SourceJSON(
            channel=ticket.channel,
            body=source.body if source else "",
            case_number=source.case_number if source else "",
            deadlines=tuple(
                SourceDeadlineJSON(name=name, due_at=at.astimezone(tz))
                for name, at in (source.deadlines if source else ())
            ),
        ),
        entry=ticket.entry,
        complaints=said,
        group=ticket.group,
        assignee=ticket.assignee,
        first_owner=ticket.first_owner,
        tags=ticket.tags,
        links=tuple(LinkJSON(relation=one.relation, number=number_of(one.ticket_id)) for one in ticket.links),
        answer=ticket.answer,
        rating=ticket.rating,
        urges=ticket.urges,
        received_at=ticket.received_at.astimezone(tz),
        lodged_at=ticket.lodged_at.astimezone(tz),
        updated_at=ticket.updated_at.astimezone(tz),
        deadlines=tuple(_deadline(one, profile, policy, locale) for one in timers),
        events=tuple(event_json(one, tz) for one in events),
    )
    plain: dict[str, Any] = _ADAPTER.dump_python(made, mode="json")
    return plain


def labels_of(ticket: Ticket, profile: Profile, locale: str) -> LabelsJSON:
    """The words for a ticket's enumerations: the profile's own in `locale`, the standard ones in Chinese or by name."""
    chinese = not locale.startswith("en")
    return LabelsJSON(
        kind=KIND_LABELS[ticket.kind] if chinese else ticket.kind,
        grade=GRADE_LABELS[ticket.grade] if chinese else ticket.grade,
        priority=profile.label_of("priority", ticket.priority, locale),
        status=profile.label_of("status", ticket.status, locale),
        stage=STAGE_LABELS[ticket.stage] if chinese else ticket.stage,
        group=profile.label_of("group", ticket.group, locale) if ticket.group else "",
    )


def event_json(one: Event, tz: tzinfo) -> EventJSON:
    """One line of the timeline."""
    return EventJSON(seq=one.seq, kind=one.kind, at=one.at.astimezone(tz), actor=one.actor, data=dict(one.data))


def deadline_proof(timer: Timer, profile: Profile, policy: Policy, locale: str) -> tuple[str, ...]:
    """How the due time of a deadline of the profile was found; empty when it was given from outside or extended."""
    if timer.origin != "profile":
        return ()
    hours = working_hours(profile.working_hours) if timer.clock == "working_hours" else None
    return proof(
        timer.started_at,
        Span(timer.amount, timer.unit),  # type: ignore[arg-type]  # a rule's unit, as stored
        calendar=policy.calendar,
        zone=profile.tz,
        clock=timer.clock,  # type: ignore[arg-type]
        roll=timer.roll,  # type: ignore[arg-type]
        hours=hours,
        locale=locale,
    )


def _complaint(one: Complaint, tz: tzinfo) -> ComplaintJSON:
    return ComplaintJSON(
        seq=one.seq,
        kind=one.kind,
        channel=one.channel,
        lodged_at=one.lodged_at.astimezone(tz),
        received_at=one.received_at.astimezone(tz),
        text=one.text,
        actor=one.actor,
        inbound_id=one.inbound_id,
        attachments=tuple(_attachment(file) for file in one.attachments),
    )


def _attachment(file: Attachment) -> AttachmentJSON:
    return AttachmentJSON(
        name=file.name,
        media_type=file.media_type,
        size=file.size,
        sha256=file.sha256,
        state="awaited" if file.awaited else "lost" if file.problem else "kept",
    )


def _deadline(one: Timer, profile: Profile, policy: Policy, locale: str) -> DeadlineJSON:
    tz = profile.tz
    return DeadlineJSON(
        name=one.name,
        label=profile.label_of("deadline", one.name, locale),
        amount=one.amount,
        unit=one.unit,  # type: ignore[arg-type]  # a rule's unit and clock, as stored
        clock=one.clock,  # type: ignore[arg-type]
        started_at=one.started_at.astimezone(tz),
        due_at=one.due_at.astimezone(tz),
        provisional=one.provisional,
        origin=one.origin,
        met_at=_local(one.met_at, tz),
        warned_at=_local(one.warned_at, tz),
        overdue_at=_local(one.overdue_at, tz),
        cancelled_at=_local(one.cancelled_at, tz),
        proof=deadline_proof(one, profile, policy, locale),
    )


def _local(at: datetime | None, tz: tzinfo) -> datetime | None:
    return None if at is None else at.astimezone(tz)
