"""What the operator says of an Open311 endpoint: who may report, what can be reported, what everybody may read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from ticket_core.model import Kind

_STRICT = ConfigDict(extra="forbid")
_Code = Annotated[str, Field(pattern=r"^[\w.-]{1,64}$")]
#: How the answer to a question is put in (GeoReport v2, GET Service Definition).
Datatype = Literal["string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"]
LISTS: frozenset[Datatype] = frozenset({"singlevaluelist", "multivaluelist"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A question that a service asks; `values` are the keys and names of a list.

    Its answer stands in the text, or where it `fills` a field of the ticket, there. With `variable` false it asks
    nothing and only tells.
    """

    __pydantic_config__ = _STRICT
    code: _Code
    description: str
    datatype: Datatype = "string"
    required: bool = False
    datatype_description: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    variable: bool = True
    fills: Literal["", "category", "respondent", "service_number", "occurred_at"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Something that can be reported, and what its tickets are.

    `type` is what the reporting program is told at once: the number (``realtime``), a token that gives it
    (``batch``), or nothing (``blackbox``).
    """

    __pydantic_config__ = _STRICT
    code: _Code
    name: str
    description: str = ""
    group: str = ""
    keywords: str = ""
    type: Literal["realtime", "batch", "blackbox"] = "realtime"
    kind: Kind = "complaint"
    category: Annotated[tuple[str, ...], Field(max_length=4)] = ()
    priority: str = ""
    confidential: bool = False
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Open311Settings:
    """``[channels.NAME]`` with ``kind = "open311"``.

    `api_keys` by the name of the program that reports with it. Without `services` the kinds and types of the process
    are what can be reported. Unless `listed`, only who has a key reads what was reported; confidential and anonymous
    tickets nobody. `shows` is what is read beside service, status and times. The same form again within `same_within`
    is the same report, unless its sender names each with ``Idempotency-Key``.
    """

    __pydantic_config__ = _STRICT
    api_keys: Annotated[Mapping[str, Annotated[str, Field(min_length=16)]], Field(min_length=1)] = field(repr=False)
    jurisdiction_id: str = ""
    services: tuple[Service, ...] = ()
    listed: bool = False
    shows: tuple[Literal["description", "location", "answer"], ...] = ()
    same_within: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=1))] = timedelta(minutes=10)
    service_notice: str = ""
    agency: str = ""
    contact: str = ""
    key_service: str = ""
    endpoint_type: Literal["production", "test"] = "production"
    public_url: str = ""
