"""A small writer of TNEF, after [MS-OXTNEF]."""

from __future__ import annotations

import struct


def _attribute(level: int, kind: int, value: bytes) -> bytes:
    return struct.pack("<BII", level, kind, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def _property(number: int, value: str) -> bytes:
    raw = (value + "\0").encode("utf-16-le")
    return struct.pack("<HHII", 0x001F, number, 1, len(raw)) + raw + bytes(-len(raw) % 4)


def winmail(text: str, files: list[tuple[str, bytes]]) -> bytes:
    """A winmail.dat with a plain body and files with short and long names."""
    out = struct.pack("<IH", 0x223E9F78, 1)
    out += _attribute(1, 0x00089006, struct.pack("<I", 0x00010000))
    out += _attribute(1, 0x00069007, struct.pack("<II", 936, 0))
    out += _attribute(1, 0x00069003, struct.pack("<I", 1) + _property(0x1000, text))
    for name, content in files:
        out += _attribute(2, 0x00069002, bytes(14))
        out += _attribute(2, 0x00018010, b"LONGNA~1.PDF\0")
        out += _attribute(2, 0x0006800F, content)
        out += _attribute(2, 0x00069005, struct.pack("<I", 1) + _property(0x3707, name))
    return out
