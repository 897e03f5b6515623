"""Characters and cells of the files that forwarding bodies make: in which encoding, and as people read them."""

from __future__ import annotations

import codecs
import re
from datetime import date, datetime, time, timedelta

_CHUNK = 64 << 10
#: Fewer broken characters than this in a thousand, and it is UTF-8 that something has cut or mixed.
_BROKEN = 2
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\xa0\x00]")
_AS_TEXT = re.compile(r'="([^"]*)"')
#: What sheets and exports put before a text that is not to be taken for a number or a formula.
_APOSTROPHE = re.compile(r"['‘’`](?=[0-9０-９=+\-@])")
_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#GETTING_DATA"})
_EXACT = 10**15  # sheets keep 15 digits; what is larger has lost some


def encoding_of(body: bytes) -> str:
    """UTF-8 with or without a mark, UTF-16 with one, else the encoding of Chinese Windows."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    reader = codecs.getincrementaldecoder("utf-8")("replace")
    total = broken = 0
    for start in range(0, len(body), _CHUNK):
        text = reader.decode(body[start : start + _CHUNK], start + _CHUNK >= len(body))
        total += len(text)
        broken += text.count("\ufffd")
    return "utf-8-sig" if broken * 1000 <= total * _BROKEN else "gb18030"


def decoded(body: bytes) -> str:
    """All of it as text; what cannot be read is marked."""
    return body.decode(encoding_of(body), "replace")


def text_of(cell: object) -> str:
    """A value as people read it: 1.0 is 1, a day has no midnight; what has lost digits is shown so (2.02E+17)."""
    match cell:
        case bool():
            return "是" if cell else "否"
        case float():
            return number_text(cell)
        case datetime():
            return cell.strftime("%Y-%m-%d" if cell.time() == time() else "%Y-%m-%d %H:%M:%S")
        case date() | time():
            return cell.isoformat()
        case timedelta():
            return str(cell)
        case None:
            return ""
        case _:
            return str(cell).strip()


def number_text(value: float) -> str:
    """A number of a sheet: whole ones without a point while they are exact."""
    if value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return f"{value:.15g}" if abs(value) < _EXACT else f"{value:.14E}"


def clean(text: str) -> str:
    """A cell without what exports add to it: marks before numbers, ``="…"``, invisible characters, error values."""
    text = _INVISIBLE.sub("", text).strip()
    if text in _ERRORS:
        return ""
    if wrapped := _AS_TEXT.fullmatch(text):
        text = wrapped[1].strip()
    return _APOSTROPHE.sub("", text, count=1) if _APOSTROPHE.match(text) else text
