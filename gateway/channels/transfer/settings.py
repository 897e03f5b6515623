"""What the operator says of one forwarding body."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

Digest = Literal["hmac-sha256", "hmac-sm3"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferSettings:
    """``[channels.NAME]`` with ``kind = "transfer"``.

    `source` names the body's rules. Pushes are signed with `secret`: the digest of time, nonce and body, each but the
    last followed by a line feed, in hexadecimal; they may be `window` old. With `sm4_key` (32 hexadecimal digits) a
    body is SM4-CBC, its first 16 bytes the start value. `folder` is looked at for sheets. Steps go to `callback`,
    signed the same way; without one they are kept for the reply sheet. `timeout` in seconds.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    source: str
    secret: Annotated[str, Field(min_length=16)] | None = field(default=None, repr=False)
    signature: Digest = "hmac-sha256"
    sm4_key: Annotated[str, Field(pattern="^[0-9a-fA-F]{32}$")] | None = field(default=None, repr=False)
    window: timedelta = timedelta(minutes=5)
    folder: Path | None = None
    callback: Annotated[str, Field(pattern="^https?://")] = ""
    callback_ok: tuple[str, ...] = ("0", "200", "ok", "success", "true")
    timeout: Annotated[float, Field(gt=0, le=25)] = 10.0
    sources_folder: Path | None = None
