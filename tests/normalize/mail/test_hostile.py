"""Mails made to exhaust a parser cost no more than ordinary large ones."""

from __future__ import annotations

import base64
import random
import struct
import time

import pytest

from gateway.normalize.mail import MailLimits, parse_mail, safe_html
from tests.normalize.mail.corpus.build import file_part, head, multipart

CPU_SECONDS = 0.5

_HEAD = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
_MIXED = _HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
_BOUNCE = b"Return-Path: <>\r\nFrom: postmaster@example.com\r\nSubject: failure notice\r\n\r\n"


def _html(source: bytes) -> bytes:
    return _HEAD + b"Content-Type: text/html\r\n\r\n" + source


def _text(text: bytes, encoding: bytes = b"8bit") -> bytes:
    return _HEAD + b"Content-Type: text/plain\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + text


def _field(value: bytes, name: bytes = b"To") -> bytes:
    return b"From: a@example.com\r\n" + name + b": " + value + b"\r\n\r\nx"


def _nested(depth: int) -> bytes:
    level = 'Content-Type: multipart/mixed; boundary="b{0}"\r\n\r\n--b{0}\r\n'
    return _HEAD + "".join(level.format(n) for n in range(depth)).encode() + b"Content-Type: text/plain\r\n\r\nhi\r\n"


def _prefixes() -> bytes:
    level = b'--b%s\r\nContent-Type: multipart/mixed; boundary="b%s"\r\n\r\n'
    return _MIXED + b"".join(level % (b"b" * n, b"b" * (n + 1)) for n in range(1500))


HOSTILE: dict[str, bytes] = {
    "20,000 encoded words": _field(b"=?utf-8?B?5oqV6K+J?= " * 20_000, b"Subject"),
    "20,000 folded encoded words": _field(b"=?utf-8?B?5oqV6K+J?=\r\n " * 20_000, b"Subject"),
    "20,000 words in turning charsets": _field(b"=?utf-8?B?5oqV6K+J?= =?gbk?Q?=CD=B6?= " * 10_000, b"Subject"),
    "20,000 words that never end": _field(b"=?utf-8?q?a?b" * 20_000, b"Subject"),
    "30,000 opening brackets": _field(b"(" * 30_000),
    "30,000 opening brackets in 100 fields": (b"To: " + b"(" * 30_000 + b"\r\n") * 100 + b"\r\nx",
    "quotes and escapes": _field(b'"\\"' * 20_000),
    "30,000 at signs": _field(b"a@" * 30_000),
    "60,000 commas": _field(b"," * 60_000),
    "9,000 addresses": _field(b"a@example.com, " * 9_000),
    "a name of 60,000 blanks": _field(b"a" + b" " * 60_000 + b"x"),
    "10,000 references": _field(b"<a@b> " * 10_000, b"References"),
    "20,000 parts": _MIXED + b"--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n" * 20_000 + b"--b--",
    "200,000 empty parts": _MIXED + b"--b\r\n\r\n" * 200_000,
    "20,000 multiparts side by side": _MIXED
    + b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n" * 20_000,
    "1,000 multiparts in each other": _nested(1_000),
    "1,000 messages in each other": _HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 1_000 + b"hi",
    "boundaries that begin alike": _prefixes(),
    "lines that begin like the boundary": _MIXED.replace(b"=b", b"=" + b"b" * 60)
    + (b"--" + b"b" * 60 + b"x\r\n") * 50_000,
    "5 MB of dashes": _MIXED.replace(b"=b", b'="' + b"-" * 60 + b'"') + b"-" * 5_000_000,
    "20,000 tags in each other": _html(b"<div>" * 20_000 + b"hi"),
    "20,000 tags closed wrongly": _html(b"<div></x>" * 20_000 + b"hi"),
    "unclosed formatting in 100,000 paragraphs": _html(
        b"".join(b"<b id=%d>" % n for n in range(200)) + b"<p>x" * 100_000
    ),
    "tables in links": _html(b"<a href=x><table>" * 5_000 + b"</a>" * 5_000),
    "200,000 attributes": _html(b"<div " + b"a=b " * 200_000 + b">x"),
    "200,000 comments that never end": _html(b"<div>" * 400 + b"<!--" * 200_000),
    "100,000 preformatted blocks": _html(b"<pre>" * 100_000 + b"</pre>"),
    "100,000 scripts with the wrong end": _html(b"<div>" * 400 + b"<script>" * 100_000 + b"</style>"),
    "200,000 broken meta tags": _html(b"<meta " * 200_000),
    "900,000 ampersands": _html(b"<div>" * 400 + b"&" * 900_000),
    "5 MB of base64 on one line": _text(base64.b64encode(bytes(3_750_000)), b"base64"),
    "5 MB of base64 padding": _text(b"QQ==" * 1_250_000, b"base64"),
    "5 MB of broken quoted-printable": _text(b"=" * 5_000_000, b"quoted-printable"),
    "1,000,000 quoted lines": _text(b"> a\n" * 1_000_000),
    "4,900 attributions": _text(b"2026 a@b wrote:\n" * 4_900 + b"> x\ny\n"),
    "1,600 answered attributions": _text(b"2026 a@b wrote:\n> x\ny\n" * 1_600),
    "2,400 sender lines": _text(b"From: a\nx\n" * 2_400),
    "2 MB of separator lines": _text((b"-" * 60 + b" " * 900 + b"\n") * 2_000),
    "200,000 uuencode starts": _text(b"begin 644 a\n" * 200_000),
    "100,000 header fields": b"From: a@example.com\r\n" + b"X: y\r\n" * 100_000 + b"\r\nx",
    "a field folded 500,000 times": b"Subject: a\r\n" + b" b\r\n" * 500_000 + b"\r\nx",
    "5 MB without a line end": b"a" * 5_000_000,
    "5 MB of line ends": b"\n" * 5_000_000,
    "60,000 empty parameters": _HEAD + b"Content-Type: text/plain" + b";" * 60_000 + b"\r\n\r\nx",
    "8,000 open quotes in parameters": _HEAD + b"Content-Type: text/plain" + b'; a="\\"' * 8_000 + b"\r\n\r\nx",
    "4,000 continued parameters": _HEAD
    + b"Content-Type: text/plain"
    + b"".join(b"; name*%d*=%%41" % n for n in range(4_000))
    + b"\r\n\r\nx",
    "1 MB of random high bytes": _text(random.Random(1).randbytes(1_000_000).translate(bytes(range(128, 256)) * 2)),
    "a bounce of 1 MB without an address": _BOUNCE + b"a" * 1_000_000 + b"@",
    "a bounce of 1 MB of near addresses": _BOUNCE + b"550 " + b"a.-@" * 250_000,
    "50,000 failed recipients": b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: message/delivery-status\r\n\r\n"
    + b"Final-Recipient: rfc822; a@b.cn\r\nAction: failed\r\n\r\n" * 50_000,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_costs_less_than_half_a_second(name: str) -> None:
    start = time.process_time()
    safe_html(parse_mail(HOSTILE[name]))
    assert time.process_time() - start < CPU_SECONDS


def _attribute(level: int, kind: int, value: bytes) -> bytes:
    return struct.pack("<BII", level, kind, len(value)) + value + b"\0\0"


@pytest.mark.parametrize(
    "properties",
    [
        struct.pack("<I", 0xFFFFFFFF),
        struct.pack("<IHHI", 1, 0x1002, 0x0001, 0xFFFFFFFF),
        struct.pack("<IHHI", 1, 0x001E, 0x0001, 0xFFFFFFF0),
        struct.pack("<IHH", 1, 0x0003, 0x8000) + bytes(16) + struct.pack("<II", 1, 0xFFFFFFFF),
    ],
    ids=["property count", "value count", "string count", "name length"],
)
def test_counts_in_a_winmail_dat_are_not_believed(properties: bytes) -> None:
    stream = struct.pack("<IH", 0x223E9F78, 1) + _attribute(1, 0x00069003, properties)
    raw = head() + multipart("mixed", file_part(stream, "application/ms-tnef; name=winmail.dat"))
    start = time.process_time()
    mail = parse_mail(raw)
    assert time.process_time() - start < CPU_SECONDS
    assert mail.attachments[0].name == "winmail.dat"


def test_a_mail_over_the_size_limit_is_read_in_part_and_left_to_a_person() -> None:
    mail = parse_mail(head(subject="大") + b"\r\n" + b"a" * 5_000, MailLimits(message_bytes=1_000))
    assert mail.subject == "大"
    assert not mail.readable
    assert "longer than 1000 bytes" in mail.problems[0]


def test_parts_beyond_the_limit_are_named_and_kept_in_one_piece() -> None:
    parts = [file_part(b"%d" % number, f"text/csv; name={number}.csv") for number in range(30)]
    mail = parse_mail(head() + multipart("mixed", *parts), MailLimits(parts=10))
    assert [each.name for each in mail.attachments] == [f"{number}.csv" for number in range(11)]
    assert "too many parts, the rest stays in one piece" in mail.problems
