"""Messages about one forwarded case, in whatever order they come: the case ends up the same, on both databases."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.normalize.draft import to_draft
from tests.core.builders import LI, NINE, PEOPLE, at
from tests.core.test_transfer import CASE, READING, messages
from tests.store.conftest import migrated_postgres, running, url
from ticket_core.calendar import load_calendar
from ticket_core.errors import ActionRefused, FieldMissing
from ticket_core.model import Command, Ticket, Timer
from ticket_core.policy import Policy
from ticket_core.profile import load_profile
from ticket_core.service import Taken, act, intake, sweep
from ticket_core.source import load_source, with_clocks
from ticket_core.store.store import Store
from ticket_core.store.tickets import load_events, load_ticket, load_tickets, load_timers

__all__ = ["migrated_postgres", "url"]

SOURCES = {name: load_source(name) for name in ("12345", "12315", "12378", "hanshan")}
READ_AS = replace(READING, profile="transfer")
FIRST = {**CASE, "派单时间": "2026-11-20 09:00", "办理时限": "2026-11-25"}
STORY: tuple[Mapping[str, str], ...] = (
    FIRST,
    {**FIRST, "派单时间": "2026-11-20 10:00", "标题": "全小区停水", "紧急程度": "特急", "办理时限": "2026-11-24"},
    {**FIRST, "派单时间": "2026-11-20 11:00", "转办类型": "督办", "诉求内容": "请尽快"},
    {**FIRST, "派单时间": "2026-11-20 12:00", "转办类型": "同意延期", "办理时限": "2026-12-01"},
    {**FIRST, "派单时间": "2026-11-20 13:00", "标题": "全小区停水停电", "办理时限": "2026-11-26"},
)
ENDED = (*STORY[:3], {**FIRST, "派单时间": "2026-11-20 14:00", "转办类型": "撤单"})
# With one limit throughout: an earlier one of before the withdrawal counts or not, depending on when it comes.
REVIVED = tuple(
    {**record, "办理时限": FIRST["办理时限"]}
    for record in (*ENDED, {**FIRST, "派单时间": "2026-11-20 15:00", "标题": "又停水"})
)


def policy(again: str = "reopen") -> Policy:
    sources = {name: replace(source, again=again) for name, source in SOURCES.items()}  # type: ignore[arg-type]
    profile = with_clocks(load_profile("transfer"), sources)
    return Policy(profiles={"transfer": profile}, calendar=load_calendar(()), directory=PEOPLE, sources=sources)


async def told(
    store: Store,
    records: Sequence[Mapping[str, str]],
    about: Policy | None = None,
    source: str = "12345",
    when: datetime = NINE,
) -> list[Taken]:
    """Each record as a message, a minute after the other."""
    found = []
    for minute, record in enumerate(records):
        for one in messages(dict(record), source, when + timedelta(minutes=minute)):
            found.append(await store.run_each(partial(intake, policy=about or policy()), to_draft(one, READ_AS)))
    return found


async def ends(store: Store, records: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """How the case stands after these messages."""
    taken = await told(store, records)
    ids = {one.ticket.id for one in taken if one.ticket}
    assert len(ids) == 1
    (ticket_id,) = ids
    ticket = await store.read(lambda connection: load_ticket(connection, ticket_id))
    timers = await store.read(lambda connection: load_timers(connection, [ticket_id]))
    assert ticket.source is not None
    return {
        **{name: getattr(ticket, name) for name in ("stage", "grade", "statements", "identities")},
        **{name: getattr(ticket, name) for name in ("subject", "text", "priority", "kind")},
        "sent_at": ticket.source.sent_at,
        "granted": ticket.source.granted,
        "answer": timers[ticket_id]["answer"].due_at if ticket.open else None,
    }


async def in_any_order(tmp_path: Path, story: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The end of the story, which is the same however it is told: reordered, and with parts told twice."""
    shuffled = random.Random(12345).sample(list(itertools.permutations(story)), 15)
    wanted = None
    for number, order in enumerate((tuple(story), *shuffled)):
        with running(f"sqlite:///{tmp_path}/{number}.db") as store:
            end = await ends(store, (*order, *order[:2]))
        wanted = wanted or end
        assert end == wanted, [record.get("派单时间") for record in order]
    assert wanted is not None
    return wanted


async def test_corrections_urges_and_more_time_may_come_in_any_order(tmp_path: Path) -> None:
    end = await in_any_order(tmp_path, STORY)
    assert end["subject"] == "全小区停水停电"
    assert end["answer"] == at("00:00", "2026-12-02")  # they granted it
    assert (end["grade"], end["statements"]) == ("request", 5)


async def test_a_withdrawn_case_stays_so_whatever_comes_late(tmp_path: Path) -> None:
    assert (await in_any_order(tmp_path, ENDED))["stage"] == "withdrawn"


async def test_a_case_given_again_after_its_withdrawal_is_open_in_any_order(tmp_path: Path) -> None:
    end = await in_any_order(tmp_path, REVIVED)
    assert (end["stage"], end["subject"]) == ("received", "又停水")


@pytest.fixture
def store(url: str):  # type: ignore[no-untyped-def]
    with running(url) as opened:
        yield opened


async def now(store: Store, taken: Taken) -> Ticket:
    assert taken.ticket is not None
    ticket_id = taken.ticket.id
    return await store.read(lambda connection: load_ticket(connection, ticket_id))


async def does(store: Store, taken: Taken, action: str, when: datetime = NINE, **fields: Any) -> None:
    assert taken.ticket is not None
    command = Command(ticket_id=taken.ticket.id, action=action, actor="boss", role="supervisor", at=when, fields=fields)
    await store.run(lambda tx: act(tx, command, policy()))


async def test_what_the_body_granted_outlasts_a_correction(store: Store) -> None:
    assert (await ends(store, STORY))["answer"] == at("00:00", "2026-12-02")


async def test_an_urge_of_the_body_is_told_to_the_supervisor(store: Store) -> None:
    first, urge = await told(store, (STORY[0], STORY[2]))
    ticket = await now(store, first)
    assert (ticket.urges, ticket.text) == (1, FIRST["诉求内容"])
    events = await store.read(lambda connection: load_events(connection, ticket.id))
    assert [one.kind for one in events] == ["received", "supervised_by_source", "urged"]
    assert urge.outcome == "appended"


async def test_a_closed_case_given_again_is_open_with_its_clocks_anew(store: Store) -> None:
    first, *_ = await told(store, (FIRST,))
    await does(store, first, "answer", text="已恢复供水")
    await does(store, first, "close")
    again = {**FIRST, "派单时间": "2026-11-21 09:00", "办理时限": "2026-11-30"}
    await told(store, (again,))
    ticket = await now(store, first)
    assert ticket.stage == "received"
    timers = (await store.read(lambda connection: load_timers(connection, [ticket.id])))[ticket.id]
    assert timers["sign"].running
    events = await store.read(lambda connection: load_events(connection, ticket.id))
    assert events[-1].kind == "given_again"


async def test_where_a_source_wants_it_a_closed_case_gets_a_ticket_of_its_own(store: Store) -> None:
    first, *_ = await told(store, (FIRST,), policy("new"))
    await does(store, first, "answer", text="已恢复供水")
    await does(store, first, "close")
    again, late = await told(
        store,
        ({**FIRST, "派单时间": "2026-11-21 09:00"}, {**FIRST, "标题": "旧的", "派单时间": "2026-11-20 08:00"}),
        policy("new"),
    )
    assert again.ticket and first.ticket and again.ticket.id != first.ticket.id
    ticket = await now(store, again)
    assert [(link.relation, link.ticket_id) for link in ticket.links] == [("parent", first.ticket.id)]
    assert (again.outcome, ticket.grade) == ("opened", "request")
    assert late.ticket and late.ticket.id == ticket.id  # the newest ticket of the case


async def test_cases_of_two_bodies_with_one_number_are_two(store: Store) -> None:
    (city,) = await told(store, (FIRST,))
    number = FIRST["工单编号"]
    (county,) = await told(store, ({"工单编号": number, "工单类型": "投诉", "反映内容": "停水"},), source="hanshan")
    assert city.ticket and county.ticket and city.ticket.id != county.ticket.id


async def test_a_case_can_be_returned_within_its_limit_only(store: Store) -> None:
    (taken,) = await told(store, ({"编号": "7", "反映内容": "不属于我单位"},), source="hanshan")
    with pytest.raises(ActionRefused, match="until 2026-11-23 24:00"):
        await does(store, taken, "return", at("10:00", "2026-11-24"), reason="不属于我单位职责")
    with pytest.raises(FieldMissing):
        await does(store, taken, "return", at("10:00", "2026-11-23"))  # a reason is required
    await does(store, taken, "return", at("10:00", "2026-11-23"), reason="不属于我单位职责")
    assert (await now(store, taken)).stage == "returned"


async def test_a_case_that_is_given_to_us_again_may_go_back_again(store: Store) -> None:
    record = {"编号": "8", "反映内容": "不属于我单位", "转办时间": "2026-11-20 09:00"}
    (taken,) = await told(store, (record,), source="hanshan")
    await told(store, ({**record, "转办类型": "撤单"},), source="hanshan")
    again = at("10:00", "2026-12-01")
    await told(store, ({**record, "转办时间": "2026-12-01 09:00"},), source="hanshan", when=again)
    with pytest.raises(ActionRefused):
        await does(store, taken, "return", at("00:01", "2026-12-03"), reason="不属于我单位职责")
    await does(store, taken, "return", at("23:59", "2026-12-02"), reason="不属于我单位职责")
    assert (await now(store, taken)).stage == "returned"


async def test_a_correction_brings_another_telephone_and_keeps_the_old(store: Store) -> None:
    first, _ = await told(store, (FIRST, {**STORY[1], "联系电话": "13800000009"}))
    ticket = await now(store, first)
    assert ticket.complainant.phones[0] == "+8613800000009"
    assert set(ticket.identities) == {LI, "phone:+8613800000009"}


async def test_each_step_of_the_process_is_told_to_the_body_once(store: Store) -> None:
    (taken,) = await told(store, (FIRST,))
    for action, fields in (
        ("sign", {}),
        ("contact", {"text": "已联系诉求人"}),
        ("progress", {"text": "抢修中"}),
        ("request_extension", {"deadline": "answer", "amount": 2, "unit": "working_days", "reason": "等待配件"}),
        ("answer", {"text": "已恢复供水"}),
    ):
        await does(store, taken, action, **fields)
    ticket = await now(store, taken)
    events = await store.read(lambda connection: load_events(connection, ticket.id))
    steps = SOURCES["12345"].steps_in(policy().profiles["transfer"])
    assert [steps[one.kind].code for one in events if one.kind in steps] == [
        "sign", "contact", "progress", "extend", "finish",
    ]  # fmt: skip
    assert await store.read(lambda connection: len(load_tickets(connection, [ticket.id]))) == 1


async def test_more_time_is_asked_for_before_the_deadline_only(store: Store) -> None:
    (taken,) = await told(store, (FIRST,))
    wish = {"deadline": "answer", "amount": 2, "unit": "working_days", "reason": "等待配件"}
    with pytest.raises(FieldMissing) as caught:
        await does(store, taken, "request_extension", at("00:00", "2026-11-26"), **wish)
    assert list(caught.value.problems) == ["deadline"]
    await does(store, taken, "request_extension", at("23:59", "2026-11-25"), **wish)


async def test_a_limit_that_only_the_body_sends_warns_and_becomes_overdue_and_is_met(store: Store) -> None:
    first, other = await told(
        store,
        (
            {**FIRST, "首次联系时限": "2026-11-20 17:00"},
            {**FIRST, "工单编号": "CD2", "联系电话": "", "首次联系时限": "2026-11-20 17:00"},
        ),
    )
    await does(store, other, "sign")
    await does(store, other, "contact", text="已联系诉求人")
    await store.run(lambda tx: sweep(tx, at("17:00"), policy()))
    late = await store.read(lambda connection: load_events(connection, (first.ticket or pytest.fail()).id))
    met = await store.read(lambda connection: load_events(connection, (other.ticket or pytest.fail()).id))
    assert [one.data["deadline"] for one in late if one.kind == "deadline_overdue"] == ["contact"]
    assert not [one for one in met if one.kind == "deadline_overdue"]


async def deadline(store: Store, taken: Taken, name: str) -> Timer:
    ticket = await now(store, taken)
    return (await store.read(lambda connection: load_timers(connection, [ticket.id])))[ticket.id][name]


async def test_limits_of_a_case_given_again_count_whatever_was_met_or_granted_before(store: Store) -> None:
    with_contact = {**FIRST, "首次联系时限": "2026-11-20 17:00"}
    grant = {**FIRST, "派单时间": "2026-11-20 10:00", "转办类型": "同意延期", "办理时限": "2026-12-30"}
    first, _ = await told(store, (with_contact, grant))
    await does(store, first, "contact", text="已联系诉求人")
    await does(store, first, "answer", text="已恢复供水")
    await does(store, first, "close")
    again = at("09:00", "2026-11-23")
    anew = {**FIRST, "派单时间": "2026-11-23 09:00", "办理时限": "2026-11-24", "首次联系时限": "2026-11-23 17:00"}
    await told(store, (anew,), when=again)
    assert (await deadline(store, first, "answer")).due_at == at("00:00", "2026-11-25")
    contact = await deadline(store, first, "contact")
    assert (contact.running, contact.due_at) == (True, at("17:00", "2026-11-23"))
    await told(store, ({**grant, "办理时限": "2026-12-31"},), when=again)  # late: about the time before
    assert (await deadline(store, first, "answer")).due_at == at("00:00", "2026-11-25")
    assert (source := (await now(store, first)).source) and source.granted == ()


async def test_more_time_for_a_case_that_is_finished_sets_nothing_going(store: Store) -> None:
    first, *_ = await told(store, (FIRST,))
    await does(store, first, "answer", text="已恢复供水")
    await does(store, first, "close")
    await told(store, ({**FIRST, "转办类型": "同意延期", "首次联系时限": "2026-11-23 17:00"},))
    ticket = await now(store, first)
    timers = (await store.read(lambda connection: load_timers(connection, [ticket.id])))[ticket.id]
    assert not [one.name for one in timers.values() if one.running]


async def test_a_returned_case_that_they_insist_on_is_ours_again(store: Store) -> None:
    (taken,) = await told(store, (FIRST,))
    await does(store, taken, "return", reason="非我单位职责")
    (again,) = await told(store, ({**FIRST, "派单时间": "2026-11-20 15:00"},), when=at("15:00"))
    ticket = await now(store, taken)
    assert again.ticket and (again.ticket.id, ticket.stage) == (ticket.id, "received")
    assert (await deadline(store, taken, "sign")).running
    await does(store, taken, "return", at("10:00", "2026-11-22"), reason="非我单位职责")  # within two days from then
    await does(store, taken, "archive")
    assert not (await deadline(store, taken, "answer")).running


async def test_a_case_that_we_take_back_after_all_owes_what_its_return_had_met(store: Store) -> None:
    record = {"登记编号": "1510000009", "业务类型": "举报", "举报内容": "虚假宣传"}
    (taken,) = await told(store, (record,), source="12315")
    await does(store, taken, "return", reason="管辖有误")
    assert not (await deadline(store, taken, "check")).running
    await does(store, taken, "accept", at("10:00"))
    check, sign = await deadline(store, taken, "check"), await deadline(store, taken, "sign")
    assert check.running and check.next_at is not None
    assert sign.met_at == at("10:00")  # that is met by taking it back


async def test_a_forwarded_case_like_another_of_that_person_keeps_its_body_its_limits_and_a_ticket(
    store: Store,
) -> None:
    (city,) = await told(store, (FIRST,))
    same = {"编号": "77", "反映内容": FIRST["诉求内容"], "来电人姓名": "李四", "联系电话": FIRST["联系电话"]}
    (county,) = await told(store, (same,), source="hanshan")
    assert county.outcome == "repeated" and county.ticket and city.ticket and county.ticket.id != city.ticket.id
    assert county.repeat_of == city.ticket.id
    ticket = await now(store, county)
    assert ticket.source and ticket.source.key == ("hanshan", "77", "")
    assert ticket.grade == "grievance"
    (urge,) = await told(store, ({**same, "转办类型": "催办"},), source="hanshan")
    assert urge.ticket and urge.ticket.id == ticket.id
