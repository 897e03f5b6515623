"""Every body signs in its own way: layouts as data, each proven by a signature made here and not by our own code."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import gmalg
import pytest
from pydantic import TypeAdapter

from gateway.channels.transfer import Transfer
from gateway.channels.transfer.seal import opened
from gateway.channels.transfer.settings import TransferSettings
from gateway.channels.transfer.signing import skew
from gateway.errors import ConfigError, Refused
from gateway.message import InboundMessage, Raw
from gateway.testing.forgery import FORGERIES, forged
from gateway.testing.house import opened_house
from gateway.testing.sides import http_side
from tests.channels.transfer.at_hand import PRIVATE, PUBLIC, SECRET, hmac_of, sm2_of

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=timezone(timedelta(hours=8)))
CASE = (Path(__file__).parent / "fixtures" / "one_case.json").read_bytes()
STAMP = str(int(NOW.timestamp()))
OTHER = "1" * 64
SM4 = "0123456789abcdeffedcba9876543210"


def channel(**table: Any) -> Transfer:
    return Transfer("city", TypeAdapter(TransferSettings).validate_python({"source": "12345", **table}))


def arrived(body: bytes = CASE, **more: Any) -> Raw:
    return Raw(channel="city", body=body, received_at=NOW, media_type="application/json", **more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to sign: what is configured, and how a body does it with a key of its own."""

    settings: Mapping[str, Any]
    sign: Callable[[bytes, str], Raw]
    key: str = SECRET
    other: str = "another-" + SECRET


def by_header(body: bytes, key: str) -> Raw:
    said = f"{STAMP}\nn0nce\n".encode() + body
    marks = {"x-timestamp": STAMP, "x-nonce": "n0nce", "x-signature": hmac_of("hmac-sha256", key, said).hex()}
    return arrived(body, headers=marks)


def by_capital_header(body: bytes, key: str) -> Raw:
    """appId + timestamp + nonce + body without anything between them, in base64."""
    said = f"gateway-1{STAMP}000ab-c".encode() + body
    signed = base64.b64encode(hmac_of("hmac-sm3", key, said)).decode()
    return arrived(
        body, headers={"x-appid": "gateway-1", "x-time": f"{STAMP}000", "x-nonce": "ab-c", "x-signature": signed}
    )


def by_query(body: bytes, key: str) -> Raw:
    """Sorted parameters, the body's SHA-256 and the key, plainly digested, in capitals."""
    marks = {"appid": "gateway-1", "nonce": "a1", "timestamp": "20261120120000"}
    said = "&".join(f"{name}={marks[name]}" for name in sorted(marks))
    said += f"&body={hashlib.sha256(body).hexdigest()}&key={key}"
    return arrived(body, query={**marks, "sign": hashlib.sha256(said.encode()).hexdigest().upper()})


def by_member(body: bytes, key: str) -> Raw:
    """Everything in the body, sorted."""
    members = {"appid": "gateway-1", "timestamp": int(STAMP), "nonce": "a1", "data": json.loads(body), "empty": ""}
    text = json.dumps(members["data"], ensure_ascii=False, separators=(",", ":"))
    said = f"appid=gateway-1&data={text}&nonce=a1&timestamp={STAMP}"
    signed = hmac_of("hmac-sha256", key, said.encode()).hex()
    return arrived(json.dumps({**members, "sign": signed}, ensure_ascii=False).encode())


def by_payload(body: bytes, key: str) -> Raw:
    """A document in a text of the document; only that, time and nonce are signed."""
    said = f"a1|{STAMP}|".encode() + body
    signed = base64.b64encode(sm2_of(said, key)).decode()
    return arrived(json.dumps({"timestamp": STAMP, "nonce": "a1", "data": body.decode(), "sign": signed}).encode())


def by_sm2(body: bytes, key: str) -> Raw:
    said = f"{STAMP}\nn0nce\n".encode() + body
    signature = sm2_of(said, key)
    return arrived(body, headers={"x-timestamp": STAMP, "x-nonce": "n0nce", "x-signature": signature.hex()})


def by_sm2_der(body: bytes, key: str) -> Raw:
    raw = by_sm2(body, key)
    halves = (int.from_bytes(bytes.fromhex(raw.headers["x-signature"])[at : at + 32], "big") for at in (0, 32))
    parts = b"".join(_integer(half) for half in halves)
    return replace(raw, headers={**raw.headers, "x-signature": (b"\x30" + bytes([len(parts)]) + parts).hex()})


def _integer(number: int) -> bytes:
    digits = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return bytes([2, len(digits)]) + digits


WAYS = {
    "header": Way(settings={"secret": SECRET}, sign=by_header),
    "named header": Way(
        settings={
            "secret": SECRET,
            "signature": "hmac-sm3",
            "app_id": "gateway-1",
            "signing": {
                "app_id": "X-AppId",
                "timestamp": "X-Time",
                "text": "{app_id}{timestamp}{nonce}{body}",
                "encoding": "base64",
            },
        },
        sign=by_capital_header,
    ),
    "query": Way(
        settings={
            "secret": SECRET,
            "signature": "sha256",
            "app_id": "gateway-1",
            "signing": {
                "place": "query",
                "app_id": "appid",
                "timestamp": "timestamp",
                "nonce": "nonce",
                "signature": "sign",
                "text": "{sorted}&body={body_sha256}&key={secret}",
                "encoding": "upper-hex",
                "time_format": "%Y%m%d%H%M%S",
            },
        },
        sign=by_query,
    ),
    "member": Way(
        settings={
            "secret": SECRET,
            "app_id": "gateway-1",
            "signing": {
                "place": "body",
                "app_id": "appid",
                "timestamp": "timestamp",
                "nonce": "nonce",
                "signature": "sign",
                "text": "{sorted}",
            },
        },
        sign=by_member,
    ),
    "payload": Way(
        settings={
            "signature": "sm2",
            "public_key": PUBLIC,
            "signing": {
                "place": "body",
                "timestamp": "timestamp",
                "nonce": "nonce",
                "signature": "sign",
                "payload": "data",
                "text": "{nonce}|{timestamp}|{body}",
                "encoding": "base64",
            },
        },
        sign=by_payload,
        key=PRIVATE,
        other=OTHER,
    ),
    "sm2": Way(settings={"signature": "sm2", "public_key": PUBLIC}, sign=by_sm2, key=PRIVATE, other=OTHER),
    "sm2-der": Way(settings={"signature": "sm2-der", "public_key": PUBLIC}, sign=by_sm2_der, key=PRIVATE, other=OTHER),
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))


@every_way
def test_what_the_body_signed_is_taken_and_read_and_a_forgery_is_not(way: Way) -> None:
    one = channel(**way.settings)
    genuine = way.sign(CASE, way.key)
    one.verify(genuine)
    (message,) = one.parse(genuine)
    (expected,) = channel().parse(arrived())
    assert isinstance(message, InboundMessage)
    assert isinstance(expected, InboundMessage)
    assert (message.external_id, message.text, message.fields) == (
        expected.external_id,
        expected.text,
        expected.fields,
    )
    bare = arrived(b'{"data":{}}')
    for forgery in FORGERIES:
        raws = forged(
            forgery, bare, genuine, [way.sign(CASE, way.other)], covers="body", fresh_for=timedelta(minutes=5)
        )
        for raw in raws:
            with pytest.raises(Refused) as refused:
                one.verify(raw)
            assert 400 <= refused.value.status < 500


@every_way
def test_every_byte_of_a_push_counts(way: Way) -> None:
    """Only case and white space that mean nothing in a document may change where its members are signed."""
    one = channel(**way.settings)
    genuine = way.sign(CASE, way.key)
    for at in range(0, len(genuine.body), 37):
        body = genuine.body[:at] + bytes([genuine.body[at] ^ 0x10]) + genuine.body[at + 1 :]
        with pytest.raises(Refused):
            one.verify(replace(genuine, body=body))


@every_way
def test_the_signature_may_be_written_in_one_way_only(way: Way) -> None:
    one = channel(**way.settings)
    genuine = way.sign(CASE, way.key)
    encoding = way.settings.get("signing", {}).get("encoding", "hex")
    for bent in ("{}=", "{}\n0", "0x{}", "{} 00", " {} !", "=", "%{}", "é{}", "\udce9"):
        with pytest.raises(Refused):
            one.verify(_with_signature(genuine, way, lambda written, bent=bent: bent.replace("{}", written)))
    if encoding != "base64":
        one.verify(_with_signature(genuine, way, str.swapcase))


def _with_signature(raw: Raw, way: Way, change: Callable[[str], str]) -> Raw:
    name = way.settings.get("signing", {}).get("signature", "x-signature")
    if name in raw.headers:
        return replace(raw, headers={**raw.headers, name: change(raw.headers[name])})
    if name in raw.query:
        return replace(raw, query={**raw.query, name: change(raw.query[name])})
    document = json.loads(raw.body)
    return replace(raw, body=json.dumps({**document, name: change(document[name])}).encode())


def test_the_end_of_the_nonce_is_not_the_beginning_of_the_body() -> None:
    """Where nothing stands between them, the signed text is the same: the nonce's characters tell them apart."""
    way = WAYS["named header"]
    genuine = way.sign(CASE, way.key)
    moved = replace(genuine, body=CASE[1:], headers={**genuine.headers, "x-nonce": "ab-c{"})
    with pytest.raises(Refused, match="letters, digits"):
        channel(**way.settings).verify(moved)


def test_a_wrong_clock_is_told_with_both_times_and_the_window() -> None:
    ours = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
    assert skew(ours + timedelta(minutes=7), ours, timedelta(minutes=5)) == (
        "your time is 2026-11-20T04:07:00+00:00, ours is 2026-11-20T04:00:00+00:00: "
        "0:07:00 ahead of ours, and at most 0:05:00 is allowed"
    )
    assert "1 day, 0:00:00 behind" in skew(ours - timedelta(days=1), ours, timedelta(minutes=5))
    assert skew(ours - timedelta(minutes=5), ours, timedelta(minutes=5)) == ""


async def test_the_answer_to_a_wrong_clock_is_a_problem_that_says_so(tmp_path: Path) -> None:
    async with opened_house(tmp_path) as house:
        one = channel(secret=SECRET)
        late = replace(by_header(CASE, SECRET))
        async with http_side(house, one, lambda raw: late) as deliver:
            assert not await deliver(late)
        assert await house.journal() == []
    with pytest.raises(Refused, match="your time is 2026-11-20T12:00:00"):
        one.verify(replace(late, received_at=NOW + timedelta(hours=1)))


async def test_sm2_is_checked_beside_the_event_loop(tmp_path: Path) -> None:
    """It takes milliseconds, in which others would wait."""
    way, threads = WAYS["sm2"], []

    class Watched(Transfer):
        def verify(self, raw: Raw) -> None:
            threads.append(threading.current_thread())
            super().verify(replace(raw, received_at=NOW))

    settings = TypeAdapter(TransferSettings).validate_python({"source": "12345", **way.settings})
    async with opened_house(tmp_path) as house:
        async with http_side(house, Watched("city", settings), lambda raw: way.sign(CASE, way.key)) as deliver:
            assert await deliver(arrived())
        assert await house.tickets() == 1
    assert threads
    assert threading.main_thread() not in threads


async def test_a_push_that_is_sent_again_after_a_restart_has_no_second_effect(tmp_path: Path) -> None:
    """Nothing but the journal remembers it, and that is still there."""
    genuine = by_header(CASE, SECRET)
    for outcome in ("opened", "duplicate"):
        async with opened_house(tmp_path) as house:
            one = channel(secret=SECRET)
            house.admit(one)
            one.verify(genuine)
            (accepted,) = await house.accept(one, genuine)
            assert accepted.outcome == outcome
            assert await house.tickets() == 1


@pytest.mark.parametrize("cipher", ["sm4-cbc", "sm4-ecb", "sm2"])
@pytest.mark.parametrize("sealed_as", ["bytes", "hex", "base64"])
def test_a_sealed_body_is_opened_and_a_plain_file_is_read_all_the_same(cipher: str, sealed_as: str) -> None:
    one = channel(secret=SECRET, cipher=cipher, sm4_key=SM4, sealed_as=sealed_as, private_key=PRIVATE)
    if cipher == "sm2":
        box = bytes(gmalg.SM2(pk=bytes.fromhex(PUBLIC)).encrypt(CASE))
    else:
        box = _sm4(CASE, ecb=cipher == "sm4-ecb")
    written = {"bytes": box, "hex": box.hex().encode(), "base64": base64.b64encode(box)}[sealed_as]
    assert _ids(one, written) == _ids(one, CASE) == _ids(channel(), CASE)
    with pytest.raises(ValueError):
        one.parse(arrived(written[:-40]))


def _ids(one: Transfer, body: bytes) -> list[str | None]:
    return [message.external_id for message in one.parse(arrived(body)) if isinstance(message, InboundMessage)]


def _sm4(plain: bytes, *, ecb: bool) -> bytes:
    """By another implementation."""
    key, start = bytes.fromhex(SM4), bytes(range(16))
    count = 16 - len(plain) % 16
    plain += bytes([count]) * count
    cipher = gmalg.SM4(key)
    out, before = b"", start
    for at in range(0, len(plain), 16):
        block = plain[at : at + 16]
        before = bytes(cipher.encrypt(block if ecb else bytes(a ^ b for a, b in zip(block, before, strict=True))))
        out += before
    return out if ecb else start + out


def test_sm4_is_that_of_the_standard() -> None:
    """GB/T 32907-2016, annex A.1: one block, sealed with itself as the key."""
    block = bytes.fromhex(SM4)
    sealed = bytes.fromhex("681edf34d206965e86b3e94f536e4246")
    padding = bytes(gmalg.SM4(block).encrypt(bytes([16]) * 16))
    assert opened(block, sealed + padding, "sm4-ecb") == block


@every_way
def test_what_we_send_is_signed_as_the_body_would_do_it(way: Way) -> None:
    """Our own check, proven above against signatures of others, takes it."""
    ours = {"private_key": PRIVATE} if way.key == PRIVATE else {}
    one = channel(**way.settings, **ours)
    marked = one._signature.mark(CASE, NOW)
    headers = {name.lower(): value for name, value in marked.headers.items()}
    one.verify(arrived(marked.body, headers=headers, query=marked.query))
    assert _ids(one, marked.body) == _ids(channel(), CASE)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"signature": "sm2", "public_key": "04" + "0" * 128}, "public_key: not a point of the curve"),
        ({"signature": "sm2", "public_key": "not-a-key-at-all"}, "public_key: not an SM2 public key"),
        ({"signature": "sm2", "private_key": "0" * 64}, "private_key: not an SM2 private key"),
        ({"cipher": "sm2"}, "private_key: required where bodies are sealed with sm2"),
        ({"signing": {"text": "{timestamp}{body}{token}"}}, "signing.text: there is no {token}"),
        ({"signing": {"text": "{timestamp}{nonce}"}}, "signing.text: does not cover the body"),
        ({"signing": {"text": "{nonce}{body}"}}, "signing.text: does not cover the time"),
        ({"signing": {"place": "query", "text": "{sorted}"}}, "signing.text: does not cover the body"),
        ({"signing": {"place": "body", "text": "{timestamp}{body}"}}, "signing.text: does not cover the body"),
        ({"signature": "sha256", "signing": {"text": "{secret}{timestamp}{body}"}}, "must end with {secret}"),
        ({"signing": {"text": "{timestamp}{body}{secret}"}}, "has its key elsewhere"),
        ({"app_id": "gateway-1"}, "app_id: goes together with signing.app_id"),
        ({"signing": {"payload": "data"}}, "signing.payload: only where place is body"),
        (
            {"sm4_key": SM4, "signing": {"place": "body", "payload": "data"}},
            "sealed_as: hex or base64 where place is body",
        ),
    ],
)
def test_a_way_to_sign_that_cannot_be_is_named_at_the_start(table: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        channel(secret=SECRET, **table)
    assert any(problem in line for line in caught.value.problems)
