"""How DingTalk proves that a push is its own: time and secret are signed, and nothing of what is said.

https://open.dingtalk.com/document/orgapp/receive-message
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from gateway.errors import Refused
from gateway.message import Raw

#: As the platform's page asks for.
FRESH = timedelta(hours=1)


def signature(at: str, app_secret: str) -> str:
    """HMAC-SHA256 of time, line break and secret with the secret as key, in base64."""
    mac = hmac.digest(app_secret.encode(), f"{at}\n{app_secret}".encode("utf-8", "surrogatepass"), hashlib.sha256)
    return base64.b64encode(mac).decode()


def check(raw: Raw, app_secret: str) -> None:
    """Refuse what DingTalk did not push, or long ago."""
    at = raw.headers.get("timestamp", "")
    if not (at.isascii() and at.isdigit() and len(at) <= 14):
        raise Refused(401, "no time")
    said = raw.headers.get("sign", "").encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(signature(at, app_secret).encode(), said):
        raise Refused(401, "wrong signature")
    if abs(raw.received_at - datetime.fromtimestamp(int(at) / 1000, UTC)) > FRESH:
        raise Refused(401, "too old, or a clock is wrong")
