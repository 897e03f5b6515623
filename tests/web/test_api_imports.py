"""Files of cases over the JSON API: uploaded in either form, watched while they come in, reported row by row."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData
from python_calamine import CalamineWorkbook

from gateway.channels.transfer import Transfer
from gateway.channels.transfer.settings import TransferSettings
from gateway.importing import Imports
from tests.channels.transfer.test_sheets import row, table, xlsx
from tests.web.api_house import House, open_house

PATH = "/api/v1/imports"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(f"sqlite:///{tmp_path / 'gateway.sqlite3'}") as opened:
        yield opened


async def upload(house: House, body: bytes, *, form: bool = False, by: str = "wang", name: str = "诉求件.csv") -> Any:
    given: Any = body
    if form:
        given = FormData(quote_fields=False)  # as browsers write names
        given.add_field("file", body, filename=name)
    answer = await house.client.post(f"{PATH}/12345", data=given, headers=house.headers(by, {}))
    return {"status": answer.status, **await answer.json()}


async def asked(house: House, path: str, **headers: str) -> Any:
    answer = await house.get(f"{PATH}{path}", by="wang", **headers)
    assert answer.status == 200, await answer.text()
    return await answer.json()


@pytest.mark.parametrize("form", [False, True])
async def test_a_file_is_taken_as_the_body_or_as_a_part_of_a_form(house: House, form: bool) -> None:
    made = await upload(house, xlsx(row(1), row(2)), form=form)
    assert (made["status"], made["state"], made["rows"], made["outcomes"]) == (200, "finished", 2, {"opened": 2})
    assert made["name"] == ("诉求件.csv" if form else "upload")
    assert (made["share"], made["problem"], made["same_as"]) == (1.0, "", None)


async def test_the_very_same_file_again_says_so(house: House) -> None:
    first = await upload(house, table(row(1)))
    again = await upload(house, table(row(1)), form=True)
    assert (again["same_as"], again["outcomes"]) == (first["id"], {"duplicate": 1})


async def test_rows_come_in_pages_and_those_to_look_at_by_themselves(house: House) -> None:
    body = table(row(1), row(2, 受理时间="昨天"), ("合计", *[""] * 6), row(3), row(1))
    made = await upload(house, body)
    page = await asked(house, f"/{made['id']}?limit=2")
    assert [one["row"] for one in page["lines"]] == [1, 2]
    assert page["lines"][0]["number"]
    rest = await asked(house, f"/{made['id']}?limit=50&cursor={page['cursor']}", accept_language="en")
    assert [(one["outcome"], one["why"]) for one in rest["lines"][:2]] == [
        ("skipped", "a total or a note, no case"),
        ("opened", "a new ticket"),
    ]
    assert rest["cursor"] is None
    looked = await asked(house, f"/{made['id']}?problems=true")
    assert [(one["sheet"], one["why"]) for one in looked["lines"]] == [
        ("3", "“受理时间”不是可识别的时间"),
        ("4", "合计、制表人或说明行，不是案件"),
    ]
    assert [one["row"] for one in (await asked(house, f"/{made['id']}?outcome=duplicate"))["lines"]] == [5]


async def test_an_import_on_its_way_is_seen_with_how_far_it_is(house: House) -> None:
    body = table(*(row(number) for number in range(1, 801)))
    task = asyncio.create_task(upload(house, body))
    seen: list[tuple[str, float, int]] = []
    while not task.done():
        for one in (await asked(house, ""))["imports"]:
            seen.append((one["state"], one["share"], one["rows"]))
        await asyncio.sleep(0.01)
    assert (await task)["rows"] == 800
    shares = [share for state, share, rows in seen if state == "running" and rows]
    assert shares == sorted(shares)
    assert 0 < shares[0] < 1
    (listed,) = (await asked(house, ""))["imports"]
    assert (listed["state"], listed["share"]) == ("finished", 1.0)


async def test_an_import_goes_on_when_its_caller_leaves(house: House) -> None:
    body = table(*(row(number) for number in range(1, 301)))
    task = asyncio.create_task(upload(house, body))
    while not (await asked(house, ""))["imports"]:  # noqa: ASYNC110  an import tells nobody that it has begun
        await asyncio.sleep(0.01)
    task.cancel()
    while (one := (await asked(house, ""))["imports"][0])["state"] == "running":  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert (one["state"], one["outcomes"]) == ("finished", {"opened": 300})


async def test_an_import_whose_caller_leaves_at_its_beginning_goes_on(tmp_path: Path) -> None:
    async with open_house(f"sqlite:///{tmp_path / 'gateway.sqlite3'}") as house:
        importing = Imports(house.reception, [Transfer("city", TransferSettings(source="12345"))])
        asking = asyncio.create_task(importing.take("12345", table(row(1)), name="a.csv", actor="wang"))
        await asyncio.sleep(0)  # it has begun to wait for the beginning, and no more
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        while not (listed := (await asked(house, ""))["imports"]) or listed[0]["state"] == "running":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert listed[0]["outcomes"] == {"opened": 1}


async def test_the_report_is_a_table_or_a_sheet_in_the_callers_language(house: House) -> None:
    made = await upload(house, table(row(1)))
    as_table = await house.get(made["report"], by="wang", accept_language="en")
    assert as_table.content_type == "text/csv"
    head, line = (await as_table.read()).decode("utf-8-sig").splitlines()
    assert head == "No.,Sheet and row,Their number,Outcome,Ticket,Why"
    assert line.split(",")[2:4] == ["CD000001", "opened"]
    as_sheet = await house.get(made["report"].replace(".csv", ".xlsx"), by="wang")
    cells = CalamineWorkbook.from_filelike(io.BytesIO(await as_sheet.read())).get_sheet_by_index(0).to_python()
    assert cells[1][5] == "新建工单"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/99", 404),
        ("GET", "/x", 404),
        ("GET", "/99/report.csv", 404),
        ("GET", "/9999999999999999999", 404),
        ("GET", "/1?outcome=nothing", 422),
        ("GET", "/1?cursor=x", 422),
        ("GET", "?cursor=x", 422),
        ("POST", "/nobody", 404),
    ],
)
async def test_what_is_not_there_or_not_asked_rightly_says_so(
    house: House, method: str, path: str, status: int
) -> None:
    await upload(house, table(row(1)))
    answer = await house.client.request(method, f"{PATH}{path}", data=table(row(1)), headers=house.headers("wang", {}))
    assert answer.status == status


async def test_a_file_that_is_none_says_why_in_the_callers_language(house: House) -> None:
    assert (await upload(house, b"a,b\n1,2\n"))["detail"].startswith("前 20 行中没有找到表头")
    assert (await upload(house, b""))["errors"] == [{"field": "file", "reason": "必填"}]
    assert (await upload(house, b"", form=True))["errors"] == [{"field": "file", "reason": "必填"}]
    headers = {**house.headers("wang", {}), "Content-Type": "multipart/form-data"}
    assert (await house.client.post(f"{PATH}/12345", data=b"x", headers=headers)).status == 400


async def test_only_people_of_the_house_import(house: House) -> None:
    for path in ("", "/1", "/1/report.csv"):
        assert (await house.get(f"{PATH}{path}")).status == 401
    assert (await house.client.post(f"{PATH}/12345", data=table(row(1)))).status == 401


@pytest.mark.parametrize("form", [False, True])
async def test_a_file_over_the_limit_is_refused(house: House, form: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Imports, "largest", 100_000)
    assert (await upload(house, b"x" * 120_000, form=form))["status"] == 413


async def test_more_uploads_than_are_taken_at_once_are_told_to_come_later(house: House) -> None:
    body = table(*(row(number) for number in range(1, 401)))
    answers = await asyncio.gather(*(upload(house, body) for _ in range(5)))
    taken = [one for one in answers if one["status"] == 200]
    assert len(taken) >= 2
    assert all(one["status"] in (200, 503) for one in answers)
    assert sum(one["outcomes"].get("opened", 0) for one in taken) == 400
