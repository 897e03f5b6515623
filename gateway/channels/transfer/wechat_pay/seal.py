"""Signatures and ciphers of WeChat Pay's interface version 3.

Signatures: SHA-256 with RSA, https://pay.weixin.qq.com/doc/v3/merchant/4012365342 (ours), …/4013053249 (theirs);
notices: AEAD_AES_256_GCM, …/4012071382; telephone numbers: RSA-OAEP with SHA-1 for our certificate, …/4013053257.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.channels.transfer.wechat_pay.settings import WeChatPaySettings
from gateway.errors import ConfigError

_SCHEME = "WECHATPAY2-SHA256-RSA2048"
_LONGEST_SIGNATURE = 1024
_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)  # noqa: S303  their choice


class NotProven(ValueError):
    """What came is not from WeChat Pay, or not from now; the reason is for people and shows no value."""


class Seal:
    """The keys of a merchant and of the platform.

    Raises:
        ConfigError: with each key that cannot be read.
    """

    def __init__(self, settings: WeChatPaySettings) -> None:
        self._own = settings
        self._theirs: dict[str, rsa.RSAPublicKey] = {}
        problems: list[str] = []
        for serial, file in settings.platform_keys.items():
            try:
                self._theirs[serial.casefold()] = _public_key(file.read_bytes(), serial)
            except (OSError, ValueError) as error:
                problems.append(f"platform_keys.{serial}: {_reason(error)}")
        try:
            self._ours = _private_key(settings.private_key.read_bytes())
        except (OSError, ValueError, TypeError) as error:
            problems.append(f"private_key: {_reason(error)}")
        if problems:
            raise ConfigError(problems)

    def check(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """What came is from the platform, unaltered and from now; `headers` by their names in small letters.

        A signature that begins with ``WECHATPAY/SIGNTEST/`` is theirs too, and wrong on purpose: it must not pass.

        Raises:
            NotProven: it is not.
        """
        serial = headers.get("wechatpay-serial", "").strip().casefold()
        key = self._theirs.get(serial)
        if key is None:
            raise NotProven("wechatpay-serial: none of platform_keys" if serial else "wechatpay-serial: required")
        stamp, nonce = headers.get("wechatpay-timestamp", ""), headers.get("wechatpay-nonce", "")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
            raise NotProven("wechatpay-timestamp: seconds since 1970")
        written = headers.get("wechatpay-signature", "")
        said = f"{stamp}\n{nonce}\n".encode("utf-8", "replace") + body + b"\n"
        try:
            signature = base64.b64decode(written[:_LONGEST_SIGNATURE], validate=True)
            key.verify(signature, said, padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError) as error:
            raise NotProven("wechatpay-signature: wrong signature") from error
        at = datetime.fromtimestamp(int(stamp), UTC)
        if abs(at - now) > self._own.window:
            raise NotProven(
                f"wechatpay-timestamp: your time is {at.isoformat()}, ours is "
                f"{now.astimezone(UTC).isoformat(timespec='seconds')}; at most {self._own.window} is allowed"
            )

    def authorization(self, method: str, path: str, body: bytes, now: datetime) -> str:
        """The header that signs a request of ours; `path` with its query, as it is sent."""
        stamp, nonce = str(int(now.timestamp())), secrets.token_hex(16)
        said = f"{method}\n{path}\n{stamp}\n{nonce}\n".encode() + body + b"\n"
        signature = base64.b64encode(self._ours.sign(said, padding.PKCS1v15(), hashes.SHA256())).decode()
        marks = {
            "mchid": self._own.merchant,
            "nonce_str": nonce,
            "signature": signature,
            "timestamp": stamp,
            "serial_no": self._own.serial,
        }
        return f"{_SCHEME} " + ",".join(f'{name}="{value}"' for name, value in marks.items())

    def opened(self, resource: Mapping[str, str]) -> bytes:
        """What a notice says.

        Raises:
            ValueError: it is not sealed with our key, or was altered.
        """
        if resource.get("algorithm") != "AEAD_AES_256_GCM":
            raise ValueError("an algorithm that is not known")
        cipher = AESGCM(self._own.api_key.encode())
        sealed = base64.b64decode(resource["ciphertext"], validate=True)
        try:
            return cipher.decrypt(resource["nonce"].encode(), sealed, (resource.get("associated_data") or "").encode())
        except InvalidTag as error:
            raise ValueError("not sealed with our key, or altered") from error

    def phone(self, sealed: str) -> str:
        """A telephone number that was sealed for us; empty where it cannot be opened, such as for an older certificate.

        What a person must then do stands in the operator's handbook; the complaint itself is more important.
        """
        try:
            return self._ours.decrypt(base64.b64decode(sealed, validate=True), _OAEP).decode()
        except ValueError:
            return ""


def _public_key(pem: bytes, serial: str) -> rsa.RSAPublicKey:
    if b"BEGIN CERTIFICATE" in pem:
        certificate = x509.load_pem_x509_certificate(pem)
        if certificate.serial_number != int(serial, 16):
            raise ValueError("the certificate has another serial number")
        key = certificate.public_key()
    else:
        key = serialization.load_pem_public_key(pem)  # type: ignore[assignment]
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < 2048:
        raise ValueError("no RSA key of 2048 bits")
    return key


def _private_key(pem: bytes) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < 2048:
        raise ValueError("no RSA key of 2048 bits")
    return key


def _reason(error: Exception) -> str:
    """Without anything of the file."""
    if isinstance(error, OSError):
        return str(error.strerror)
    said = str(error)
    return said if len(said) < 60 and "PEM" not in said else "no key in PEM form"
