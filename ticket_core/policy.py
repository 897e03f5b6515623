"""What every decision is made by: profiles, calendar and directory, read once at the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ticket_core.calendar import Calendar
from ticket_core.directory import Directory
from ticket_core.profile import Profile
from ticket_core.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All policy of one deployment. `profiles` and `sources` by name; `calendar` says which days are worked."""

    profiles: Mapping[str, Profile]
    calendar: Calendar
    directory: Directory = field(default_factory=Directory)
    sources: Mapping[str, Source] = field(default_factory=dict)
