"""The ladder 预警 → 催办 → 超期 → 督办 → 通报: each rung once per due time, and only while it is owed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.core.builders import NINE, Desk, at, command, draft, policy
from tests.core.test_act import act
from ticket_core.decide.rung import climb
from ticket_core.model import Ticket

#: The generic answer is due 24 hours after Friday 2026-11-20 09:00; five full working days later is Friday the 27th.
DUE = at("09:00:00", "2026-11-21")
FIVE_DAYS = at("00:00:00", "2026-11-28")


def opened(**changes: Any) -> tuple[Desk, Ticket]:
    """A ticket of a desk of its own."""
    desk = Desk()
    return desk, desk.ticket(desk.take(draft(**changes)))


def look(desk: Desk, ticket: Ticket, now: datetime, name: str = "answer") -> list[str]:
    """What the clock does to one deadline at `now`: the events."""
    timer = desk.timers[ticket.id][name]
    if timer.next_at is None or timer.next_at > now:
        return []
    after, change = climb(desk.tickets[ticket.id], timer, now, desk.policy)
    desk.timers[ticket.id][name] = after
    if change is None:
        return []
    desk.remember(change)
    return [event.kind for event in change.events]


def test_each_rung_speaks_once_at_its_time() -> None:
    desk, ticket = opened()
    said = {}
    for hours in range(24 * 12):
        now = NINE + timedelta(hours=hours)
        for kind in look(desk, ticket, now):
            assert kind not in said
            said[kind] = now
    assert said == {
        "deadline_warning": DUE - timedelta(hours=2),
        "deadline_overdue": DUE,
        "supervised": at("00:00:00", "2026-11-24"),  # the end of Monday, one working day after Saturday
    }
    timer = desk.timers[ticket.id]["answer"]
    assert (timer.warned_at, timer.overdue_at) == (DUE - timedelta(hours=2), DUE)


def test_a_warning_is_passed_over_when_the_deadline_is_past_already() -> None:
    desk, ticket = opened()
    assert look(desk, ticket, DUE + timedelta(minutes=1)) == ["deadline_overdue"]
    timer = desk.timers[ticket.id]["answer"]
    assert (timer.warned_at, timer.fired) == (None, ("warn", "overdue"))


def test_all_rungs_of_a_long_sleep_speak_at_once_in_order() -> None:
    desk, ticket = opened()
    assert look(desk, ticket, FIVE_DAYS) == ["deadline_overdue", "supervised"]


def test_an_answered_ticket_owes_nothing() -> None:
    desk, ticket = opened()
    act(desk, command(ticket, "answer", at("10:00:00"), text="已修复"))
    timer = desk.timers[ticket.id]["answer"]
    assert climb(desk.tickets[ticket.id], timer, FIVE_DAYS, desk.policy) == (timer, None)


def test_a_rung_speaks_again_for_a_new_due_time() -> None:
    desk, ticket = opened()
    assert look(desk, ticket, DUE - timedelta(hours=1)) == ["deadline_warning"]
    fields = {"deadline": "answer", "amount": 8, "unit": "hours", "reason": "现场复杂"}
    act(desk, command(ticket, "extend", DUE - timedelta(minutes=30), role="supervisor", **fields))
    assert look(desk, ticket, DUE) == []
    assert look(desk, ticket, DUE + timedelta(hours=6)) == ["deadline_warning"]
    assert look(desk, ticket, DUE + timedelta(hours=8)) == ["deadline_overdue"]


def test_a_rung_stays_silent_for_a_due_time_that_comes_back() -> None:
    desk, ticket = opened(service_number="1")
    desk.take(draft(when=NINE + timedelta(hours=23), claimed_at=NINE + timedelta(hours=4), service_number="1"))
    assert look(desk, ticket, NINE + timedelta(hours=23)) == ["deadline_warning"]
    act(desk, command(desk.tickets[ticket.id], "undo_repeat", NINE + timedelta(hours=23), reason="误判"))
    assert look(desk, ticket, NINE + timedelta(hours=23)) == []
    assert look(desk, ticket, DUE) == ["deadline_overdue"]


@pytest.mark.parametrize(
    ("urges", "explained", "now", "criticised"),
    [
        (1, False, FIVE_DAYS + timedelta(days=3), False),  # one urge, more than five days
        (2, False, FIVE_DAYS - timedelta(seconds=1), False),  # two urges, not five full working days
        (2, False, FIVE_DAYS, True),  # two urges, five full working days, no explanation
        (3, False, FIVE_DAYS + timedelta(days=1), True),
        (2, True, FIVE_DAYS + timedelta(days=3), False),  # an explanation is on record
        (0, False, FIVE_DAYS + timedelta(days=30), False),
    ],
)
def test_public_criticism_needs_two_urges_five_full_working_days_and_no_explanation(
    urges: int, explained: bool, now: datetime, criticised: bool
) -> None:
    desk, ticket = opened()
    look(desk, ticket, DUE)
    for number in range(urges):
        act(desk, command(ticket, "urge", DUE + timedelta(hours=number + 1), role="complainant"))
    if explained:
        act(desk, command(ticket, "explain", DUE + timedelta(hours=5), reason="等待备件"))
    assert ("criticised" in look(desk, ticket, now)) is criticised


def test_a_second_urge_after_the_five_days_brings_the_criticism_at_once_and_only_once() -> None:
    desk, ticket = opened()
    act(desk, command(ticket, "urge", DUE, role="complainant"))
    late = FIVE_DAYS + timedelta(days=4)
    assert look(desk, ticket, late) == ["deadline_overdue", "supervised"]
    assert desk.timers[ticket.id]["answer"].next_at is None  # it waits for an urge, not for a time
    act(desk, command(ticket, "urge", late, role="complainant"))
    assert look(desk, ticket, late + timedelta(seconds=1)) == ["criticised"]
    act(desk, command(ticket, "urge", late + timedelta(days=1), role="complainant"))
    assert look(desk, ticket, late + timedelta(days=2)) == []


def test_two_urges_before_the_five_days_are_remembered() -> None:
    desk, ticket = opened()
    for hours in (1, 2):
        act(desk, command(ticket, "urge", NINE + timedelta(hours=hours), role="complainant"))
    assert look(desk, ticket, FIVE_DAYS - timedelta(seconds=1)) == ["deadline_overdue", "supervised"]
    assert look(desk, ticket, FIVE_DAYS) == ["criticised"]


@pytest.mark.parametrize(
    ("priority", "warned_before"),
    [
        ("urgent", timedelta(minutes=15)),
        ("important", timedelta(minutes=30)),
        ("secondary", timedelta(minutes=30)),
        ("normal", timedelta(hours=12)),
    ],
)
def test_each_priority_is_warned_as_its_own_rule_says(priority: str, warned_before: timedelta) -> None:
    desk = Desk(policy("telecom-10086"))
    ticket = desk.ticket(desk.take(draft(profile="telecom-10086", priority=priority)))
    timer = desk.timers[ticket.id]["dispatch"]
    assert timer.next_at == timer.due_at - warned_before


def test_an_escalated_deadline_without_a_ladder_of_its_own_has_that_of_its_name() -> None:
    desk, ticket = opened(service_number="1")
    desk.take(draft(when=at("10:00:00"), service_number="1"))
    timer = desk.timers[ticket.id]["answer"]
    assert (timer.due_at, timer.next_at) == (at("14:00:00"), at("12:00:00"))


def test_a_finished_ticket_ends_the_clock_without_a_word() -> None:
    desk, ticket = opened()
    timer = desk.timers[ticket.id]["answer"]
    act(desk, command(ticket, "withdraw", role="complainant"))
    after, change = climb(desk.tickets[ticket.id], timer, FIVE_DAYS, desk.policy)
    assert (after.next_at, change) == (None, None)
