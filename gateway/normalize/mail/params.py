"""`Content-Type` and `Content-Disposition`: RFC 2045 parameters, RFC 2231 in all forms, and what is sent instead."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from gateway.normalize.mail import charset
from gateway.normalize.mail.words import as_text, decode_words, one_line

_BETWEEN = re.compile(r"[\s;]*")
_NAME = re.compile(r"([^\s;=\"]{1,80})\s*=\s*")
_PARAMETERS = 200  # of one header that are read
_CLOSING = re.compile(r'(?<!\\)"')
_ESCAPED = re.compile(r'\\(["\\])')
_SECTION = re.compile(r"([^*]+)\*(?:(\d{1,4})(\*?))?$")
# Path separators, characters that Windows refuses, and the marks that turn the direction of writing ("exe.gpj").
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]')


def parse(value: bytes) -> tuple[str, dict[str, str]]:
    """The lower-case main value and the parameters of a header, names in lower case, values decoded.

    Missing quotes, blanks and unknown continuations are taken as they were meant.
    """
    text, _ = as_text(value)
    main, _, rest = text.partition(";")
    main = main.strip().lower()
    if not rest:
        return main, {}
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, content in _pairs(rest):
        found = _SECTION.match(name) if "*" in name else None
        if found is None:
            plain.setdefault(name, content)
        elif found[2] is None:
            sections.setdefault(found[1], {}).setdefault(0, (content, True))
        else:
            sections.setdefault(found[1], {})[int(found[2])] = (content, bool(found[3]))
    values = {name: _decoded(content) for name, content in plain.items()}
    for name, pieces in sections.items():
        values[name] = _joined(pieces) or values.get(name, "")
    return main, values


def _pairs(rest: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    position, junk, closable = 0, 0, True
    while position < len(rest) and len(pairs) < _PARAMETERS:
        between = _BETWEEN.match(rest, position)
        position = between.end() if between else position
        found = _NAME.match(rest, position)
        if found is None:
            junk += 1
            if junk > _PARAMETERS:
                break
            position = rest.find(";", position) + 1
            if position == 0:
                break
            continue
        start = found.end()
        if rest.startswith('"', start) and closable:
            closing = _CLOSING.search(rest, start + 1)
            if closing:
                pairs.append((found[1].lower(), _ESCAPED.sub(r"\1", rest[start + 1 : closing.start()])))
                position = closing.end()
                continue
            closable = False  # no quote closes from here on: do not look again for each parameter
        stop = rest.find(";", start)
        stop = len(rest) if stop < 0 else stop
        pairs.append((found[1].lower(), rest[start:stop].strip().strip('"')))
        position = stop
    return pairs


def _decoded(content: str) -> str:
    """A plain parameter; RFC 2047 words and percent escapes are forbidden here and common."""
    if "=?" in content:
        return decode_words(content)[0]
    if "%" in content and content.isascii():
        unescaped = unquote_to_bytes(content)
        if not unescaped.isascii():
            try:
                return unescaped.decode("utf-8")
            except UnicodeDecodeError:
                return content
    return content


def _joined(pieces: dict[int, tuple[str, bool]]) -> str:
    """The sections of an RFC 2231 value in order; the first one that is extended names the charset."""
    ordered = [pieces[number] for number in sorted(pieces)]
    if not any(extended for _, extended in ordered):
        return _decoded("".join(content for content, _ in ordered))
    label = ""
    raw: list[bytes] = []
    for index, (content, extended) in enumerate(ordered):
        if extended and index == 0 and content.count("'") >= 2:
            label, _, content = content.split("'", 2)
        raw.append(unquote_to_bytes(content) if extended else content.encode("utf-8"))
    return charset.decode(b"".join(raw), label or None)[0]


def file_name(name: str) -> str:
    """The last part of a path as a name that is safe to store and show, at most 200 characters; may be empty."""
    name = one_line(_NOT_IN_NAMES.sub("", name.replace("\\", "/").rsplit("/", 1)[-1]))
    if name in (".", ".."):
        return ""
    if len(name) > 200:
        stem, dot, extension = name.rpartition(".")
        name = f"{stem[: 199 - len(extension)]}.{extension}" if dot and len(extension) <= 16 else name[:200]
    return name
