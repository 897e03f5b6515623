"""SM2 (GB/T 32918): signatures with SM3 and public-key encryption on the curve sm2p256v1.

Python's numbers take a time that depends on their values. Verifying needs only public values, so nothing leaks. Signing
and decrypting use our private key: whoever can measure many of them very exactly might learn something about it. Here
that is the forwarding body alone, whose inputs are verified before they are decrypted and whom we sign for.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes

#: GB/T 32918.5-2017: the recommended curve y² = x³ + ax + b over p, with the base point of order n.
_P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_A = _P - 3
_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
_N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
#: GM/T 0009-2012, 10: what stands for the signer where nothing else was agreed.
DEFAULT_ID = b"1234567812345678"
_SIZE = 32  # bytes of a number

Point = tuple[int, int]
_Jacobian = tuple[int, int, int]  # (x/z², y/z³); z = 0 is the point at infinity
_INFINITY: _Jacobian = (1, 1, 0)


def public_key(written: bytes) -> Point:
    """A public key: an uncompressed point with or without its first byte 04.

    Raises:
        ValueError: it is neither, or no point of the curve.
    """
    if len(written) == 2 * _SIZE + 1 and written[0] == 4:
        written = written[1:]
    if len(written) != 2 * _SIZE:
        raise ValueError("not an SM2 public key of 64 bytes")
    return _on_curve(_number(written[:_SIZE]), _number(written[_SIZE:]))


def private_key(written: bytes) -> int:
    """A private key of 32 bytes.

    Raises:
        ValueError: it is none.
    """
    number = _number(written)
    if len(written) != _SIZE or not 0 < number < _N - 1:
        raise ValueError("not an SM2 private key of 32 bytes")
    return number


def public_of(private: int) -> Point:
    """The public key of a private one."""
    return _affine(_times(private, _G))


def verify(public: Point, message: bytes, signature: bytes, user_id: bytes = DEFAULT_ID) -> bool:
    """Whether `signature`, two numbers of 32 bytes, is that of the message (GB/T 32918.2, 7.1)."""
    if len(signature) != 2 * _SIZE:
        return False
    r, s = _number(signature[:_SIZE]), _number(signature[_SIZE:])
    if not (0 < r < _N and 0 < s < _N):
        return False
    t = (r + s) % _N
    if t == 0:
        return False
    found = _sum_of(s, _G, t, public)
    return found[2] != 0 and (_digest_of(public, message, user_id) + _affine(found)[0]) % _N == r


def sign(
    private: int, message: bytes, user_id: bytes = DEFAULT_ID, random: Callable[[int], int] = secrets.randbelow
) -> bytes:
    """The signature of the message, two numbers of 32 bytes (GB/T 32918.2, 6.1)."""
    digest = _digest_of(public_of(private), message, user_id)
    while True:
        k = 1 + random(_N - 1)
        r = (digest + _affine(_times(k, _G))[0]) % _N
        s = pow(1 + private, -1, _N) * (k - r * private) % _N
        if r and s and r + k != _N:
            return _bytes(r) + _bytes(s)


def decrypt(private: int, sealed: bytes) -> bytes:
    """The plain text of point, digest and cipher text, C1‖C3‖C2 (GB/T 32918.4, 7.1; GM/T 0003.4).

    Raises:
        ValueError: it is not sealed for this key, or was altered.
    """
    at = 1 if sealed[:1] == b"\x04" else 0
    try:
        return _decrypted(private, sealed[at:])
    except ValueError:
        if not at:
            raise
        return _decrypted(private, sealed)  # a bare point may begin with 04 as well


def encrypt(public: Point, plain: bytes, random: Callable[[int], int] = secrets.randbelow) -> bytes:
    """Point, digest and cipher text for the owner of this key."""
    while True:
        k = 1 + random(_N - 1)
        x2, y2 = (_bytes(one) for one in _affine(_times(k, public)))
        mask = _derived(x2 + y2, len(plain))
        if any(mask) or not plain:
            x1, y1 = _affine(_times(k, _G))
            return b"\x04" + _bytes(x1) + _bytes(y1) + _sm3(x2 + plain + y2) + _xor(plain, mask)


def from_der(written: bytes) -> bytes:
    """Two numbers of 32 bytes from SEQUENCE { INTEGER r, INTEGER s }, written as shortly as DER demands.

    Raises:
        ValueError: it is none, or could be written otherwise.
    """
    if written[:1] != b"\x30" or len(written) < 2 or written[1] != len(written) - 2:
        raise ValueError("not a DER sequence of two numbers")
    numbers, rest = [], written[2:]
    for _ in range(2):
        size = rest[1] if len(rest) > 1 else 0
        digits, tag, rest = rest[2 : 2 + size], rest[:1], rest[2 + size :]
        shortest = size == 1 or (size > 1 and (digits[0] != 0 or digits[1] >= 0x80))
        if tag != b"\x02" or len(digits) != size or not shortest or digits[0] >= 0x80 or size > _SIZE + 1:
            raise ValueError("not a DER sequence of two numbers")
        numbers.append(_number(digits))
    if rest or max(numbers) >> (8 * _SIZE):
        raise ValueError("not a DER sequence of two numbers")
    return b"".join(map(_bytes, numbers))


def to_der(signature: bytes) -> bytes:
    """Two numbers of 32 bytes as SEQUENCE { INTEGER r, INTEGER s }."""
    parts = b""
    for half in (signature[:_SIZE], signature[_SIZE:]):
        digits = half.lstrip(b"\0") or b"\0"
        digits = b"\0" + digits if digits[0] >= 0x80 else digits
        parts += bytes([2, len(digits)]) + digits
    return bytes([0x30, len(parts)]) + parts


def _digest_of(public: Point, message: bytes, user_id: bytes) -> int:
    """e: the digest of who signs, Z (GB/T 32918.2, 5.5), and the message."""
    curve = b"".join(map(_bytes, (_A, _B, *_G, *public)))
    return _number(_sm3(_sm3((8 * len(user_id)).to_bytes(2, "big") + user_id + curve) + message))


def _decrypted(private: int, sealed: bytes) -> bytes:
    if len(sealed) < 3 * _SIZE:
        raise ValueError("shorter than point and digest")
    point = _on_curve(_number(sealed[:_SIZE]), _number(sealed[_SIZE : 2 * _SIZE]))
    x2, y2 = (_bytes(one) for one in _affine(_times(private, point)))
    digest, cipher = sealed[2 * _SIZE : 3 * _SIZE], sealed[3 * _SIZE :]
    mask = _derived(x2 + y2, len(cipher))
    plain = _xor(cipher, mask)
    if (cipher and not any(mask)) or not hmac.compare_digest(_sm3(x2 + plain + y2), digest):
        raise ValueError("not sealed for this key, or altered")
    return plain


def _derived(shared: bytes, size: int) -> bytes:
    """The key derivation function (GB/T 32918.4, 5.4.3)."""
    blocks = (_sm3(shared + number.to_bytes(4, "big")) for number in range(1, -(-size // _SIZE) + 1))
    return b"".join(blocks)[:size]


def _on_curve(x: int, y: int) -> Point:
    """The point; its order is n, as the cofactor of the curve is 1."""
    if not (x < _P and y < _P and (y * y - (x * x + _A) * x - _B) % _P == 0):
        raise ValueError("not a point of the curve sm2p256v1")
    return x, y


def _sum_of(k: int, one: Point, j: int, other: Point) -> _Jacobian:
    """k·one + j·other, bit by bit for both at once (Shamir)."""
    both = _add((*one, 1), other)
    together = None if both[2] == 0 else _affine(both)
    steps: tuple[Point | None, ...] = (None, one, other, together)
    total = _INFINITY
    for bit in range(255, -1, -1):
        total = _double(total)
        which = (k >> bit & 1) | (j >> bit & 1) << 1
        step = steps[which]
        if step is not None:
            total = _add(total, step)
    return total


def _times(k: int, point: Point) -> _Jacobian:
    """k·point with an addition for every bit, so that their number tells nothing about k."""
    total = _INFINITY
    for bit in range(255, -1, -1):
        total = _double(total)
        added = _add(total, point)
        total = added if k >> bit & 1 else total
    return total


def _double(point: _Jacobian) -> _Jacobian:
    x, y, z = point
    zz = z * z % _P
    yy = y * y % _P
    beta = x * yy % _P
    alpha = 3 * (x - zz) * (x + zz) % _P  # as a = -3
    x3 = (alpha * alpha - 8 * beta) % _P
    return x3, (alpha * (4 * beta - x3) - 8 * yy * yy) % _P, 2 * y * z % _P


def _add(point: _Jacobian, other: Point) -> _Jacobian:
    x1, y1, z1 = point
    if z1 == 0:
        return (*other, 1)
    zz = z1 * z1 % _P
    h = (other[0] * zz - x1) % _P
    r = (other[1] * zz * z1 - y1) % _P
    if h == 0:
        return _double(point) if r == 0 else _INFINITY
    hh = h * h % _P
    hhh = h * hh % _P
    v = x1 * hh % _P
    x3 = (r * r - hhh - 2 * v) % _P
    return x3, (r * (v - x3) - y1 * hhh) % _P, z1 * h % _P


def _affine(point: _Jacobian) -> Point:
    """The point's two numbers; it must not be infinity."""
    x, y, z = point
    inverse = pow(z, -1, _P)
    square = inverse * inverse % _P
    return x * square % _P, y * square * inverse % _P


def _sm3(message: bytes) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    digest.update(message)
    return digest.finalize()


def _xor(one: bytes, other: bytes) -> bytes:
    return (_number(one) ^ _number(other)).to_bytes(len(one), "big")


def _number(written: bytes) -> int:
    return int.from_bytes(written, "big")


def _bytes(number: int) -> bytes:
    return number.to_bytes(_SIZE, "big")
