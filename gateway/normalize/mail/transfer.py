"""`Content-Transfer-Encoding` undone, tolerantly: whatever is damaged still gives what can be read, and says so."""

from __future__ import annotations

import binascii
import re

from gateway.normalize.mail import charset
from gateway.normalize.mail.model import MailFile, Problems
from gateway.normalize.mail.params import file_name

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64))
_PADDING = re.compile(rb"=+")
_LEFT_QUOTED = re.compile(rb"(?:=[89A-F][0-9A-F]){3}")
_BEGIN = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,200})\r?\n", re.MULTILINE)
_END = re.compile(rb"^(?:end|={4})[ \t]*(?:\r?\n|\r?\Z)", re.MULTILINE)


def decode_body(body: bytes, encoding: str, problems: Problems) -> bytes:
    """The bytes that were meant: base64, quoted-printable and uuencode are undone, anything else is taken as it is."""
    match encoding:
        case "base64":
            return base64(body, problems)
        case "quoted-printable":
            return binascii.a2b_qp(body)
        case "x-uuencode" | "uuencode" | "x-uue" | "uue":
            begin = _BEGIN.search(body)
            block = _uu_block(body, begin) if begin else None
            if block is None:
                problems.add("a uuencoded part is damaged and left as it is")
                return body
            return block[0]
        case "" | "7bit" | "8bit" | "binary":
            return body
        case _:
            problems.add("an unknown transfer encoding is left as it is")
            return body


def base64(body: bytes, problems: Problems) -> bytes:
    """Base64 with foreign characters skipped, padding added where it lacks, and several padded pieces in a row read."""
    core = body.rstrip(b"= \t\r\n")
    decoded = _whole_base64(core, len(core) - core.count(b"\n") - core.count(b"\r"))
    if decoded is None:
        core = core.translate(None, b" \t\r\n\0")
        decoded = _whole_base64(core, len(core))
    if decoded is not None:
        return decoded
    problems.add("base64 is damaged")
    pieces = _PADDING.split(core.translate(None, _NOT_BASE64), maxsplit=2000)
    pieces[-1] = pieces[-1].replace(b"=", b"")
    return b"".join(
        binascii.a2b_base64(piece + b"=" * (-len(piece) % 4))
        for piece in (piece[:-1] if len(piece) % 4 == 1 else piece for piece in pieces)
    )


def _whole_base64(core: bytes, characters: int) -> bytes | None:
    """The bytes when all of `core` is base64 of so many characters without padding; else None."""
    if b"=" in core or characters % 4 == 1:
        return None
    try:
        decoded = binascii.a2b_base64(core + b"=" * (-characters % 4))
    except binascii.Error:
        return None
    return decoded if len(decoded) == characters * 3 // 4 else None


def left_quoted(body: bytes, label: str | None) -> bytes | None:
    """The decoded bytes of a quoted-printable text whose part does not say so; None when it is ordinary text."""
    if b"=" not in body or not body.isascii() or not _LEFT_QUOTED.search(body):
        return None
    decoded = binascii.a2b_qp(body)
    for codec in dict.fromkeys((charset.codec_of(label) or "utf-8", "utf-8")):
        try:
            decoded.decode(codec)
        except UnicodeError:
            continue
        return decoded
    return None


def uu_files(body: bytes, problems: Problems) -> tuple[bytes, list[MailFile]]:
    """Files that were pasted into a text in uuencode, and the text without them; a damaged block stays in the text."""
    if b"begin" not in body:
        return body, []
    files: list[MailFile] = []
    rest: list[bytes] = []
    position = 0
    while len(files) < 50 and (begin := _BEGIN.search(body, position)):
        block = _uu_block(body, begin)
        if block is None:
            if not files and body[begin.end() : begin.end() + 1] in (b"M", b"/"):
                problems.add("a uuencoded part is damaged and left as it is")
            break
        content, end = block
        name = file_name(charset.decode(begin[1].strip())[0]) or "file.bin"
        files.append(MailFile(name=name, media_type="application/octet-stream", content=content))
        rest.append(body[position : begin.start()])
        position = end
    rest.append(body[position:])
    return b"".join(rest), files


def _uu_block(body: bytes, begin: re.Match[bytes]) -> tuple[bytes, int] | None:
    end = _END.search(body, begin.end())
    if end is None:
        return None
    lines = body[begin.end() : end.start()].splitlines()
    try:
        if begin[0].startswith(b"begin-"):
            return b"".join(binascii.a2b_base64(line) for line in lines), end.end()
        # Some encoders drop trailing blanks or write one filler too many; the count in the first byte decides.
        return b"".join(_uu_line(line) for line in lines if line), end.end()
    except binascii.Error:
        return None


def _uu_line(line: bytes) -> bytes:
    length = (line[0] - 32) & 63
    return binascii.a2b_uu(line[: 1 + (length + 2) // 3 * 4])
