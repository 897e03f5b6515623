"""Steps that no interface takes are reported in a sheet of the body's own columns: once, and all of them."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from python_calamine import CalamineWorkbook

from gateway.replies import Replies, sheet_of
from tests.channels.transfer.body import Body, body_of_the_state, says
from tests.channels.transfer.test_steps_flow import Office, office, policy
from tests.store.conftest import migrated_postgres, url
from ticket_core.decide.delivery import RetryLadder
from ticket_core.decide.reply import Reported
from ticket_core.errors import NothingToReport, ProfileError
from ticket_core.model import Ticket
from ticket_core.source import ReplySheet, load_source, read_source, source_names
from ticket_core.store.tickets import load_events, load_ticket

__all__ = ["migrated_postgres", "url"]  # both databases


@asynccontextmanager
async def desk(url: str, body: Body | None = None) -> AsyncIterator[tuple[Office, Replies]]:
    """An office whose body has no interface, unless told."""
    async with office(url, body or Body()) as here:
        yield here, Replies(here.store, policy(), RetryLadder())


def table(content: bytes) -> list[list[str]]:
    """The rows of a workbook's only sheet, as texts."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return [[str(cell) for cell in row] for row in book.get_sheet_by_index(0).to_python()]


async def content_of(replies: Replies, sheet_id: int) -> bytes:
    found = await replies.content(sheet_id)
    assert found is not None
    return found[1]


async def test_all_that_waits_is_reported_once_and_can_be_had_again_to_the_byte(url: str) -> None:
    async with desk(url) as (here, replies):
        one, other = await here.case("CD1"), await here.case("CD2")
        await here.act(one, "sign")
        await here.act(one, "contact", text="已致电诉求人")
        await here.act(one, "answer", text="已修复")
        await here.act(other, "sign")
        await here.send()
        made = await replies.make("12345", actor="wang", at=here.now)
        assert (made.cases, made.steps, made.name) == (2, 4, f"12345-{made.id}.xlsx")
        first = await content_of(replies, made.id)
        head, *rows = table(first)
        assert head == list(policy().sources["12345"].reply)
        assert [(row[0], row[3]) for row in rows] == [("CD1", "已修复"), ("CD2", "")]
        assert rows[0][1] == rows[0][4] != "" and rows[1][4] == ""  # signed for and answered in the same second
        steps = await here.steps()
        assert {(step.state, step.cause) for step in steps} == {("accepted", f"{made.name} wang")}
        assert [step.deliveries[-1].provider_id for step in steps] == [f"sheet-{made.id}"] * 4
        with pytest.raises(NothingToReport):
            await replies.make("12345", actor="wang", at=here.now)
        await here.act(other, "answer", text="已处理")
        await here.send()
        later = await replies.make("12345", actor="li", at=here.now, form="csv")
        assert (later.cases, later.steps) == (1, 1)
        assert await content_of(replies, made.id) == first
        assert [kept.id for kept in await replies.sheets()] == [later.id, made.id]


async def test_of_two_who_export_at_once_one_reports_and_the_other_hears_that_nothing_waits(url: str) -> None:
    async with desk(url) as (here, replies):
        for number in range(5):
            await here.act(await here.case(f"CD{number}"), "sign")
        await here.send()
        made = await asyncio.gather(
            *(replies.make("12345", actor=name, at=here.now) for name in ("wang", "li", "zhao")), return_exceptions=True
        )
        done = [one for one in made if not isinstance(one, BaseException)]
        assert [one.steps for one in done] == [5]
        assert sum(isinstance(one, NothingToReport) for one in made) == 2
        assert {len(step.deliveries) for step in await here.steps()} == {2}  # the wait for a sheet, and the sheet


async def test_what_the_body_refused_by_its_interface_waits_for_the_sheet_with_its_cause(url: str) -> None:
    async with body_of_the_state(says(40012, "工单不存在")) as body, desk(url, body) as (here, replies):
        one = await here.case()
        await here.act(one, "sign")
        await here.act(one, "contact", text="已致电")
        await here.send()
        await here.send()
        (waiting,) = await replies.waiting()
        assert (waiting.name, waiting.step.cause) == ("签收", "40012 200 40012 工单不存在")
        made = await replies.make("12345", actor="wang", at=here.now)
        assert made.steps == 1
        assert [step.state for step in await here.steps()] == ["accepted", "delivered"]


async def test_what_is_to_be_reported_first_stands_first_with_its_limit(url: str) -> None:
    async with desk(url) as (here, replies):
        here.now = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
        late, soon, free = await here.case("CD1"), await here.case("CD2"), await here.case("CD3")
        await here.act(free, "progress", text="抢修中")  # meets no limit
        await here.act(late, "answer", text="已修复")
        await here.act(soon, "sign")
        await here.act(soon, "return", reason="非我部门职责")
        await here.send()
        found = [(one.step.case_number, one.name, one.due_at) for one in await replies.waiting()]
        signed_by, returned_by = datetime(2026, 11, 23, 16, tzinfo=UTC), datetime(2026, 11, 22, 16, tzinfo=UTC)
        assert found[0] == ("CD2", "退单", returned_by)
        assert ("CD2", "签收", signed_by) in found
        assert found[-1] == ("CD3", "进度反馈", None)


async def test_steps_before_a_time_and_cases_one_may_not_see_go_on_waiting(url: str) -> None:
    async with desk(url) as (here, replies):
        old = await here.case("CD1")
        await here.act(old, "sign")
        here.now += timedelta(hours=2)
        new, secret = await here.case("CD2"), await here.case("CD3")
        await here.act(new, "sign")
        await here.act(secret, "sign")
        await here.send()

        def may(ticket: Ticket) -> bool:
            return ticket.id != secret.id

        made = await replies.make("12345", actor="wang", at=here.now, since=here.now - timedelta(hours=1), may=may)
        assert (made.cases, made.steps) == (1, 1)
        assert sorted(one.step.case_number for one in await replies.waiting("12345")) == ["CD1", "CD3"]
        with pytest.raises(LookupError):
            await replies.make("nobody", actor="wang", at=here.now)


# --- How a sheet is written


async def reported(here: Office, ticket: Ticket) -> Reported:
    events = await here.store.read(lambda connection: load_events(connection, ticket.id))
    now = await here.store.read(lambda connection: load_ticket(connection, ticket.id))
    return Reported(ticket=now, events=events, steps=[one for one in events if one.kind in ("signed", "answered")])


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "evil", ['=HYPERLINK("http://evil.example.com")', "+1+1", "-2", "@SUM(A1)", "\t=1", "＝1＋1", "\r=1"]
)
async def test_what_a_citizen_wrote_never_becomes_a_formula(url: str, evil: str) -> None:
    async with desk(url) as (here, _):
        one = await here.case()
        await here.act(one, "answer", text=evil)
        case = await reported(here, one)
        source = replace(policy().sources["12345"], reply={"工单编号": "case_number", "办理结果": "answer"})
        text = sheet_of([case], source, policy(), here.now, "csv").decode("utf-8-sig")
        assert list(csv.reader(io.StringIO(text, newline="")))[1] == ["CD1", f"'{evil}"]
        book = sheet_of([case], source, policy(), here.now, "xlsx")
        assert b"<f>" not in book
        assert table(book)[1][1].strip() == evil.strip()  # a text in the sheet


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_sheet_is_in_the_bodys_encoding_with_its_title_and_a_row_for_each_step(url: str) -> None:
    async with desk(url) as (here, _):
        one = await here.case()
        await here.act(one, "sign")
        await here.act(one, "answer", text="𠮷字路已修复")  # a character that GBK lacks
        source = replace(
            policy().sources["12345"],
            reply={
                "编号": "case_number",
                "步骤": "step.name",
                "时间": "step.at",
                "说明": "step.text",
                "签收": "signed_at",
                "类型": "kind",
                "退单理由": "returned.reason",
            },
            reply_sheet=ReplySheet(form="csv", encoding="gb18030", title="12345 反馈表", times="%Y年%m月%d日"),
        )
        content = sheet_of([await reported(here, one)], source, policy(), here.now, "csv")
        day = here.now.astimezone(policy().profiles["transfer"].tz).strftime("%Y年%m月%d日")
        assert list(csv.reader(io.StringIO(content.decode("gb18030"), newline=""))) == [
            ["12345 反馈表"],
            ["编号", "步骤", "时间", "说明", "签收", "类型", "退单理由"],
            ["CD1", "签收", day, "", day, "投诉", ""],
            ["CD1", "办结", day, "𠮷字路已修复", day, "投诉", ""],
        ]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_times_are_the_bodys_own_and_the_end_of_a_day_has_its_date(url: str) -> None:
    async with desk(url) as (here, _):
        here.now = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
        one = await here.case()
        more = {"deadline": "answer", "amount": 1, "unit": "days", "reason": "等待配件"}
        await here.act(one, "approve_extension", **more)  # until 2026-11-28 24:00 in Shanghai
        columns = {"时间": "extended_at", "延期至": "extended.due_at"}
        source = replace(policy().sources["12345"], reply=columns, reply_sheet=ReplySheet(form="csv"))
        for zone, shown in (("Asia/Shanghai", ["2026-11-20 09:00:00", "2026-11-28 23:59:59"]),
                            ("Asia/Urumqi", ["2026-11-20 07:00:00", "2026-11-28 22:00:00"])):  # fmt: skip
            content = sheet_of([await reported(here, one)], replace(source, zone=zone), policy(), here.now, "csv")
            assert list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))[1] == shown


async def test_what_does_not_hold_any_more_is_in_no_sheet(url: str) -> None:
    async with desk(url) as (here, replies):
        one = await here.case()
        await here.act(one, "return", reason="非我部门职责")
        await here.send()
        await here.act(one, "accept")  # it is ours after all
        assert [step.name for step in await replies.waiting()] == []
        await here.act(one, "contact", text="已致电")
        await here.send()
        assert [step.name for step in await replies.waiting()] == ["首次联系"]


@pytest.mark.parametrize("name", source_names())
def test_every_shipped_source_says_what_its_columns_hold(name: str) -> None:
    assert load_source(name).reply


@pytest.mark.parametrize("value", ["answr", "Answered_at", "answered.", "step.Text"])
def test_a_column_that_holds_nothing_is_found_at_the_start(value: str) -> None:
    text = (
        'name = "x"\nlabel = { zh-CN = "x" }\ncase_number = ["n"]\n[fields]\ntext = ["t"]\n'
        f'[reply]\n"结果" = "{value}"\n'
    )
    with pytest.raises(ProfileError, match=r"reply\.结果"):
        read_source(text, origin="x.toml")
