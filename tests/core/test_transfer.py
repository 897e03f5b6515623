"""Cases that a forwarding body sends: read by its own rules, found again by its own number, split, urged, prolonged."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path

import pytest

from gateway.message import InboundMessage, Raw
from gateway.normalize.draft import Reading, to_draft
from gateway.normalize.source import BadRow, read_case
from tests.core.builders import LI, NINE, PEOPLE, at, draft
from tests.store.conftest import running
from ticket_core.calendar import load_calendar
from ticket_core.errors import FieldMissing, ProfileError
from ticket_core.model import Command, Ticket
from ticket_core.policy import Policy
from ticket_core.profile import load_profile
from ticket_core.service import Taken, act, intake
from ticket_core.source import Source, load_source, read_source, source_names, with_clocks
from ticket_core.store.store import Store
from ticket_core.store.tickets import load_events, load_ticket, load_timers

SOURCES = {name: load_source(name) for name in source_names()}
READING = Reading(profile="generic", ticket_of_token=lambda _token: None, area_code="028")
CASE = {
    "工单编号": "CD20261120001",
    "诉求类型": "投诉",
    "标题": "小区停水",
    "诉求内容": "锦江区某小区停水两天",
    "来电人": "李四",
    "联系电话": "13800000001",
    "受理时间": "2026-11-20 08:30:00",
    "派单时间": "2026-11-20 09:00:00",
    "办理时限": "2026-11-20",
    "问题分类": "城乡建设->供水->停水",
    "紧急程度": "紧急",
}


@lru_cache
def policy() -> Policy:
    profile = with_clocks(load_profile("generic"), SOURCES)
    return Policy(profiles={"generic": profile}, calendar=load_calendar(()), directory=PEOPLE, sources=SOURCES)


def messages(record: dict[str, str], source: str = "12345", when: datetime = NINE) -> list[InboundMessage]:
    return [
        InboundMessage(
            channel="city",
            external_id=part.external_id,
            received_at=when,
            raw=Raw(channel="city", body=repr(record).encode(), received_at=when),
            subject=part.subject,
            text=part.text,
            lodged_at=part.lodged_at,
            fields={**part.fields, "split_from": part.split_from},
        )
        for part in read_case(record, SOURCES[source]).parts
    ]


async def sent(store: Store, record: dict[str, str], source: str = "12345", when: datetime = NINE) -> list[Taken]:
    return [
        await store.run_each(partial(intake, policy=policy()), to_draft(one, READING))
        for one in messages(record, source, when)
    ]


async def now(store: Store, taken: Taken) -> Ticket:
    assert taken.ticket is not None
    ticket_id = taken.ticket.id
    return await store.read(lambda connection: load_ticket(connection, ticket_id))


async def events(store: Store, taken: Taken) -> list[str]:
    assert taken.ticket is not None
    ticket_id = taken.ticket.id
    return [event.kind for event in await store.read(lambda connection: load_events(connection, ticket_id))]


@pytest.fixture
def store(tmp_path: Path):  # type: ignore[no-untyped-def]
    with running(f"sqlite:///{tmp_path}/x.db") as opened:
        yield opened


def test_every_shipped_source_is_good() -> None:
    assert {"12345", "12315", "12378", "generic"} <= set(SOURCES)
    for source in SOURCES.values():
        assert source.label["zh-CN"]
        assert source.label["en"]
        assert source.reply


def test_all_problems_of_a_source_are_told_at_once() -> None:
    text = (
        'name = "x"\nlabel = { zh-CN = "x" }\ncase_number = []\n[fields]\nsubject = ["s"]\n[values.kind]\n"a" = "b"\n'
    )
    with pytest.raises(ProfileError) as caught:
        read_source(text, origin="x.toml")
    said = "\n".join(caught.value.problems)
    assert all(part in said for part in ("fields.text", "case_number", "values.kind.a"))


async def test_a_case_becomes_a_ticket_with_their_number_and_their_clock(store: Store) -> None:
    (taken,) = await sent(store, CASE)
    ticket = await now(store, taken)
    assert ticket.source is not None
    assert (ticket.source.body, ticket.source.case_number) == ("12345", "CD20261120001")
    assert (ticket.subject, ticket.category, ticket.priority) == ("小区停水", ("城乡建设", "供水", "停水"), "urgent")
    assert ticket.identities == (LI,)
    assert ticket.lodged_at == at("08:30")
    timers = await store.read(lambda connection: load_timers(connection, [ticket.id]))
    answer = timers[ticket.id]["answer"]
    assert (answer.due_at, answer.origin) == (at("00:00", "2026-11-21"), "source")  # a date alone is the end of its day


@pytest.mark.parametrize("change", [{}, {"联系电话": "13800000001 "}, {"备注": ""}])
async def test_the_same_case_again_is_the_same_input(store: Store, change: dict[str, str]) -> None:
    (first,) = await sent(store, CASE)
    (again,) = await sent(store, {**CASE, **change}, when=NINE + timedelta(hours=1))
    assert (again.outcome, again.ticket and again.ticket.id) == ("duplicate", first.ticket and first.ticket.id)


async def test_a_correction_finds_its_ticket_and_is_no_second_complaint(store: Store) -> None:
    (first,) = await sent(store, CASE)
    (again,) = await sent(store, {**CASE, "标题": "小区停水停电", "派单时间": "2026-11-20 10:00:00"})
    assert again.outcome == "appended"
    ticket = await now(store, first)
    assert (ticket.subject, ticket.grade, ticket.statements) == ("小区停水停电", "request", 2)
    assert await events(store, first) == ["received", "transferred_again"]


async def test_an_older_correction_that_comes_late_overwrites_nothing(store: Store) -> None:
    (first,) = await sent(store, {**CASE, "派单时间": "2026-11-20 10:00:00", "标题": "新的"})
    await sent(store, {**CASE, "派单时间": "2026-11-20 09:30:00", "标题": "旧的"})
    assert (await now(store, first)).subject == "新的"


async def test_an_urge_of_the_body_counts_as_one(store: Store) -> None:
    (first,) = await sent(store, CASE)
    await sent(store, {**CASE, "转办类型": "督办"})
    assert (await now(store, first)).urges == 1
    assert (await events(store, first))[-1] == "urged"


async def test_more_time_from_the_body_moves_the_deadline_with_an_event(store: Store) -> None:
    (first,) = await sent(store, CASE)
    await sent(store, {**CASE, "转办类型": "同意延期", "办理时限": "2026-11-25"})
    assert first.ticket is not None
    ticket_id = first.ticket.id
    timers = await store.read(lambda connection: load_timers(connection, [ticket_id]))
    assert timers[ticket_id]["answer"].due_at == at("00:00", "2026-11-26")
    assert (await events(store, first))[-1] == "extended"


async def test_a_withdrawn_case_ends_and_given_again_it_is_open(store: Store) -> None:
    (first,) = await sent(store, CASE)
    await sent(store, {**CASE, "转办类型": "撤单"})
    assert (await now(store, first)).stage == "withdrawn"
    await sent(store, {**CASE, "派单时间": "2026-11-21 09:00:00"}, when=NINE + timedelta(days=1))
    assert (await now(store, first)).stage == "received"


async def test_a_transfer_of_somebody_who_complained_to_us_is_a_repeat(store: Store) -> None:
    ours = await store.run_each(partial(intake, policy=policy()), draft(LI, at("07:00")))
    (theirs,) = await sent(store, CASE)
    assert theirs.outcome == "repeated"
    assert theirs.repeat_of == (ours.ticket and ours.ticket.id)


async def test_complaint_and_report_in_one_are_two_tickets_with_their_own_clocks(store: Store) -> None:
    both = {
        "登记编号": "1510000001",
        "业务类型": "投诉+举报",
        "投诉内容": "买到过期食品,要求退款并查处",
        "姓名": "李四",
        "联系电话": "13800000001",
        "登记时间": "2026-11-20 08:00",
    }
    complaint, report = await sent(store, both, "12315")
    one, other = await now(store, complaint), await now(store, report)
    assert (one.kind, other.kind) == ("complaint", "report")
    assert [(link.relation, link.ticket_id) for link in other.links] == [("split_from", one.id)]
    assert other.complainant.confidential
    timers = await store.read(lambda connection: load_timers(connection, [one.id, other.id]))
    assert {"accept"} <= set(timers[one.id]) and "check" not in timers[one.id]
    assert {"check"} <= set(timers[other.id]) and "accept" not in timers[other.id]
    assert [taken.outcome for taken in await sent(store, both, "12315")] == ["duplicate", "duplicate"]


async def test_a_refusal_needs_a_reason_of_the_bodys_list(store: Store) -> None:
    one = {
        "登记编号": "1510000002",
        "业务类型": "投诉",
        "投诉内容": "不予退款",
        "姓名": "李四",
        "联系电话": "13800000001",
    }
    (taken,) = await sent(store, one, "12315")
    assert taken.ticket is not None
    wrong = Command(
        ticket_id=taken.ticket.id,
        action="refuse",
        actor="boss",
        role="supervisor",
        at=NINE,
        fields={"reason": "不受理"},
    )
    with pytest.raises(FieldMissing) as caught:
        await store.run(lambda tx: act(tx, wrong, policy()))
    assert "三年" in caught.value.problems["code"]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"工单编号": ""}, ["工单编号"]),
        ({"诉求内容": " ", "受理时间": "昨天"}, ["诉求内容", "受理时间"]),
        ({"办理时限": "2026-13-40"}, ["办理时限"]),
    ],
)
def test_a_bad_row_names_every_field_and_why(change: dict[str, str], names: list[str]) -> None:
    source: Source = SOURCES["12345"]
    with pytest.raises(BadRow) as caught:
        read_case({**CASE, **change}, source)
    assert sorted(caught.value.problems) == sorted(names)
