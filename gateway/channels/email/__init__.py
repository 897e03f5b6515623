"""E-mail: mailboxes that we read by IMAP and a door where mail servers hand mail in by SMTP or LMTP."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.channels.base import Accept, Listening, Parsed
from gateway.channels.email.door import keep_door
from gateway.channels.email.folder import Folder
from gateway.channels.email.message import read_mail
from gateway.channels.email.settings import Door, EmailSettings, Imap
from gateway.message import Raw

__all__ = ["Door", "Email", "EmailSettings", "Imap"]


class Email(Listening):
    """One address. Its folders and its door are independent: what is wrong with one is its `trouble` alone.

    It listens rather than polls because it hands over many mails at once, which then share one commit.
    """

    Settings = EmailSettings
    limit = 26 << 20
    settings: EmailSettings

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """The mail's message, and a receipt for each notice of ours that it reports as not delivered."""
        return read_mail(raw, self.settings)

    async def serve(self, accept: Accept) -> None:
        """Read the folders and keep the door open until cancelled."""
        imap, door = self.settings.imap, self.settings.door
        async with asyncio.TaskGroup() as parts:
            if imap:
                for name in imap.folders:
                    folder = Folder(self.name, self.settings, imap, name, self.memory, self.trouble)
                    parts.create_task(folder.watch(accept))
            if door:
                parts.create_task(keep_door(self.name, self.settings, door, accept, self.trouble))
