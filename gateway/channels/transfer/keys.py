"""SM2 keys as people have them: hexadecimal, base64, or documents of OpenSSL and GmSSL, in PEM or bare.

A public key is a SubjectPublicKeyInfo (RFC 5480), a private one PKCS #8 (RFC 5958) around an ECPrivateKey (RFC 5915),
or that alone; GmSSL always protects it with a password by PBES2 (RFC 8018) of HMAC-SM3 and SM4. A document says of
which curve its key is, so that a key of another one is refused; numbers alone cannot.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from gateway.channels.transfer import sm2
from gateway.channels.transfer.sm2 import Point

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_OBJECT, _SEQUENCE = b"\x06", b"\x30"
_BARE = frozenset({32, 64, 65})  # sizes of keys that are numbers alone, which may begin like a document
_EC = bytes.fromhex("2a8648ce3d0201")  # 1.2.840.10045.2.1
_SM2 = bytes.fromhex("2a811ccf5501822d")  # 1.2.156.10197.1.301 (GM/T 0006)
_PBES2, _PBKDF2 = bytes.fromhex("2a864886f70d01050d"), bytes.fromhex("2a864886f70d01050c")
_DIGESTS: dict[bytes, Callable[[], hashes.HashAlgorithm]] = {
    bytes.fromhex("2a811ccf5501831102"): hashes.SM3,  # 1.2.156.10197.1.401.2, with a key
    bytes.fromhex("2a811ccf55018311"): hashes.SM3,  # as some write it
    bytes.fromhex("2a864886f70d0209"): hashes.SHA256,
}
#: How long a cipher's key is, in bytes.
_CIPHERS = {
    bytes.fromhex("2a811ccf55016802"): (algorithms.SM4, 16),  # 1.2.156.10197.1.104.2
    bytes.fromhex("60864801650304012a"): (algorithms.AES, 32),
    bytes.fromhex("608648016503040102"): (algorithms.AES, 16),
}
_MOST_ROUNDS = 10_000_000

Value = tuple[bytes, bytes]


def public_key(written: str) -> Point:
    """A public key.

    Raises:
        ValueError: it is none, or of another curve.
    """
    given = _given(written, "PUBLIC KEY")
    if given[:1] != _SEQUENCE or len(given) in _BARE:
        return sm2.public_key(given)
    match _inside(given):
        case [(b"\x30", algorithm), (b"\x03", bits)] if _is_sm2(algorithm) and bits[:1] == b"\0":
            return sm2.public_key(bits[1:])
    raise ValueError("not an SM2 public key but of another kind or curve")


def private_key(written: str, password: str = "") -> int:
    """A private key; `password` opens one that is protected.

    Raises:
        ValueError: it is none, of another curve, or not opened by this password.
    """
    given = _given(written, "PRIVATE KEY")
    if given[:1] != _SEQUENCE or len(given) in _BARE:
        return sm2.private_key(given)
    document = _inside(given)
    match document:
        case [(b"\x30", way), (b"\x04", sealed)]:
            document = _inside(_unsealed(way, sealed, password))
    match document:
        case [(b"\x02", _), (b"\x30", algorithm), (b"\x04", inner), *_] if _is_sm2(algorithm):
            document = _inside(inner)
        case [(b"\x02", _), (b"\x04", _), (b"\xa0", curve), *_] if _values(curve) == [(_OBJECT, _SM2)]:
            pass
        case _:
            raise ValueError("not an SM2 private key but of another kind or curve")
    match document:
        case [(b"\x02", b"\1"), (b"\x04", number), *_]:
            return sm2.private_key(number)
    raise ValueError("not an SM2 private key")


def _given(written: str, kind: str) -> bytes:
    """The bytes of a key, of several documents those of the one whose name ends so."""
    documents: dict[str, str] = dict(_PEM.findall(written))
    named = next((name for name in documents if name.endswith(kind)), "")
    if documents and not named:
        raise ValueError(f"no {kind} but {', '.join(documents)}")
    text = "".join(documents.get(named, written).split())
    try:
        return bytes.fromhex(text)
    except ValueError:
        pass
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not an SM2 {kind.lower()} in hexadecimal, base64 or PEM") from error


def _unsealed(way: bytes, sealed: bytes, password: str) -> bytes:
    """What a password protects by PBES2."""
    match _values(way):
        case [(_, kind), (b"\x30", parts)] if kind == _PBES2:
            match [_values(one) for _, one in _values(parts)]:
                case [[(_, derived), (b"\x30", rules)], [(_, cipher), (b"\x04", start)]] if derived == _PBKDF2:
                    if not password:
                        raise ValueError("protected by a password: private_key_password is needed")
                    return _decrypted(sealed, cipher, start, _values(rules), password)
    raise ValueError("protected in a way that is not known: PBES2 of PBKDF2 is")


def _decrypted(sealed: bytes, cipher: bytes, start: bytes, rules: list[Value], password: str) -> bytes:
    salt, rounds = rules[0][1], int.from_bytes(rules[1][1], "big")
    digest = _DIGESTS.get(_values(rules[-1][1])[0][1]) if rules[-1][0] == _SEQUENCE else None
    algorithm, size = _CIPHERS.get(cipher, (None, 0))
    if digest is None or algorithm is None or not 0 < rounds <= _MOST_ROUNDS:
        raise ValueError("protected by a cipher or digest that is not known: SM4, AES, HMAC-SM3 and HMAC-SHA256 are")
    key = PBKDF2HMAC(digest(), size, salt, rounds).derive(password.encode())
    decryptor = Cipher(algorithm(key), modes.CBC(start)).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    try:
        padded = decryptor.update(sealed) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise ValueError("not opened by private_key_password") from error


def _is_sm2(algorithm: bytes) -> bool:
    return _values(algorithm) == [(_OBJECT, _EC), (_OBJECT, _SM2)]


def _inside(written: bytes) -> list[Value]:
    """What stands in a sequence that is all there is."""
    match _values(written):
        case [(b"\x30", content)]:
            return _values(content)
    raise ValueError("not a whole DER document")


def _values(written: bytes) -> list[Value]:
    """DER values that stand one behind the other (X.690, 8.1), each as tag and content."""
    found = []
    while written:
        tag, size, at = written[:1], int.from_bytes(written[1:2], "big"), 2
        if size > 0x80:  # so many bytes of length follow
            at += size & 0x7F
            size = int.from_bytes(written[2:at], "big")
        content, written = written[at : at + size], written[at + size :]
        if len(content) != size or size == 0x80:
            raise ValueError("not a whole DER document")
        found.append((tag, content))
    return found
