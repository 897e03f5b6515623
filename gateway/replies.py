"""Reply sheets 反馈表: what forwarding bodies have not heard of, in a file of theirs, marked as reported with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from gateway.sheets import csv_of, xlsx_of
from ticket_core.decide.delivery import RetryLadder
from ticket_core.decide.reply import Reported, rows_of
from ticket_core.errors import AlreadyReported, NothingToReport
from ticket_core.policy import Policy
from ticket_core.source import Source
from ticket_core.store.queries import load_blob
from ticket_core.store.replies import (
    SheetKept,
    keep_sheet,
    list_sheets,
    load_sheet,
    mark_reported,
    tell_again,
    waiting_steps,
)
from ticket_core.store.reporting import May, Unreported, cases_to_report, unreported
from ticket_core.store.store import Store
from ticket_core.store.tx import Tx

_TRIES = 3  # others may report the same steps at the same time


class Replies:
    """The steps of all bodies that no interface takes; `committed` is called when there is something to send."""

    def __init__(
        self, store: Store, policy: Policy, ladder: RetryLadder, committed: Callable[[], None] = lambda: None
    ) -> None:
        self._store = store
        self._policy = policy
        self._ladder = ladder
        self._committed = committed

    async def waiting(self, source: str = "") -> list[Unreported]:
        """What is to be reported to one body or to all, the most urgent first."""
        return await self._store.read(partial(unreported, policy=self._policy, source=source))

    async def sheets(self, source: str = "") -> list[SheetKept]:
        """The newest files."""
        return await self._store.read(partial(list_sheets, source=source))

    async def content(self, sheet_id: int) -> tuple[SheetKept, bytes] | None:
        """A file of the past, to the byte."""
        return await self._store.read(partial(sheet_again, sheet_id=sheet_id))

    async def make(
        self,
        source: str,
        *,
        actor: str,
        at: datetime,
        form: str = "",
        since: datetime | None = None,
        may: May | None = None,
    ) -> SheetKept:
        """A file of all that waits for this body, kept, and all that is in it marked as reported.

        `form` is that of the source unless told; `since` leaves out what happened before; `may` leaves out cases.

        Raises:
            LookupError: there is no such source.
            NothingToReport: nothing waits, or nothing that `may` allows.
        """
        rules = self._policy.sources[source]
        form = form or rules.reply_sheet.form
        for _ in range(_TRIES):
            look = partial(cases_to_report, source=source, since=since, may=may)
            cases, notices = await self._store.read(look)
            if not cases:
                break
            content = await asyncio.to_thread(sheet_of, cases, rules, self._policy, at, form)
            script = partial(
                keep_sheet,
                source=source,
                form=form,
                content=content,
                cases=len(cases),
                notices=notices,
                actor=actor,
                at=at,
                ladder=self._ladder,
            )
            try:
                return await self._store.run(script)
            except AlreadyReported:
                continue
        raise NothingToReport(source)

    async def again(self, source: str, *, actor: str, at: datetime) -> int:
        """Tell this body once more by its interface what it did not take; returns how many steps those are.

        Raises:
            LookupError: there is no such source.
            NothingToReport: it took everything.
        """
        assert self._policy.sources[source]
        script = partial(tell_again, source=source, by=actor, at=at, ladder=self._ladder)
        count = await self._store.run(script)
        if not count:
            raise NothingToReport(source)
        self._committed()
        return count

    async def mark(self, ticket_id: int, event: str, *, actor: str, at: datetime) -> int:
        """Somebody has reported what waits of this kind by a document; returns how many steps that were."""

        def script(tx: Tx) -> int:
            waiting = [one for one in waiting_steps(tx.connection, ticket_id=ticket_id) if one.event.kind == event]
            if waiting:
                ids = [one.notice_id for one in waiting]
                mark_reported(tx, ids, by=f"document-{event}", detail=f"document {actor}", at=at, ladder=self._ladder)
            return len(waiting)

        return await self._store.run(script)


def sheet_of(cases: Sequence[Reported], source: Source, policy: Policy, at: datetime, form: str) -> bytes:
    """The file in the body's own columns."""
    about = source.reply_sheet
    rows = [list(source.reply), *rows_of(cases, source, policy.profiles, at)]
    if form == "xlsx":
        return xlsx_of(rows, about.sheet, title=about.title)
    titled = [[about.title], *rows] if about.title else rows
    return b"".join(csv_of(titled, about.encoding))


def sheet_again(connection: Connection, sheet_id: int) -> tuple[SheetKept, bytes] | None:
    """A file of the past, to the byte."""
    kept = load_sheet(connection, sheet_id)
    content = load_blob(connection, kept.sha256) if kept else None
    return None if kept is None or content is None else (kept, content)
