"""Which calendar counts now: the operator's folder of year files, looked at again while the gateway runs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from gateway.config import Settings
from gateway.configured import read_calendar
from ticket_core.calendar import Calendar, unpublished_year
from ticket_core.policy import Policy

Marks = frozenset[tuple[str, int, int]]


class Almanac:
    """Notices by their times and sizes when year files change. Make it before the policy is read: it misses nothing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen = _marks(settings.calendar_folder)

    def changed(self) -> Calendar | None:
        """The calendar read anew when a file has changed since the last look; None when none has.

        Raises:
            ConfigError: a file is wrong; the next change is looked at again.
        """
        now = _marks(self._settings.calendar_folder)
        if now == self._seen:
            return None
        self._seen = now
        return read_calendar(self._settings)


def missing_year(policy: Policy, now: datetime) -> int | None:
    """The year whose notice is wanted and not known, by the latest day in the zones of the profiles."""
    today = max(now.astimezone(profile.tz).date() for profile in policy.profiles.values())
    return unpublished_year(policy.calendar, today)


def _marks(folder: Path | None) -> Marks:
    """Name, time and size of each year file; nothing for a folder that is gone."""
    files = folder.glob("*.json") if folder is not None and folder.is_dir() else ()
    return frozenset((path.name, (seen := path.stat()).st_mtime_ns, seen.st_size) for path in files)
