"""How WeCom and WeChat sign and encrypt what they push.

https://developer.work.weixin.qq.com/document/path/90968 and, for bots, …/path/101033 (their receiver is empty);
https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/Technical_Plan.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway.errors import Refused
from gateway.message import Raw

#: They push again within seconds, with the time of the first push; the rest is for clocks that are wrong.
FRESH = timedelta(minutes=5)
_BLOCK = 32  # their padding is to 32 bytes, not to the 16 of AES
_RANDOM = 16


def signature(*parts: str) -> str:
    """SHA-1 of the sorted parts one after the other, in hexadecimal."""
    return hashlib.sha1("".join(sorted(parts)).encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def unpadded(ciphertext: bytes, key: bytes) -> bytes:
    """AES-256-CBC, its first block of the key as vector, without the padding.

    Raises:
        ValueError: it was not encrypted with this key.
    """
    if not ciphertext or len(ciphertext) % 16:
        raise ValueError("no whole blocks")
    opener = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    padded = opener.update(ciphertext) + opener.finalize()
    count = padded[-1]
    if not 1 <= count <= _BLOCK or padded[-count:] != bytes([count]) * count:
        raise ValueError("wrong padding")
    return padded[:-count]


class Seal:
    """What proves that a push is the platform's: `receiver` is the corporation or app it must be meant for."""

    def __init__(self, token: str, aes_key: str, receiver: str) -> None:
        self._token = token
        self.key = base64.b64decode(aes_key + "=") if aes_key else b""
        self._receiver = receiver.encode()

    def check(self, raw: Raw, name: str, *parts: str) -> None:
        """Refuse unless the parameter `name` signs the address's time and nonce and `parts`, not long ago."""
        at, nonce = raw.query.get("timestamp", ""), raw.query.get("nonce", "")
        if not (at.isascii() and at.isdigit() and len(at) <= 11):
            raise Refused(401, "no time")
        good = signature(self._token, at, nonce, *parts)
        if not nonce or not hmac.compare_digest(good.encode(), _bytes(raw.query.get(name, ""))):
            raise Refused(401, "wrong signature")
        if abs(raw.received_at - datetime.fromtimestamp(int(at), UTC)) > FRESH:
            raise Refused(401, "too old, or a clock is wrong")

    def open(self, text: str) -> bytes:
        """What stands in an ``Encrypt``.

        Raises:
            ValueError: it is not for us, or was not made with our key.
        """
        try:
            plain = unpadded(base64.b64decode(text, validate=True), self.key)
        except binascii.Error as error:
            raise ValueError("no base64") from error
        start = _RANDOM + 4
        end = start + int.from_bytes(plain[_RANDOM:start], "big")
        if len(plain) < start or end > len(plain):
            raise ValueError("wrong length")
        if not hmac.compare_digest(plain[end:], self._receiver):
            raise ValueError("for somebody else")
        return plain[start:end]

    def opened(self, text: str) -> bytes:
        """The same at the door: refuse what cannot be opened."""
        try:
            return self.open(text)
        except ValueError as error:
            raise Refused(401, "not encrypted for us") from error


def echo(query: Mapping[str, str]) -> str | None:
    """What a check of the address wants to hear again; None when this is no such check."""
    return query.get("echostr")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
