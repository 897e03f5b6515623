"""What the operator says of the files that one machine leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

#: What is found out about a file.
Told = Literal["caller", "at", "name", "text", "service_number"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesSettings:
    """``[channels.NAME]`` with ``kind = "files"``.

    `folder` is looked at; a note beside a file, ``NAME.json`` or lines ``key=value`` in ``NAME.txt``, tells of it, and
    with `note_within` it is waited for. `name_pattern` is a regular expression with the groups ``caller``, ``at`` or
    ``name`` that is looked for in file names; `told` are the paths of a note. `time_format` is strptime's; without it a
    time is ISO 8601, 8, 12 or 14 digits, or seconds since 1970. Pushes prove themselves with `secret`: by
    ``hmac-sha256`` over time, name, note and body, at most `window` old, or as a ``token``. `label` stands before the
    name in the subject.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    folder: Path | None = None
    secret: Annotated[str, Field(min_length=16)] | None = field(default=None, repr=False)
    proof: Literal["hmac-sha256", "token"] = "hmac-sha256"
    window: timedelta = timedelta(minutes=5)
    label: str = ""
    name_pattern: str = ""
    told: Mapping[Told, str | tuple[str, ...]] = field(
        default_factory=lambda: {
            "caller": ("caller", "callerid", "caller_id", "from"),
            "at": ("at", "origtime", "time"),
            "name": ("name",),
            "text": ("text", "transcript"),
            "service_number": ("service_number",),
        }
    )
    note_within: timedelta = timedelta(0)
    time_format: str = ""
    zone: str = "Asia/Shanghai"
