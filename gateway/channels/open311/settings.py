"""What the operator says of another city's endpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import ConfigDict, Field


@dataclass(frozen=True, slots=True, kw_only=True)
class CitySettings:
    """``[channels.NAME]`` with ``kind = "open311-city"``.

    `url` is the endpoint without the names of its documents. `address` stands for the place of a ticket that has none:
    the standard wants one. With `updates` the endpoint knows FixMyStreet's ``servicerequestupdates``; without them the
    state of each request is asked for. It is asked `every` so long, for documents in `format`; `timeout` is in seconds.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    url: Annotated[str, Field(pattern=r"^https?://[^?#]+$")]
    api_key: Annotated[str, Field(min_length=1)] = field(repr=False)
    address: Annotated[str, Field(min_length=1)]
    jurisdiction_id: str = ""
    updates: bool = True
    format: Literal["json", "xml"] = "json"
    every: Annotated[timedelta, Field(ge=timedelta(seconds=1))] = timedelta(minutes=5)
    timeout: Annotated[float, Field(gt=0, le=25)] = 10.0
