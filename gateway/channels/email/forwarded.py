"""Whether a mail is from a forwarding body, so that its sheets are that body's cases and nobody else's.

An address in `From` proves nothing. What does: our own mail server, which checked the signature of the sender's domain
and said so in Authentication-Results (RFC 8601), or a secret address of ours that only the body was given.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence

from gateway.channels.email.settings import EmailSettings, Forwarder
from gateway.normalize.mail.addresses import parse_addresses
from gateway.normalize.mail.headers import Headers, split
from gateway.normalize.mail.model import MailFile, MailLimits, Problems

#: Names of files that hold rows, as people's programs write them.
_SHEETS = (".xlsx", ".xls", ".csv", ".xlsm", ".et")
_LIMITS = MailLimits()
#: Comments, quoted texts, and the rest of a header, one after the other.
_TOKEN = re.compile(r'\s+|"(?:[^"\\]|\\.)*"|[^\s"();=]+|[;=()]')

#: One method of checking, what it found, and about whom: ``dkim``, ``pass``, {"header.d": "example.com"}.
Finding = tuple[str, str, Mapping[str, str]]


def is_sheet(file: MailFile) -> bool:
    """Whether this looks like a file of rows; what it is shows when it is read."""
    return file.name.casefold().endswith(_SHEETS)


def forwarder_of(body: bytes, recipients: Sequence[str], settings: EmailSettings) -> Forwarder | None:
    """The forwarding body that provably sent this mail; None for everybody else's mail."""
    if not settings.forwarders:
        return None
    headers, _ = split(body, 0, len(body), _LIMITS, Problems(1))
    sender = _only_author(headers)
    return next((one for one in settings.forwarders if _is_from(one, sender, headers, recipients)), None)


def _is_from(one: Forwarder, sender: str, headers: Headers, recipients: Sequence[str]) -> bool:
    domain = sender.rpartition("@")[2]
    if not domain or not ({sender, f"@{domain}"} & {each.casefold() for each in one.senders}):
        return False
    if one.token:
        parts = [each.rpartition("@")[0].partition("+")[2] for each in recipients]
        return any(hmac.compare_digest(part.encode("utf-8", "replace"), one.token.encode()) for part in parts)
    return any(_proves(finding, domain) for finding in _findings(headers, one.authserv))


def _only_author(headers: Headers) -> str:
    """The address in the only `From`, in small letters; empty where there are several, or none."""
    values = headers.get(b"from", [])
    people = parse_addresses(values, _LIMITS, Problems(1)) if len(values) == 1 else ()
    return people[0].address.casefold() if len(people) == 1 else ""


def _findings(headers: Headers, authserv: str) -> list[Finding]:
    """What our mail server found. Where two such headers stand, one is forged, and none counts."""
    texts = [value.decode("ascii", "replace") for value in headers.get(b"authentication-results", [])]
    read = [_read(text) for text in texts]
    ours = [found for name, found in read if name.casefold() == authserv.casefold()]
    return ours[0] if len(ours) == 1 else []


def _read(text: str) -> tuple[str, list[Finding]]:
    """Who says it, and each finding; nothing of a header that is not whole."""
    parts = list(_parts(text))
    if not parts or not parts[0]:
        return "", []
    name = parts[0][0]
    found: list[Finding] = []
    for words in parts[1:]:
        pairs = [(words[at - 1], words[at + 1]) for at in range(1, len(words) - 1) if words[at] == "="]
        if pairs:
            method, result = pairs[0]
            about = {key.casefold(): value.casefold() for key, value in pairs[1:]}
            found.append((method.partition("/")[0].casefold(), result.casefold(), about))
    return name, found


def _parts(text: str) -> Iterator[list[str]]:
    """The words between semicolons, without comments, quoted texts as one word each."""
    words: list[str] = []
    depth = at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            return
        at = token.end()
        match token[0]:
            case "(":
                depth += 1
            case ")":
                depth -= 1
            case _ if depth > 0:
                pass
            case ";":
                yield words
                words = []
            case word if word.strip():
                words.append(word)
    if depth == 0:
        yield words


def _proves(finding: Finding, domain: str) -> bool:
    """DMARC for this domain, or a DKIM signature of it or of the domain above it (RFC 7489, 3.1.1)."""
    match finding:
        case ("dmarc", "pass", about):
            return about.get("header.from") == domain
        case ("dkim", "pass", about):
            signer = about.get("header.d") or about.get("header.i", "").rpartition("@")[2]
            return "." in signer and (domain == signer or domain.endswith(f".{signer}"))
    return False
