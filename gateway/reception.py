"""The front desk: every message and every command passes here on its way to the core, whatever its channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import structlog

from gateway.keys import Keys
from gateway.message import Accepted, InboundMessage
from gateway.normalize.contact import identity_of
from gateway.normalize.draft import Reading, to_draft
from gateway.normalize.text import tidy
from ticket_core.conversation_service import converse
from ticket_core.errors import StoreError
from ticket_core.model import Command, Ticket, TicketDraft
from ticket_core.number import number_of
from ticket_core.policy import Policy
from ticket_core.profile import Profile
from ticket_core.service import Taken, act, intake
from ticket_core.store.store import Store

log = structlog.get_logger(__name__)


class Reception:
    """Takes messages and commands in, and answers after the commit.

    After each, `committed` is called, and `counted` with the channel and the outcome of every input.
    """

    def __init__(
        self,
        store: Store,
        policy: Policy,
        keys: Keys,
        readings: dict[str, Reading],
        committed: Callable[[], None],
        counted: Callable[[str, str], None] = lambda _channel, _outcome: None,
    ) -> None:
        self.store = store
        self.policy = policy
        self.keys = keys
        self._readings = readings
        self._committed = committed
        self._counted = counted
        self._intake = partial(intake, policy=policy)

    def go_by(self, policy: Policy) -> None:
        """Decide by another policy from now on; what is on its way goes by the one before."""
        self.policy = policy
        self._intake = partial(intake, policy=policy)

    async def receive(self, message: InboundMessage) -> Accepted:
        """Take one message in; returns after the commit.

        A bug of ours on the way ends in a triage ticket with the raw bytes, not in a retry without end.

        Raises:
            StoreBusy, StoreClosed: nothing was taken in, the sender may try again.
        """
        reading = self._readings[message.channel]
        try:
            draft = to_draft(message, reading)
            if draft.spoken is not None:
                taken = await self.store.run(partial(converse, draft=draft, policy=self.policy))
            else:
                taken = await self.store.run_each(self._intake, draft)
        except (StoreError, asyncio.CancelledError):
            raise
        except Exception as error:
            log.exception("intake_failed", channel=message.channel, external_id=message.external_id)
            taken = await self.store.run_each(self._intake, _unprocessed(message, reading, error))
        self._counted(message.channel, taken.outcome)
        self._committed()
        return self._accepted(taken)

    async def act(self, command: Command) -> Ticket:
        """Do what somebody asks for; returns after the commit.

        Raises:
            UnknownTicket, ActionRefused, FieldMissing, InputChanged: nothing is changed.
        """
        if isinstance(written := command.fields.get("identity"), str):
            command = replace(command, fields={**command.fields, "identity": identity_of(written) or written})
        ticket = await self.store.run(lambda tx: act(tx, command, self.policy))
        if command.raw is not None:  # it stands in the journal; a second time it changed nothing
            self._counted(command.channel, "appended" if ticket.updated_at == command.at else "duplicate")
        self._committed()
        return ticket

    def profile_of(self, ticket: Ticket) -> Profile:
        """The process a ticket follows."""
        return self.policy.profiles[ticket.profile]

    def _accepted(self, taken: Taken) -> Accepted:
        ticket = taken.ticket
        if ticket is None:
            return Accepted(outcome=taken.outcome, inbound_id=taken.inbound_id)
        return Accepted(
            outcome=taken.outcome,
            inbound_id=taken.inbound_id,
            ticket=number_of(ticket.id),
            key=self.keys.key(ticket.id, taken.statement) if taken.statement else None,
            grade=ticket.grade,
            repeat_of=number_of(taken.repeat_of) if taken.repeat_of else None,
            deadlines=tuple(
                {"name": timer.name, "due_at": timer.due_at, "provisional": timer.provisional} for timer in taken.timers
            ),
        )


def _unprocessed(message: InboundMessage, reading: Reading, error: Exception) -> TicketDraft:
    """The least that can be kept of an input that our own code failed on."""
    empty = replace(message, fields={}, sender=(), subject="", text="", reply_text="", thread=(), attachments=())
    draft = to_draft(replace(empty, readable=False, problem=f"internal error: {type(error).__name__}"), reading)
    return replace(draft, intent="triage", text=tidy(message.text, 2000))
