"""Inputs of the journal, read again with what the gateway knows today; only what had no effect yet can have one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from gateway.channels.base import Channel
from gateway.loops import take
from gateway.mailed import Mailed
from gateway.message import Accepted, DeliveryReceipt, InboundMessage, Raw, Replayed
from gateway.normalize.draft import Reading, to_draft
from gateway.reception import Reception
from ticket_core.errors import UnknownInput
from ticket_core.model import REREADABLE, Replay
from ticket_core.number import number_of
from ticket_core.service import intake
from ticket_core.store.journals import Input, find_input, load_input


class Replays:
    """Reads inputs again; `committed` is called after each."""

    def __init__(
        self,
        reception: Reception,
        mailed: Mailed,
        channels: Mapping[str, Channel],
        readings: Mapping[str, Reading],
        committed: Callable[[], None],
    ) -> None:
        self._reception = reception
        self._mailed = mailed
        self._channels = channels
        self._readings = readings
        self._committed = committed

    async def replay(self, inbound_id: int, actor: str = "replay") -> Replayed:
        """Read one input again, as of the time it came; `actor` stands in the timeline of what is understood now.

        Idempotent: an input that had its effect has no other.

        Raises:
            UnknownInput: there is none of this id.
            StoreBusy, StoreClosed: nothing was changed.
        """
        store = self._reception.store
        found = await store.read(partial(load_input, inbound_id=inbound_id))
        if found is None:
            raise UnknownInput(inbound_id)
        line, body = found
        told = Replayed(inbound_id=line.id, channel=line.channel, was=line.outcome, outcome="duplicate")
        messages = await self._read_again(line, body)
        if not messages:
            return replace(told, ticket=None if line.ticket_id is None else number_of(line.ticket_id))
        mine = await self._meant(line, messages)
        draft = await asyncio.to_thread(to_draft, await self._mailed.settled(mine), self._readings[line.channel])
        again = replace(draft, replay=Replay(inbound_id=inbound_id, at=datetime.now(UTC), actor=actor))
        taken = (await store.run(partial(intake, drafts=[again], policy=self._reception.policy)))[0]
        for other in messages:
            if other is not mine and other.external_id is not None:  # known by its id, it has no second effect
                await self._mailed.receive(other)
        self._committed()
        ticket = None if taken.ticket is None else number_of(taken.ticket.id)
        return replace(told, outcome=taken.outcome, ticket=ticket)

    async def _meant(self, line: Input, messages: Sequence[InboundMessage]) -> InboundMessage:
        """The one of several that a line is about, be it that it is known by another id now that it is understood."""
        for one in messages:
            if one.external_id == line.external_id:
                return one
        for one in messages:
            known = partial(find_input, channel=line.channel, external_id=one.external_id or "")
            if await self._reception.store.read(known) is None:
                return one
        return messages[0]

    async def _read_again(self, line: Input, body: bytes) -> list[InboundMessage]:
        """What the channel makes of an input today; nothing where it is gone or the input was a command."""
        channel = self._channels.get(line.channel)
        if channel is None or line.outcome not in REREADABLE:
            return []
        raw = Raw(
            channel=line.channel, body=body, received_at=line.received_at, media_type=line.raw_type, actor=line.actor
        )
        messages: list[InboundMessage] = []

        async def collect(message: InboundMessage) -> Accepted:
            messages.append(message)
            return Accepted(outcome="duplicate", inbound_id=line.id)

        async def pass_by(receipt: DeliveryReceipt, *, channel: str = "", raw: bytes = b"") -> None:
            """A delivery report was recorded when it came."""

        await take(channel, raw, collect, pass_by)
        return messages
