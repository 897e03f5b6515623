"""Times as the store keeps them: integer microseconds since 1970 UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(at: datetime) -> int:
    """Microseconds since 1970 UTC.

    Raises:
        ValueError: when `at` has no zone.
    """
    if at.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored")
    return (at - _EPOCH) // _MICROSECOND


@lru_cache(maxsize=4096)
def from_us(us: int) -> datetime:
    """The aware UTC time of `us` microseconds since 1970; rows of one input share theirs."""
    return _EPOCH + timedelta(microseconds=us)


def to_us_or_none(at: datetime | None) -> int | None:
    """As `to_us`, and None for None."""
    return None if at is None else to_us(at)


def from_us_or_none(us: int | None) -> datetime | None:
    """As `from_us`, and None for None."""
    return None if us is None else from_us(us)
