"""One sender who writes without end: nobody else waits for him, and nobody else's history is lost over his."""

from __future__ import annotations

from functools import partial

import pytest

from tests.core.builders import LI_MAIL, NINE, WANG, at, draft, policy
from ticket_core.decide import repeat
from ticket_core.service import intake
from ticket_core.store import person
from ticket_core.store.clock import to_us
from ticket_core.store.person import lock_people
from ticket_core.store.store import Store

TAKE = partial(intake, policy=policy())


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is a storm here begins with the fourth."""
    monkeypatch.setattr(person, "_MOST_EACH", 3)
    monkeypatch.setattr(repeat, "_MOST_COMPARED", 3)


async def test_of_a_storm_the_newest_are_looked_at_and_of_others_all(store: Store) -> None:
    long_ago = draft(LI_MAIL, at("09:00:00", "2026-11-01"), text="路灯不亮")
    storm = [draft(LI_MAIL, at(f"10:0{minute}:00")) for minute in range(8)]
    others = draft(WANG, NINE, service_number="1")
    for one in (long_ago, others, *storm):
        await store.run_each(TAKE, one)

    window = policy().profiles["generic"].repeat.window
    look = partial(lock_people, keys=[LI_MAIL, WANG], window=window, instants=[to_us(at("10:30:00"))])
    people = await store.run(look)
    assert sorted(one.lodged_at for one in people.past[LI_MAIL]) == [at(f"10:0{minute}:00") for minute in (5, 6, 7)]
    assert len(people.tickets_of[LI_MAIL]) == 4, "the three, and what is open from long ago"
    assert len(people.past[WANG]) == 1


async def test_in_a_storm_everybody_keeps_the_outcome_he_is_due(store: Store) -> None:
    first = await store.run_each(TAKE, draft(WANG, NINE, service_number="1"))
    for minute in range(8):
        taken = await store.run_each(TAKE, draft(LI_MAIL, at(f"10:0{minute}:00"), external_id=f"m{minute}"))
        assert taken.outcome == ("repeated" if minute else "opened")
    storm = [draft(LI_MAIL, at(f"10:1{minute}:00")) for minute in range(8)]
    again = draft(WANG, at("10:20:00"), service_number="1")
    delivered_twice = draft(LI_MAIL, at("10:03:00"), external_id="m3")
    taken_all = await store.run(lambda tx: intake(tx, [*storm, again, delivered_twice], policy()))
    assert [one.outcome for one in taken_all] == ["repeated"] * 9 + ["duplicate"]
    assert first.ticket is not None
    assert taken_all[8].ticket is not None
    assert taken_all[8].ticket.id == first.ticket.id, "joined, as it would have been without the storm"
    assert taken_all[9].statement == 1


async def test_words_are_compared_with_those_of_the_newest_open_tickets_only(store: Store) -> None:
    words = ["宽带断网三天没有人来修", "电费多收了一百元", "楼道路灯整夜不亮", "垃圾桶满了没人收", "公交车到站不停"]
    said = [*enumerate(words), (5, words[4]), (6, words[0])]
    taken = [await store.run_each(TAKE, draft(LI_MAIL, at(f"09:0{n}:00"), text=text)) for n, text in said]
    tickets = [one.ticket.id for one in taken if one.ticket is not None]
    assert tickets[5] == tickets[4]
    assert tickets[6] not in tickets[:6]
    assert {one.outcome for one in taken[5:]} == {"repeated"}
