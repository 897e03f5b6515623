"""What the operator says about a web chat."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from pydantic import ConfigDict, Field

_Origin = Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.\[\]:-]{1,255}$")]
LARGEST_FILE = 10 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class WebChatSettings:
    """``[channels.NAME]`` with ``kind = "webchat"``.

    `origins` are the sites whose pages may show the panel. `secret` signs sessions; empty: one made from the
    installation's. A session that nobody uses ends after `keep`. What nobody fetched within `fetched_within` goes by
    mail or SMS where the complainant left an address. `largest_file` is in bytes, `connections` counts listening pages.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    origins: tuple[_Origin, ...] = ()
    secret: Annotated[str, Field(pattern=r"^(.{32,})?$")] = field(default="", repr=False)
    keep: Annotated[timedelta, Field(ge=timedelta(hours=1), le=timedelta(days=400))] = timedelta(days=30)
    fetched_within: Annotated[timedelta, Field(ge=timedelta(seconds=10))] = timedelta(minutes=10)
    messages_per_minute: Annotated[int, Field(ge=1)] = 60
    connections: Annotated[int, Field(ge=1)] = 2000
    largest_file: Annotated[int, Field(ge=1024, le=LARGEST_FILE)] = LARGEST_FILE
