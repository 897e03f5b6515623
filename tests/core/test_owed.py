"""Who is owed which notice: the profile's notify table and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.core.builders import NINE, PEOPLE, Desk, draft, policy
from ticket_core.decide.owed import owed
from ticket_core.directory import Directory
from ticket_core.model import Complainant, Event, Notice, Ticket
from ticket_core.profile import Condition, NotifyRule, Profile

LI = Complainant(name="李四", mobile="+8613800000001", emails=("li@example.com", "li2@example.com"))


def ticket(**changes: Any) -> Ticket:
    """A ticket of Li."""
    desk = Desk()
    return replace(desk.ticket(desk.take(draft(complainant=LI))), **changes)


def notices(
    one: Ticket, kind: str, *rules: NotifyRule, actor: str = "agent", people: Directory = PEOPLE
) -> list[Notice]:
    """What an event owes; under the generic profile, or with these rules alone."""
    profile: Profile = policy().profiles["generic"]
    if rules:
        profile = replace(profile, notify=rules)
    event = Event(ticket_id=one.id, seq=7, kind=kind, at=NINE, actor=actor, data={})
    return list(owed(one, [event], profile, people))


def told(found: list[Notice]) -> list[tuple[str, str]]:
    return [(notice.medium, notice.address) for notice in found]


def test_a_complainant_is_acknowledged_on_every_medium() -> None:
    found = [one for one in notices(ticket(), "received") if one.role == "complainant"]
    assert told(found) == [("email", "li@example.com"), ("sms", "+8613800000001")]
    assert {(one.notice, one.name, one.event_seq, one.send_at) for one in found} == {
        ("acknowledgement", "李四", 7, NINE)
    }


@pytest.mark.parametrize(
    ("who", "addresses"),
    [
        (LI, [("email", "li@example.com")]),
        (replace(LI, emails=()), [("sms", "+8613800000001")]),
        (replace(LI, emails=(), mobile=""), []),
    ],
)
def test_without_every_only_the_first_medium_that_is_known_is_used(
    who: Complainant, addresses: list[tuple[str, str]]
) -> None:
    assert told(notices(ticket(complainant=who), "withdrawn")) == addresses


@pytest.mark.parametrize(
    ("group", "assignee", "names"),
    [
        ("service", "", ["handler"]),
        ("business", "", ["other"]),
        ("service", "other", ["other"]),  # whoever has it, not the group
        ("service", "gone", ["handler"]),  # somebody who left: the group again
        ("nobody", "", ["boss"]),  # a group without handlers falls to the supervisors
    ],
)
def test_whoever_handles_the_ticket_is_told(group: str, assignee: str, names: list[str]) -> None:
    rule = NotifyRule(event="assigned", to="handlers", notice="assignment", via=("email",))
    found = notices(ticket(group=group, assignee=assignee), "assigned", rule)
    assert [one.name for one in found] == names


def test_nobody_is_told_what_he_did_himself() -> None:
    rule = NotifyRule(event="assigned", to="handlers", notice="assignment")
    assert notices(ticket(), "assigned", rule, actor="handler") == []


def test_one_address_is_told_once_of_one_event_even_by_two_rules() -> None:
    twice = NotifyRule(event="urged", to="handlers", notice="urged", via=("email",))
    assert len(notices(ticket(), "urged", twice, twice)) == 1
    other = replace(twice, notice="reminder")
    assert len(notices(ticket(), "urged", twice, other)) == 2


@pytest.mark.parametrize(
    ("when", "owes"),
    [
        (Condition(), True),
        (Condition(grade=("request", "upgraded")), True),
        (Condition(grade=("grievance",)), False),
        (Condition(kind=("complaint",), stage=("received",)), True),
        (Condition(kind=("complaint",), stage=("closed",)), False),
        (Condition(source=("12345",)), False),
    ],
)
def test_a_rule_speaks_only_under_its_condition(when: Condition, owes: bool) -> None:
    rule = NotifyRule(event="urged", to="handlers", notice="urged", via=("email",), when=when)
    assert bool(notices(ticket(), "urged", rule)) is owes


def test_an_event_nobody_asked_for_owes_nothing() -> None:
    assert notices(ticket(), "commented") == []


def test_a_person_without_the_medium_is_left_out() -> None:
    rule = NotifyRule(event="urged", to="handlers", notice="urged", via=("sms",))
    assert notices(ticket(group="business"), "urged", rule) == []
