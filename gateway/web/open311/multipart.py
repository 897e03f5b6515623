"""A form that brings files, multipart/form-data (RFC 7578).

GeoReport v2 leaves files open; cities that take photos take them so, as parts named ``media``
(https://wiki.open311.org/GeoReport_v2/Extensions/, https://github.com/6aika/issue-reporting).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from email.parser import HeaderParser
from urllib.parse import unquote

_LONGEST_BOUNDARY = 72  # with its two dashes, RFC 2046, 5.1.1
_LONGEST_HEAD = 4_096
_MOST_PARTS = 500
_BREAK = b"\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One value of a form: a text, or with a `file_name` a file. `written` is the part with its head."""

    name: str
    content: bytes
    file_name: str | None
    written: bytes


def is_multipart(body: bytes) -> bool:
    """Whether a body begins as such a form does; no name of another form does."""
    return body.startswith(b"--")


def parts_in(body: bytes) -> list[Part]:
    """The parts of a form, in their order.

    Raises:
        ValueError: it is none, or it is cut off.
    """
    boundary = body[: body.find(_BREAK)]
    if not 2 < len(boundary) <= _LONGEST_BOUNDARY:
        raise ValueError("no boundary")
    begin, *written, end = (_BREAK + body).split(_BREAK + boundary)
    if begin or not end.startswith(b"--") or len(written) > _MOST_PARTS:
        raise ValueError("cut off, or too many parts")
    return [_part(one) for one in written]


def made_of(parts: list[Part]) -> bytes:
    """A form of these parts. Every delivery of the same has another boundary; this one is always the same."""
    digest = hashlib.sha256()
    for one in parts:
        digest.update(one.written)
    boundary = b"--" + digest.hexdigest()[:32].encode()
    return b"".join([boundary + one.written + _BREAK for one in parts]) + boundary + b"--" + _BREAK


def _part(written: bytes) -> Part:
    head, blank, content = written.partition(_BREAK * 2)
    if not blank or not head.startswith(_BREAK) or len(head) > _LONGEST_HEAD:
        raise ValueError("a part without a head")
    message = HeaderParser().parsestr(_text(head[2:]))
    name = message.get_param("name", header="content-disposition")
    if not isinstance(name, str):
        raise ValueError("a part without a name")
    file_name = message.get_filename()
    return Part(
        name=name,
        content=content,
        file_name=None if file_name is None else unquote(file_name),
        written=written,
    )


def _text(head: bytes) -> str:
    try:
        return head.decode()
    except UnicodeDecodeError:
        return head.decode("gb18030", "replace")
