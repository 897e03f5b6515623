"""What the operator says about one application at Feishu or Lark."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

LARK = "larksuite.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeishuSettings:
    """``[channels.NAME]`` with ``kind = "feishu"``: `verification_token` and `encrypt_key` are those of 事件与回调.

    Without an `encrypt_key` a push is not signed: the token alone proves it. `groups`: what the bot is told there is
    answered in a chat of its own (``private``), under what was said (``thread``), or only kept (``journal``).
    `choices` are ``buttons`` where 卡片回传交互 is pushed to us as events are, else ``lines`` to be typed. `timeout` in
    seconds for each call.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    app_id: Annotated[str, Field(pattern=r"^cli_[A-Za-z0-9]{1,60}$")]
    app_secret: Annotated[str, Field(min_length=1)] = field(repr=False)
    verification_token: Annotated[str, Field(min_length=8)] = field(repr=False)
    encrypt_key: str = field(default="", repr=False)
    groups: Literal["private", "thread", "journal"] = "private"
    choices: Literal["lines", "buttons"] = "lines"
    api_url: Annotated[str, Field(pattern=r"^https?://[^?#@]+$")] = "https://open.feishu.cn"
    timeout: Annotated[float, Field(gt=0, le=15)] = 10.0

    @property
    def url(self) -> str:
        """The place that must be reached; what checks of a configuration look at."""
        return self.api_url
