"""Passwords that people can read aloud and type."""

from __future__ import annotations

import secrets

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike
_GROUPS, _GROUP = 4, 4  # 16 characters, 79 bits


def make_password() -> str:
    """A fresh random password such as ``k7mq-x2pd-9wtn-hc4e``."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
