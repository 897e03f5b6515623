"""SM2 against the standard's own examples, against another implementation, and against what is none."""

from __future__ import annotations

import time

import gmalg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from gateway.channels.transfer import sm2
from tests.channels.transfer.at_hand import PRIVATE, PUBLIC, sm2_of

N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
OURS = sm2.private_key(bytes.fromhex(PRIVATE))
THEIRS = sm2.public_key(bytes.fromhex(PUBLIC))
# GM/T 0003.5-2012, annex A.2 (GB/T 32918.5-2017): the message, the number drawn, and r and s.
MESSAGE = b"message digest"
DRAWN = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
SIGNATURE = bytes.fromhex(
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)
# GM/T 0003.5-2012, annex C.2: the same key and number, sealed as C1, C3, C2.
PLAIN = b"encryption standard"
SEALED = bytes.fromhex(
    "0404EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73"
    "E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0"
    "59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766"
    "21886CA989CA9C7D58087307CA93092D651EFA"
)


def drawn(_most: int) -> int:
    return DRAWN - 1


def test_the_signature_of_the_standard_is_made_and_holds() -> None:
    assert sm2.public_of(OURS) == THEIRS
    assert sm2.sign(OURS, MESSAGE, random=drawn) == SIGNATURE
    assert sm2.verify(THEIRS, MESSAGE, SIGNATURE)


def test_the_sealed_text_of_the_standard_is_made_and_opened() -> None:
    assert sm2.encrypt(THEIRS, PLAIN, random=drawn) == SEALED
    assert sm2.decrypt(OURS, SEALED) == PLAIN
    assert sm2.decrypt(OURS, SEALED[1:]) == PLAIN


@settings(max_examples=12, deadline=None)
@given(some.integers(1, N - 2), some.binary(max_size=80), some.binary(min_size=1, max_size=40))
def test_another_implementation_agrees(private: int, message: bytes, user_id: bytes) -> None:
    key = private.to_bytes(32, "big")
    public = sm2.public_of(private)
    written = b"\x04" + b"".join(one.to_bytes(32, "big") for one in public)
    assert sm2.verify(public, message, sm2_of(message, key.hex(), user_id), user_id)
    other = gmalg.SM2(pk=written, uid=user_id)
    made = sm2.sign(private, message, user_id)
    assert other.verify(message, made[:32], made[32:])
    if message:
        assert sm2.decrypt(private, bytes(other.encrypt(message))) == message
        assert bytes(gmalg.SM2(key).decrypt(sm2.encrypt(public, message))) == message


def test_another_message_signer_or_key_does_not_hold() -> None:
    assert not sm2.verify(THEIRS, MESSAGE + b".", SIGNATURE)
    assert not sm2.verify(THEIRS, MESSAGE, SIGNATURE, b"8765432187654321")
    assert not sm2.verify(sm2.public_of(7), MESSAGE, SIGNATURE)
    for place in range(64):
        bent = bytes(byte ^ (at == place) for at, byte in enumerate(SIGNATURE))
        assert not sm2.verify(THEIRS, MESSAGE, bent)


@pytest.mark.parametrize(
    ("r", "s"),
    [(0, 5), (5, 0), (N, 5), (5, N), (N - 5, 5), (2**256 - 1, 2**256 - 1), (0, 0)],
    ids=["r is 0", "s is 0", "r is n", "s is n", "r + s is n", "too large", "nothing"],
)
def test_numbers_out_of_range_are_no_signature(r: int, s: int) -> None:
    assert not sm2.verify(THEIRS, MESSAGE, r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def test_the_same_signature_with_a_multiple_added_is_none() -> None:
    small = next(one for one in (sm2.sign(OURS, MESSAGE) for _ in range(99)) if one)
    s = int.from_bytes(small[32:], "big")
    if s + N < 2**256:
        assert not sm2.verify(THEIRS, MESSAGE, small[:32] + (s + N).to_bytes(32, "big"))
    assert not sm2.verify(THEIRS, MESSAGE, small[:32] + (N - s).to_bytes(32, "big"))


@pytest.mark.parametrize("size", [0, 63, 65, 128])
def test_a_signature_has_64_bytes(size: int) -> None:
    assert not sm2.verify(THEIRS, MESSAGE, (SIGNATURE * 2)[:size])


@pytest.mark.parametrize(
    "written",
    [
        b"",
        bytes(64),
        bytes.fromhex(PUBLIC)[:-1] + b"\x14",  # beside the curve
        b"\x05" + bytes.fromhex(PUBLIC)[1:],
        P.to_bytes(32, "big") + bytes(32),
        bytes.fromhex(PUBLIC)[:33],
        bytes.fromhex(PUBLIC) + b"\0",
    ],
)
def test_what_is_no_point_of_the_curve_is_no_key(written: bytes) -> None:
    with pytest.raises(ValueError, match=r"SM2 public key|point of the curve"):
        sm2.public_key(written)


@pytest.mark.parametrize("number", [0, N - 1, N, 2**256 - 1])
def test_a_private_key_is_within_its_range(number: int) -> None:
    with pytest.raises(ValueError, match="private key"):
        sm2.private_key(number.to_bytes(32, "big"))


def test_what_was_altered_or_sealed_for_another_is_not_opened() -> None:
    for place in (1, 40, 70, 100, len(SEALED) - 1):
        with pytest.raises(ValueError):
            sm2.decrypt(OURS, bytes(byte ^ (at == place) for at, byte in enumerate(SEALED)))
    for broken in (b"", SEALED[:95], SEALED[:-1], SEALED + b"\0"):
        with pytest.raises(ValueError):
            sm2.decrypt(OURS, broken)
    with pytest.raises(ValueError):
        sm2.decrypt(7, SEALED)


def test_a_signature_is_written_as_der_in_one_way_only() -> None:
    written = sm2.to_der(SIGNATURE)
    assert written.hex() == "3046022100" + SIGNATURE[:32].hex() + "022100" + SIGNATURE[32:].hex()
    assert sm2.from_der(written) == SIGNATURE
    small = bytes(31) + b"\x7f" + bytes(31) + b"\x80"
    assert sm2.to_der(small).hex() == "300702017f02020080"
    assert sm2.from_der(sm2.to_der(small)) == small


@pytest.mark.parametrize(
    "written",
    [
        "",
        "30",
        "3000",
        "3003020101",
        "300702017f0202008000",  # more behind it
        "310702017f02020080",
        "30810702017f02020080",  # a longer way to write the length
        "30080202007f02020080",  # a needless zero
        "300602017f020180",  # a negative number
        "300702017f02030080",
        "3005020002020080",  # no digits
        "3080" + "02017f02020080" + "0000",
        "3028" + "0223" + "00" + "ff" * 34 + "020101",
        "3026" + "0221" + "01" + "00" * 32 + "020101",  # more than 32 bytes
    ],
)
def test_any_other_way_to_write_it_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="DER"):
        sm2.from_der(bytes.fromhex(written))


def test_a_verification_takes_milliseconds() -> None:
    """Measured: 2.8 ms on one core of a machine of 2026; the bound leaves room for a busy one."""
    began = time.process_time()
    for _ in range(10):
        sm2.verify(THEIRS, MESSAGE, SIGNATURE)
    assert (time.process_time() - began) / 10 < 0.05
