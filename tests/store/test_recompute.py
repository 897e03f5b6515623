"""The script for a new calendar: in bounded steps, once, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

from tests.core.builders import draft
from tests.core.test_recompute import AS_GUESSED, CHRISTMAS, GUESSED, LATER, NEW_YEAR, ONE_DAY, process, year
from ticket_core.calendar import Calendar
from ticket_core.calendar_service import recompute
from ticket_core.model import Timer
from ticket_core.policy import Policy
from ticket_core.service import Taken, intake, sweep
from ticket_core.store.store import Store
from ticket_core.store.tickets import load_events, load_timers

RULES = process()


def under(calendar: Calendar) -> Policy:
    return replace(RULES, calendar=calendar)


async def opened(store: Store, count: int) -> list[int]:
    """So many tickets that owe an answer next year, oldest first."""
    script = partial(intake, policy=RULES)
    taken: list[Taken] = [
        await store.run_each(script, draft(f"phone:+861380000{n:04}", CHRISTMAS)) for n in range(count)
    ]
    return [one.ticket.id for one in taken if one.ticket is not None]


async def answer_of(store: Store, ticket_id: int) -> Timer:
    return (await store.read(lambda c: load_timers(c, [ticket_id])))[ticket_id]["answer"]


async def step(store: Store, calendar: Calendar, most: int = 100) -> int:
    return await store.run(lambda tx: recompute(tx, NEW_YEAR, under(calendar), most=most))


async def test_a_published_year_reaches_every_ticket_in_bounded_steps_and_once(store: Store) -> None:
    ids = await opened(store, 5)
    assert [await step(store, LATER, 2) for _ in range(4)] == [2, 2, 1, 0]
    for ticket_id in ids:
        timer = await answer_of(store, ticket_id)
        assert (timer.due_at, timer.provisional) == (GUESSED + ONE_DAY, False)
        events = await store.read(partial(load_events, ticket_id=ticket_id))
        assert [event.kind for event in events] == ["received", "deadline_recomputed"]
    assert await step(store, AS_GUESSED) == 0  # it is certain now, whatever comes


async def test_what_stays_a_guess_is_looked_at_once_a_calendar(store: Store) -> None:
    ids = await opened(store, 3)
    own_days = year("2038-06-01", papers=())
    assert await step(store, RULES.calendar) == 0
    assert [await step(store, own_days, 2) for _ in range(3)] == [2, 1, 0]
    for ticket_id in ids:
        assert len(await store.read(partial(load_events, ticket_id=ticket_id))) == 1
        assert (await answer_of(store, ticket_id)).provisional


async def test_the_ladder_follows_the_new_time(store: Store) -> None:
    (ticket_id,) = await opened(store, 1)
    await step(store, LATER)
    before = GUESSED - timedelta(minutes=1)
    assert await store.run(lambda tx: sweep(tx, before, under(LATER))) == 0
    assert await store.run(lambda tx: sweep(tx, GUESSED, under(LATER))) == 1
    events = await store.read(partial(load_events, ticket_id=ticket_id))
    assert events[-1].kind == "deadline_warning"
