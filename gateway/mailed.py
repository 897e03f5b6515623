"""Mails that carry sheets of a forwarding body: the sheets are taken in as if they lay in its folder, then the mail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import structlog

from gateway.channels.base import Tabular
from gateway.importing import import_file
from gateway.message import Accepted, File, InboundMessage
from gateway.reception import Reception
from ticket_core.store.journals import find_input

log = structlog.get_logger(__name__)


class Mailed:
    """What receives every message; `channels` are those that read sheets, by name.

    The rows are committed before the mail, which is acknowledged after that: dying in between, all of it comes again
    and has no second effect.
    """

    def __init__(self, reception: Reception, channels: Mapping[str, Tabular]) -> None:
        self._reception = reception
        self._channels = channels

    async def receive(self, message: InboundMessage) -> Accepted:
        """Take one message in; returns after the commit.

        Raises:
            StoreBusy, StoreClosed: nothing, or only some rows, were taken in; the sender may try again.
        """
        return await self._reception.receive(await self.settled(message))

    async def settled(self, message: InboundMessage) -> InboundMessage:
        """The message after its sheets were taken in: no complaint itself, or one for a person to look at."""
        if message.sheets is None:
            return message
        channel = self._channels[message.sheets.channel]
        imported = replace(message, automatic=f"sheets:{channel.source_name}", sheets=None)
        if await self._is_known(message):
            return imported
        sender = message.sender[0].value if message.sender else ""
        unread: list[File] = []
        problems = [f"{one.name}: not a sheet" for one in message.attachments]
        for file in message.sheets.files:
            try:
                made = await import_file(
                    self._reception, channel, file.content, name=file.name, actor=f"mail:{sender}"[:200]
                )
            except ValueError as error:
                unread.append(file)
                problems.append(f"{file.name}: {error}")
                continue
            outcomes = dict(made.progress.outcomes)
            log.info("sheet_imported", channel=channel.name, imported=made.id, outcomes=outcomes)
            if made.progress.problem:  # the rows before it are taken in; a person looks at the rest
                unread.append(file)
                problems.append(f"{file.name}: {made.progress.problem}")
        if not problems:
            return imported
        rest = (*message.attachments, *unread)
        return replace(message, sheets=None, attachments=rest, readable=False, problem="; ".join(problems)[:500])

    async def _is_known(self, message: InboundMessage) -> bool:
        if message.external_id is None:
            return False
        look = partial(find_input, channel=message.channel, external_id=message.external_id)
        return await self._reception.store.read(look) is not None
