"""Proofs and ciphers of forwarding bodies: HMAC by SHA-256 or SM3 (GB/T 32905), SM2 (32918), SM4 (32907)."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import orjson
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hmac import HMAC

from gateway.channels.paths import found
from gateway.channels.transfer import sm2
from gateway.channels.transfer.keys import private_key, public_key
from gateway.channels.transfer.sm2 import Point

if TYPE_CHECKING:
    from gateway.channels.transfer.settings import Encoding, TransferSettings

_BLOCK = 16


def sm3(message: bytes) -> bytes:
    """The digest of GB/T 32905."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(message)
    return digest.finalize()


class Proof:
    """Proves a text by the configured digest or key.

    Raises:
        ValueError: a key is none; each problem as ``key: reason``.
    """

    def __init__(self, settings: TransferSettings) -> None:
        self._kind = settings.signature
        self._secret = (settings.secret or "").encode()
        self._user = settings.user_id.encode()
        self._ours, self._theirs = _sm2_keys(settings)

    @property
    def known(self) -> bool:
        """Whether there is a key to check with."""
        return self._theirs is not None if self._kind.startswith("sm2") else bool(self._secret)

    @property
    def signs(self) -> bool:
        """Whether there is a key to sign with."""
        return self._ours is not None if self._kind.startswith("sm2") else bool(self._secret)

    def holds(self, said: bytes, written: str, encoding: Encoding) -> bool:
        """Whether `written` proves `said`; one way of writing it is taken, and no other."""
        given = _decoded(written, encoding)
        if given is None:
            return False
        if not self._kind.startswith("sm2"):
            return hmac.compare_digest(self._digest(said), given)
        try:
            signature = sm2.from_der(given) if self._kind == "sm2-der" else given
        except ValueError:
            return False
        return self._theirs is not None and sm2.verify(self._theirs, said, signature, self._user)

    def of(self, said: bytes, encoding: Encoding) -> str:
        """The proof of `said`."""
        if not self._kind.startswith("sm2"):
            return _encoded(self._digest(said), encoding)
        assert self._ours is not None
        signature = sm2.sign(self._ours, said, self._user)
        return _encoded(sm2.to_der(signature) if self._kind == "sm2-der" else signature, encoding)

    def _digest(self, said: bytes) -> bytes:
        match self._kind:
            case "hmac-sha256":
                return hmac.new(self._secret, said, hashlib.sha256).digest()
            case "hmac-sm3":
                mac = HMAC(self._secret, hashes.SM3())
                mac.update(said)
                return mac.finalize()
            case "sha256":
                return hashlib.sha256(said).digest()
            case _:
                return sm3(said)


class Envelope:
    """What a body's message stands in: a member of a document, a cipher, both, or nothing.

    Raises:
        ValueError: a key is none; as ``key: reason``.
    """

    def __init__(self, settings: TransferSettings) -> None:
        self._payload = settings.signing.payload
        self._cipher = settings.cipher if settings.sm4_key or settings.cipher == "sm2" else None
        self._encoding = settings.sealed_as
        self._sm4 = bytes.fromhex(settings.sm4_key or "")
        self._ours, self._theirs = _sm2_keys(settings)
        if self._cipher == "sm2" and self._ours is None:
            raise ValueError("private_key: required where bodies are sealed with sm2")

    @property
    def seals(self) -> bool:
        """Whether what goes out is sealed."""
        return self._cipher is not None and (self._cipher != "sm2" or self._theirs is not None)

    def readings(self, body: bytes) -> Iterator[bytes]:
        """What the body may say: opened where it opens, then as it is, for what was recorded or exported plain."""
        inner = self._inner(body)
        if self._cipher:
            with contextlib.suppress(ValueError):
                yield self._opened(inner)
        yield inner

    def sealed(self, plain: bytes) -> bytes:
        """The message as it is sent."""
        match self._cipher:
            case None:
                return plain
            case "sm2":
                assert self._theirs is not None
                box = sm2.encrypt(self._theirs, plain)
            case cipher:
                box = sealed(self._sm4, plain, cipher)
        return box if self._encoding == "bytes" else _encoded(box, self._encoding).encode()

    def _inner(self, body: bytes) -> bytes:
        if not self._payload:
            return body
        try:
            content = found(orjson.loads(body), self._payload)
        except ValueError:
            return body
        match content:
            case None:
                return body
            case str():
                return content.encode("utf-8", "replace")
            case _:
                return orjson.dumps(content)

    def _opened(self, body: bytes) -> bytes:
        box: bytes | None = body
        if self._encoding != "bytes":
            box = _decoded(body.decode("ascii").strip(), self._encoding)
        if box is None:
            raise ValueError(f"not {self._encoding}")
        if self._cipher == "sm2":
            assert self._ours is not None
            return sm2.decrypt(self._ours, box)
        return opened(self._sm4, box, self._cipher or "")


def opened(key: bytes, box: bytes, cipher: str) -> bytes:
    """The plain body; by ``sm4-cbc`` the first block is the start value.

    Raises:
        ValueError: it is not sealed with this key.
    """
    start, rest = (box[:_BLOCK], box[_BLOCK:]) if cipher == "sm4-cbc" else (b"", box)
    if not rest or len(box) % _BLOCK:
        raise ValueError("not whole blocks")
    decryptor = Cipher(algorithms.SM4(key), modes.CBC(start) if start else modes.ECB()).decryptor()  # noqa: S305
    padded = decryptor.update(rest) + decryptor.finalize()
    unpadder = padding.PKCS7(_BLOCK * 8).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def sealed(key: bytes, plain: bytes, cipher: str) -> bytes:
    """The body as it is sent; by ``sm4-cbc`` behind a random start value."""
    start = secrets.token_bytes(_BLOCK) if cipher == "sm4-cbc" else b""
    padder = padding.PKCS7(_BLOCK * 8).padder()
    encryptor = Cipher(algorithms.SM4(key), modes.CBC(start) if start else modes.ECB()).encryptor()  # noqa: S305
    return start + encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()


def _sm2_keys(settings: TransferSettings) -> tuple[int | None, Point | None]:
    """Our private key and their public one, as far as they are configured."""
    ours, theirs = settings.private_key, settings.public_key
    try:
        private = private_key(ours, settings.private_key_password or "") if ours else None
    except ValueError as error:
        raise ValueError(f"private_key: {error}") from error
    try:
        return private, public_key(theirs) if theirs else None
    except ValueError as error:
        raise ValueError(f"public_key: {error}") from error


def _decoded(written: str, encoding: str) -> bytes | None:
    """The bytes; None where they are not written in this way and no other. Hexadecimal may be in either case."""
    try:
        if encoding == "base64":
            given = base64.b64decode(written, validate=True)
            return given if base64.b64encode(given).decode() == written else None
        return bytes.fromhex(written) if written.isalnum() else None
    except (ValueError, binascii.Error):
        return None


def _encoded(given: bytes, encoding: str) -> str:
    match encoding:
        case "base64":
            return base64.b64encode(given).decode()
        case "upper-hex":
            return given.hex().upper()
        case _:
            return given.hex()
