"""The cases of one input, whether it is a push or a file with rows."""

from __future__ import annotations

from gateway.channels.transfer.documents import Entry, entries_in
from gateway.channels.transfer.sheets import rows_in
from gateway.channels.transfer.tables import is_sheet
from ticket_core.source import Source


def records_in(body: bytes, media_type: str, source: Source) -> list[Entry]:
    """All cases of one input.

    Raises:
        ValueError: it is none of the formats, or broken.
    """
    if not is_sheet(body, media_type):
        return entries_in(body, source)
    return [Entry(record=row.record, sent=dict(row.record)) for row in rows_in(body, source) if not row.passed]
