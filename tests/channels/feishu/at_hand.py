"""A bot at Feishu, how the platform signs and encrypts, and events to make things happen."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from gateway.channels.feishu import Feishu, FeishuSettings
from gateway.channels.feishu.seal import signature
from gateway.message import OutboundMessage, Raw
from tests.channels.slow_motion import slow_motion
from tests.servers.feishu import APP_ID, SECRET, FeishuServer

# The token of the platform's own documented example; the key is that of its page about encryption.
TOKEN, KEY = "rvaYgkND1GOiu5MM0E1rncYC6PLtF7JV", "kudryavka"
NOWHERE = "http://127.0.0.1:9"
SETTINGS: Mapping[str, Any] = {
    "app_id": APP_ID,
    "app_secret": SECRET,
    "verification_token": TOKEN,
    "encrypt_key": KEY,
    "api_url": NOWHERE,
    "timeout": 0.5,
}
SENT_AT = 1_772_415_000_000  # 2026-03-02 01:30 UTC
LI = "ou_84aad35d084aa403a838cf73ee18467"


def encrypted(body: bytes, key: str = KEY) -> bytes:
    """As Feishu encrypts a push; the vector is always the same, so that a second delivery is."""
    vector = b"0123456789abcdef"
    padder = PKCS7(128).padder()
    sealer = Cipher(algorithms.AES(hashlib.sha256(key.encode()).digest()), modes.CBC(vector)).encryptor()
    sealed = vector + sealer.update(padder.update(body) + padder.finalize()) + sealer.finalize()
    return json.dumps({"encrypt": base64.b64encode(sealed).decode()}).encode()


def signed(raw: Raw, settings: Mapping[str, Any] = SETTINGS) -> Raw:
    """The push of an event at `raw.received_at`: encrypted and signed where there is a key."""
    body = raw.body.replace(TOKEN.encode(), settings["verification_token"].encode())
    key = settings.get("encrypt_key", "")
    if not key:
        return replace(raw, body=body)
    body = encrypted(body, key)
    at, nonce = str(int(raw.received_at.timestamp())), "78c2a5c0"
    marks = {
        "x-lark-request-timestamp": at,
        "x-lark-request-nonce": nonce,
        "x-lark-signature": signature(at, nonce, key.encode(), body),
    }
    return replace(raw, body=body, headers={**raw.headers, **marks})


def event(kind: str, number: str, **said: Any) -> dict[str, Any]:
    """An event as the platform pushes it."""
    header = {
        "event_id": f"event-{number}",
        "event_type": kind,
        "create_time": str(SENT_AT),
        "token": TOKEN,
        "app_id": APP_ID,
        "tenant_key": "2ca1d211f64f6438",
    }
    return {"schema": "2.0", "header": header, "event": said}


def written(number: str, content: str | Mapping[str, Any], *, kind: str = "text", **more: Any) -> dict[str, Any]:
    """Somebody writes to the bot, or in a group."""
    account = more.pop("account", LI)
    message = {
        "message_id": f"om_{number}",
        "create_time": str(SENT_AT),
        "update_time": str(SENT_AT),
        "chat_id": "oc_5ce6d572455d361153b7xx51da133945",
        "chat_type": "p2p",
        "message_type": kind,
        "content": json.dumps({"text": content} if isinstance(content, str) else content, ensure_ascii=False),
        **more,
    }
    sender = {"sender_id": {"open_id": account}, "sender_type": "user", "tenant_key": "736588c9260f175e"}
    return event("im.message.receive_v1", number, sender=sender, message=message)


def pressed(number: str, value: Mapping[str, Any], account: str = LI) -> dict[str, Any]:
    """Somebody presses a button of a card; its head tells microseconds."""
    made = event(
        "card.action.trigger",
        number,
        operator={"tenant_key": "2ca1d211f64f6438", "open_id": account},
        token="c-295ee57216a5dc9de90fefd0aadb4b1d7dxxxx",
        action={"value": value, "tag": "button", "timezone": "Asia/Shanghai"},
        host="im_message",
        context={"open_message_id": "om_sent2", "open_chat_id": "oc_5ce6d572455d361153b7xx51da133945"},
    )
    made["header"]["create_time"] = f"{SENT_AT}000"
    return made


def notice(text: str = "已受理。", to: str = LI, **more: Any) -> OutboundMessage:
    """A notice to somebody's chat."""
    forms = {"text": text, "choices": more.pop("choices", "")}
    return OutboundMessage(**{"reference": "n17", "to": to, "forms": forms, **more})


@contextlib.asynccontextmanager
async def bot_at(server: FeishuServer, **settings: Any) -> AsyncIterator[Feishu]:
    """A bot of this cloud, whose turns take no time."""
    bot = Feishu("desk", FeishuSettings(**{**SETTINGS, "api_url": server.url, "timeout": 1.0, **settings}))
    slow_motion(bot.pace)
    try:
        yield bot
    finally:
        await bot.close()
