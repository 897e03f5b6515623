"""How Feishu signs and encrypts what it pushes.

https://open.feishu.cn/document/event-subscription-guide/event-subscriptions/event-subscription-configure-/encrypt-key-encryption-configuration-case
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from gateway.errors import Refused
from gateway.message import Raw

#: It pushes again after 15 seconds, 5 minutes, 1 hour and 6 hours. That it then signs the time of the first push is
#: nowhere said and nowhere ruled out, and what comes twice has one effect.
FRESH = timedelta(hours=8)
_BLOCK = 16


class Seal:
    """What proves that a push is the platform's: with a key its signature, without one the token in it."""

    def __init__(self, token: str, encrypt_key: str) -> None:
        self._token = token
        self._encrypt_key = encrypt_key.encode()

    def check(self, raw: Raw) -> None:
        """Refuse what Feishu did not push, or long ago; what is signed and unreadable is for a person to look at."""
        if self._encrypt_key:
            self._check_signature(raw)
        try:
            token = _token_in(self.open(raw.body))
        except ValueError:
            token = None
        if token is None and self._encrypt_key:
            return
        self.check_token(token or "")

    def check_token(self, token: str) -> None:
        """Refuse unless this is the application's Verification Token."""
        if not hmac.compare_digest(token.encode("utf-8", "surrogatepass"), self._token.encode()):
            raise Refused(401, "wrong token")

    def open(self, body: bytes, *, recorded: bool = False) -> Mapping[str, Any]:
        """What a push says; a `recorded` one may stand in the clear although we have a key.

        Raises:
            ValueError: it is no JSON object, or was not encrypted with our key.
        """
        said = orjson.loads(body)
        match said:
            case {"encrypt": str(text)} if self._encrypt_key:
                said = orjson.loads(decrypted(text, self._encrypt_key))
            case _ if self._encrypt_key and not recorded:
                raise ValueError("nothing encrypted")
        if not isinstance(said, dict):
            raise ValueError("no object")
        return said

    def _check_signature(self, raw: Raw) -> None:
        at = raw.headers.get("x-lark-request-timestamp", "")
        nonce = raw.headers.get("x-lark-request-nonce", "")
        if not (at.isascii() and at.isdigit() and len(at) <= 11):
            raise Refused(401, "no time")
        good = signature(at, nonce, self._encrypt_key, raw.body)
        said = raw.headers.get("x-lark-signature", "")
        if not nonce or not hmac.compare_digest(good.encode(), said.encode("utf-8", "surrogatepass")):
            raise Refused(401, "wrong signature")
        if abs(raw.received_at - datetime.fromtimestamp(int(at), UTC)) > FRESH:
            raise Refused(401, "too old, or a clock is wrong")


def signature(at: str, nonce: str, encrypt_key: bytes, body: bytes) -> str:
    """SHA-256 of time, nonce, key and the body as it came, in hexadecimal."""
    return hashlib.sha256((at + nonce).encode("utf-8", "surrogatepass") + encrypt_key + body).hexdigest()


def decrypted(text: str, encrypt_key: bytes) -> bytes:
    """AES-256-CBC with the key's SHA-256; the vector stands before the ciphertext.

    Raises:
        ValueError: it was not encrypted with this key.
    """
    try:
        sealed = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
    vector, ciphertext = sealed[:_BLOCK], sealed[_BLOCK:]
    if not ciphertext or len(ciphertext) % _BLOCK:
        raise ValueError("no whole blocks")
    opener = Cipher(algorithms.AES(hashlib.sha256(encrypt_key).digest()), modes.CBC(vector)).decryptor()
    unpadder = PKCS7(_BLOCK * 8).unpadder()
    return unpadder.update(opener.update(ciphertext) + opener.finalize()) + unpadder.finalize()


def _token_in(said: Mapping[str, Any]) -> str | None:
    """The token of a push: in the head of an event, and beside everything in checks and older events."""
    match said:
        case {"header": {"token": str(token)}} | {"token": str(token)}:
            return token
    return None
