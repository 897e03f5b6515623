"""`winmail.dat`: the files and the text that Outlook packs into TNEF ([MS-OXTNEF]), read within the size of the input.

Not read with tnefparse, which trusts the counts in the file: 29 hostile bytes make it loop four billion times.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from gateway.normalize.mail import charset
from gateway.normalize.mail.model import MailFile
from gateway.normalize.mail.params import file_name

_SIGNATURE = 0x223E9F78
_OBJECTS = 5_000
_PROPERTIES = 2_000

_BODY, _TITLE, _CONTENT, _NEW_FILE = 0x800C, 0x8010, 0x800F, 0x9002
_MESSAGE_PROPERTIES, _FILE_PROPERTIES, _CODEPAGE = 0x9003, 0x9005, 0x9007

_P_BODY, _P_RTF, _P_HTML = 0x1000, 0x1009, 0x1013
_P_FILE_CONTENT, _P_SHORT_NAME, _P_LONG_NAME, _P_MIME, _P_CONTENT_ID = 0x3701, 0x3704, 0x3707, 0x370E, 0x3712

_FIXED = {0x0001: 0, 0x0002: 4, 0x0003: 4, 0x0004: 4, 0x0005: 8, 0x0006: 8, 0x0007: 8, 0x000A: 4, 0x000B: 4, 0x0014: 8,
          0x0040: 8, 0x0048: 16}  # fmt: skip
_VARIABLE = frozenset((0x000D, 0x001E, 0x001F, 0x0102))


@dataclass(slots=True)
class Unpacked:
    """What was inside; `rtf` says that the text is there only in a form that is not read."""

    text: str = ""
    html: str | None = None
    rtf: bool = False
    files: list[MailFile] = field(default_factory=list)


def unpack(content: bytes) -> Unpacked | None:
    """Text and files of a TNEF stream; None when it is no TNEF or is damaged."""
    try:
        return _unpack(content)
    except (struct.error, IndexError, ValueError):
        return None


def _unpack(content: bytes) -> Unpacked | None:
    if len(content) < 6 or struct.unpack_from("<I", content)[0] != _SIGNATURE:
        return None
    out = Unpacked()
    codepage = "cp936"
    files: list[dict[str, bytes | str]] = []
    offset = 6
    for _ in range(_OBJECTS):
        if offset + 11 > len(content):
            break
        _level, name, _kind, length = struct.unpack_from("<BHHI", content, offset)
        if offset + 9 + length > len(content):
            return None
        value = content[offset + 9 : offset + 9 + length]
        offset += length + 11
        if name == _CODEPAGE:
            codepage = f"cp{struct.unpack_from('<I', value)[0]}"
        elif name == _BODY:
            out.text = out.text or _string(value, codepage)
        elif name == _NEW_FILE:
            files.append({})
        elif name == _TITLE and files:
            files[-1].setdefault("name", _string(value, codepage))
        elif name == _CONTENT and files:
            files[-1]["content"] = value
        elif name == _FILE_PROPERTIES and files:
            _take_file_properties(files[-1], _properties(value), codepage)
        elif name == _MESSAGE_PROPERTIES:
            _take_message_properties(out, _properties(value), codepage)
    if content[offset:].strip(b"\0"):
        return None  # it was cut off, or is longer than anybody writes
    for each in files:
        inner = each.get("content", b"")
        name_given, kind = str(each.get("long", each.get("name", ""))), str(each.get("mime", ""))
        if isinstance(inner, bytes) and (inner or name_given):
            content_id = str(each["id"]) if each.get("id") else None
            name_given = file_name(name_given) or f"file-{len(out.files) + 1}.bin"
            media_type = kind if "/" in kind else "application/octet-stream"
            out.files.append(MailFile(name=name_given, media_type=media_type, content=inner, content_id=content_id))
    return out


def _take_file_properties(into: dict[str, bytes | str], found: dict[int, tuple[int, bytes]], codepage: str) -> None:
    for number, key in ((_P_SHORT_NAME, "name"), (_P_LONG_NAME, "long"), (_P_MIME, "mime"), (_P_CONTENT_ID, "id")):
        if number in found:
            into[key] = _typed(*found[number], codepage)
    if _P_FILE_CONTENT in found:
        kind, value = found[_P_FILE_CONTENT]
        into.setdefault("content", value[16:] if kind == 0x000D else value)  # an object begins with its interface id


def _take_message_properties(out: Unpacked, found: dict[int, tuple[int, bytes]], codepage: str) -> None:
    if _P_BODY in found:
        out.text = _typed(*found[_P_BODY], codepage) or out.text
    if _P_HTML in found:
        out.html = _typed(*found[_P_HTML], codepage)
    out.rtf = _P_RTF in found


def _typed(kind: int, value: bytes, codepage: str) -> str:
    if kind == 0x001F:
        return value.decode("utf-16-le", "replace").split("\0", 1)[0]
    return _string(value, codepage)


def _string(value: bytes, codepage: str) -> str:
    return charset.decode(value.rstrip(b"\0"), codepage)[0].replace("\0", "")


def _properties(block: bytes) -> dict[int, tuple[int, bytes]]:
    """Property number to (type, first value); every count is checked against what is left of the block."""
    found: dict[int, tuple[int, bytes]] = {}
    (count,) = struct.unpack_from("<I", block)
    offset = 4
    for _ in range(min(count, _PROPERTIES)):
        if offset + 4 > len(block):
            break
        kind, number = struct.unpack_from("<HH", block, offset)
        offset += 4
        if number >= 0x8000:  # named: a GUID, and a number or a name
            named, length = struct.unpack_from("<II", block, offset + 16)
            offset += 24 + (_padded(length) if named else 0)
        many, kind = kind & 0x1000, kind & 0xEFFF
        values = 1
        if many or kind in _VARIABLE:
            (values,) = struct.unpack_from("<I", block, offset)
            offset += 4
        if values > len(block):
            raise ValueError("more values than bytes")
        for index in range(values):
            if kind in _VARIABLE:
                (length,) = struct.unpack_from("<I", block, offset)
                value = block[offset + 4 : offset + 4 + length]
                offset += 4 + _padded(length)
            elif kind in _FIXED:
                value = block[offset : offset + _FIXED[kind]]
                offset += _FIXED[kind]
            else:
                raise ValueError("unknown property type")
            if index == 0:
                found[number] = (kind, value)
            if offset > len(block):
                return found
    return found


def _padded(length: int) -> int:
    return (length + 3) // 4 * 4
