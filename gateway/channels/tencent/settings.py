"""What the operator says about accounts at WeCom and WeChat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import ConfigDict, Field

_Token = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{3,32}$")]
_AesKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}$")]
_Url = Annotated[str, Field(pattern=r"^https?://[^?#@]+$")]
_Timeout = Annotated[float, Field(gt=0, le=15)]
_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSettings:
    """``kind = "wecom-app"``: `token` and `aes_key` are those of 接收消息, `secret` the application's own.

    `timeout` in seconds for each call.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    corp_id: _Id
    agent_id: Annotated[int, Field(ge=1)]
    secret: Annotated[str, Field(min_length=1)] = field(repr=False)
    token: _Token = field(repr=False)
    aes_key: _AesKey = field(repr=False)
    api_url: _Url = "https://qyapi.weixin.qq.com"
    timeout: _Timeout = 10.0

    @property
    def url(self) -> str:
        """The place that must be reached; what checks of a configuration look at."""
        return self.api_url


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """``kind = "wecom-kf"``: `open_kfid` is the account 客服账号, `secret` that of 微信客服 or of its application.

    Every `poll_every` seconds we ask although nothing was pushed. `timeout` in seconds for each call.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    corp_id: _Id
    open_kfid: _Id
    secret: Annotated[str, Field(min_length=1)] = field(repr=False)
    token: _Token = field(repr=False)
    aes_key: _AesKey = field(repr=False)
    api_url: _Url = "https://qyapi.weixin.qq.com"
    poll_every: Annotated[float, Field(ge=1, le=3600)] = 120.0
    timeout: _Timeout = 10.0

    @property
    def url(self) -> str:
        """The place that must be reached; what checks of a configuration look at."""
        return self.api_url


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSettings:
    """``kind = "wecom-bot"``: a 智能机器人 in API mode by URL. `timeout` in seconds for each call."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    token: _Token = field(repr=False)
    aes_key: _AesKey = field(repr=False)
    api_url: _Url = "https://qyapi.weixin.qq.com"
    timeout: _Timeout = 10.0

    @property
    def url(self) -> str:
        """The place that must be reached; what checks of a configuration look at."""
        return self.api_url


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """``kind = "wechat"``: a 服务号. With an `aes_key` only encrypted pushes are taken (compatible or safe mode).

    `timeout` in seconds for each call.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    app_id: _Id
    secret: Annotated[str, Field(min_length=1)] = field(repr=False)
    token: _Token = field(repr=False)
    aes_key: Annotated[str, Field(pattern=r"^([A-Za-z0-9+/]{43})?$")] = field(default="", repr=False)
    api_url: _Url = "https://api.weixin.qq.com"
    timeout: _Timeout = 10.0

    @property
    def url(self) -> str:
        """The place that must be reached; what checks of a configuration look at."""
        return self.api_url
