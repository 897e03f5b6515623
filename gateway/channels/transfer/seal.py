"""Signatures and ciphers of forwarding bodies: HMAC by SHA-256 or SM3 (GB/T 32905), SM4 (GB/T 32907) in CBC."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hmac import HMAC

from gateway.channels.transfer.settings import Digest

_BLOCK = 16


def signature(digest: Digest, secret: bytes, timestamp: str, nonce: str, body: bytes) -> str:
    """The hexadecimal digest of time, nonce and body."""
    said = timestamp.encode() + b"\n" + nonce.encode() + b"\n" + body
    if digest == "hmac-sha256":
        return hmac.new(secret, said, hashlib.sha256).hexdigest()
    mac = HMAC(secret, hashes.SM3())
    mac.update(said)
    return mac.finalize().hex()


def moment(timestamp: str) -> datetime | None:
    """The time of a push: seconds or milliseconds since 1970; None for anything else."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) in (10, 13)):
        return None
    return datetime.fromtimestamp(int(timestamp) / (1000 if len(timestamp) == 13 else 1), UTC)


def skew(at: datetime, now: datetime, window: timedelta) -> str:
    """What is wrong with a sender's clock; empty while it is within the window."""
    ahead = at - now
    if abs(ahead) <= window:
        return ""
    minutes = round(abs(ahead).total_seconds() / 60)
    return f"the time of the request is {minutes} minutes {'ahead of' if ahead > timedelta(0) else 'behind'} ours"


def opened(key: str, sealed: bytes) -> bytes:
    """The plain body.

    Raises:
        ValueError: it is not sealed with this key.
    """
    if len(sealed) < 2 * _BLOCK or len(sealed) % _BLOCK:
        raise ValueError("not whole blocks")
    cipher = Cipher(algorithms.SM4(bytes.fromhex(key)), modes.CBC(sealed[:_BLOCK])).decryptor()
    padded = cipher.update(sealed[_BLOCK:]) + cipher.finalize()
    unpadder = padding.PKCS7(_BLOCK * 8).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def sealed(key: str, plain: bytes) -> bytes:
    """The body as it is sent: a random start value and the cipher text."""
    start = secrets.token_bytes(_BLOCK)
    padder = padding.PKCS7(_BLOCK * 8).padder()
    cipher = Cipher(algorithms.SM4(bytes.fromhex(key)), modes.CBC(start)).encryptor()
    return start + cipher.update(padder.update(plain) + padder.finalize()) + cipher.finalize()
