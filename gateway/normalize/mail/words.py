"""Header bytes to text: RFC 2047 encoded words as mailers really write them, and raw eight-bit text between them."""

from __future__ import annotations

import binascii
import re

from gateway.normalize.mail import charset

_WORD = re.compile(r"=\?([\w.:+-]{1,40})(?:\*[\w-]{0,40})?\?([bBqQ])\?((?:[^?]|(?<!=)\?(?!=)){0,60000})\?=")
_RAW_WORD = re.compile(rb"(=\?[\w.:+*-]{1,80}\?[bBqQ]\?[^?]{0,60000}\?=)")
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_HEX = re.compile(r"=([0-9A-Fa-f]{2})")


def one_line(text: str) -> str:
    """The text with every run of control characters and blanks made one blank: safe to be put into a header again."""
    return _UNSAFE.sub(" ", text).strip()


def as_text(value: bytes) -> tuple[str, str | None]:
    """A raw header value as text with its encoded words still in place, and a sentence when bytes had to be guessed.

    Raw eight-bit text is judged by itself, never together with the encoded words: they may differ in charset.
    """
    if value.isascii():
        return value.decode("ascii"), None
    if b"=?" not in value:
        return charset.decode(value)
    pieces: list[str] = []
    problem: str | None = None
    for piece in _RAW_WORD.split(value):
        text, odd = charset.decode(piece)
        problem = problem or odd
        pieces.append(text)
    return "".join(pieces), problem


def decode_words(text: str, limit: int = 1000) -> tuple[str, str | None]:
    """`text` with its encoded words decoded, at most `limit` of them, and a sentence when one was damaged.

    Neighbouring words of one charset are joined as bytes first, because mailers cut characters in two between words.
    What is not a well-formed word stays as it is.
    """
    if "=?" not in text:
        return text, None
    out: list[str] = []
    problem: str | None = None
    run: list[tuple[str, str]] = []  # the (encoding, payload) pairs of one charset that stand together
    label = ""
    end = 0

    def flush() -> None:
        nonlocal problem
        if run:
            decoded, odd = charset.decode(_payload(run), label)
            out.append(decoded)
            problem = problem or odd
            run.clear()

    for count, match in enumerate(_WORD.finditer(text), start=1):
        if count > limit:
            problem = f"more than {limit} encoded words in one header, the rest is left as it is"
            break
        gap = text[end : match.start()]
        if gap.strip() or not run:
            flush()
            out.append(gap if gap.strip() or end == 0 else "")
        elif match[1].lower() != label:
            flush()
        label = match[1].lower()
        run.append((match[2].lower(), match[3]))
        end = match.end()
    flush()
    out.append(text[end:])
    return "".join(out), problem


def _payload(run: list[tuple[str, str]]) -> bytes:
    """The bytes of neighbouring words; base64 that was cut within a group of four is joined before it is decoded."""
    parts: list[bytes] = []
    pending = ""
    for encoding, body in run:
        if encoding == "q":
            parts.append(_base64(pending))
            pending = ""
            parts.append(_quoted(body))
            continue
        pending += re.sub(r"[^A-Za-z0-9+/=]", "", body)
        if len(pending.rstrip("=")) % 4 == 0 or pending.endswith("="):
            parts.append(_base64(pending))
            pending = ""
    parts.append(_base64(pending))
    return b"".join(parts)


def _base64(body: str) -> bytes:
    body = body.rstrip("=")
    if len(body) % 4 == 1:
        body = body[:-1]
    try:
        return binascii.a2b_base64(body + "=" * (-len(body) % 4))
    except binascii.Error:
        return b""


def _quoted(body: str) -> bytes:
    # Not a2b_qp: here "_" is a blank and a stray "=" must survive.
    raw = _HEX.sub(lambda found: chr(int(found[1], 16)), body.replace("_", " ")) if body.isascii() else body
    return raw.encode("latin-1") if body.isascii() else raw.encode("utf-8")


def header_text(value: bytes, limit: int = 1000) -> tuple[str, str | None]:
    """A raw header value as one line of readable text, and a sentence about what was odd in it."""
    text, odd = as_text(value)
    decoded, damaged = decode_words(text, limit)
    return one_line(decoded), odd or damaged
