"""Forms and JSON of other programs, in UTF-8 or whatever character set Chinese programs write."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote_to_bytes

import orjson
from pydantic import JsonValue

from gateway.normalize.mail.charset import decode

#: What is not UTF-8 and does not say what it is was written by a program of Chinese Windows.
_CHINESE: Final = "gb18030"
_UNESCAPED = re.compile(rb"[\x80-\xff]")


def form_in(body: bytes) -> dict[str, bytes]:
    """The values of a form, byte for byte; of a name that comes twice the last counts.

    Raises:
        ValueError: it is none.
    """
    form = {}
    for part in filter(None, body.strip().split(b"&")):
        name, equals, value = part.partition(b"=")
        if not equals:
            raise ValueError("no form")
        form[text_in(_unquoted(name))] = _unquoted(value)
    return form


def texts_in(body: bytes) -> dict[str, str]:
    """The same as texts, all in one character set.

    Raises:
        ValueError: it is no form.
    """
    form = form_in(body)
    charset = _charset_of(form.values())
    return {name: text_in(value, charset) for name, value in form.items()}


def json_in(body: bytes) -> JsonValue:
    """A document in JSON.

    Raises:
        ValueError: it is none.
    """
    plain = body.removeprefix(b"\xef\xbb\xbf")
    document: JsonValue = orjson.loads(plain if _is_utf8(plain) else text_in(plain))
    return document


def text_in(content: bytes, charset: str = "") -> str:
    """The text, which is in `charset` unless that is plainly wrong; a byte that nobody can read is marked."""
    return decode(content, charset or _charset_of([content]))[0]


def _charset_of(some: Iterable[bytes]) -> str:
    return "utf-8" if all(map(_is_utf8, some)) else _CHINESE


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unquoted(part: bytes) -> bytes:
    """Percent signs resolved; bytes that should have been escaped stand for themselves."""
    escaped = _UNESCAPED.sub(lambda found: b"%%%02X" % found[0][0], part.replace(b"+", b" "))
    return unquote_to_bytes(escaped)
