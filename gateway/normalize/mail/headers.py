"""The header block of a mail or of a part, split on bytes: nothing is decoded before somebody asks for it."""

from __future__ import annotations

import re

from gateway.normalize.mail.model import MailLimits, Problems

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")

_BLOCK = 16  # times the limit of one field is the limit of all

Headers = dict[bytes, list[bytes]]  # lower-case name -> unfolded raw values, in order


def split(raw: bytes, start: int, end: int, limits: MailLimits, problems: Problems) -> tuple[Headers, int]:
    """The header fields between `start` and `end`, and where the body begins.

    A line that is no header field ends the block and is the first line of the body, so that no text is lost.
    """
    headers: Headers = {}
    if raw.startswith((b"\n", b"\r\n"), start, end):
        return headers, start + (1 if raw[start] == 10 else 2)
    block_end, body = _blank_line(raw, start, end)
    if block_end - start > _BLOCK * limits.header_bytes:
        block_end = start + _BLOCK * limits.header_bytes
        problems.add(f"the header block is longer than {block_end - start} bytes and was cut")
    position, count = start, 0
    values: list[bytes] | None = None
    while position < block_end:
        line_end = raw.find(b"\n", position, block_end)
        if line_end < 0:
            line_end = block_end
        field = _FIELD.match(raw, position, line_end)
        if field:
            count += 1
            if count > limits.headers:
                problems.add(f"more than {limits.headers} header fields, the rest is ignored")
                break
            values = headers.setdefault(field[1].lower(), [])
            values.append(raw[field.end() : line_end])
        elif raw[position] in b" \t":
            # Folded; taken whole, up to the next field, so that long folds cost one join.
            fold_end = line_end
            while fold_end < block_end and raw[fold_end + 1 : fold_end + 2] in (b" ", b"\t"):
                nxt = raw.find(b"\n", fold_end + 1, block_end)
                fold_end = nxt if nxt >= 0 else block_end
            if values is not None:
                values[-1] += raw[position:fold_end].replace(b"\n", b"")
            line_end = fold_end
        elif raw.startswith(b"From ", position) and position == start:
            pass  # the separator line of an mbox file
        elif raw[position:line_end].strip():
            problems.add("a line in the header block is no header field")
            body = position
            break
        position = line_end + 1
    return _capped(headers, limits, problems), body


def _blank_line(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """Where the header block ends and the body begins; two finds are many times faster than one pattern."""
    crlf = raw.find(b"\n\r\n", start, end)
    bare = raw.find(b"\n\n", start, end if crlf < 0 else crlf)
    if bare >= 0:
        return bare, bare + 2
    return (crlf, crlf + 3) if crlf >= 0 else (end, end)


def _capped(headers: Headers, limits: MailLimits, problems: Problems) -> Headers:
    for values in headers.values():
        for index, value in enumerate(values):
            if len(value) > limits.header_bytes:
                problems.add(f"a header field is longer than {limits.header_bytes} bytes and was cut")
                values[index] = value[: limits.header_bytes]
            if b"\r" in value:
                values[index] = values[index].replace(b"\r", b"")
    return headers


def first(headers: Headers, name: bytes) -> bytes:
    """The first value of a field, stripped; empty when the field is missing."""
    values = headers.get(name)
    return values[0].strip() if values else b""
