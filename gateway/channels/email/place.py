"""How far a folder has been read: what the channel remembers between two connections."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

# After a renumbering, mail older than this before the folder was last empty of news is known to be settled.
_LOOK_BACK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Owed:
    """A mail that could not be taken in yet: how often it was tried, and when first."""

    tries: int
    since: datetime

    def wait(self, now: datetime, pause: timedelta) -> timedelta:
        """How long until it is tried again: `pause` after the first time, then at twice the distance each time.

        Not at all where the clock has been set back since.
        """
        return self.since + pause * int(2 ** (self.tries - 1)) - now if self.since <= now else timedelta(0)

    def again(self, now: datetime) -> Owed:
        """The same after one more try."""
        return Owed(self.tries + 1, min(self.since, now))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """All mail with a UID up to `last` is settled, except what is `owed`, by UID.

    `start` is when reading began: mail that arrived before is none of ours (None: all is). `since` is a limit in force
    until the folder has once been read to its end. `clean_at` is when that was last so. `unmarked` was taken in, but
    may not be flagged or moved yet.
    """

    validity: int
    last: int
    start: datetime | None = None
    since: datetime | None = None
    clean_at: datetime | None = None
    owed: Mapping[int, Owed] = field(default_factory=dict)
    unmarked: tuple[int, ...] = ()

    def renumbered(self, validity: int) -> Place:
        """The place in the same folder after its UIDs have lost their meaning: everything of late is read again.

        What was taken in before is known by its id, so that reading it again has no effect.
        """
        late = self.clean_at - _LOOK_BACK if self.clean_at else None
        since = max(filter(None, (self.start, late)), default=None)
        return Place(validity=validity, last=0, start=self.start, since=since, clean_at=self.clean_at)

    def to_text(self) -> str:
        """As it is remembered."""
        return json.dumps(
            {
                "validity": self.validity,
                "last": self.last,
                "start": _text(self.start),
                "since": _text(self.since),
                "clean_at": _text(self.clean_at),
                "owed": [[uid, one.tries, _text(one.since)] for uid, one in self.owed.items()],
                "unmarked": list(self.unmarked),
            }
        )

    @classmethod
    def from_text(cls, text: str) -> Place:
        """What `to_text` wrote.

        Raises:
            ValueError, KeyError: for any other text.
        """
        kept = json.loads(text)
        return cls(
            validity=kept["validity"],
            last=kept["last"],
            start=_moment(kept["start"]),
            since=_moment(kept["since"]),
            clean_at=_moment(kept["clean_at"]),
            owed={uid: Owed(tries, datetime.fromisoformat(since)) for uid, tries, since in kept["owed"]},
            unmarked=tuple(kept["unmarked"]),
        )


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
