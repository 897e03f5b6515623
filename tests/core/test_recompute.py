"""A year is published: what was promised without its notice is computed again, and only that."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.core.builders import Desk, at, command, draft, policy
from tests.core.test_act import act
from ticket_core.calendar import Calendar, YearFile, load_calendar
from ticket_core.decide.intake import Arrival, decide_intake
from ticket_core.decide.recompute import is_outdated, recompute_case
from ticket_core.model import Source, Ticket, Timer
from ticket_core.policy import Policy
from ticket_core.profile import DeadlineRule, Rung

CHRISTMAS = at("09:00:00", "2037-12-25")  # a Friday; so far ahead that no library knows the year after
NEW_YEAR = at("09:00:00", "2038-01-02")
GUESSED = at("00:00:00", "2038-01-12")  # ten working days, 1 January off by law
ONE_DAY = timedelta(days=1)


THIS_YEAR = YearFile(year=2037, papers=("a notice",))


def year(*off: str, papers: tuple[str, ...] = ("a notice",)) -> Calendar:
    """The calendar with a notice for 2038 that names these days off; without papers, with the operator's own days."""
    days = [{"name": "自定", "date": day, "isOffDay": True} for day in off]
    return load_calendar([THIS_YEAR, YearFile.model_validate({"year": 2038, "papers": papers, "days": days})])


AS_GUESSED = year()
LATER = year("2038-01-04")


def process(**changes: Any) -> Policy:
    """One answer within ten working days."""
    ladder = (
        Rung(name="warn", offset="-1 working_days", event="deadline_warning"),
        Rung(name="overdue", offset="0 minutes", event="deadline_overdue"),
    )
    known: dict[str, Any] = {"amount": 10, "unit": "working_days", "ladder": ladder}
    rule = DeadlineRule(name="answer", label={"zh-CN": "答复"}, **{**known, **changes})
    generic = replace(policy(), calendar=load_calendar([THIS_YEAR]))
    return replace(generic, profiles={"generic": replace(generic.profiles["generic"], deadlines=(rule,))})


def opened(rules: Policy | None = None, **changes: Any) -> tuple[Desk, Ticket]:
    desk = Desk(rules or process())
    return desk, desk.ticket(desk.take(draft(when=CHRISTMAS, **changes)))


def publish(desk: Desk, ticket: Ticket, calendar: Calendar, now: datetime = NEW_YEAR) -> Timer:
    """The calendar counts from now on; the ticket's answer deadline afterwards."""
    desk.policy = replace(desk.policy, calendar=calendar)
    events = [event for change in desk.changes for event in change.events if event.ticket_id == ticket.id]
    case, kept = recompute_case(desk.tickets[ticket.id], desk.timers[ticket.id], events, now, desk.policy)
    desk.timers[ticket.id].update({one.name: one for one in kept})
    if case is not None:
        desk.remember(case.change())
    assert not any(is_outdated(one, calendar) for one in desk.timers[ticket.id].values())
    return desk.timers[ticket.id]["answer"]


def extend(desk: Desk, ticket: Ticket, amount: int, unit: str, **more: str) -> datetime:
    """An extension is granted; the due time it leads to."""
    when = CHRISTMAS + timedelta(hours=1)
    act(
        desk,
        command(
            ticket, "extend", when, role="supervisor", deadline="answer", amount=amount, unit=unit, reason="等", **more
        ),
    )
    return desk.timers[ticket.id]["answer"].due_at


def test_a_deadline_moves_with_the_days_of_the_published_year_and_an_event_says_so() -> None:
    desk, ticket = opened()
    before = desk.timers[ticket.id]["answer"]
    assert (before.due_at, before.provisional) == (GUESSED, True)
    timer = publish(desk, ticket, LATER)
    assert (timer.due_at, timer.provisional, timer.calendar) == (GUESSED + ONE_DAY, False, LATER.version)
    assert timer.next_at == at("00:00:00", "2038-01-12")  # the warning moves too
    assert desk.data(ticket, "deadline_recomputed") == [
        {
            "deadline": "answer",
            "due_before": GUESSED.astimezone(before.due_at.tzinfo).isoformat(),
            "due_at": timer.due_at.isoformat(),
            "provisional": False,
            "calendar": LATER.version,
        }
    ]


def test_a_guess_that_proves_right_loses_its_mark_with_an_event_and_keeps_what_has_fired() -> None:
    desk, ticket = opened()
    timers = desk.timers[ticket.id]
    timers["answer"] = replace(timers["answer"], fired=("warn",), warned_at=NEW_YEAR)
    timer = publish(desk, ticket, AS_GUESSED)
    assert (timer.due_at, timer.provisional, timer.fired, timer.next_at) == (GUESSED, False, ("warn",), GUESSED)
    assert desk.events(ticket) == ["received", "deadline_recomputed"]


def test_a_deadline_that_moves_may_warn_again_and_is_no_longer_overdue() -> None:
    desk, ticket = opened()
    timers = desk.timers[ticket.id]
    timers["answer"] = replace(timers["answer"], fired=("warn", "overdue"), overdue_at=GUESSED, next_at=None)
    timer = publish(desk, ticket, LATER, GUESSED + timedelta(hours=1))
    assert (timer.fired, timer.overdue_at) == ((), None)


@pytest.mark.parametrize(("off", "events"), [((), 0), (("2038-06-01",), 0), (("2038-01-05",), 1)])
def test_the_operators_own_days_leave_an_unpublished_year_a_guess(off: tuple[str, ...], events: int) -> None:
    desk, ticket = opened()
    timer = publish(desk, ticket, year(*off, papers=()))
    assert timer.provisional
    assert timer.due_at == GUESSED + ONE_DAY * events
    assert desk.events(ticket).count("deadline_recomputed") == events


@pytest.mark.parametrize(
    ("amount", "unit", "guessed", "then"),
    [
        (2, "working_days", at("00:00:00", "2038-01-14"), at("00:00:00", "2038-01-15")),
        (2, "hours", at("02:00:00", "2038-01-12"), at("02:00:00", "2038-01-13")),
    ],
)
def test_an_extension_is_never_lost(amount: int, unit: str, guessed: datetime, then: datetime) -> None:
    desk, ticket = opened()
    assert extend(desk, ticket, amount, unit) == guessed
    timer = publish(desk, ticket, LATER)
    assert (timer.due_at, timer.provisional, timer.origin) == (then, False, "extension")


def test_extensions_before_and_after_an_earlier_recomputation_all_count() -> None:
    desk, ticket = opened()
    extend(desk, ticket, 1, "working_days")
    publish(desk, ticket, year("2038-01-05", papers=()), CHRISTMAS + timedelta(hours=1))
    assert extend(desk, ticket, 2, "working_days") == at("00:00:00", "2038-01-16")
    assert publish(desk, ticket, AS_GUESSED).due_at == at("00:00:00", "2038-01-15")
    assert desk.events(ticket).count("deadline_recomputed") == 2


def test_an_extension_into_a_year_that_nobody_knows_is_provisional() -> None:
    desk, ticket = opened(process(amount=2))
    assert not desk.timers[ticket.id]["answer"].provisional
    assert extend(desk, ticket, 3, "working_days") == at("00:00:00", "2038-01-05")
    assert desk.timers[ticket.id]["answer"].provisional
    assert publish(desk, ticket, LATER).due_at == at("00:00:00", "2038-01-06")


@pytest.mark.parametrize("days", [0, 10])
def test_the_forwarding_bodys_earlier_time_stays(days: int) -> None:
    theirs = GUESSED + timedelta(hours=12) - ONE_DAY * days
    desk, ticket = opened(source=Source(body="12345", deadlines=(("answer", theirs),)))
    assert desk.timers[ticket.id]["answer"].due_at == min(GUESSED, theirs)
    assert publish(desk, ticket, LATER).due_at == theirs


def test_what_is_met_or_certain_is_left_alone() -> None:
    desk, ticket = opened()
    act(desk, command(ticket, "answer", CHRISTMAS + ONE_DAY, text="已修复"))
    before = dict(desk.timers[ticket.id])
    publish(desk, ticket, LATER)
    assert desk.timers[ticket.id] == before
    certain, other = opened(process(amount=2))
    assert publish(certain, other, LATER).due_at == at("00:00:00", "2037-12-30")
    assert "deadline_recomputed" not in [*desk.events(ticket), *certain.events(other)]


def test_a_deadline_put_back_by_an_undoing_is_as_uncertain_as_it_was() -> None:
    rules = process()
    shorter = DeadlineRule(name="answer", label={"zh-CN": "答复"}, amount=4, unit="hours", start="escalated")
    profile = rules.profiles["generic"]
    rules = replace(rules, profiles={"generic": replace(profile, deadlines=(*profile.deadlines, shorter))})
    desk, ticket = opened(rules, service_number="1")
    desk.take(draft(when=CHRISTMAS + timedelta(hours=1), service_number="1"))
    assert not desk.timers[ticket.id]["answer"].provisional
    act(desk, command(ticket, "undo_repeat", CHRISTMAS + timedelta(hours=2), reason="误判"))
    assert desk.timers[ticket.id]["answer"].due_at == GUESSED
    assert publish(desk, ticket, LATER).due_at == GUESSED + ONE_DAY


def test_the_days_of_this_test_are_as_it_says() -> None:
    assert not load_calendar().is_published(date(2038, 1, 4))
    assert load_calendar().is_working(date(2038, 1, 4))


def test_what_the_body_granted_is_no_span_of_ours_and_stays_when_a_year_is_published() -> None:
    desk, ticket = opened(source=Source(body="city", case_number="C1"))
    granted = at("00:00:00", "2038-01-20")
    said = Source(body="city", case_number="C1", act="extension", deadlines=(("answer", granted),))
    known = replace(desk.known(frozenset()), case=ticket)
    one = Arrival(draft=draft(when=CHRISTMAS, source=said), inbound_id=9, new_ticket_id=int)
    desk.remember(decide_intake(one, known, desk.policy).tickets[0])
    assert extend(desk, desk.tickets[ticket.id], 2, "working_days", consent="电话同意") == at("00:00:00", "2038-01-22")
    assert publish(desk, ticket, LATER).due_at == at("00:00:00", "2038-01-22")
