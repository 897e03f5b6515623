"""What the operator says about one bot."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

OFFICIAL = "https://api.telegram.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramSettings:
    """``[channels.NAME]`` with ``kind = "telegram"``.

    `token` is what @BotFather gave. `mode`: we ask (``polling``), or Telegram pushes to ``public_url/channels/NAME``
    (``webhook``, set by ourselves). `secret` is what its pushes carry; empty: one made from the token.
    `api_url` is the place of the Bot API, `proxy` an HTTP proxy to it. `timeout` is in seconds for each call,
    `long_poll` how long Telegram may wait for news before it answers, `concurrency` sends at a time.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    token: Annotated[str, Field(pattern=r"^[0-9]{1,20}:[A-Za-z0-9_-]{30,100}$")] = field(repr=False)
    mode: Literal["polling", "webhook"] = "polling"
    public_url: Annotated[str, Field(pattern=r"^(https?://.+)?$")] = ""
    secret: Annotated[str, Field(pattern=r"^([A-Za-z0-9_-]{16,256})?$")] = field(default="", repr=False)
    api_url: Annotated[str, Field(pattern=r"^https?://[^?#@]+$")] = OFFICIAL
    proxy: Annotated[str, Field(pattern=r"^(https?://.+)?$")] = field(default="", repr=False)
    timeout: Annotated[float, Field(gt=0, le=15)] = 10.0
    long_poll: Annotated[int, Field(ge=1, le=50)] = 25
    concurrency: Annotated[int, Field(ge=1, le=8)] = 4

    @property
    def url(self) -> str:
        """The place that must be reached; what checks of a configuration look at."""
        return self.proxy or self.api_url

    def secret_for(self, name: str) -> str:
        """What pushes to the channel `name` carry in ``X-Telegram-Bot-Api-Secret-Token``."""
        return self.secret or hmac.new(self.token.encode(), f"webhook of {name}".encode(), hashlib.sha256).hexdigest()
