"""Importing files of cases in the console, without scripts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from aiohttp import ClientResponse, FormData
from sqlalchemy import update

from tests.channels.transfer.test_sheets import row, table
from tests.web.desk import Client, signed_in
from tests.web.pages import HOSTILE, text_of, value_of
from tests.web.site import Gateway, gateway
from ticket_core.store.imports import Progress, begin_import, keep_rows
from ticket_core.store.schema import imported

HERE = "/console/imports"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway(tmp_path) as running:
        yield running


@pytest.fixture
async def agent(site: Gateway) -> Client:
    return await signed_in(site, "wang")


async def bring(client: Client, body: bytes, *, source: str = "12345", name: str = "诉求件.csv") -> ClientResponse:
    page = await text_of(await client.get(HERE))
    form = FormData()
    form.add_field("csrf", value_of("csrf", page))
    form.add_field("source", source)
    form.add_field("file", body, filename=name)
    return await client.post(HERE, data=form, allow_redirects=False)


async def finished(client: Client, place: str) -> str:
    """The page of an import once it is done."""
    while "http-equiv" in (page := await text_of(await client.get(place))):
        pass
    return page


async def test_a_file_is_brought_and_every_row_has_its_outcome_and_reason(agent: Client) -> None:
    answer = await bring(agent, table(row(1), row(2, 受理时间="昨天"), ("合计", *[""] * 6)))
    assert answer.status == 303
    place = answer.headers["Location"]
    page = await finished(agent, place)
    assert "已完成" in page
    assert "“受理时间”不是可识别的时间" in page
    assert "12345 政务服务便民热线" in page
    assert re.search(r"需查看 2<", page)
    assert re.search(r"/console/tickets/\d{15}", page)
    looked = await text_of(await agent.get(f"{place}?show=problems"))
    assert "CD000001" not in looked
    assert "合计、制表人或说明行" in looked
    report = await agent.get(f"{place}/report.csv")
    assert "attachment" in report.headers["Content-Disposition"]
    assert (await report.read()).decode("utf-8-sig").count("\r\n") == 4
    assert (await (await agent.get(f"{place}/report.xlsx")).read()).startswith(b"PK")
    listed = await text_of(await agent.get(HERE))
    assert f'href="{place}"' in listed


async def test_the_very_same_file_again_says_so(agent: Client) -> None:
    first = (await bring(agent, table(row(1)))).headers["Location"]
    await finished(agent, first)
    again = (await bring(agent, table(row(1)))).headers["Location"]
    page = await finished(agent, again)
    assert "这份文件先前已经导入过" in page
    assert f'href="{first}"' in page
    assert "与收件 1 相同" in page


@pytest.mark.parametrize(
    ("body", "source", "says"),
    [
        (b"a,b\n1,2\n", "12345", "前 20 行中没有找到表头"),
        (b"", "12345", "请选择文件"),
        (table(row(1)), "nobody", "请选择来源"),
    ],
)
async def test_what_is_wrong_with_a_file_stands_at_its_field(
    agent: Client, body: bytes, source: str, says: str
) -> None:
    answer = await bring(agent, body, source=source)
    page = await text_of(answer, 422)
    assert says in page
    assert "有误：" in page


async def test_an_import_shows_how_far_it_is_and_that_it_was_broken_off(site: Gateway, agent: Client) -> None:
    begin = partial(begin_import, channel="city", source="12345", name=HOSTILE, sha256="0", actor="wang")
    now = datetime.now(UTC)
    import_id = await site.reception.store.run(partial(begin, at=now))
    page = await text_of(await agent.get(f"{HERE}/{import_id}"))
    assert "<script>alert" not in page
    assert 'http-equiv="refresh"' in page
    half = Progress(outcomes={"opened": 7}, share=0.5, at=now)
    await site.reception.store.run(partial(keep_rows, import_id=import_id, rows=[], progress=half))
    assert re.search(r'<progress max="1" value="0.5"', await text_of(await agent.get(HERE)))
    silent = Progress(outcomes={"opened": 7}, share=0.5, at=now - timedelta(minutes=3))
    await site.reception.store.run(partial(keep_rows, import_id=import_id, rows=[], progress=silent))
    page = await text_of(await agent.get(f"{HERE}/{import_id}"))
    assert "请再次上传同一文件" in page
    assert 'http-equiv="refresh"' not in page


async def test_the_page_speaks_english_too(agent: Client) -> None:
    place = (await bring(agent, table(row(1)))).headers["Location"]
    await finished(agent, place)
    page = await text_of(await agent.get(place, headers={"Accept-Language": "en"}))
    assert "Opened" in page
    assert "Download the rows (XLSX)" in page


async def test_only_those_at_the_desk_import_and_only_by_our_own_form(site: Gateway, agent: Client) -> None:
    handler = await signed_in(site, "zhao")
    assert (await handler.get(HERE)).status == 403
    assert (await handler.get(f"{HERE}/1/report.csv")).status == 403
    form = FormData()
    form.add_field("source", "12345")
    form.add_field("file", table(row(1)), filename="a.csv")
    assert (await agent.post(HERE, data=form)).status == 403
    assert (await agent.get(f"{HERE}/99")).status == 404


async def test_many_files_have_pages(site: Gateway, agent: Client) -> None:
    for _ in range(51):
        await site.reception.store.run(
            partial(
                begin_import, channel="city", source="12345", name="a", sha256="0", actor="wang", at=datetime.now(UTC)
            )
        )
    await site.reception.store.run(lambda tx: tx.connection.execute(update(imported).values(finished_at=1)) and None)
    page = await text_of(await agent.get(HERE))
    found = re.search(r'href="([^"]+)" rel="next"', page)
    assert found
    assert f'href="{HERE}/1"' in await text_of(await agent.get(found[1].replace("&amp;", "&")))
