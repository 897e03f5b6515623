"""From the bytes of a mail to what it says: one message, and for a bounce also what became of a notice of ours.

**When two mails are the same input.** `external_id` is the Message-ID and a hash of what the mail says (text and files,
white space aside, transport headers not counted). So the copies of one mail in two folders or for two of our addresses
are one input, and another mail under the same Message-ID, by mistake or to displace somebody's complaint, is not lost.
A mail without Message-ID, and one that cannot be read, is known by the hash of its bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from gateway.channels.base import Parsed
from gateway.channels.email.forwarded import forwarder_of, is_sheet
from gateway.channels.email.settings import EmailSettings, Forwarder
from gateway.message import Address, Bounce, DeliveryReceipt, File, InboundMessage, Raw, Sheets
from gateway.normalize.mail import ParsedMail, parse_mail
from gateway.normalize.mail.model import MailFile

MEDIA_TYPE = "message/rfc822"
# What the doors know of a mail beside its bytes; kept in `Raw.headers`.
ENVELOPE_FROM = "x-envelope-from"  # "<>" is the null sender
ENVELOPE_TO = "x-envelope-to"  # separated by commas
PROBLEM = "x-problem"  # why the bytes are not the whole mail
PLACE = "x-place"  # folder, UIDVALIDITY and UID

#: The marker of a mail that a person should see although nothing may answer it by itself: programs of a forwarding body
#: send its cases.
NO_ANSWER = "auto-response-suppress"
#: Markers of mails that carry no cases, whoever they are from.
_NO_CASES = frozenset({"own-address", "own-marker", "bounce", "read-receipt"})
_LONGEST_ID = 300
_NOTICE_ID = re.compile(r"<?(n\d{1,18})\.")  # Message-ID of a notice: <n123.TOKEN@domain>
_VERP = re.compile(r"bounce\+(n\d{1,18})(?=[+.@])", re.IGNORECASE)


def read_mail(raw: Raw, settings: EmailSettings) -> list[Parsed]:
    """What a mail says: its message, then a receipt for each notice of ours that it reports as not delivered."""
    envelope_from = raw.headers.get(ENVELOPE_FROM, "").strip()
    mail = parse_mail(_with_return_path(raw.body, envelope_from))
    recipients = _recipients(mail, raw.headers)
    problem = raw.headers.get(PROBLEM, "")
    sender = mail.sender.address or envelope_from.strip("<>")
    automatic = _automatic(mail, sender, settings)
    forwarder = None if problem or automatic in _NO_CASES else forwarder_of(raw.body, recipients, settings)
    sheets = [one for one in mail.attachments if is_sheet(one)] if forwarder else []
    others = [one for one in mail.attachments if not sheets or not (one.inline or is_sheet(one))]
    message = InboundMessage(
        channel=raw.channel,
        external_id=external_id(mail, raw),
        received_at=raw.received_at,
        raw=raw,
        sender=(Address(medium="email", value=sender, name=mail.sender.name),) if sender else (),
        recipients=recipients,
        subject=mail.subject,
        text=mail.text,
        html=mail.html_source,
        reply_text=mail.reply_text,
        lodged_at=mail.date,
        attachments=_files(others),
        sheets=_sheets(sheets, forwarder, mail.sender.address if automatic is None else ""),
        thread=_thread(mail, recipients, settings),
        automatic=NO_ANSWER if forwarder and automatic and mail.attachments else automatic,
        bounced=tuple(
            Bounce(
                address=one.address,
                permanent=one.permanent,
                status=one.status,
                message_id=one.original_message_id or "",
            )
            for one in mail.bounced
        ),
        readable=mail.readable and not problem,
        problem=problem or "; ".join(mail.problems),
    )
    return [message, *_receipts(message)]


def _sheets(files: Sequence[MailFile], forwarder: Forwarder | None, told: str) -> Sheets | None:
    return Sheets(channel=forwarder.channel, files=_files(files), told=told) if forwarder and files else None


def _files(attached: Sequence[MailFile]) -> tuple[File, ...]:
    return tuple(File(name=one.name, media_type=one.media_type, content=one.content) for one in attached)


def _with_return_path(body: bytes, envelope_from: str) -> bytes:
    """The mail as a mailbox would keep it (RFC 5321, 4.4): by this line the parser knows a machine's letter."""
    line = f"Return-Path: <{envelope_from.strip('<>')}>"
    return line.encode() + b"\r\n" + body if envelope_from and line.isascii() and line.isprintable() else body


def external_id(mail: ParsedMail, raw: Raw) -> str:
    """What makes a second copy of this mail known as one (see the module's docstring)."""
    message_id = (mail.message_id or "").strip("<> \t")
    if raw.headers.get(PROBLEM):
        return _short(f"{message_id or raw.headers.get(PLACE, '')}#incomplete")
    if not message_id or not mail.readable:
        return f"sha256:{hashlib.sha256(raw.body).hexdigest()}"
    said = hashlib.sha256(" ".join(mail.text.split()).encode("utf-8", "surrogatepass"))
    for content in sorted(hashlib.sha256(one.content).digest() for one in mail.attachments):
        said.update(content)
    return _short(f"{message_id}#{said.hexdigest()[:16]}")


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_ID else f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"


def _recipients(mail: ParsedMail, headers: Mapping[str, str]) -> tuple[str, ...]:
    envelope = [each.strip() for each in headers.get(ENVELOPE_TO, "").split(",")]
    named = [one.address for one in (*mail.to, *mail.cc)]
    return tuple(dict.fromkeys(each for each in (*envelope, *named, *mail.delivered_to) if each))


def _thread(mail: ParsedMail, recipients: tuple[str, ...], settings: EmailSettings) -> tuple[str, ...]:
    """All that may carry a token of ours: ids of the mails it answers, and the plus addresses it was sent to."""
    plus = (each for each in recipients if "+" in each and settings.is_own(each))
    answered = (mail.in_reply_to,) if mail.in_reply_to else ()
    return tuple(dict.fromkeys((*answered, *mail.references, *plus)))


def _automatic(mail: ParsedMail, sender: str, settings: EmailSettings) -> str | None:
    """Our own address first: its mails are never answered, while the parser's weaker markers leave that to people."""
    return "own-address" if sender and settings.is_own(sender) else mail.automatic


def _receipts(message: InboundMessage) -> list[DeliveryReceipt]:
    """A server that sends a mail back has given up, whatever its code: the notice has failed.

    Anybody can write such a mail and name any notice in it, so it says whose address failed.
    """
    receipts: dict[tuple[str, str], DeliveryReceipt] = {}
    for one in message.bounced:
        found = _NOTICE_ID.match(one.message_id) or next(filter(None, map(_VERP.match, message.recipients)), None)
        if found:
            reference = found[1].lower()
            receipts[reference, one.address.casefold()] = DeliveryReceipt(
                status="failed",
                at=message.received_at,
                reference=reference,
                detail=f"{one.status} {one.address}".strip(),
                address=one.address,
            )
    return list(receipts.values())
