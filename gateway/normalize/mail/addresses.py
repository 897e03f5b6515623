"""Address headers as people's software writes them: stray brackets, missing quotes, encoded or raw Chinese names."""

from __future__ import annotations

import re

from gateway.normalize.mail.model import MailAddress, MailLimits, Problems
from gateway.normalize.mail.words import as_text, decode_words, one_line

_SPECIAL = re.compile(r'[",;<>()\\]')
_ADDRESS = re.compile(r'(?:"[^"@\s]{1,64}"|[^\s<>"(),;:\\@\[\]]{1,128})@[^\s<>"(),;:\\@]{1,255}')
_PLAIN = re.compile(r'"?([^"<>,;:()\\@]*+)"?\s*+<([^\s<>"(),;:\\@\[\]]{1,128}@[^\s<>"(),;:\\@]{1,255})>')
_FIELDS = 4  # of one name that are read; a mail should have one
_ID = re.compile(r"<([^<>\s]{1,900})>")


def parse_addresses(values: list[bytes], limits: MailLimits, problems: Problems) -> tuple[MailAddress, ...]:
    """The people named in the given header values, in order, at most `limits.addresses`."""
    people: list[MailAddress] = []
    for value in values[:_FIELDS]:
        text, odd = as_text(value.strip())
        if odd:
            problems.add(f"address header: {odd}")
        found = _parse(text, limits, problems)
        if "=?" in text and not any(person.address for person in found):
            # Some mailers encode the whole header, address and all.
            again, _ = decode_words(text, limits.encoded_words)
            found = _parse(one_line(again), limits, problems) or found
        people += found
        if len(people) > limits.addresses:
            problems.add(f"more than {limits.addresses} addresses, the rest is ignored")
            del people[limits.addresses :]
    return tuple(people)


def _parse(text: str, limits: MailLimits, problems: Problems) -> list[MailAddress]:
    simple = _PLAIN.fullmatch(text)
    if simple:
        return [MailAddress(name=_name(simple[1], limits, problems), address=one_line(simple[2]))]
    people: list[MailAddress] = []
    loose = ""  # a piece without address: the first half of an unquoted "Surname, First <a@b>"
    for phrase, angle, comment in _pieces(text, limits.addresses + 1):
        address = _found(angle) or _found(phrase)
        if not address:
            loose = f"{loose}, {phrase or comment}" if loose else phrase or comment
            continue
        before, is_there, _ = phrase.partition(address)
        if is_there:
            phrase = before  # a bare address, or "a@b <a@b>": an address is no name
        name = phrase.rpartition(":")[2] if ":" in phrase and "=?" not in phrase else phrase
        if loose and not loose.endswith(":"):
            name = f"{loose}, {name}"
        loose = ""
        people.append(MailAddress(name=_name(name or comment, limits, problems), address=one_line(address)))
    if not people and loose and not loose.endswith(":"):  # "undisclosed-recipients:;" is nobody
        return [MailAddress(name=_name(loose, limits, problems))]
    return people


def _found(piece: str) -> str:
    """The first address in a piece of a header, looked for around its first few "@" only; else nothing."""
    at = piece.find("@")
    for _ in range(4):
        if at < 0:
            break
        found = _ADDRESS.search(piece, max(0, at - 140), at + 257)
        if found:
            return found[0]
        at = piece.find("@", at + 1)
    return ""


def _name(raw: str, limits: MailLimits, problems: Problems) -> str:
    if "=?" not in raw and raw.isascii() and raw.isprintable():
        return raw.strip(" \t'\"")
    name, odd = decode_words(raw, limits.encoded_words)
    if odd:
        problems.add(f"address header: {odd}")
    return one_line(name).strip(" '\"")


def _pieces(text: str, limit: int) -> list[tuple[str, str, str]]:
    """The comma-separated pieces of a header as (phrase, text in angle brackets, comment), in one pass over `text`.

    A quote or comment that never closes is an ordinary character.
    """
    quotes = text.count('"') - text.count('\\"') > 1
    comments = ")" in text
    while True:
        pieces, unclosed = _scan(text, quotes, comments, limit)
        if unclosed == '"':
            quotes = False
        elif unclosed == "(":
            comments = False
        else:
            return pieces


def _scan(text: str, quotes: bool, comments: bool, limit: int) -> tuple[list[tuple[str, str, str]], str]:
    pieces: list[tuple[str, str, str]] = []
    phrase: list[str] = []
    angle: list[str] = []
    comment: list[str] = []
    into = phrase
    depth = position = skip_to = 0
    quoted = False

    def take() -> None:
        piece = ("".join(phrase).strip(), "".join(angle).strip(), "".join(comment).strip())
        if any(piece):
            pieces.append(piece)
        phrase.clear()
        angle.clear()
        comment.clear()

    for found in _SPECIAL.finditer(text):
        at, char = found.start(), found[0]
        if at < skip_to:
            continue
        into.append(text[position:at])
        position = at + 1
        if char == "\\":
            into.append(text[at + 1 : at + 2])
            position = skip_to = at + 2
        elif quoted:
            if char == '"':
                quoted = False
            else:
                into.append(char)
        elif depth:
            depth += (char == "(") - (char == ")")
            if not depth:
                into = phrase
        elif char == '"' and quotes:
            quoted = True
        elif char == "(" and comments and into is phrase:
            depth, into = 1, comment
        elif char == "<":
            into = angle
        elif char == ">":
            into = phrase
        elif char in ",;" and into is angle and "@" not in "".join(angle):
            into.append(char)  # an old source route: <@relay,@relay:person@place>
        elif char in ",;":
            into = phrase
            take()
            if len(pieces) >= limit:
                return pieces, ""
    into.append(text[position:])
    take()
    return pieces, '"' if quoted else "(" if depth else ""


def message_ids(value: bytes, limit: int) -> tuple[str, ...]:
    """The message ids of a header with their angle brackets, in order, the last `limit`; bare ids get brackets."""
    text = one_line(value.decode("utf-8", "replace"))
    # An id that was folded in the middle is put together again.
    found = [f"<{each}>" for each in _ID.findall(text) or _ID.findall(text.replace(" ", ""))]
    if not found and "<" not in text:
        found = [f"<{each}>" for each in text.replace(",", " ").split() if "@" in each and len(each) <= 900]
    return tuple(found[-limit:])
