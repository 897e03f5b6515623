"""Between dataclasses and rows: what is filtered by is a column, the rest is one JSON document."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row

from ticket_core.model import Attachment, Complainant, Complaint, Event, Link, Notice, Source, Ticket, Timer
from ticket_core.store.clock import from_us, from_us_or_none, to_us, to_us_or_none


def dump(value: object) -> str:
    """JSON text of plain values."""
    return orjson.dumps(value).decode()


def complainant_dict(who: Complainant) -> dict[str, Any]:
    """Only what differs from an empty complainant."""
    known: dict[str, Any] = {}
    for name in ("name", "mobile", "phones", "emails", "chats", "masked", "anonymous", "confidential", "real_name"):
        if value := getattr(who, name):
            known[name] = value
    return known


def complainant_of(known: dict[str, Any]) -> Complainant:
    """The complainant of a document."""
    lists = {name: tuple(known.get(name, ())) for name in ("phones", "emails", "chats", "masked")}
    return Complainant(
        name=known.get("name", ""),
        mobile=known.get("mobile", ""),
        anonymous=known.get("anonymous", False),
        confidential=known.get("confidential", False),
        real_name=known.get("real_name", False),
        **lists,
    )


def _source_dict(source: Source) -> dict[str, Any]:
    return {
        "body": source.body,
        "case_number": source.case_number,
        "deadlines": [[name, to_us(at)] for name, at in source.deadlines],
        "track": source.track,
        "other_number": source.other_number,
        "sent_at": source.sent_at and to_us(source.sent_at),
        "granted": [[name, to_us(at)] for name, at in source.granted],
        "withdrawn_at": source.withdrawn_at and to_us(source.withdrawn_at),
        "given_at": source.given_at and to_us(source.given_at),
    }


def _source_of(known: dict[str, Any] | None) -> Source | None:
    if known is None:
        return None
    sent_at, withdrawn_at, given_at = (known.get(name) for name in ("sent_at", "withdrawn_at", "given_at"))
    return Source(
        body=known["body"],
        case_number=known["case_number"],
        deadlines=tuple((name, from_us(at)) for name, at in known["deadlines"]),
        track=known.get("track", ""),
        other_number=known.get("other_number", ""),
        sent_at=None if sent_at is None else from_us(sent_at),
        granted=tuple((name, from_us(at)) for name, at in known.get("granted", ())),
        withdrawn_at=None if withdrawn_at is None else from_us(withdrawn_at),
        given_at=None if given_at is None else from_us(given_at),
    )


_PLAIN = (
    "grade_reason",
    "text",
    "respondent",
    "service_number",
    "place",
    "entry",
    "first_owner",
    "answer",
    "rating",
    "urges",
    "explained",
)


def ticket_columns(ticket: Ticket) -> dict[str, Any]:
    """The row of a ticket, in the order of the table's columns."""
    doc: dict[str, Any] = {name: value for name in _PLAIN if (value := getattr(ticket, name))}
    doc["complainant"] = complainant_dict(ticket.complainant)
    doc["identities"] = ticket.identities
    doc["locale"] = ticket.locale
    doc["statements"] = ticket.statements
    if ticket.category:
        doc["category"] = ticket.category
    if ticket.occurred_at is not None:
        doc["occurred_at"] = to_us(ticket.occurred_at)
    if ticket.source is not None:
        doc["source"] = _source_dict(ticket.source)
    if ticket.tags:
        doc["tags"] = ticket.tags
    if ticket.links:
        doc["links"] = [[link.relation, link.ticket_id] for link in ticket.links]
    return {
        "id": ticket.id,
        "version": ticket.version,
        "profile": ticket.profile,
        "kind": ticket.kind,
        "grade": ticket.grade,
        "priority": ticket.priority,
        "status": ticket.status,
        "stage": ticket.stage,
        "open": int(ticket.open),
        "channel": ticket.channel,
        "source_body": ticket.source.body if ticket.source else "",
        "source_case": ticket.source.case_number if ticket.source else "",
        "grp": ticket.group,
        "assignee": ticket.assignee,
        "triage": ticket.triage,
        "subject": ticket.subject,
        "received_at": to_us(ticket.received_at),
        "lodged_at": to_us(ticket.lodged_at),
        "updated_at": to_us(ticket.updated_at),
        "doc": dump(doc),
    }


def ticket_of(row: Row[Any]) -> Ticket:
    """The ticket of a row."""
    doc = orjson.loads(row.doc)
    occurred_at: int | None = doc.get("occurred_at")
    return Ticket(
        id=row.id,
        version=row.version,
        profile=row.profile,
        kind=row.kind,
        grade=row.grade,
        priority=row.priority,
        status=row.status,
        stage=row.stage,
        channel=row.channel,
        group=row.grp,
        assignee=row.assignee,
        triage=row.triage,
        subject=row.subject,
        received_at=from_us(row.received_at),
        lodged_at=from_us(row.lodged_at),
        updated_at=from_us(row.updated_at),
        complainant=complainant_of(doc["complainant"]),
        identities=tuple(doc["identities"]),
        grade_reason=doc.get("grade_reason", ""),
        text=doc.get("text", ""),
        respondent=doc.get("respondent", ""),
        service_number=doc.get("service_number", ""),
        category=tuple(doc.get("category", ())),
        occurred_at=from_us_or_none(occurred_at),
        place=doc.get("place", ""),
        locale=doc["locale"],
        source=_source_of(doc.get("source")),
        entry=doc.get("entry", ""),
        first_owner=doc.get("first_owner", ""),
        answer=doc.get("answer", ""),
        rating=doc.get("rating"),
        urges=doc.get("urges", 0),
        statements=doc["statements"],
        explained=doc.get("explained", False),
        tags=tuple(doc.get("tags", ())),
        links=tuple(Link(relation=relation, ticket_id=other) for relation, other in doc.get("links", ())),
    )


def complaint_row(one: Complaint) -> tuple[Any, ...]:
    """The row of a statement, in the order of the table's columns."""
    doc = {
        "view": one.view,
        "identities": one.identities,
        "counted": one.counted,
        "attachments": [_attachment_doc(a) for a in one.attachments],
    }
    return (
        one.ticket_id,
        one.seq,
        one.kind,
        one.channel,
        to_us(one.lodged_at),
        to_us(one.received_at),
        one.actor,
        one.inbound_id,
        int(bool(one.counted)),
        one.text,
        dump(doc),
    )


def _attachment_doc(one: Attachment) -> list[Any]:
    kept: list[Any] = [one.name, one.media_type, one.size, one.sha256]
    return [*kept, {"reference": one.reference, "problem": one.problem}] if one.reference or one.problem else kept


def complaint_of(row: Row[Any]) -> Complaint:
    """The statement of a row."""
    doc = orjson.loads(row.doc)
    return Complaint(
        ticket_id=row.ticket_id,
        seq=row.seq,
        kind=row.kind,
        channel=row.channel,
        lodged_at=from_us(row.lodged_at),
        received_at=from_us(row.received_at),
        actor=row.actor,
        inbound_id=row.inbound_id,
        counted=tuple(doc["counted"]),
        text=row.text,
        view=doc["view"],
        identities=tuple(doc["identities"]),
        attachments=tuple(
            Attachment(name=name, media_type=media_type, size=size, sha256=sha256, **(rest[0] if rest else {}))
            for name, media_type, size, sha256, *rest in doc["attachments"]
        ),
    )


def event_row(one: Event) -> tuple[Any, ...]:
    """The row of an event, in the order of the table's columns."""
    return one.ticket_id, one.seq, one.kind, to_us(one.at), one.actor, dump(one.data)


def event_of(row: Row[Any]) -> Event:
    """The event of a row."""
    return Event(
        ticket_id=row.ticket_id,
        seq=row.seq,
        kind=row.kind,
        at=from_us(row.at),
        actor=row.actor,
        data=orjson.loads(row.data),
    )


def _us(at: datetime | None) -> int | None:
    return to_us_or_none(at)


def timer_columns(one: Timer) -> dict[str, Any]:
    """The row of a timer, in the order of the table's columns."""
    doc = {
        "rule": [one.amount, one.unit, one.clock, one.roll],
        "started_at": to_us(one.started_at),
        "calendar": one.calendar,
        "origin": one.origin,
        "fired": one.fired,
        "warned_at": _us(one.warned_at),
        "overdue_at": _us(one.overdue_at),
    }
    return {
        "ticket_id": one.ticket_id,
        "name": one.name,
        "due_at": to_us(one.due_at),
        "next_at": _us(one.next_at),
        "met_at": _us(one.met_at),
        "cancelled_at": _us(one.cancelled_at),
        "provisional": int(one.provisional),
        "doc": dump(doc),
    }


def timer_of(row: Row[Any]) -> Timer:
    """The timer of a row."""
    doc = orjson.loads(row.doc)
    amount, unit, clock, roll = doc["rule"]
    return Timer(
        ticket_id=row.ticket_id,
        name=row.name,
        amount=amount,
        unit=unit,
        clock=clock,
        roll=roll,
        started_at=from_us(doc["started_at"]),
        due_at=from_us(row.due_at),
        provisional=bool(row.provisional),
        calendar=doc["calendar"],
        origin=doc["origin"],
        next_at=from_us_or_none(row.next_at),
        fired=tuple(doc["fired"]),
        met_at=from_us_or_none(row.met_at),
        cancelled_at=from_us_or_none(row.cancelled_at),
        warned_at=from_us_or_none(doc["warned_at"]),
        overdue_at=from_us_or_none(doc["overdue_at"]),
    )


def notice_row(notice_id: int, one: Notice, created_at: int) -> tuple[Any, ...]:
    """The row of a fresh notice, in the order of the table's columns."""
    return (
        notice_id,
        one.ticket_id,
        one.event_seq,
        one.notice,
        one.role,
        one.medium,
        one.address,
        one.name,
        one.locale,
        "queued",
        1,
        created_at,
        to_us(one.send_at),
        0,
        0,
        "",
        "",
        "",
        "",
        "",
        one.said,
    )


def awaited_row(file_id: int, one: Complaint, place: int) -> tuple[Any, ...]:
    """The row of an attachment that is still at its provider, in the order of the table's columns; due at once."""
    at = to_us(one.received_at)
    return file_id, one.channel, one.attachments[place].reference, one.ticket_id, one.seq, place, 0, at, at, ""
