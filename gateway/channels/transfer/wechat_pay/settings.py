"""What the operator says of one merchant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field


@dataclass(frozen=True, slots=True, kw_only=True)
class WeChatPaySettings:
    """``[channels.NAME]`` with ``kind = "wechat-pay"``.

    `merchant` is the number 商户号, `serial` that of its API certificate, whose private key is in the file
    `private_key`; `api_key` the APIv3 key. `platform_keys` are files with WeChat's certificates or public keys by
    serial number or key id: all that may be in use at a change. Every `every` seconds, and at the start, the open
    complaints of the last `look_back` (30 days at most) are asked for, as notices may be lost. What a notice named and
    nobody tells us within `patience` is a ticket all the same. `timeout` in seconds for each call.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    source: str
    merchant: Annotated[str, Field(pattern=r"^[0-9]{6,32}$")]
    serial: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{8,64}$")]
    private_key: Path
    api_key: Annotated[str, Field(pattern=r"^[!-~]{32}$")] = field(repr=False)
    platform_keys: Annotated[Mapping[str, Path], Field(min_length=1)]
    api_url: Annotated[str, Field(pattern=r"^https?://[^?#@/]+$")] = "https://api.mch.weixin.qq.com"
    window: timedelta = timedelta(minutes=5)
    every: Annotated[float, Field(ge=1, le=86_400)] = 3600.0
    look_back: Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(days=29))] = timedelta(days=29)
    patience: Annotated[timedelta, Field(ge=timedelta(0))] = timedelta(minutes=10)
    timeout: Annotated[float, Field(gt=0, le=25)] = 10.0
    sources_folder: Path | None = None

    @property
    def url(self) -> str:
        """The place that must be reached; what checks of a configuration look at."""
        return self.api_url
