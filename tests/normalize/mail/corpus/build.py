"""Putting sample mails together as bytes, byte for byte as the named software sends them."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import quote

Sample = tuple[bytes, dict[str, Any]]

TO = "投诉受理 <tousu@example.com>"
DATE = "Fri, 20 Nov 2026 09:00:00 +0800"
AT = "2026-11-20T09:00:00+08:00"


def word(text: str, charset: str = "utf-8", encoding: str = "B") -> str:
    """One encoded word."""
    raw = text.encode(charset)
    body = base64.b64encode(raw).decode() if encoding == "B" else "".join(f"={byte:02X}" for byte in raw)
    return f"=?{charset}?{encoding}?{body}?="


def b64(raw: bytes) -> bytes:
    """Base64 in lines of 76 with CRLF."""
    return base64.encodebytes(raw).replace(b"\n", b"\r\n")


def qp(raw: bytes) -> bytes:
    """Quoted-printable with CRLF."""
    return binascii.b2a_qp(raw.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")


def rfc2231(text: str, charset: str = "utf-8") -> str:
    """The value of an extended parameter."""
    return f"{charset}''{quote(text.encode(charset))}"


def head(
    *lines: str | bytes, sender: str | None = "li@example.com", subject: str | None = "投诉", **more: str
) -> bytes:
    """A header block: the usual fields, then `lines` as they are; a field given as "" is left out."""
    fields: dict[str, str] = {
        "From": sender or "",
        "To": "tousu@example.com",
        "Subject": (subject if subject and subject.isascii() else word(subject)) if subject else "",
        "Date": DATE,
        "Message-ID": "<1@example.com>",
        "MIME-Version": "1.0",
    }
    fields |= {name.replace("_", "-"): value for name, value in more.items()}
    block = [f"{name}: {value}".encode() for name, value in fields.items() if value]
    block += [line.encode() if isinstance(line, str) else line for line in lines]
    return b"\r\n".join(block) + b"\r\n"


def text_part(text: str, charset: str = "utf-8", kind: str = "plain", encoding: str = "base64") -> bytes:
    """A text part with its headers."""
    raw = text.replace("\n", "\r\n").encode(charset if charset != "gb2312" else "gb18030")
    body = b64(raw) if encoding == "base64" else qp(raw) if encoding == "quoted-printable" else raw
    return (
        f'Content-Type: text/{kind}; charset="{charset}"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'.encode()
        + body
    )


def file_part(content: bytes, type_line: str, disposition: str | bytes = "attachment", *more: str) -> bytes:
    """A base64 part; `type_line` and `disposition` are header values as they are."""
    placed = disposition.encode() if isinstance(disposition, str) else disposition
    lines = [
        b"Content-Type: " + type_line.encode(),
        b"Content-Disposition: " + placed,
        *(each.encode() for each in more),
    ]
    return b"\r\n".join([*lines, b"Content-Transfer-Encoding: base64", b"", b""]) + b64(content)


def multipart(kind: str, *parts: bytes, boundary: str = "----=_NextPart_001", more: str = "") -> bytes:
    """The rest of a mail or part whose body is made of parts."""
    line = f"--{boundary}".encode()
    start = (
        f'Content-Type: multipart/{kind}; boundary="{boundary}"{more}\r\n\r\nThis is a multi-part message.\r\n'.encode()
    )
    return start + b"".join(line + b"\r\n" + part.rstrip(b"\r\n") + b"\r\n" for part in parts) + line + b"--\r\n"


def alternative(text: str, html: str, charset: str = "utf-8", boundary: str = "----=_Alt_002") -> bytes:
    """Plain text and HTML of the same content."""
    return multipart("alternative", text_part(text, charset), text_part(html, charset, "html"), boundary=boundary)


def plain(text: str, *lines: str | bytes, charset: str = "utf-8", encoding: str = "base64", **fields: str) -> bytes:
    """A whole mail of one text."""
    return head(*lines, **fields) + text_part(text, charset, encoding=encoding)
