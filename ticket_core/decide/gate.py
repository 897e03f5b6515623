"""The one gate before everything that leaves: a table of reasons to hold a notice back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from ticket_core.model import Event, Ticket, Timer

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
#: On a ticket, this tag says that the complainant asked for no replies.
NO_REPLIES = "no_replies"
#: This one, that no machine may answer: the complaint came through a list or forbade automatic answers. People may.
NO_AUTOMATIC_REPLIES = "no_automatic_replies"
#: Who does not work here: complainants and forwarding bodies.
_ELSEWHERE = frozenset({"complainant", "source"})
_NOBODY = frozenset({"complainant", "rule", "clock", "replay"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How many automatic notices are too many, and addresses of our own (case-folded) that never get one."""

    per_address_per_hour: int = 30  # to one complainant's address
    per_person_per_hour: int = 600  # to one address of somebody who works here
    per_ticket_per_day: int = 60  # to the complainant of one ticket
    own_addresses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A notice at the gate. The counts are of notices before it, not suppressed, that are no older than the window."""

    role: str
    address: str
    ticket: Ticket
    event: Event
    timers: Mapping[str, Timer]
    to_address_in_hour: int = 0
    of_ticket_in_day: int = 0

    @property
    def to_complainant(self) -> bool:
        """Whether it goes outside the house."""
        return self.role == "complainant"


def reason_to_hold(passage: Passage, caps: Caps) -> str | None:
    """Why this notice is not sent; None when nothing speaks against it."""
    return next((reason for reason, applies in _REASONS.items() if applies(passage, caps)), None)


def _no_address(passage: Passage, _caps: Caps) -> bool:
    """An empty one of somebody who works here is a room in which nobody is called by name."""
    return passage.address.isspace() or (passage.role in _ELSEWHERE and not passage.address)


def reason_to_hold_apart(address: str, to_address_in_hour: int, caps: Caps) -> str | None:
    """Why a notice about no ticket is not sent to somebody outside the house."""
    if not address.strip():
        return "no_address"
    if _is_own(address, caps):
        return "own_address"
    return "address_cap" if to_address_in_hour >= caps.per_address_per_hour else None


def _is_own(address: str, caps: Caps) -> bool:
    """Also under a plus-address: mail to it would come back in."""
    local, at, domain = address.casefold().rpartition("@")
    return bool(at) and f"{local.partition('+')[0]}@{domain}" in caps.own_addresses


def _no_automatic_replies(passage: Passage, _caps: Caps) -> bool:
    by_itself = passage.event.actor in _NOBODY
    return by_itself and passage.to_complainant and NO_AUTOMATIC_REPLIES in passage.ticket.tags


def _no_longer_owed(passage: Passage, _caps: Caps) -> bool:
    """A rung of a ladder speaks of a deadline; by now that may be met or the ticket finished."""
    if "rung" not in passage.event.data:
        return False
    timer = passage.timers.get(str(passage.event.data.get("deadline")))
    return not passage.ticket.open or (timer is not None and not timer.running)


def _address_cap(passage: Passage, caps: Caps) -> bool:
    most = caps.per_address_per_hour if passage.to_complainant else caps.per_person_per_hour
    return passage.to_address_in_hour >= most


_REASONS: Mapping[str, Callable[[Passage, Caps], bool]] = {
    "no_address": _no_address,
    "own_address": lambda passage, caps: _is_own(passage.address, caps),
    "no_replies_wanted": lambda passage, _caps: passage.to_complainant and NO_REPLIES in passage.ticket.tags,
    "no_automatic_replies": _no_automatic_replies,
    "no_longer_owed": _no_longer_owed,
    "address_cap": _address_cap,
    "ticket_cap": lambda passage, caps: passage.to_complainant and passage.of_ticket_in_day >= caps.per_ticket_per_day,
}
