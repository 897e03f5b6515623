"""Accounts at WeCom and WeChat, and how these platforms sign and encrypt."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway.channels.tencent.seal import signature
from gateway.message import OutboundMessage, Raw

# The example of the platforms' own documentation and libraries.
TOKEN, KEY, CORP = "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7"
KF = "wkAJ2GCAAASSm4_FhToWMFea0xAFfd3Q"
SECRET = "synthetic-secret"
NOWHERE = "http://127.0.0.1:9"
_COMMON = {"token": TOKEN, "aes_key": KEY, "api_url": NOWHERE, "timeout": 0.5}
SETTINGS: Mapping[str, dict[str, Any]] = {
    "wecom-app": {**_COMMON, "corp_id": CORP, "agent_id": 1000002, "secret": SECRET},
    "wecom-bot": _COMMON,
    "wecom-kf": {**_COMMON, "corp_id": CORP, "open_kfid": KF, "secret": SECRET, "poll_every": 1},
    "wechat": {**_COMMON, "app_id": CORP, "secret": SECRET},
}


def padded(plain: bytes, key: bytes) -> bytes:
    """AES-256-CBC with their padding to 32 bytes."""
    count = 32 - len(plain) % 32
    sealer = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return sealer.update(plain + bytes([count]) * count) + sealer.finalize()


def encrypted(body: bytes, receiver: str, aes_key: str = KEY) -> str:
    """As the platforms encrypt a push; the random bytes are always the same, so that a second delivery is."""
    key = base64.b64decode(aes_key.replace("-", "A")[:43] + "=")
    return base64.b64encode(
        padded(b"0123456789abcdef" + len(body).to_bytes(4, "big") + body + receiver.encode(), key)
    ).decode()


def pushed(raw: Raw, body: bytes, said: str, token: str, **query: str) -> Raw:
    """The push with its signature over what is encrypted, made at `raw.received_at`."""
    at, nonce = str(int(raw.received_at.timestamp())), "1372623149"
    marks = {"timestamp": at, "nonce": nonce, "msg_signature": signature(token, at, nonce, said), **query}
    return replace(raw, body=body, query={**raw.query, **marks})


def as_xml(raw: Raw, settings: Mapping[str, Any], receiver: str = CORP) -> Raw:
    """A push of an application."""
    said = encrypted(raw.body, receiver, settings["aes_key"])
    body = f"<xml><ToUserName><![CDATA[{receiver}]]></ToUserName><Encrypt><![CDATA[{said}]]></Encrypt></xml>"
    return pushed(raw, body.encode(), said, settings["token"])


def as_json(raw: Raw, settings: Mapping[str, Any]) -> Raw:
    """A push of a bot, whose receiver is empty."""
    said = encrypted(raw.body, "", settings["aes_key"])
    return pushed(raw, f'{{"encrypt":"{said}"}}'.encode(), said, settings["token"])


def notice(text: str = "已受理。", to: str = "lisi", **more: Any) -> OutboundMessage:
    """A notice to somebody's chat."""
    forms = {"text": text, "choices": more.pop("choices", "")}
    return OutboundMessage(**{"reference": "n17", "to": to, "forms": forms, **more})
