"""Bytes of a mail to a `ParsedMail`: pure, bounded, and without an exception for any bytes."""

from __future__ import annotations

from gateway.normalize.mail.addresses import message_ids, parse_addresses
from gateway.normalize.mail.automatic import Evidence, automatic, own_marker
from gateway.normalize.mail.body import Body, collect
from gateway.normalize.mail.bounce import find_bounces
from gateway.normalize.mail.dates import parse_date
from gateway.normalize.mail.headers import Headers, first
from gateway.normalize.mail.model import Bounce, MailAddress, MailLimits, ParsedMail, Problems
from gateway.normalize.mail.quotation import without_quotation
from gateway.normalize.mail.structure import Part, read_tree
from gateway.normalize.mail.words import header_text

_DEFAULT_LIMITS = MailLimits()
_TOO_LONG_LOOK = 1024 * 1024  # of a mail over the size limit only its beginning is read
_HEADERS_OF_A_MAIL = (b"from", b"sender", b"subject", b"to", b"date", b"message-id", b"received", b"return-path")
_DELIVERED_TO = (
    b"delivered-to",
    b"x-original-to",
    b"envelope-to",
    b"x-delivered-to",
    b"x-envelope-to",
    b"apparently-to",
)


def parse_mail(raw: bytes, limits: MailLimits = _DEFAULT_LIMITS) -> ParsedMail:
    """Everything this gateway wants to know of a mail (RFC 5322, 2045-2047, 2231, 3464), from its raw bytes.

    Never raises and never waits: what cannot be understood gives `readable=False` with whatever was found.
    """
    problems = Problems(limits.problems)
    too_long = len(raw) > limits.message_bytes
    if too_long:
        problems.add(f"the mail is longer than {limits.message_bytes} bytes, only its beginning is read")
        raw = raw[: min(_TOO_LONG_LOOK, limits.message_bytes)]
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")  # line ends of an old Macintosh
    root = read_tree(raw, limits, problems)
    body = collect(root, limits, problems)
    headers = root.headers
    sender = _sender(headers, limits, problems)
    subject = _line(headers, b"subject", limits, problems)
    bounced = find_bounces(root, subject, sender.address, body.text, limits)
    date, odd = parse_date(first(headers, b"date"))
    if odd:
        problems.add(odd)
    answered = message_ids(first(headers, b"in-reply-to"), limits.references)
    return ParsedMail(
        message_id=next(iter(message_ids(first(headers, b"message-id"), 1)), None),
        date=date,
        subject=subject,
        sender=sender,
        reply_to=_people(headers, b"reply-to", limits, problems),
        to=_people(headers, b"to", limits, problems),
        cc=_people(headers, b"cc", limits, problems),
        delivered_to=_delivered_to(headers, limits, problems),
        in_reply_to=answered[0] if answered else None,
        references=message_ids(first(headers, b"references"), limits.references),
        text=body.text,
        reply_text=without_quotation(body.text),
        html_source=body.html,
        attachments=tuple(body.files),
        automatic=automatic(_evidence(root, sender, subject, bounced)),
        own_loop_marker=own_marker(headers),
        bounced=bounced,
        readable=not too_long and _is_readable(headers, subject, body),
        problems=problems.all(),
    )


def _is_readable(headers: Headers, subject: str, body: Body) -> bool:
    if not any(name in headers for name in _HEADERS_OF_A_MAIL):
        return False
    if body.sealed and not body.text:
        return False
    return bool(body.text or body.files or subject)


def _evidence(root: Part, sender: MailAddress, subject: str, bounced: tuple[Bounce, ...]) -> Evidence:
    report = ""
    if root.media_type == "multipart/report":
        report = root.parameters.get("report-type", "").lower()
        if not report:
            inside = {part.media_type.rpartition("/")[2] for part in root.children}
            report = "delivery-status" if "delivery-status" in inside else ""
    return Evidence(headers=root.headers, sender=sender.address, subject=subject, report=report, bounce=bool(bounced))


def _sender(headers: Headers, limits: MailLimits, problems: Problems) -> MailAddress:
    """Who wrote it: the first `From` with an address, else `Sender`, else the envelope; else a name alone."""
    if len(headers.get(b"from", ())) > 1:
        problems.add("more than one From header, the first is taken")
    named = _people(headers, b"from", limits, problems)
    for person in named[:1]:
        if person.address:
            return person
    for name in (b"sender", b"return-path"):
        for person in _people(headers, name, limits, problems)[:1]:
            if person.address:
                return MailAddress(name=named[0].name if named else person.name, address=person.address)
    return named[0] if named else MailAddress()


def _people(headers: Headers, name: bytes, limits: MailLimits, problems: Problems) -> tuple[MailAddress, ...]:
    values = headers.get(name)
    return parse_addresses(values, limits, problems) if values else ()


def _delivered_to(headers: Headers, limits: MailLimits, problems: Problems) -> tuple[str, ...]:
    found = (person.address for name in _DELIVERED_TO for person in _people(headers, name, limits, problems))
    return tuple(dict.fromkeys(address for address in found if address))


def _line(headers: Headers, name: bytes, limits: MailLimits, problems: Problems) -> str:
    text, odd = header_text(first(headers, name), limits.encoded_words)
    if odd:
        problems.add(f"{name.decode('ascii')}: {odd}")
    return text
