"""Tokens of visitors: a random secret, when it was made out, and our signature over both.

A token is stored nowhere. The account, under which the conversation stands in the database, is a hash of its secret:
who reads the database finds no token there, and who makes one up lacks the signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime, timedelta

from gateway.channels.base import Visitor

_SECRET_BYTES = 24
_TOKEN = re.compile(r"([A-Za-z0-9_-]{32})\.([0-9]{1,11})\.([A-Za-z0-9_-]{43})")
_ACCOUNT_BYTES = 15  # 120 bits, 24 characters
_SKEW = timedelta(minutes=5)  # how far the clocks of two processes may be apart
_RENEWED_AFTER = timedelta(days=1)


def account_of(secret: str) -> str:
    """What may be told of a visitor: the hash of the secret part of the token."""
    digest = hashlib.sha256(secret.encode()).digest()[:_ACCOUNT_BYTES]
    return base64.b32encode(digest).decode().lower()


class Sessions:
    """Makes and checks the tokens of one channel; `key` signs them. Without a key every token is wrong."""

    def __init__(self, name: str, key: bytes, keep: timedelta) -> None:
        self._name = name
        self._key = key
        self._keep = keep

    def new(self, at: datetime) -> Visitor:
        """A visitor who was not here before."""
        return self.made_out(secrets.token_urlsafe(_SECRET_BYTES), at)

    def visitor(self, token: str, at: datetime) -> Visitor | None:
        """Whose token this is; after a day with a newer one. None for a forged, broken or expired one."""
        read = _TOKEN.fullmatch(token)
        if read is None or not self._key:
            return None
        secret, made_out, signature = read.groups()
        if not hmac.compare_digest(self._sign(secret, made_out).encode(), signature.encode()):
            return None
        made_out_at = datetime.fromtimestamp(int(made_out), UTC)
        if not made_out_at - _SKEW <= at <= made_out_at + self._keep:
            return None
        if at - made_out_at > min(_RENEWED_AFTER, self._keep / 2):
            return self.made_out(secret, at, is_renewed=True)
        return Visitor(account=account_of(secret), token=token, until=made_out_at + self._keep)

    def made_out(self, secret: str, at: datetime, *, is_renewed: bool = False) -> Visitor:
        """The visitor with this secret and a token made out at that time."""
        made_out = str(int(at.timestamp()))
        token = f"{secret}.{made_out}.{self._sign(secret, made_out)}"
        until = datetime.fromtimestamp(int(made_out), UTC) + self._keep
        return Visitor(account=account_of(secret), token=token, until=until, is_renewed=is_renewed)

    def _sign(self, secret: str, made_out: str) -> str:
        said = f"visitor of {self._name}: {secret}.{made_out}".encode()
        return base64.urlsafe_b64encode(hmac.digest(self._key, said, hashlib.sha256)).decode().rstrip("=")
