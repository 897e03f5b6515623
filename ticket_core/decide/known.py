"""What is known about a person before a decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ticket_core.decide.repeat import Past
from ticket_core.model import Ticket, Timer


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The person's identities (those an agent has linked included, shared numbers not), complaints that count, tickets.

    `tickets` also has those that an input names, whoever's they are.
    """

    identities: frozenset[str] = frozenset()
    past: Sequence[Past] = ()
    tickets: Mapping[int, Ticket] = field(default_factory=dict)
    case: Ticket | None = None  # that of the forwarding body's case which an input names
    split_from: int | None = None  # the ticket of the first part of the same message
    timers: Callable[[int], Mapping[str, Timer]] = lambda _ticket_id: {}
