"""Which ticket somebody holds the key of, and how much of it the key opens."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from gateway.web.keys import RECEPTION
from gateway.web.problems import Problem
from ticket_core.number import ticket_id_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A ticket and the statement whose key it was opened by; the first one's opens it whole."""

    ticket_id: int
    statement: int

    @property
    def whole(self) -> bool:
        """Whether all of it may be seen, and something done."""
        return self.statement == 1


def held_by(request: web.Request, number: str, key: str) -> Held:
    """The ticket of this number and key.

    Raises:
        Problem: 404, the same for a wrong key and an unknown number, and as quick.
    """
    ticket_id = ticket_id_of(number)
    statement = request.app[RECEPTION].keys.statement_of_key(ticket_id or 0, key if key.isascii() else "")
    if ticket_id is None or statement is None:
        raise Problem(404, "no-such-ticket")
    return Held(ticket_id=ticket_id, statement=statement)
