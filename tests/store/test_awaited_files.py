"""Attachments that lie at a provider: fetched after the commit, again and again, until they came or never will."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

import pytest

from gateway.channels.base import Fetching, PermanentDelivery, TransientDelivery
from gateway.fetcher import Fetcher
from gateway.keys import Keys
from gateway.loops import Health
from gateway.message import File as Fetched
from gateway.message import Raw
from gateway.reception import Reception
from tests.core.builders import NINE, draft, policy
from ticket_core.file_service import PAUSES
from ticket_core.model import Attachment, Complaint, File
from ticket_core.service import Taken, intake
from ticket_core.store.queries import load_blob
from ticket_core.store.store import Store
from ticket_core.store.tickets import load_complaints, load_events

DAY = timedelta(days=1)


class Shelf(Fetching):
    """A provider in the test's hand."""

    Settings: ClassVar[type[Any]] = object

    def __init__(self) -> None:
        super().__init__("bot", None)
        self.problem: Exception | None = None
        self.asked: list[str] = []

    def parse(self, raw: Raw) -> list[Any]:
        return []

    async def fetch(self, reference: str) -> Fetched:
        self.asked.append(reference)
        await asyncio.sleep(0)
        if self.problem is not None:
            raise self.problem
        return Fetched(name="", media_type="image/jpeg", content=b"a photo")


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def fetcher(store: Store, shelf: Shelf) -> Fetcher:
    reception = Reception(store, policy(), Keys(b"x" * 32), {}, lambda: None)
    return Fetcher(reception, {"bot": shelf}, Health())


async def complained(store: Store, *references: str) -> Taken:
    files = tuple(File(name=f"{one}.jpg", media_type="", reference=one) for one in references)
    one = draft(channel="bot", attachments=files)
    return await store.run_each(partial(intake, policy=policy()), one)


async def statement(store: Store, taken: Taken) -> Complaint:
    assert taken.ticket is not None
    ticket_id = taken.ticket.id
    (said,) = await store.read(lambda connection: load_complaints(connection, ticket_id))
    return said


async def events(store: Store, taken: Taken) -> list[str]:
    assert taken.ticket is not None
    ticket_id = taken.ticket.id
    return [event.kind for event in await store.read(lambda connection: load_events(connection, ticket_id))]


async def test_a_complaint_is_there_before_its_files_are(store: Store, fetcher: Fetcher, shelf: Shelf) -> None:
    taken = await complained(store, "f1", "f2")
    assert [one.awaited for one in (await statement(store, taken)).attachments] == [True, True]
    assert await fetcher.step(NINE, "bot") == 2
    said = await statement(store, taken)
    assert [(one.name, one.media_type, one.size) for one in said.attachments] == [
        ("f1.jpg", "image/jpeg", 7),
        ("f2.jpg", "image/jpeg", 7),
    ]
    assert await store.read(lambda connection: load_blob(connection, said.attachments[0].sha256)) == b"a photo"
    assert (await events(store, taken))[-2:] == ["attachment_received"] * 2
    assert await fetcher.step(NINE + DAY, "bot") == 0
    assert sorted(shelf.asked) == ["f1", "f2"]


async def test_a_provider_that_is_away_is_asked_again_for_a_day(store: Store, fetcher: Fetcher, shelf: Shelf) -> None:
    taken = await complained(store, "f1")
    shelf.problem = TransientDelivery("503")
    now = NINE
    for pause in PAUSES:
        assert await fetcher.step(now, "bot") == 1
        assert await fetcher.step(now + pause - timedelta(seconds=1), "bot") == 0
        now += pause
    assert await fetcher.step(now, "bot") == 1
    said = (await statement(store, taken)).attachments[0]
    assert (said.awaited, said.problem) == (False, "503")
    assert (await events(store, taken))[-1] == "attachment_lost"
    assert await fetcher.step(now + DAY, "bot") == 0


async def test_a_provider_that_names_a_pause_is_left_alone_so_long(
    store: Store, fetcher: Fetcher, shelf: Shelf
) -> None:
    await complained(store, "f1")
    shelf.problem = TransientDelivery("429", retry_after=timedelta(hours=3))
    await fetcher.step(NINE, "bot")
    shelf.problem = None
    assert await fetcher.step(NINE + timedelta(hours=2, minutes=59), "bot") == 0
    assert await fetcher.step(NINE + timedelta(hours=3), "bot") == 1


async def test_a_file_that_is_gone_is_said_to_be_lost_at_once(store: Store, fetcher: Fetcher, shelf: Shelf) -> None:
    taken = await complained(store, "f1")
    shelf.problem = PermanentDelivery("gone", status="404")
    await fetcher.step(NINE, "bot")
    assert (await statement(store, taken)).attachments == (
        Attachment(name="f1.jpg", media_type="", reference="f1", problem="404 gone"),
    )


async def test_whoever_dies_while_he_fetches_leaves_the_file_to_others(
    store: Store, fetcher: Fetcher, shelf: Shelf
) -> None:
    taken = await complained(store, "f1")
    shelf.problem = asyncio.CancelledError()  # type: ignore[assignment]
    with pytest.raises(asyncio.CancelledError):
        await fetcher.step(NINE, "bot")
    shelf.problem = None
    assert await fetcher.step(NINE + timedelta(minutes=4), "bot") == 0
    assert await fetcher.step(NINE + timedelta(minutes=5), "bot") == 1
    assert (await statement(store, taken)).attachments[0].size == 7


async def test_a_provider_that_hangs_holds_up_no_other(store: Store) -> None:
    hanging, well = asyncio.Event(), Shelf()

    class Hanging(Shelf):
        async def fetch(self, reference: str) -> Fetched:
            await hanging.wait()
            return await super().fetch(reference)

    reception = Reception(store, policy(), Keys(b"x" * 32), {}, lambda: None)
    files = tuple(File(name="a", media_type="", reference=f"f{n}") for n in range(9))
    one = draft(channel="hanging", attachments=files)
    await store.run_each(partial(intake, policy=policy()), one)
    await complained(store, "f1")
    fetching = asyncio.create_task(Fetcher(reception, {"hanging": Hanging(), "bot": well}, Health()).run())
    async with asyncio.timeout(10):
        while well.asked != ["f1"]:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.01)
    fetching.cancel()
    await asyncio.gather(fetching, return_exceptions=True)
