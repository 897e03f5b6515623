"""The tree of a mail: which bytes of it are which part. Splits on the boundaries as bytes, outermost first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.normalize.mail import headers as fields
from gateway.normalize.mail import params
from gateway.normalize.mail.headers import Headers
from gateway.normalize.mail.model import MailLimits, Problems
from gateway.normalize.mail.transfer import decode_body

_LOST_BOUNDARY = re.compile(
    rb"^--(\S[^\r\n]{0,99}?)[ \t]*\r?\n(?=Content-[A-Za-z-]{1,40}:)", re.MULTILINE | re.IGNORECASE
)
_BLANK_START = re.compile(rb"[\r\n]*")
_COMMENT = re.compile(r"\([^()]*\)")
_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part: where its body lies in `raw`, what its headers say of it, and the parts it is made of."""

    raw: bytes
    start: int
    end: int
    headers: Headers
    media_type: str
    parameters: dict[str, str]
    encoding: str
    children: tuple[Part, ...] = ()

    def content(self, problems: Problems) -> bytes:
        """The decoded body."""
        return decode_body(self.raw[self.start : self.end], self.encoding, problems)

    def walk(self) -> Iterator[Part]:
        """This part and all below it, in the order of the mail."""
        yield self
        for child in self.children:
            yield from child.walk()


class _Budget:
    __slots__ = ("parts",)

    def __init__(self, parts: int) -> None:
        self.parts = parts


def read_tree(raw: bytes, limits: MailLimits, problems: Problems) -> Part:
    """The part that is the whole mail; deeper or more than the limits allow stays one undivided part."""
    start = 3 if raw.startswith(b"\xef\xbb\xbf") else 0
    blank = _BLANK_START.match(raw, start)  # blank lines before the first header are a relay's fault
    start = blank.end() if blank else start
    return _read(raw, start, len(raw), "text/plain", 0, _Budget(limits.parts), limits, problems)


def _read(
    raw: bytes, start: int, end: int, default: str, depth: int, budget: _Budget, limits: MailLimits, problems: Problems
) -> Part:
    headers, body = fields.split(raw, start, end, limits, problems)
    media_type, parameters = params.parse(fields.first(headers, b"content-type"))
    if not _TYPE.fullmatch(media_type):
        found = _TYPE.match(media_type)
        media_type = found[0] if found else "text/plain" if media_type in ("text", "plain") else default
    encoding = ""
    if b"content-transfer-encoding" in headers:
        stated = fields.first(headers, b"content-transfer-encoding").decode("latin-1").lower()
        encoding = _COMMENT.sub("", stated).strip(" \t;\"'")
    children: tuple[Part, ...] = ()
    if media_type.startswith(("multipart/", "message/rfc822", "message/global")):
        if encoding in ("base64", "quoted-printable"):
            # Forbidden by RFC 2045 and done all the same: the parts are those of the decoded body.
            raw = decode_body(raw[body:end], encoding, problems)
            body, end, encoding = 0, len(raw), ""
        if depth >= limits.depth:
            problems.add(f"parts nested deeper than {limits.depth} are not opened")
        elif media_type.startswith("multipart/"):
            inner = "message/rfc822" if media_type == "multipart/digest" else "text/plain"
            children = tuple(
                _read(raw, child_start, child_end, inner, depth + 1, budget, limits, problems)
                for child_start, child_end in _spans(raw, body, end, parameters.get("boundary"), budget, problems)
            )
        elif budget.parts > 0 and media_type in ("message/rfc822", "message/global"):
            budget.parts -= 1
            children = (_read(raw, body, end, "text/plain", depth + 1, budget, limits, problems),)
    return Part(
        raw=raw, start=body, end=end, headers=headers, media_type=media_type, parameters=parameters, encoding=encoding,
        children=children,
    )  # fmt: skip


def _spans(
    raw: bytes, start: int, end: int, boundary: str | None, budget: _Budget, problems: Problems
) -> list[tuple[int, int]]:
    """Where the parts between the boundary lines lie; the line end before a boundary belongs to the boundary."""
    delimiter = b"--" + (boundary or "").rstrip().encode("utf-8", "surrogatepass")
    spans = _divided(raw, start, end, delimiter, budget, problems) if boundary else []
    if not spans and (lost := _LOST_BOUNDARY.search(raw, start, min(end, start + 65536))):
        problems.add("the boundary between the parts is not the one announced")
        spans = _divided(raw, start, end, b"--" + lost[1], budget, problems)
    if not spans:
        problems.add("a multipart has no boundary line")
    return spans


def _divided(
    raw: bytes, start: int, end: int, delimiter: bytes, budget: _Budget, problems: Problems
) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    opened = -1
    position = raw.find(delimiter, start, end)
    while position >= 0:
        after = position + len(delimiter)
        line_end = raw.find(b"\n", after, after + 200)
        rest = raw[after : line_end if 0 <= line_end <= end else min(end, after + 200)].rstrip(b" \t\r")
        if (position == start or raw[position - 1] == 10) and rest in (b"", b"--"):
            if 0 <= opened < position:  # of boundary lines that follow each other at once, the last opens
                spans.append((opened, _before_line_end(raw, opened, position)))
                budget.parts -= 1
            opened = -1 if rest else min(end, line_end + 1 if line_end >= 0 else end)
            if rest:
                return spans
            if budget.parts <= 0:
                problems.add("too many parts, the rest stays in one piece")
                break
        position = raw.find(delimiter, after, end)
    if 0 <= opened < end:
        if budget.parts > 0:
            problems.add("a multipart does not end with its boundary line")
        spans.append((opened, end))
        budget.parts -= 1
    return spans


def _before_line_end(raw: bytes, start: int, position: int) -> int:
    if raw[position - 2 : position] == b"\r\n":
        position -= 2
    elif raw[position - 1 : position] == b"\n":
        position -= 1
    return max(start, position)
