"""The bytes of one outgoing mail, built by hand: its headers are few, and the standard library takes far longer.

RFC 5322 (form), 2045-2047 (MIME, encoded words), 3834 (automatic answers). Everything is ASCII in lines of at most 76
characters, so no server needs an extension. What comes from people has its line breaks and control characters taken out
before it becomes a header: no header can be smuggled in.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import quote

from gateway.errors import PermanentDelivery
from gateway.message import File, OutboundMessage

LOOP_MARKER = "X-Complaint-Gateway-Loop"

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_PLAIN_ATOM = re.compile(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]*")
_MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>")
_WORD_BYTES = 36  # of UTF-8 in one encoded word: 60 characters with what stands around it, 76 with a header's name
_SHORT = 50  # characters of ASCII that fit on a header's first line
_LINE = 76
#: Head, text and HTML of a mail in two forms; the boundary cannot occur in base64.
_ALTERNATIVE = b'%b\
Content-Type: multipart/alternative; boundary="=_cg-alternative"\r\n\r\n\
--=_cg-alternative\r\n%b\r\n--=_cg-alternative\r\n%b\r\n--=_cg-alternative--\r\n'

_QUOTES = str.maketrans({'"': "'", "\\": "_"})  # they would end a quoted name
_MIXED = b'Content-Type: multipart/mixed; boundary="=_cg-mixed"\r\n'
_SEPARATOR = b"\r\n--=_cg-mixed\r\n"
_PART = b"Content-Type: text/%b; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n%b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """In whose name mails go out: `reply_address` gets the ticket's token as tag, `domain` is that of message ids."""

    address: str
    name: str = ""
    domain: str
    reply_address: str = ""

    def message_id(self, reference: str, token: str) -> str:
        """The id of a notice's mail, the same for every try; the token makes it unforgeable."""
        return f"<{reference}.{token}@{self.domain}>"


def mail_bytes(message: OutboundMessage, sender: Sender, at: datetime) -> bytes:
    """The whole mail, ready for DATA.

    Raises:
        PermanentDelivery: `message.to` is no address that a mail can be sent to.
    """
    headers = [
        f"From: {_from(sender)}",
        f"To: {mailbox(message.name, checked_address(message.to))}",
        f"Subject: {words(message.forms['subject'])}",
        f"Date: {_date(at.replace(microsecond=0))}",
        f"Message-ID: {sender.message_id(message.reference, message.token)}",
        f"Auto-Submitted: {'auto-replied' if message.reply else 'auto-generated'}",
        "X-Auto-Response-Suppress: OOF, AutoReply",
        f"{LOOP_MARKER}: {message.reference}@{sender.domain}",
    ]
    thread = _thread(message, sender)
    if thread:
        headers += [f"In-Reply-To: {thread[-1]}", "References: " + "\r\n ".join(thread)]
    if sender.reply_address:
        headers.append(f"Reply-To: {plus_address(sender.reply_address, message.token)}")
    headers.append("MIME-Version: 1.0\r\n")
    head = "\r\n".join(headers).encode("ascii")
    text = _part(b"plain", message.forms["text"])
    if message.attachments:
        parts = b"".join([_SEPARATOR + one for one in (text, *map(_attached, message.attachments))])
        return b"%b%b%b\r\n--=_cg-mixed--\r\n" % (head, _MIXED, parts)
    if "html" not in message.forms:
        return b"%b%b\r\n" % (head, text)
    return _ALTERNATIVE % (head, text, _part(b"html", message.forms["html"]))


@lru_cache(maxsize=8)
def _from(sender: Sender) -> str:
    return mailbox(sender.name, sender.address)


@lru_cache(maxsize=2)
def _date(second: datetime) -> str:
    return format_datetime(second)


@lru_cache(maxsize=64)  # asked for the envelope and for the header
def checked_address(address: str) -> str:
    """The address as it goes into the envelope, its domain in ASCII.

    Raises:
        PermanentDelivery: it is none, or its local part needs SMTPUTF8, which hardly any server in use offers.
    """
    local, _, domain = address.strip().rpartition("@")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode()
        except UnicodeError as error:
            raise PermanentDelivery("not a mail address", status="5.1.3") from error
    if not _ADDRESS.fullmatch(f"{local}@{domain}"):
        raise PermanentDelivery("not a mail address", status="5.1.3")
    return f"{local}@{domain}"


def plus_address(address: str, tag: str) -> str:
    """``tousu@example.com`` with a tag: ``tousu+TAG@example.com``."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{tag}@{domain}"


def mailbox(name: str, address: str) -> str:
    """``Name <address>`` as a header may hold it."""
    plain = _UNPRINTABLE.sub(" ", name).strip()
    if not plain:
        return address
    as_it_is = _PLAIN_ATOM.fullmatch(plain) and "=?" not in plain and len(plain) <= _SHORT
    return f"{plain} <{address}>" if as_it_is else f"{_encoded(plain)}\r\n <{address}>"


def words(text: str) -> str:
    """An unstructured header's value: as it is when it is short ASCII, else in encoded words of whole characters."""
    plain = _UNPRINTABLE.sub(" ", text).strip()
    return plain if plain.isascii() and "=?" not in plain and len(plain) <= _SHORT else _encoded(plain)


def _encoded(text: str) -> str:
    octets = text.encode("utf-8", "replace")
    chunks: list[str] = []
    start, end = 0, _WORD_BYTES
    while end < len(octets):
        while octets[end] & 0xC0 == 0x80:  # inside of a character
            end -= 1
        chunks.append(_base64(octets[start:end]))
        start, end = end, end + _WORD_BYTES
    chunks.append(_base64(octets[start:]))
    return "\r\n ".join([f"=?utf-8?b?{each}?=" for each in chunks])


def _base64(octets: bytes) -> str:
    return binascii.b2a_base64(octets, newline=False).decode("ascii")


def _thread(message: OutboundMessage, sender: Sender) -> list[str]:
    """Message ids of earlier mails; those of ours are given by their references."""
    ids = [one if one.startswith("<") else sender.message_id(one, message.token) for one in message.thread]
    return [one for one in ids if _MESSAGE_ID.fullmatch(one)]


def _part(kind: bytes, text: str) -> bytes:
    """A part without the line break at its end."""
    lines = text.replace("\r\n", "\n").replace("\n", "\r\n").encode("utf-8", "replace")
    return _PART % (kind, _in_lines(lines))


def _attached(file: File) -> bytes:
    """A file as a part; its name in both ways, as some programs know one of them alone (RFC 2231, 2047)."""
    name = words(file.name.translate(_QUOTES))
    extended = quote(file.name, safe="")
    head = (
        f'Content-Type: {file.media_type};\r\n name="{name}"\r\nContent-Transfer-Encoding: base64\r\n'
        f"Content-Disposition: attachment;\r\n filename=\"{name}\";\r\n filename*=utf-8''{extended}\r\n\r\n"
    )
    return head.encode("ascii", "replace") + _in_lines(file.content)


def _in_lines(octets: bytes) -> bytes:
    whole = binascii.b2a_base64(octets, newline=False)
    return b"\r\n".join([whole[at : at + _LINE] for at in range(0, len(whole), _LINE)])
