"""Times as people write them on a command line."""

from __future__ import annotations

from datetime import datetime, tzinfo

from gateway.cli.failures import WrongUsage
from gateway.cli.words import say


def read_time(text: str, zone: tzinfo) -> datetime:
    """An aware time from ``2026-09-30T17:30+08:00``, ``2026-09-30 17:30`` or ``2026-09-30``; without offset in `zone`.

    Raises:
        WrongUsage: for anything else.
    """
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise WrongUsage(
            say(
                f"不是时间：{text!r}；例如 2026-09-30T17:30+08:00 或 '2026-09-30 17:30'",
                f"not a time: {text!r}; write for example 2026-09-30T17:30+08:00 or '2026-09-30 17:30'",
            )
        ) from error
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)
