"""Sheets as hotlines export them: read as they are, taken in row by row, reported row by row."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import tomllib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from gateway import importing
from gateway.channels.transfer import Transfer, channel
from gateway.channels.transfer.settings import TransferSettings
from gateway.channels.transfer.sheets import rows_in
from gateway.channels.transfer.tables import NoSheet
from gateway.import_report import problem_of, report_of, why_of
from gateway.importing import import_file
from gateway.inbox import Inbox
from gateway.loops import Health
from gateway.normalize import source
from gateway.normalize.source import Case, read_case
from gateway.shipped import shipped_templates
from gateway.testing.house import House, opened_house
from ticket_core.errors import StoreBusy
from ticket_core.source import ACTS, Source, load_source
from ticket_core.store.imports import ImportedFile, ImportedRow, rows_of_import

SOURCE = load_source("12345")
HEAD = ("工单编号", "诉求类型", "标题", "诉求内容", "联系电话", "受理时间", "办理时限")


def row(number: int, **changes: str) -> tuple[str, ...]:
    cells = {
        "工单编号": f"CD{number:06}",
        "诉求类型": "投诉",
        "标题": f"标题{number}",
        "诉求内容": f"第{number}件：停水",
        "联系电话": f"138{number:08}",
        "受理时间": "2026-11-20 08:30:00",
        "办理时限": "2026-11-25",
        **changes,
    }
    return tuple(cells[name] for name in HEAD)


def xlsx(*rows: tuple[Any, ...], sheets: int = 1, titles: int = 0) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    for number in range(sheets):
        sheet = book.add_worksheet()
        if number:
            continue  # empty, as exports have them
        for title in range(titles):
            sheet.merge_range(title, 0, title, 6, f"2026年11月诉求件汇总表（{title}）")
        for place, cells in enumerate((HEAD, *rows)):
            sheet.write_row(place + titles, 0, cells)
    book.close()
    return out.getvalue()


def table(*rows: tuple[str, ...], encoding: str = "gb18030", delimiter: str = ",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows((HEAD, *rows))
    return text.getvalue().encode(encoding)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened_house(tmp_path) as opened:
        yield opened


@pytest.fixture
def city(house: House) -> Transfer:
    channel = Transfer("city", TransferSettings(source="12345"))
    house.admit(channel)
    house.readings["city"] = replace(house.reading, profile="generic")
    return channel


async def brought(house: House, city: Transfer, body: bytes) -> tuple[ImportedFile, list[ImportedRow]]:
    made = await import_file(house.reception, city, body, name="a.xlsx", actor="wang")
    return made, await house.store.read(lambda connection: list(rows_of_import(connection, made.id)))


@pytest.mark.parametrize(
    "body",
    [
        xlsx(row(1), row(2)),
        xlsx(row(1), row(2), sheets=3, titles=2),
        table(row(1), row(2)),
        table(row(1), row(2), encoding="utf-8-sig"),
        table(row(1), row(2), encoding="utf-16"),
        table(row(1), row(2), encoding="utf-8", delimiter="\t"),
        table(row(1), ("",) * 7, row(2), encoding="utf-8", delimiter=";"),
    ],
    ids=["xlsx", "titles and empty sheets", "gbk", "utf-8 with a mark", "utf-16", "tabs", "semicolons and blanks"],
)
def test_a_sheet_is_read_however_it_was_saved(body: bytes) -> None:
    found = [one.record for one in rows_in(body, SOURCE)]
    assert [one["工单编号"] for one in found] == ["CD000001", "CD000002"]
    assert found[0]["诉求内容"] == "第1件：停水"


def test_numbers_and_days_of_a_sheet_are_as_people_read_them() -> None:
    body = xlsx((20261120001, "投诉", "标题", "内容", 13800000001, 46346.354166666664, 46351))
    (one,) = rows_in(body, SOURCE)
    assert (one.record["工单编号"], one.record["联系电话"]) == ("20261120001", "13800000001")
    assert one.number == 2


@pytest.mark.parametrize("body", [b"PK\x03\x04 broken", b"a,b\n1,2\n", b"", "姓名\n李四\n".encode()])
def test_what_is_no_sheet_of_this_source_says_why(body: bytes) -> None:
    with pytest.raises(NoSheet) as caught:
        list(rows_in(body, SOURCE))
    assert str(caught.value)


async def test_the_report_says_which_row_did_what_and_why(house: House, city: Transfer) -> None:
    body = xlsx(row(1), row(2, 工单编号=""), row(3, 受理时间="昨天"), row(1))
    made, rows = await brought(house, city, body)
    assert [(one.row, one.outcome) for one in rows] == [(1, "opened"), (2, "triage"), (3, "triage"), (4, "duplicate")]
    assert [why_of(one, "zh-CN") for one in rows] == [
        "新建工单",
        "“工单编号”为空",
        "“受理时间”不是可识别的时间",
        why_of(rows[3], "zh-CN"),
    ]
    assert why_of(rows[3], "en").startswith("the same as input ")
    assert dict(made.progress.outcomes) == {"opened": 1, "triage": 2, "duplicate": 1}
    assert made.finished_at is not None


async def test_imported_twice_in_part_and_in_another_order_it_has_one_effect(house: House, city: Transfer) -> None:
    rows = [row(number) for number in range(1, 60)]
    await brought(house, city, xlsx(*rows[20:40]))
    await brought(house, city, xlsx(*reversed(rows)))
    made, _ = await brought(house, city, table(*rows))
    assert dict(made.progress.outcomes) == {"duplicate": 59}
    assert await house.tickets() == 59


async def test_a_corrected_row_finds_its_ticket(house: House, city: Transfer) -> None:
    _, (first,) = await brought(house, city, xlsx(row(1)))
    _, (again,) = await brought(house, city, xlsx(row(1, 标题="停水停电")))
    assert (again.outcome, again.ticket_id) == ("appended", first.ticket_id)


async def test_totals_hidden_sheets_and_corrections_stand_in_the_report(house: House, city: Transfer) -> None:
    await brought(house, city, xlsx(row(1), row(2)))
    body = table(row(1, 标题="改了"), row(2), ("合计", "", "", "", "2", "", ""), row(3), encoding="utf-8")
    made, rows = await brought(house, city, body)
    assert [(one.sheet, one.outcome, why_of(one, "en")) for one in rows if one.outcome != "duplicate"] == [
        ("2", "appended", "a case that we have: joined its ticket"),
        ("4", "skipped", "a total or a note, no case"),
        ("5", "opened", "a new ticket"),
    ]
    assert made.progress.share == 1.0


async def test_the_very_same_file_again_says_so(house: House, city: Transfer) -> None:
    first, _ = await brought(house, city, xlsx(row(1)))
    again, _ = await brought(house, city, table(row(1)))
    assert (first.same_as, again.same_as) == (None, None)
    third, _ = await brought(house, city, table(row(1)))
    assert third.same_as == again.id


async def test_of_a_file_that_breaks_off_the_rows_before_are_taken_in(house: House, city: Transfer) -> None:
    rows = [row(number) for number in range(1, 4)]
    body = table(*rows, encoding="utf-8").replace("第3件".encode(), '"第3件'.encode())
    body += "CD000004,投诉,标题,第4件,13800000004,,\nCD000005,投诉,标题,第5件,13800000005,,\n".encode()
    made, lines = await brought(house, city, body)
    assert [one.case_number for one in lines] == ["CD000001", "CD000002"]
    assert made.progress.problem == "row 4: a quotation mark is not closed"
    assert made.state(datetime.now(UTC)) == "broken"
    mended, _ = await brought(house, city, table(*rows, encoding="utf-8"))
    assert dict(mended.progress.outcomes) == {"duplicate": 2, "opened": 1}


async def test_a_bug_of_ours_in_one_row_is_that_rows_trouble(
    house: House, city: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(record: dict[str, str], source: Source) -> Case:
        if record["工单编号"] == "CD000002":
            raise KeyError("a bug")
        return read_case(record, source)

    monkeypatch.setattr(channel, "read_case", read)
    _, rows = await brought(house, city, xlsx(row(1), row(2), row(3)))
    assert [one.outcome for one in rows] == ["opened", "triage", "opened"]
    assert why_of(rows[1], "zh-CN") == "处理时出现内部错误，原始内容已保留"


async def test_an_import_waits_while_the_store_is_full(
    house: House, city: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_PAUSE", 0.01)
    async with house.full():
        task = asyncio.create_task(import_file(house.reception, city, xlsx(row(1)), name="a", actor="wang"))
        with pytest.raises(StoreBusy):
            await task  # nothing had begun yet: the sender is told
    begun = await importing.begin_file(house.reception, city, xlsx(row(1)), name="a", actor="wang")
    async with house.full():
        task = asyncio.create_task(begun.finish())
        await asyncio.sleep(0.05)
        assert not task.done()
    assert (await task).rows == 1


def test_every_reason_has_its_words_in_both_languages() -> None:
    folder = shipped_templates() / "imports"
    chinese, english = (tomllib.loads((folder / f"{one}.toml").read_text("utf-8")) for one in ("zh-CN", "en"))
    for section in ("column", "glue", "meaning", "why"):
        assert chinese[section].keys() == english[section].keys()
    assert set(chinese["meaning"]) >= {"opened", "appended", "repeated", "duplicate", "triage", "refused", "skipped"}
    folder = Path(channel.__file__).parent
    said = "\n".join(path.read_text() for path in (folder / "sheets.py", Path(source.__file__)))
    written = r'(?:passed|problem)="([^"]+)"|(?:return|=|,) "(an? [a-z ]+)"|problems\[[^=]*\] = "([^"]+)"'
    reasons = re.findall(written, said)
    assert len(reasons) >= 9
    assert {"".join(one).replace(" ", "_") for one in reasons} <= chinese["why"].keys()
    assert {f"again_{act}" for act in ACTS} <= chinese["why"].keys()


@pytest.mark.parametrize("body", [b"PK\x03\x04 broken", b"a,b\n1,2\n", b"", "工单编号,诉求内容\n".encode()[:9]])
def test_what_is_wrong_with_a_file_is_said_in_chinese(body: bytes) -> None:
    with pytest.raises(NoSheet) as caught:
        list(rows_in(body, SOURCE))
    assert problem_of(str(caught.value), "zh-CN") != str(caught.value) == problem_of(str(caught.value), "en")


async def test_an_empty_list_is_a_good_one(house: House, city: Transfer) -> None:
    made, (only,) = await brought(house, city, xlsx())
    assert (made.state(datetime.now(UTC)), why_of(only, "zh-CN")) == ("finished", "表头下没有数据行")


async def test_an_import_that_was_broken_off_is_finished_by_the_next(house: House, city: Transfer) -> None:
    body = xlsx(*(row(number) for number in range(1, 700)))
    task = asyncio.create_task(import_file(house.reception, city, body, name="a", actor="wang"))
    while await house.tickets() < 200:  # noqa: ASYNC110  an import tells nobody how far it is
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    made, _ = await brought(house, city, body)
    assert await house.tickets() == 699
    assert set(made.progress.outcomes) == {"opened", "duplicate"}


async def test_a_report_can_be_opened_as_a_sheet_and_no_cell_is_a_formula(house: House, city: Transfer) -> None:
    _, rows = await brought(house, city, table(row(1, 工单编号="=HYPERLINK(1)")))
    lines = b"".join(report_of(rows, "csv", "zh-CN")).decode("utf-8-sig").splitlines()
    assert "'=HYPERLINK(1)" in lines[1]
    sheet = (
        CalamineWorkbook.from_filelike(io.BytesIO(b"".join(report_of(rows, "xlsx", "en"))))
        .get_sheet_by_index(0)
        .to_python()
    )
    assert sheet[1][2] == "=HYPERLINK(1)"


async def test_a_file_in_the_folder_is_imported_once_it_rests_and_moved_with_its_report(
    house: House, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    channel = Transfer("city", TransferSettings(source="12345", folder=folder))
    house.admit(channel)
    health = Health()
    inbox = Inbox(house.reception, [channel], health, house.record)
    (folder / "a.csv").write_bytes(table(row(1)))
    assert await inbox.step() == 0
    (folder / "a.csv").write_bytes(table(row(1), row(2)))
    assert await inbox.step() == 0
    assert await inbox.step() == 1
    assert await house.tickets() == 2
    (folder / "b.csv").write_bytes(b"no sheet")
    for _ in range(2):
        await inbox.step()
    assert sorted(path.name.partition("-a")[2] for path in (folder / "done").iterdir()) == [".csv", ".csv.report.csv"]
    assert "新建工单" in next((folder / "done").glob("*.report.csv")).read_text("utf-8-sig")
    reason = next((folder / "failed").glob("*.reason.txt"))
    assert "no header row" in reason.read_text()
    assert health.ok
    assert not [path for path in folder.iterdir() if path.is_file()]


async def test_a_folder_that_is_gone_is_named_and_heals(house: House, tmp_path: Path) -> None:
    channel = Transfer("city", TransferSettings(source="12345", folder=tmp_path / "gone"))
    house.admit(channel)
    health = Health()
    inbox = Inbox(house.reception, [channel], health, house.record)
    await inbox.step()
    assert "gone" in health.why
    (tmp_path / "gone").mkdir()
    await inbox.step()
    assert health.ok


async def test_a_folder_in_which_nothing_can_be_moved_holds_up_no_other(house: House, tmp_path: Path) -> None:
    channels = []
    for name in ("city", "county"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.csv").write_bytes(table(row(1)))
        channels.append(Transfer(name, TransferSettings(source="12345", folder=tmp_path / name)))
        house.admit(channels[-1])
    (tmp_path / "city" / "done").symlink_to("nowhere")
    health = Health()
    inbox = Inbox(house.reception, channels, health, house.record)
    for _ in range(3):
        await inbox.step()
    assert "city" in health.why
    assert "county" not in health.why
    assert (tmp_path / "city" / "a.csv").exists()
    assert len(list((tmp_path / "county" / "done").iterdir())) == 2
    (tmp_path / "city" / "done").unlink()
    await inbox.step()
    assert health.ok
