"""Mails that carry sheets of a forwarding body: the sheets are taken in as if they lay in its folder, then the mail.

Who sent them hears once of each file what became of its rows, as a mail with the report: the proven address alone,
never a machine, and within the caps of the outbox. The notice is about no ticket, so it tells of itself what to say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice

import structlog
from sqlalchemy import Connection

from gateway.channels.base import Tabular
from gateway.import_report import problem_of, report_of
from gateway.importing import import_file
from gateway.message import Accepted, File, InboundMessage
from gateway.reception import Reception
from gateway.sheets import MEDIA_TYPES
from ticket_core.model import File as Kept
from ticket_core.model import Notice
from ticket_core.store.briefing import REPORTED_TO
from ticket_core.store.cursors import swap_cursor
from ticket_core.store.fallback import owe
from ticket_core.store.imports import PROBLEMS, ImportedFile, ImportedRow, rows_of_import
from ticket_core.store.journals import find_input
from ticket_core.store.tickets import keep_files
from ticket_core.store.tx import Tx

log = structlog.get_logger(__name__)

_KEPT = " reports"  # among the cursors; no channel has such a name
_MOST_ROWS = 20_000  # of a report; of a larger file it has those that a person should look at
_LOCALE = "zh-CN"  # of reports that nobody has asked for


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
            made, problem = None, ""
            try:
                made = await import_file(
                    self._reception, channel, file.content, name=file.name, actor=f"mail:{sender}"[:200]
                )
            except ValueError as error:
                problem = str(error)
            await self._tell(message, _Told(file=file, made=made, problem=problem))
            if made is None:
                unread.append(file)
                problems.append(f"{file.name}: {problem}")
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

    async def _tell(self, message: InboundMessage, told: _Told) -> None:
        """Owe the sender the report of a file, unless this very file was reported to him before."""
        assert message.sheets is not None
        to, store = message.sheets.told, self._reception.store
        if not to:
            return
        report = await store.read(told.report)
        source = self._reception.policy.sources.get(self._channels[message.sheets.channel].source_name)
        key = hashlib.sha256(f"{to.casefold()}\n".encode() + told.file.content).hexdigest()

        def write(tx: Tx) -> None:
            if not swap_cursor(tx, _KEPT, key, None, message.received_at.isoformat()):
                return
            kept = keep_files(tx, report)
            said = {
                **told.said(),
                "source": source.label["zh-CN"] if source else "",
                "thread": _thread(message),
                "files": [{"name": one.name, "media_type": one.media_type, "sha256": one.sha256} for one in kept],
            }
            one = Notice(
                ticket_id=0,
                event_seq=0,
                notice="import_report",
                role=REPORTED_TO,
                medium="email",
                address=to,
                name=message.sender[0].name if message.sender else "",
                locale=_LOCALE,
                send_at=datetime.now(UTC),
                said=json.dumps(said, ensure_ascii=False),
            )
            owe(tx, one)

        await store.run(write)

    async def _is_known(self, message: InboundMessage) -> bool:
        if message.external_id is None:
            return False
        look = partial(find_input, channel=message.channel, external_id=message.external_id)
        return await self._reception.store.read(look) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What became of a file: its import, or why there is none."""

    file: File
    made: ImportedFile | None
    problem: str

    def report(self, connection: Connection) -> list[Kept]:
        """The rows as a sheet; nothing of a file that could not be read."""
        if self.made is None:
            return []
        rows = rows_of_import(connection, self.made.same_as or self.made.id)
        if self.made.rows > _MOST_ROWS:
            rows = (one for one in rows if one.outcome in PROBLEMS)
        content = b"".join(report_of(map(_outside, islice(rows, _MOST_ROWS)), "xlsx", _LOCALE))
        return [Kept(name=f"{self.file.name[:100]}.report.xlsx", media_type=MEDIA_TYPES["xlsx"], content=content)]

    def said(self) -> dict[str, object]:
        """Its name, its rows by outcome, and what broke it off."""
        outcomes = self.made.progress.outcomes if self.made else {}
        problem = self.made.progress.problem if self.made else self.problem
        return {
            "file": self.file.name,
            "rows": sum(outcomes.values()),
            "taken": sum(outcomes.get(name, 0) for name in ("opened", "appended", "repeated")),
            "known": outcomes.get("duplicate", 0),
            "passed": outcomes.get("skipped", 0),
            "for_people": outcomes.get("triage", 0) + outcomes.get("refused", 0),
            "partial": sum(outcomes.values()) > _MOST_ROWS,
            "problem": problem_of(problem, _LOCALE) if problem else "",
        }


def _outside(row: ImportedRow) -> ImportedRow:
    """A row as somebody outside the house may read it: of other tickets of the same person it says nothing."""
    return replace(row, why=tuple(one for one in row.why if one[0] != "repeats"))


def _thread(message: InboundMessage) -> list[str]:
    """The id of the mail, so that the report stands beside it."""
    message_id = (message.external_id or "").partition("#")[0]
    return [f"<{message_id}>"] if "@" in message_id else []
