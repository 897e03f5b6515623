"""What a mail is once it has been read: plain frozen values, no bytes of MIME left to understand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MailLimits:
    """How much of one mail is looked at; what lies beyond is named in `ParsedMail.problems`, never guessed at."""

    message_bytes: int = 64 * 1024 * 1024
    parts: int = 500
    depth: int = 20
    headers: int = 1000
    header_bytes: int = 64 * 1024
    addresses: int = 500
    encoded_words: int = 1000
    references: int = 200
    html_chars: int = 500_000
    html_depth: int = 250
    tnef_bytes: int = 32 * 1024 * 1024
    problems: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class MailAddress:
    """A person in a header; `address` is empty when only a name could be read, `name` when none was given."""

    name: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFile:
    """An attached file; `inline` files are shown in the HTML through their `content_id`."""

    name: str
    media_type: str
    content: bytes
    inline: bool = False
    content_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """One recipient a mail could not be delivered to; `permanent` is a status of class 5 (RFC 3463)."""

    address: str
    permanent: bool
    status: str
    original_message_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedMail:
    """A mail as a person would read it.

    Header strings hold no control character. Message ids keep their angle brackets. `text` is the whole text,
    `reply_text` the same without quotation (equal where there is none). `html_source` is the sender's own markup and
    must only be shown through `safe_html`. `automatic` names the first marker of `automatic.MARKERS` that applies.
    `readable` is false when a person has to look at the raw mail; `problems` says in short sentences what was odd.
    """

    message_id: str | None = None
    date: datetime | None = None
    subject: str = ""
    sender: MailAddress = MailAddress()
    reply_to: tuple[MailAddress, ...] = ()
    to: tuple[MailAddress, ...] = ()
    cc: tuple[MailAddress, ...] = ()
    delivered_to: tuple[str, ...] = ()
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    text: str = ""
    reply_text: str = ""
    html_source: str | None = None
    attachments: tuple[MailFile, ...] = ()
    automatic: str | None = None
    own_loop_marker: str | None = None
    bounced: tuple[Bounce, ...] = ()
    readable: bool = True
    problems: tuple[str, ...] = ()


class Problems:
    """Collects what was odd in a mail: each sentence once, in order, at most `limit` of them."""

    __slots__ = ("_limit", "_seen")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen: dict[str, None] = {}

    def add(self, sentence: str) -> None:
        """Note one thing; more than the limit is dropped, the first ones matter."""
        if len(self._seen) < self._limit:
            self._seen[sentence] = None

    def all(self) -> tuple[str, ...]:
        """Everything noted, in order."""
        return tuple(self._seen)
