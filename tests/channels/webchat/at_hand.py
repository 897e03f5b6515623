"""A visitor whose token is always the same, and what a page of his pushes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.channels.webchat import WebChat, WebChatSettings
from gateway.channels.webchat.session import Sessions, account_of
from gateway.message import Raw

SECRET = "synthetic-secret-of-a-test-chat-00"
#: The secret part of two visitors' tokens.
LI, WANG = "L" * 32, "W" * 32
ACCOUNT, OTHER = account_of(LI), account_of(WANG)
HEADER = "x-chat-session"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))


def chat(name: str = "chat", **settings: Any) -> WebChat:
    """A configured web chat."""
    return WebChat(name, WebChatSettings(**{"secret": SECRET, **settings}))


def token(raw: Raw, secret: str = SECRET, visitor: str = LI) -> str:
    """The token that this visitor got when the input arrived, of a channel that signs with `secret`."""
    made = Sessions(raw.channel, secret.encode(), WebChatSettings().keep).made_out(visitor, raw.received_at)
    return made.token


def signed(raw: Raw, secret: str = SECRET, visitor: str = LI) -> Raw:
    """As the visitor's page sends it."""
    return replace(raw, headers={**raw.headers, HEADER: token(raw, secret, visitor)})


def body(message: Mapping[str, Any], content: bytes = b"", account: str = ACCOUNT) -> bytes:
    """What a page pushes."""
    head = json.dumps({"account": account, **message}, ensure_ascii=False, separators=(",", ":")).encode()
    return head + b"\n" + content if content else head


def said(text: str, name: str = "message-0001", **more: Any) -> dict[str, Any]:
    """A message."""
    return {"type": "message", "id": name, "text": text, **more}
