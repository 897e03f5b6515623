"""Whatever bytes come, there is a `ParsedMail` that can be stored."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from gateway.normalize.mail import ParsedMail, parse_mail, safe_html

FIXTURES = Path(__file__).parent / "fixtures"
CORPUS = [path.read_bytes() for path in sorted(FIXTURES.glob("*.eml"))]
TOKENS = [
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"--", b"=?", b"?=", b"=?gbk?B?", b'"', b"<", b">", b"(", b")", b";", b":",
    b",", b"\0", b"\xff", b"=", b"==", b"%", b"*0*=", b"''", b"\\", b"charset=utf-7", b"charset=utf-16",
    b"Content-Type: multipart/mixed; boundary=b\r\n", b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Transfer-Encoding: base64\r\n", b"begin 644 a\r\n", b"<div>", b"\x1b$B", b"+AAA-", b"+2AA-", b"\x80",
    b"\x81\x30\x81\x30",
]  # fmt: skip


def mutate(chance: random.Random) -> bytes:
    """A sample mail with a few cuts, copies, swaps, foreign tokens and flipped bytes."""
    raw = bytearray(chance.choice(CORPUS))
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(raw) + 1)
        match chance.randrange(6):
            case 0:
                raw[at : at + chance.randint(1, 40)] = b""
            case 1:
                raw[at:at] = chance.choice(TOKENS)
            case 2:
                raw[at:at] = raw[at : at + chance.randint(1, 200)]
            case 3 if at < len(raw):
                raw[at] = chance.randrange(256)
            case 4:
                other = chance.choice(CORPUS)
                start = chance.randrange(len(other) + 1)
                raw[at:at] = other[start : start + chance.randint(1, 400)]
            case _:
                del raw[at + chance.randint(0, 2_000) :]
    return bytes(raw)


def assert_storable(mail: ParsedMail) -> None:
    """Every string is valid UTF-8 without NUL; header strings are one line each."""
    people = (mail.sender, *mail.reply_to, *mail.to, *mail.cc)
    lines = [mail.subject, mail.message_id or "", mail.in_reply_to or "", *mail.references, *mail.delivered_to]
    lines += [part for person in people for part in (person.name, person.address)]
    lines += [part for each in mail.attachments for part in (each.name, each.media_type, each.content_id or "")]
    lines += [each.address for each in mail.bounced] + [mail.own_loop_marker or "", *mail.problems]
    for line in lines:
        assert not any(char < " " or char == "\x7f" for char in line), line
    for text in (*lines, mail.text, mail.reply_text, safe_html(mail) or ""):
        assert "\0" not in text
        text.encode("utf-8")
    assert mail.date is None or mail.date.tzinfo is not None
    assert all(each.name for each in mail.attachments)


def _run(count: int, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(count):
        raw = mutate(chance)
        start = time.process_time()
        try:
            assert_storable(parse_mail(raw))
        except Exception as error:
            raise AssertionError(f"mutant {number} of seed {seed}: {raw!r}") from error
        assert time.process_time() - start < 0.5, f"mutant {number} of seed {seed} is slow"


def test_3000_mutated_mails_are_read_without_an_exception() -> None:
    _run(3_000, seed=20_261_120)


@pytest.mark.nightly
@pytest.mark.timeout(3_600)
def test_100000_mutated_mails_are_read_without_an_exception() -> None:
    _run(100_000, seed=random.SystemRandom().randrange(2**32))


def test_random_bytes_are_read_without_an_exception() -> None:
    chance = random.Random(7)
    for _ in range(500):
        assert_storable(parse_mail(chance.randbytes(chance.randrange(600))))
        assert_storable(parse_mail(b"".join(chance.choice(TOKENS) for _ in range(chance.randrange(60)))))
