"""How much one caller may send: settings, and the token buckets that count."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

RouteClass = Literal["intake", "request", "sign_in"]
_MOST_CALLERS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is taken from one caller; 0 a minute is without limit. Bytes are those on the wire, base64 included.

    Behind one address there may be a whole training room: a refused caller is told the limit and when to come back.
    `trusted_proxies` are addresses whose ``X-Forwarded-For`` is believed, `unlimited` those that are never refused:
    programs of this machine. `watchers` see what is wrong with which part, and the metrics; None: everybody.
    """

    body_bytes: int = 32 << 20
    attachments: int = 10
    attachment_bytes: int = 10 << 20
    intakes_per_minute: int = 60
    requests_per_minute: int = 600
    sign_ins_per_minute: int = 10
    trusted_proxies: tuple[str, ...] = ()
    unlimited: frozenset[str] = frozenset()
    watchers: frozenset[str] | None = None

    def per_minute(self, what: RouteClass) -> int:
        """The limit of a class of routes."""
        table = {
            "intake": self.intakes_per_minute,
            "request": self.requests_per_minute,
            "sign_in": self.sign_ins_per_minute,
        }
        return table[what]


class Buckets:
    """Token buckets by caller: `per_minute` at once, refilled evenly. `clock` gives seconds that never go back.

    A caller who has been away for a minute has a full bucket and is forgotten.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._cost = 60.0 / per_minute if per_minute else 0.0
        self._full_at: dict[str, float] = {}  # when the caller's bucket will be full again

    def wait(self, caller: str) -> int:
        """Take one token; 0 when there was one, else in how many whole seconds there will be."""
        if not self.per_minute:
            return 0
        now = self._clock()
        full_at = self._full_at.get(caller, now)
        owed = (full_at if full_at > now else now) + self._cost
        if owed - now > 60.0 + 1e-9:
            return max(1, math.ceil(owed - now - 60.0))
        if caller not in self._full_at and len(self._full_at) >= _MOST_CALLERS:
            self._forget(now)
        self._full_at[caller] = owed
        return 0

    def give_back(self, caller: str) -> None:
        """Put the token back that was taken last."""
        if caller in self._full_at:
            self._full_at[caller] -= self._cost

    def _forget(self, now: float) -> None:
        kept = {caller: at for caller, at in self._full_at.items() if at > now}
        # So many callers in one minute are a flood: forgetting some is cheaper than keeping all.
        self._full_at = kept if len(kept) < _MOST_CALLERS else {}
