"""Files of many rows: read as a stream, in memory that does not grow with them."""

from __future__ import annotations

import gc
import multiprocessing
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
import xlsxwriter

from gateway.channels.base import SheetRow
from gateway.channels.transfer import Transfer
from gateway.channels.transfer.settings import TransferSettings
from gateway.channels.transfer.sheets import rows_in
from gateway.importing import import_file
from gateway.testing.house import opened_house
from tests.channels.transfer.importer import work
from tests.channels.transfer.test_sheets import HEAD, row, table
from ticket_core.source import load_source

SOURCE = load_source("12345")
_TEXT = "停水三天没有人处理，小区五百户居民无法正常生活，要求尽快恢复供水并公开原因。"


def large(folder: Path, form: str, rows: int) -> Path:
    """A file with so many cases, each with a text of its own."""
    path = folder / f"{rows}.{form}"
    cases = (row(number, 诉求内容=f"第{number}件：{_TEXT * 3}") for number in range(1, rows + 1))
    if form == "csv":
        path.write_bytes(table(*cases))
        return path
    book = xlsxwriter.Workbook(path, {"tmpdir": str(folder)})
    sheet = book.add_worksheet()
    for place, cells in enumerate((HEAD, *cases)):
        sheet.write_row(place, 0, cells)
    book.close()
    return path


def peak_of_reading(body: bytes) -> tuple[int, int]:
    """Rows, and the most memory that reading them took."""
    tracemalloc.start()
    try:
        rows = sum(1 for _ in rows_in(body, SOURCE))
        return rows, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_reading_four_times_the_rows_takes_no_more_memory(tmp_path: Path, form: str) -> None:
    few, small = peak_of_reading(large(tmp_path, form, 1000).read_bytes())
    many, big = peak_of_reading(large(tmp_path, form, 4000).read_bytes())
    assert (few, many) == (1000, 4000)
    assert big < small + (1 << 20)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_an_import_holds_a_few_hundred_rows_and_no_more(tmp_path: Path) -> None:
    held: list[int] = []

    def look(_rows: int) -> None:
        held.append(sum(type(one) is SheetRow for one in gc.get_objects()))

    body = large(tmp_path, "xlsx", 5000).read_bytes()
    async with opened_house(tmp_path) as house:
        city = Transfer("city", TransferSettings(source="12345"))
        house.admit(city)
        house.readings["city"] = replace(house.reading, profile="generic")
        made = await import_file(house.reception, city, body, name="a", actor="wang", told=look)
        assert await house.tickets() == 5000
    assert dict(made.progress.outcomes) == {"opened": 5000}
    assert len(held) == 25
    assert max(held) <= 2 * 200 + 1


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_a_hundred_thousand_rows_come_in_with_flat_memory(tmp_path: Path, form: str) -> None:
    """The process that imports grows by the size of the file and some constant, whatever the number of rows."""
    file = large(tmp_path, form, 100_000)
    server = multiprocessing.get_context("spawn")
    said, mouth = server.Pipe(duplex=False)
    child = server.Process(target=work, args=(str(tmp_path), str(file), mouth))
    child.start()
    while (word := said.recv())[0] != "done":
        pass
    child.join()
    _, seconds, work_done, grown = word[1]
    size = file.stat().st_size
    told = f"{form}, {size >> 20} MiB: {seconds:.0f} s, {work_done:.0f} s of work, {grown >> 10} MiB more at the most"
    assert grown << 10 < size + (150 << 20), told
