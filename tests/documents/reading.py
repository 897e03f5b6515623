"""The text of documents, read back from their files."""

from __future__ import annotations

import io
import re
import zlib

from docx import Document

_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_ESCAPED = re.compile(rb"\\([nrtbf()\\])")
_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def text_of(docx: bytes) -> str:
    """The paragraphs of a DOCX."""
    return "\n".join(one.text for one in Document(io.BytesIO(docx)).paragraphs)


def pages_of(pdf: bytes) -> list[list[str]]:
    """The lines on each page of a PDF, as the font's own table names its characters (PDF 32000-1, 9.10.3)."""
    streams = [_plain(one[1]) for one in _STREAM.finditer(pdf)]
    (table,) = [one for one in streams if b"begincmap" in one]
    named = dict(re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]+)>", table))
    characters = {int(code, 16): bytes.fromhex(to.decode()).decode("utf-16-be") for code, to in named.items()}
    return [
        [
            "".join(characters[code] for code in _codes(said))
            for said in re.findall(rb"Td \((.*?)\) Tj ET", page, re.DOTALL)
        ]
        for page in streams
        if b" Tj" in page and b"begincmap" not in page
    ]


def _plain(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return stream


def _codes(said: bytes) -> list[int]:
    written = _ESCAPED.sub(lambda found: _NAMED.get(found[1], found[1]), said)
    return [int.from_bytes(written[at : at + 2], "big") for at in range(0, len(written), 2)]
