"""What a captured payload may become on a bad day: cut off, garbled, in another charset, with other types inside.

The same payload always gives the same list, so that a failure can be looked at again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree

from defusedxml.ElementTree import fromstring

_MOST = 240  # mutations of one payload; beyond it every n-th is taken
#: What stands in a field on a bad day.
_TEXTS = ("", " ", "\u202e", "9" * 400, "好" * 5000, "0", "-1", "<b>&amp;", "no-such-type", "2026-13-45T99:99:99+99:99")
#: In JSON. Together with "taken away" a prime number, so that every n-th of the mutations is not always the same.
_VALUES: tuple[Any, ...] = (
    None, True, -1, 1 << 63, 1e308, "\x00", "\ud800", [], {}, [[]], {"": ""}, 0.5, *_TEXTS,
)  # fmt: skip


def mutations(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Named variants of a payload that no platform should send and some will."""
    yield from _of_bytes(body)
    found = [*_of_json(body), *_of_xml(body), *_of_form(body)]
    step = max(1, -(-len(found) // _MOST))
    yield from found[::step]


def garbage() -> Iterator[tuple[str, bytes]]:
    """Inputs that were never a payload of anybody."""
    yield "empty", b""
    yield "blanks", b" \r\n\t"
    yield "nul", b"\x00" * 64
    yield "noise", Random(20261122).randbytes(2048)  # noqa: S311  the same noise every time, no secret
    yield "null", b"null"
    yield "number", b"1e999"
    yield "text", '"投诉"'.encode()
    yield "list", b"[1, null, {}]"
    yield "empty object", b"{}"
    yield "deep list", b"[" * 100_000
    yield "deep object", b'{"a":' * 50_000
    yield "billion laughs", _LAUGHS
    yield "half a form", b"text=%E6%8A&text=%zz&=&&"


def _of_bytes(body: bytes) -> Iterator[tuple[str, bytes]]:
    for at in sorted({0, 1, len(body) // 3, len(body) // 2, max(0, len(body) - 2), max(0, len(body) - 1)}):
        yield f"cut at {at}", body[:at]
    yield "twice in one", body + body
    yield "byte order mark", b"\xef\xbb\xbf" + body
    yield "broken UTF-8", body[: len(body) // 2] + b"\xff\xfe\xe6" + body[len(body) // 2 :]
    yield "UTF-16", body.decode("utf-8", "replace").encode("utf-16")
    yield "GB18030", body.decode("utf-8", "replace").encode("gb18030")
    chance = Random(len(body))  # noqa: S311  the same damage every time, no secret
    for number in range(12):
        damaged = bytearray(body)
        for _ in range(max(1, len(body) // 200)):
            if damaged:
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        yield f"damage {number}", bytes(damaged)


def _of_json(body: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        document = json.loads(body)
    except ValueError:
        return
    for path in _paths(document, ()):
        yield f"without {path}", _dump(_changed(document, path, remove=True))
        for value in _VALUES:
            yield f"{path} = {value!r}"[:80], _dump(_changed(document, path, value))


def _of_xml(body: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ValueError, ElementTree.ParseError):
        return
    for number, element in enumerate(root.iter()):
        if element is not root:
            yield f"without {element.tag} {number}", _without(body, number)
        for text in _TEXTS:
            yield f"{element.tag} {number} = {text!r}"[:80], _with_text(body, number, text)


def _without(body: bytes, number: int) -> bytes:
    root = fromstring(body, forbid_dtd=True)
    gone = list(root.iter())[number]
    for parent in root.iter():
        if gone in list(parent):
            parent.remove(gone)
    return _as_xml(root)


def _with_text(body: bytes, number: int, text: str) -> bytes:
    root = fromstring(body, forbid_dtd=True)
    element = list(root.iter())[number]
    for child in list(element):
        element.remove(child)
    element.text = text
    return _as_xml(root)


def _as_xml(root: ElementTree.Element) -> bytes:
    document: bytes = ElementTree.tostring(root, encoding="utf-8")
    return document


def _of_form(body: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        said = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True)
    except ValueError:
        return
    for at, (name, _) in enumerate(said):
        yield f"without {name}", urlencode(said[:at] + said[at + 1 :]).encode()
        yield f"{name} twice", urlencode([*said, said[at]]).encode()
        for text in (*_TEXTS, "\x00"):
            yield f"{name} = {text!r}"[:80], urlencode([*said[:at], (name, text), *said[at + 1 :]]).encode()


def _paths(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    inside: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    for key, one in inside:
        yield (*path, key)
        yield from _paths(one, (*path, key))


def _changed(document: Any, path: tuple[str | int, ...], value: Any = None, *, remove: bool = False) -> Any:
    copy = json.loads(json.dumps(document))
    inside = copy
    for key in path[:-1]:
        inside = inside[key]
    if remove:
        del inside[path[-1]]
    else:
        inside[path[-1]] = value
    return copy


def _dump(document: Any) -> bytes:
    return json.dumps(document).encode()  # ASCII with escapes, so a lone surrogate gets through


_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><l>&j;</l>"
)
