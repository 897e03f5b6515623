"""Errors of the domain.

    TicketError
    ├── ProfileError      a profile or calendar file is wrong; lists every problem
    ├── UnknownTicket     no such ticket
    ├── UnknownInput      no such line in the journal
    ├── InputChanged      another input was taken in under this id
    ├── ActionRefused     the action is not legal now; `allowed` are those that are
    ├── AlreadyReported   somebody reported the same steps in the meantime
    ├── NothingToReport   no step waits to be reported
    ├── FieldMissing      an action's field is missing or wrong; names field and reason
    └── StoreError
        ├── StoreBusy     the queue is full: try again later (503)
        ├── StoreClosed   the store was shut, or could not commit
        └── StoreLocked   another process holds the database file

No message carries a secret or a full text.
"""

from __future__ import annotations


class TicketError(Exception):
    """Base of every error the domain raises on purpose."""


class ProfileError(TicketError):
    """A policy file is wrong; `problems` has one line per problem, with file, key and reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class UnknownTicket(TicketError):
    """There is no ticket with this number."""

    def __init__(self, ticket_id: int) -> None:
        super().__init__(f"no ticket {ticket_id}")
        self.ticket_id = ticket_id


class UnknownInput(TicketError):
    """There is no input with this id."""

    def __init__(self, inbound_id: int) -> None:
        super().__init__(f"no input {inbound_id}")
        self.inbound_id = inbound_id


class InputChanged(TicketError):
    """The id of an input was used for another one: taking it for a second delivery would lose it."""

    def __init__(self, inbound_id: int) -> None:
        super().__init__(f"input {inbound_id} had this id and was another")
        self.inbound_id = inbound_id


class ActionRefused(TicketError):
    """The action is not legal for this actor in this status; `allowed` names the actions that are.

    `reason` is why, where more than the status stands against it.
    """

    def __init__(self, action: str, status: str, allowed: tuple[str, ...], reason: str = "") -> None:
        why = reason or f"not in {status}"
        super().__init__(f"{action} is not possible: {why}; possible: {', '.join(allowed) or 'none'}")
        self.action = action
        self.status = status
        self.allowed = allowed
        self.reason = reason


class AlreadyReported(TicketError):
    """Steps that were to be reported to a forwarding body are reported by now; nothing is done twice."""

    def __init__(self) -> None:
        super().__init__("somebody has reported this in the meantime")


class NothingToReport(TicketError):
    """No step waits to be reported to this forwarding body, or none that the caller may see."""

    def __init__(self, source: str) -> None:
        super().__init__(f"no step waits to be reported to {source}")


class FieldMissing(TicketError):
    """A field of an action is missing or wrong; `problems` maps field to reason."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in problems.items()))
        self.problems = problems


class StoreError(TicketError):
    """The store could not do it."""


class StoreBusy(StoreError):
    """Too much is waiting to be written; nothing was taken in, try again later."""


class StoreClosed(StoreError):
    """The store is shut, or its last commit failed."""


class StoreLocked(StoreError):
    """Another process holds the database file."""
