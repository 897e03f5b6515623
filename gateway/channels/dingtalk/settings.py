"""What the operator says about one robot at DingTalk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

#: Of those whose organisation lies outside the mainland.
ABROAD = ".dingtalk.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class DingTalkSettings:
    """``[channels.NAME]`` with ``kind = "dingtalk"``: `app_key` and `app_secret` are Client ID and Client Secret.

    `mode`: DingTalk pushes to us (``http``), or we keep a connection to it (``stream``). `robot_code` is the robot's;
    empty: the application's key. `groups`: what the robot is told there is answered in a chat of its own (``private``),
    in the group (``open``), or only kept (``journal``). `timeout` in seconds for each call.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    app_key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    app_secret: Annotated[str, Field(min_length=8)] = field(repr=False)
    robot_code: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,64}$")] = ""
    mode: Literal["http", "stream"] = "http"
    groups: Literal["private", "open", "journal"] = "private"
    api_url: Annotated[str, Field(pattern=r"^https?://[^?#@]+$")] = "https://api.dingtalk.com"
    timeout: Annotated[float, Field(gt=0, le=15)] = 10.0

    @property
    def url(self) -> str:
        """The place that must be reached; what checks of a configuration look at."""
        return self.api_url

    @property
    def robot(self) -> str:
        """What the interface knows the robot by."""
        return self.robot_code or self.app_key
