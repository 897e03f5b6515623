"""From a message as its channel understood it to the draft that the core decides about."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.message import Address, InboundMessage
from gateway.normalize.classify import guess_kind
from gateway.normalize.contact import phone_key, read_email, read_phone
from gateway.normalize.conversation import contacts_in, spoken_of
from gateway.normalize.text import detect_locale, subject_from, tidy
from ticket_core.model import KINDS, Complainant, File, Kind, Source, TicketDraft
from ticket_core.number import find_numbers

_LONGEST_TEXT = 200_000
_LONGEST_LINE = 200
_LONGEST_ID = 255
_LONGEST_ADDRESS = 320  # an e-mail address has at most 254 octets; chat accounts carry platform and bot before them
#: Markers that forbid an automatic answer but do not say that a machine wrote it: a complaint through a group address.
_SENT_BY_PEOPLE = frozenset({"list", "auto-response-suppress"})
_TOLD: Mapping[str, str] = {"zh-CN": "已在电话中直接答复。", "en": "You were answered on the phone."}
_TOKEN = re.compile(r"[0-9]{15}\.[a-z2-7]{16}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How one channel's messages are read: the profile they fall under and the home area code of local numbers.

    `ticket_of_token` says which ticket an unforgeable token of ours belongs to.
    """

    profile: str
    ticket_of_token: Callable[[str], int | None]
    area_code: str = ""


def to_draft(message: InboundMessage, reading: Reading) -> TicketDraft:
    """The draft of a message. Never raises for anything a channel may deliver."""
    fields = message.fields
    raw = message.raw
    text = tidy(str(fields.get("text") or message.text), _LONGEST_TEXT)
    talk, sender, spoken = message.talk, message.sender, None
    if talk is not None and not message.automatic and message.readable:
        sender = (*sender, *contacts_in(text, reading.area_code))
        reached = any(one.medium != "chat" for one in sender)
        spoken, text = spoken_of(talk, text, files=bool(message.attachments), contact=reached)
    subject = _line(fields.get("subject") or message.subject) or subject_from(text)
    given = fields.get("complainant") or {}
    complainant, identities = _complainant(sender, given, _caller(fields, reading), reading)
    if spoken is not None and spoken.medium == "sms":
        # What cannot be answered by SMS is no conversation: a switchboard, another machine's sender code.
        spoken = replace(spoken, account=complainant.mobile) if complainant.mobile else None
    thread = _thread(message.thread, reading)
    by_people = message.automatic in _SENT_BY_PEOPLE
    intent, note = "complaint", ""
    if message.automatic and not by_people:
        intent, note = "automatic", message.automatic
    elif not message.readable:
        intent, note = "triage", message.problem or "unreadable"
    elif thread is not None:
        intent = "supplement"
    source = fields.get("source")
    locale = fields.get("locale") or detect_locale(text)
    return TicketDraft(
        channel=message.channel,
        profile=reading.profile,
        received_at=message.received_at,
        raw=raw.body,
        raw_type=raw.media_type,
        external_id=_storable_id(message.external_id),
        intent=intent,  # type: ignore[arg-type]  # one of the four
        note=note,
        claimed_at=message.lodged_at,
        kind=_kind(fields.get("kind"), "complaint" if fields and talk is None else guess_kind(subject, text)),
        subject=subject,
        text=text,
        view=tidy(message.reply_text, _LONGEST_TEXT) if message.reply_text != message.text else "",
        complainant=complainant,
        identities=identities,
        respondent=_line(fields.get("respondent")),
        service_number=_service_number(fields.get("service_number"), reading),
        category=tuple(_line(part) for part in fields.get("category") or ()),
        priority=fields.get("priority") or "",
        occurred_at=fields.get("occurred_at"),
        place=_line(fields.get("place")),
        locale=locale,
        attachments=tuple(
            File(name=one.name, media_type=one.media_type, content=one.content, reference=one.reference)
            for one in message.attachments
        ),
        source=Source(**source) if source else None,
        entry=_line(fields.get("entry")),
        disposition=fields.get("disposition") or "submit",
        answer=_answer(fields, locale),
        actor=raw.actor,
        thread=thread,
        quoted=find_numbers(f"{subject}\n{text[:5000]}"),
        tags=("no_automatic_replies",) if by_people else (),
        spoken=spoken,
        split_from=fields.get("split_from") or "",
    )


def _answer(fields: Mapping[str, Any], locale: str) -> str:
    """What the caller was told; where nobody wrote it down, the closing notice says at least that he was."""
    told = tidy(fields.get("answer") or "", _LONGEST_TEXT)
    return told or _TOLD.get(locale, _TOLD["en"]) if fields.get("disposition") == "answered" else told


def _kind(given: Any, otherwise: Kind) -> Kind:
    """The kind a form or a program names; one that is none is no reason to lose what else it says."""
    return given if given in KINDS else otherwise


def _line(value: Any) -> str:
    return tidy(str(value), _LONGEST_LINE).replace("\n", " ") if value else ""


def _storable_id(given: str | None) -> str | None:
    """The sender's id; one that no database keeps, or that is too long for an index, is known by its hash."""
    if given is None or (len(given) <= _LONGEST_ID and given.isprintable()):
        return given
    return f"sha256:{hashlib.sha256(given.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _thread(references: tuple[str, ...], reading: Reading) -> int | None:
    """The ticket proven by a token of ours among the ids and addresses the message refers to."""
    for reference in references:
        for found in _TOKEN.finditer(reference):
            ticket_id = reading.ticket_of_token(found[0])
            if ticket_id is not None:
                return ticket_id
    return None


def _service_number(value: Any, reading: Reading) -> str:
    if not value:
        return ""
    phone = read_phone(str(value), area_code=reading.area_code or None)
    return (phone.e164 or "").removeprefix("+86") or _line(value)


def _caller(fields: Mapping[str, Any], reading: Reading) -> str:
    """The calling number; an extension belongs to it only behind a switchboard, a mobile has none."""
    caller, extension = str(fields.get("caller") or ""), str(fields.get("extension") or "")
    if not extension:
        return caller
    phone = read_phone(caller, area_code=reading.area_code or None)
    return f"{caller} ext {extension}" if phone.kind == "fixed" and not phone.extension else caller


def _complainant(
    sender: tuple[Address, ...], given: Mapping[str, Any], caller: Any, reading: Reading
) -> tuple[Complainant, tuple[str, ...]]:
    """Who complained, and the identities that name that person; what is masked or a hotline names nobody."""
    name = _line(given.get("name"))
    phones: dict[str, None] = {}
    emails: dict[str, None] = {}
    chats: dict[str, None] = {}
    masked: dict[str, None] = {}
    keys: dict[str, None] = {}
    mobile = ""
    written = [("phone", given.get("phone"), ""), ("phone", caller, ""), ("email", given.get("email"), "")]
    written += [(one.medium, one.value, one.name) for one in sender]
    for medium, written_value, display in written:
        value = tidy(str(written_value), _LONGEST_ADDRESS) if written_value else ""
        if not value:
            continue
        name = name or _line(display)
        key: str | None = f"{medium}:{value}"
        if medium == "phone":
            phone = read_phone(value, area_code=reading.area_code or None)
            key = phone_key(phone)
            if phone.e164 is None:
                masked[value[:64]] = None
            else:
                phones[f"{phone.e164};ext={phone.extension}" if phone.extension else phone.e164] = None
                mobile = mobile or (phone.e164 if phone.sms_capable else "")
        elif medium == "email":
            email = read_email(value)
            key = email.key if email else None
            (emails if email else masked)[email.address if email else value] = None
        else:
            chats[value] = None
        if key:
            keys[key] = None
    who = Complainant(
        name=name,
        phones=tuple(phones),
        mobile=mobile,
        emails=tuple(emails),
        chats=tuple(chats),
        masked=tuple(masked),
        anonymous=bool(given.get("anonymous")),
        confidential=bool(given.get("confidential")),
        real_name=bool(given.get("real_name")),
    )
    return who, tuple(keys)
