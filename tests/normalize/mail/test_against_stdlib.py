"""The byte splitter finds the same parts as the standard library's line-by-line parser."""

from __future__ import annotations

import json
from email import message_from_bytes, policy
from email.message import Message
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.normalize.mail.model import MailLimits, Problems
from gateway.normalize.mail.structure import Part, read_tree

FIXTURES = Path(__file__).parent / "fixtures"
# Here we read on purpose what the standard library gives up: wrong boundaries, encoded multiparts, a leading mark.
_WE_READ_MORE = {
    "multipart-with-other-boundary", "base64-multipart", "binary-noise", "no-headers-at-all", "empty",
    "carriage-returns-only", "base64-with-foreign-bytes", "base64-in-pieces", "base64-without-padding",
    "uuencode-damaged", "quoted-printable-damaged",
}  # fmt: skip
_OPENED_BY_STDLIB_ONLY = ("message/delivery-status", "message/disposition-notification")

Shape = tuple[str, object]


def _ours(part: Part) -> Shape:
    if part.children:
        return part.media_type, [_ours(child) for child in part.children]
    if part.media_type in _OPENED_BY_STDLIB_ONLY:
        return part.media_type, b""
    return part.media_type, _lines(part.content(Problems(0)))


def _theirs(part: Message) -> Shape:
    if part.get_content_type() in _OPENED_BY_STDLIB_ONLY:
        return part.get_content_type(), b""
    if part.is_multipart():
        return part.get_content_type(), [_theirs(child) for child in part.get_payload()]  # type: ignore[arg-type]
    payload = part.get_payload(decode=True)
    return part.get_content_type(), _lines(payload if isinstance(payload, bytes) else b"")


def _lines(body: bytes) -> bytes:
    return body.replace(b"\r\n", b"\n").rstrip(b"\n")


def _compare(raw: bytes) -> None:
    tree = read_tree(raw, MailLimits(), Problems(0))
    assert _ours(tree) == _theirs(message_from_bytes(raw, policy=policy.compat32))


@pytest.mark.parametrize("name", sorted({path.stem for path in FIXTURES.glob("*.eml")} - _WE_READ_MORE))
def test_a_sample_mail_has_the_parts_that_the_standard_library_finds(name: str) -> None:
    json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    _compare((FIXTURES / f"{name}.eml").read_bytes())


_LINES = [
    b"", b"text", b"--", b"--x", b"-- ", b"--bb", b"--b0--x", b"a: b", b" folded", b"=E4",
    b"\xcd\xb6\xcb\xdf", b"> q", b".",
]  # fmt: skip
_BODY = st.lists(st.sampled_from(_LINES), max_size=6)
_TYPES = st.sampled_from([b"text/plain", b"text/html; charset=gbk", b"application/pdf; name=a.pdf", b"image/png"])


@st.composite
def _trees(draw: st.DrawFn, depth: int = 3, path: str = "b") -> bytes:
    end = b"\r\n"
    kind = draw(st.sampled_from(["leaf", "leaf", "multipart", "message"] if depth else ["leaf"]))
    if kind == "leaf":
        return b"Content-Type: " + draw(_TYPES) + end + end + end.join(draw(_BODY))
    if kind == "message":
        return (
            b"Content-Type: message/rfc822" + end + end + b"Subject: inner" + end + draw(_trees(depth - 1, path + "m"))
        )
    boundary = draw(st.sampled_from([path, path + " x", path + "'()+_,-./:=?", path * 8])).encode()
    parts = draw(st.lists(st.integers(), min_size=1, max_size=3))
    pad = draw(st.sampled_from([b"", b" ", b"\t "]))
    out = (
        b'Content-Type: multipart/mixed; boundary="'
        + boundary
        + b'"'
        + end
        + end
        + draw(st.sampled_from([b"", b"preamble\r\n"]))
    )
    for number, _ in enumerate(parts):
        out += b"--" + boundary + pad + end + draw(_trees(depth - 1, f"{path}{number}")) + end
    return out + b"--" + boundary + b"--" + pad + draw(st.sampled_from([b"", b"\r\n", b"\r\nepilogue"]))


@settings(max_examples=200, deadline=None)
@given(_trees(), st.booleans())
def test_a_generated_tree_of_parts_is_split_like_the_standard_library_does(tree: bytes, bare: bool) -> None:
    raw = b"From: a@example.com\r\nSubject: x\r\n" + tree
    _compare(raw.replace(b"\r\n", b"\n") if bare else raw)
