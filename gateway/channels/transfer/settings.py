"""What the operator says of one forwarding body."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

Digest = Literal["hmac-sha256", "hmac-sm3", "sm2", "sm2-der", "sha256", "sm3"]
Encoding = Literal["hex", "upper-hex", "base64"]
_Key = Annotated[str, Field(min_length=16)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """How a body signs: the names of its values, in a header, the query or the body, and the text they make.

    `text` may hold {app_id}, {timestamp}, {nonce}, {body}, {body_sha256}, {body_sm3} (hexadecimal), {sorted} (the
    parameters, or the members of the body, as name=value in order, joined by &) and, at the end of a plain digest's,
    {secret}. `time_format` is strptime's; empty: seconds or milliseconds since 1970. In a body, `payload` is the path
    of what is said, and {body} is its text. A name that is empty does not exist.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    place: Literal["header", "query", "body"] = "header"
    app_id: str = ""
    timestamp: Annotated[str, Field(min_length=1)] = "x-timestamp"
    nonce: str = "x-nonce"
    signature: Annotated[str, Field(min_length=1)] = "x-signature"
    text: str = "{timestamp}\n{nonce}\n{body}"
    encoding: Encoding = "hex"
    time_format: str = ""
    payload: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferSettings:
    """``[channels.NAME]`` with ``kind = "transfer"``.

    `source` names the body's rules. Pushes are signed with `secret` as `signing` says; they may be `window` old. By
    SM2 they are signed with its key, of which we have `public_key`, and what we send with `private_key`; the signature
    is r and s behind each other, or by ``sm2-der`` a DER sequence. Keys are hexadecimal, base64 or PEM, a private one
    perhaps under `private_key_password`. With `sm4_key` (32 hexadecimal digits) a body is
    SM4, by CBC its first 16 bytes the start value; by ``sm2`` it is sealed for our key. `folder` is looked at for
    sheets. Steps go to `callback`, signed the same way; without one they wait for the reply sheet. `timeout` in
    seconds.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    source: str
    secret: _Key | None = field(default=None, repr=False)
    signature: Digest = "hmac-sha256"
    signing: Signing = Signing()
    app_id: str = ""
    public_key: _Key | None = None
    private_key: _Key | None = field(default=None, repr=False)
    private_key_password: str | None = field(default=None, repr=False)
    user_id: str = "1234567812345678"
    sm4_key: Annotated[str, Field(pattern="^[0-9a-fA-F]{32}$")] | None = field(default=None, repr=False)
    cipher: Literal["sm4-cbc", "sm4-ecb", "sm2"] = "sm4-cbc"
    sealed_as: Literal["bytes", "hex", "base64"] = "bytes"
    window: timedelta = timedelta(minutes=5)
    folder: Path | None = None
    callback: Annotated[str, Field(pattern="^https?://")] = ""
    timeout: Annotated[float, Field(gt=0, le=25)] = 10.0
    sources_folder: Path | None = None

    @property
    def url(self) -> str:
        """The place that must be reached; what checks of a configuration look at. Empty where there is none."""
        return self.callback
