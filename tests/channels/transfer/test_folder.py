"""The watched folder: strange names, files that are still being written, and files that nobody can read."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway import inbox as watching
from gateway.channels.transfer import Transfer
from gateway.channels.transfer.settings import TransferSettings
from gateway.inbox import Inbox
from gateway.loops import Health
from gateway.testing.house import House, opened_house
from tests.channels.transfer.test_sheets import row, table
from ticket_core.store.imports import list_imports
from ticket_core.store.tickets import load_complaints


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A folder that is looked into."""

    house: House
    folder: Path
    inbox: Inbox
    health: Health

    async def rests(self) -> int:
        """Two looks, between which nothing changes; how many files the second took."""
        await self.inbox.step()
        return await self.inbox.step()

    def left(self, where: str = "") -> list[str]:
        """The names of what lies there."""
        return sorted(path.name for path in (self.folder / where).iterdir() if path.is_file())


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    folder = tmp_path / "in"
    folder.mkdir()
    async with opened_house(tmp_path) as house:
        city = Transfer("city", TransferSettings(source="12345", folder=folder))
        house.admit(city)
        health = Health()
        yield Watched(
            house=house, folder=folder, inbox=Inbox(house.reception, [city], health, house.record), health=health
        )


async def test_a_name_in_the_encoding_of_chinese_windows_is_read_and_moved(watched: Watched) -> None:
    (watched.folder / os.fsdecode("11月诉求件.csv".encode("gb18030"))).write_bytes(table(row(1)))
    assert await watched.rests() == 1
    assert [name[16:] for name in watched.left("done")] == ["11月诉求件.csv", "11月诉求件.csv.report.csv"]
    (made,) = (await watched.house.store.read(list_imports)).rows
    assert made.name == "11月诉求件.csv"


async def test_the_longest_name_has_room_for_what_is_put_around_it(watched: Watched) -> None:
    (watched.folder / f"{'诉' * 83}.csv").write_bytes(table(row(1)))
    (watched.folder / f"{'求' * 83}.csv").write_bytes(b"no sheet")
    assert await watched.rests() == 2
    assert (watched.health.ok, watched.left()) == (True, [])
    assert all(name.endswith((".csv", ".txt")) for name in watched.left("done") + watched.left("failed"))


async def test_a_file_that_is_renamed_meanwhile_holds_up_no_other(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.csv", "b.csv"):
        (watched.folder / name).write_bytes(table(row(1)))
    mark = watching._mark

    def gone(path: Path) -> tuple[int, int]:
        if path.name == "a.csv":
            raise FileNotFoundError
        return mark(path)

    monkeypatch.setattr(watching, "_mark", gone)
    assert await watched.rests() == 1
    assert watched.health.ok


async def test_a_file_that_nobody_can_read_is_a_ticket_for_a_person_once(watched: Watched) -> None:
    for name in ("a.xlsx", "again.xlsx"):
        (watched.folder / name).write_bytes(b"PK\x03\x04 cut")
        assert await watched.rests() == 1
    (line,) = await watched.house.journal()
    assert (line.entry.outcome, line.entry.note) == ("triage", "a.xlsx: the file cannot be read: BadZipFile")
    assert await watched.house.tickets() == 1
    ticket_id = line.entry.ticket_id
    assert ticket_id is not None
    (complaint,) = await watched.house.store.read(lambda connection: load_complaints(connection, ticket_id))
    assert complaint.text.startswith("a.xlsx: 文件无法读取")
    assert [one.name for one in complaint.attachments] == ["a.xlsx"]
