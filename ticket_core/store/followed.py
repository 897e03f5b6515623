"""Events after which a ticket stands otherwise than before for whoever follows it from outside."""

from __future__ import annotations

from typing import Final

from sqlalchemy import TextClause, text

FOLLOWED: Final = (
    *("accepted", "answered", "assigned", "closed", "extended", "refused"),
    *("reopened", "responded", "resumed", "suspended", "withdrawn"),
)
#: The condition of their index; intake writes none of them, so it does not pay for it.
IS_FOLLOWED: Final[TextClause] = text(f"kind IN ({', '.join(map(repr, FOLLOWED))})")
