"""One forwarding body: the door for its pushes, its sheets, and the steps that go back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import orjson
import structlog

from gateway.channels.api import Api
from gateway.channels.base import Answer, Chat, Parsed, SheetRow, Tabular, Webhook
from gateway.channels.paths import KEPT_WHOLE
from gateway.channels.transfer.documents import Entry
from gateway.channels.transfer.records import records_in
from gateway.channels.transfer.seal import Envelope
from gateway.channels.transfer.settings import TransferSettings
from gateway.channels.transfer.sheets import rows_in
from gateway.channels.transfer.signing import Signature, layout_problems
from gateway.channels.transfer.steps import body_of, receipt_of
from gateway.errors import ConfigError, Refused
from gateway.message import Accepted, DeliveryReceipt, File, InboundMessage, OutboundMessage, Raw
from gateway.normalize.source import BadRow, Case, read_case
from ticket_core.errors import ProfileError
from ticket_core.source import load_source

log = structlog.get_logger(__name__)


class Cases(Tabular, Chat):
    """What all doors of a forwarding body share: how its cases are read, and how steps go back to it.

    The same case saying the same is the same input, so whatever comes again is absorbed.
    """

    Settings: ClassVar[type[Any]] = TransferSettings
    limit = 32 << 20
    forms: ClassVar[tuple[str, ...]] = ("text",)
    settings: TransferSettings

    def __init__(self, name: str, settings: TransferSettings) -> None:
        super().__init__(name, settings)
        folders = [settings.sources_folder] if settings.sources_folder else []
        try:
            self.source = load_source(settings.source, *folders)
        except ProfileError as error:
            raise ConfigError([f"source: {problem}" for problem in error.problems]) from error
        try:
            self._envelope = Envelope(settings)
            self._signature = Signature(settings, self.source.tz)
        except ValueError as error:
            raise ConfigError([str(error)]) from error
        if problems := list(layout_problems(settings)):
            raise ConfigError(problems)
        self._api = Api(timeout=settings.timeout, concurrency=self.concurrency)

    async def close(self) -> None:
        """Let go of connections."""
        await self._api.close()

    # --- In

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """Each case of a push or a file; one that cannot be understood does not hold up the others."""
        entries = self._entries(raw)
        few = len(entries) <= KEPT_WHOLE
        return [
            message
            for one in entries
            for message in self.messages(one.record, raw if few else _own_raw(raw, one.sent), one.files)
        ]

    def _entries(self, raw: Raw) -> list[Entry]:
        *sealed, plain = self._envelope.readings(raw.body)
        for opened in sealed:
            try:
                return records_in(opened, raw.media_type, self.source)
            except ValueError:
                continue
        return records_in(plain, raw.media_type, self.source)

    @property
    def source_name(self) -> str:
        """The body's name."""
        return self.settings.source

    @property
    def folder(self) -> Path | None:
        """Where sheets are put."""
        return self.settings.folder

    def rows(self, raw: Raw) -> Iterator[SheetRow]:
        """Each row with its cases."""
        for row in rows_in(raw.body, self.source):
            line = SheetRow(sheet=row.sheet, number=row.number, share=row.share)
            own = _own_raw(raw, row.record)
            if row.passed:
                yield replace(line, why=((_code(row.passed), ""),))
            elif row.problem:
                unread = self._unread(row.record, own, row.problem)
                yield replace(line, messages=(unread,), why=((_code(row.problem), ""),))
            else:
                yield self._read(row.record, own, line)

    def _read(self, record: Mapping[str, str], raw: Raw, line: SheetRow) -> SheetRow:
        try:
            case = read_case(record, self.source)
        except BadRow as error:
            unread = self._unread(record, raw, str(error))
            why = tuple((_code(reason), name) for name, reason in error.problems.items())
            return replace(line, case_number=error.number, messages=(unread,), why=why)
        except Exception as error:
            log.exception("row_not_read", channel=self.name, row=line.number)
            unread = self._unread(record, raw, f"internal error: {type(error).__name__}")
            return replace(line, messages=(unread,), why=(("internal", ""),))
        return replace(line, case_number=case.number, messages=tuple(self._messages(case, raw)))

    def messages(self, record: Mapping[str, str], raw: Raw, files: Sequence[File] = ()) -> list[InboundMessage]:
        """What one record says; one that is not understood is for a person."""
        try:
            return self._messages(read_case(record, self.source, files), raw, files)
        except BadRow as error:
            return [self._unread(record, raw, str(error), files)]

    def _messages(self, case: Case, raw: Raw, files: Sequence[File] = ()) -> list[InboundMessage]:
        return [
            InboundMessage(
                channel=self.name,
                external_id=part.external_id,
                received_at=raw.received_at,
                raw=raw,
                subject=part.subject,
                text=part.text,
                lodged_at=part.lodged_at,
                attachments=tuple(files),
                fields={**part.fields, "split_from": part.split_from},
            )
            for part in case.parts
        ]

    def _unread(self, record: Mapping[str, str], raw: Raw, problem: str, files: Sequence[File] = ()) -> InboundMessage:
        return InboundMessage(
            channel=self.name,
            external_id=f"sha256:{_digest(record)}",
            received_at=raw.received_at,
            raw=raw,
            text="\n".join(f"{name}: {value}" for name, value in record.items()),
            attachments=tuple(files),
            readable=False,
            problem=f"row: {problem}"[:500],
        )

    # --- Back

    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """One step back, under one idempotency key on every try; without a callback it waits for a reply sheet."""
        now = datetime.now(UTC)
        if not self.settings.callback:
            return DeliveryReceipt(status="queued", at=now, reference=message.reference, detail="reply sheet")
        rules = self.source.callback
        body, media_type = body_of({**message.fields, "id": message.reference}, rules)
        headers = {"Content-Type": media_type, "Idempotency-Key": message.reference}
        if self._envelope.seals:
            body = self._envelope.sealed(body)
            headers["Content-Type"] = "application/octet-stream"
        marked = self._signature.mark(body, now)
        reply = await self._api.call(
            "POST", self.settings.callback, body=marked.body, query=marked.query, headers={**headers, **marked.headers}
        )
        return receipt_of(reply, rules, message.reference, now)


class Transfer(Webhook, Cases):
    """The door for pushes of a forwarding body."""

    def __init__(self, name: str, settings: TransferSettings) -> None:
        super().__init__(name, settings)
        self.laborious = settings.signature.startswith("sm2")

    def verify(self, raw: Raw) -> None:
        """Signed by the body, not altered, and not from another time."""
        if not self._signature.known:
            raise Refused(404, "this source takes no pushes")
        self._signature.check(raw)

    def answer(self, accepted: Sequence[Accepted]) -> Answer:
        """Our number and what became of each case."""
        told = [{"outcome": one.outcome, "number": one.ticket} for one in accepted]
        return Answer(body=orjson.dumps({"code": 0, "cases": told}), media_type="application/json")


def _own_raw(raw: Raw, sent: object) -> Raw:
    """A case of many is journaled by itself, as it was read."""
    return replace(raw, body=orjson.dumps(sent), media_type="application/json", headers={})


def _code(reason: str) -> str:
    """The name under which a reason has its words in reports."""
    return reason.replace(" ", "_")


def _digest(record: Mapping[str, str]) -> str:
    return hashlib.sha256(orjson.dumps(record, option=orjson.OPT_SORT_KEYS)).hexdigest()
