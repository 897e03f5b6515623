"""What grows from case to case, so that a look can begin where the last one ended: a time or a number."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from gateway.channels.transfer.pages import Pull

_UNIX = {"unix": 1, "unix-ms": 1000}
_LENGTHS = {10: 1, 13: 1000}  # of seconds and milliseconds since 1970


class Growth(Protocol):
    """Places in a list of cases, as they are written in the interface."""

    def before(self, place: str) -> str:
        """What a look asks with: the place and what may have come late before it.

        Raises:
            ValueError: it is no place.
        """

    def written(self, now: datetime) -> str:
        """Now, as the end to ask for; empty where there is none."""

    def latest(self, places: Iterable[str], now: datetime) -> str:
        """The largest; what is none, or lies in the future, does not count."""


class Ids:
    """Numbers; what is no number is compared as a text, and asked for as it is."""

    def __init__(self, pull: Pull) -> None:
        self._pull = pull

    def before(self, place: str) -> str:
        """Some numbers less, as those drawn first may be committed last."""
        return str(max(int(place) - self._pull.overlap_ids, 0)) if _is_number(place) else place

    def written(self, now: datetime) -> str:
        """A number has no end to ask for."""
        return ""

    def latest(self, places: Iterable[str], now: datetime) -> str:
        """The largest number, else the last text."""
        return max(filter(None, places), key=_rank, default="")


class Times:
    """Times, read as the interface writes them, ISO 8601 or since 1970, and asked for in one way."""

    def __init__(self, pull: Pull, zone: tzinfo) -> None:
        self._pull = pull
        self._zone = zone

    def before(self, place: str) -> str:
        """Earlier by the overlap."""
        return self.written(self._moment(place) - self._pull.overlap)

    def written(self, now: datetime) -> str:
        """As the interface wants it."""
        form = self._pull.time_format
        return str(int(now.timestamp() * _UNIX[form])) if form in _UNIX else now.astimezone(self._zone).strftime(form)

    def latest(self, places: Iterable[str], now: datetime) -> str:
        """The latest that is not ahead of our clock: a slip of theirs must not hide what comes until then."""
        moments = []
        for place in filter(None, places):
            try:
                moments.append(self._moment(place))
            except ValueError:
                continue
        late = [one for one in moments if one <= now + timedelta(minutes=5)]
        return self.written(max(late)) if late else ""

    def _moment(self, written: str) -> datetime:
        if written.isascii() and written.isdigit() and len(written) in _LENGTHS:
            return datetime.fromtimestamp(int(written) / _LENGTHS[len(written)], UTC)
        at = None
        if self._pull.time_format not in _UNIX:
            try:
                at = datetime.strptime(written, self._pull.time_format)  # noqa: DTZ007  the zone follows
            except ValueError:
                at = None
        at = at or datetime.fromisoformat(written)
        return at if at.tzinfo else at.replace(tzinfo=self._zone)


def _rank(place: str) -> tuple[bool, int, str]:
    return (False, int(place), "") if _is_number(place) else (True, 0, place)


def _is_number(place: str) -> bool:
    return place.isascii() and place.isdigit()
