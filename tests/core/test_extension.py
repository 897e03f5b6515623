"""More time is asked for before the deadline and granted no further than its rule goes; what goes back goes in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import pytest

from tests.core.builders import PEOPLE, Desk, at, command, draft
from tests.core.test_act import act
from ticket_core.calendar import load_calendar
from ticket_core.decide.intake import Arrival, decide_intake
from ticket_core.errors import ActionRefused, FieldMissing, ProfileError
from ticket_core.model import Source, Ticket
from ticket_core.policy import Policy
from ticket_core.profile import load_profile
from ticket_core.source import load_source, read_source, source_names, with_clocks

Limits = tuple[tuple[str, datetime], ...]
START = at("10:00", "2026-02-10")  # domain 7.2: 15 days from then are the end of 2026-02-25


@lru_cache
def policy(late: str = "refuse") -> Policy:
    sources = {name: load_source(name) for name in source_names()}
    sources["12345"] = replace(sources["12345"], return_late=late)  # type: ignore[arg-type]
    profile = with_clocks(load_profile("transfer"), sources)
    return Policy(profiles={"transfer": profile}, calendar=load_calendar(()), directory=PEOPLE, sources=sources)


def case(
    source: str, start: datetime = START, late: str = "refuse", limits: Limits = (), **changes: Any
) -> tuple[Desk, Ticket]:
    """A case that the body forwarded, with its own `limits`."""
    desk = Desk(policy(late))
    known = {"profile": "transfer", "source": Source(body=source, case_number="A1", deadlines=limits)}
    return desk, desk.ticket(desk.take(draft(when=start, **{**known, **changes})))


def extended(desk: Desk, ticket: Ticket, amount: int, unit: str, when: datetime, deadline: str = "answer") -> datetime:
    """When the deadline is due after a supervisor has extended it."""
    said = {"deadline": deadline, "amount": amount, "unit": unit, "reason": "情况复杂"}
    act(desk, command(ticket, "approve_extension", when, actor="boss", role="supervisor", **said))
    return desk.timers[ticket.id][deadline].due_at


def sends(desk: Desk, ticket: Ticket, limits: Limits) -> None:
    """The body sends the case once more with these limits."""
    now = desk.tickets[ticket.id]
    assert now.source is not None
    again = draft(when=now.updated_at, profile="transfer", source=replace(now.source, deadlines=limits))
    arrival = Arrival(draft=again, inbound_id=9, new_ticket_id=int)
    desk.remember(decide_intake(arrival, replace(desk.known(frozenset()), case=now), policy()).tickets[0])


def test_12378_goes_to_30_days_and_then_to_60_and_no_further() -> None:
    desk, ticket = case("12378")
    assert desk.timers[ticket.id]["answer"].due_at == at("00:00", "2026-02-26")
    soon = START + timedelta(days=1)
    with pytest.raises(FieldMissing) as caught:
        extended(desk, ticket, 16, "days", soon)
    assert caught.value.problems == {"amount": "it can be extended until 2026-03-12 24:00"}
    assert extended(desk, ticket, 10, "days", soon) == at("00:00", "2026-03-08")
    with pytest.raises(FieldMissing):  # the rest of the 30 days comes before the 60
        extended(desk, ticket, 35, "days", soon)
    assert extended(desk, ticket, 5, "days", soon) == at("00:00", "2026-03-13")
    assert extended(desk, ticket, 30, "days", soon) == at("00:00", "2026-04-12")
    with pytest.raises(FieldMissing) as caught:
        extended(desk, ticket, 1, "days", soon)
    assert caught.value.problems == {"deadline": "it has been extended as far as it can be"}


def test_more_than_can_be_granted_cannot_be_asked_for() -> None:
    desk, ticket = case("12378")
    asked = {"deadline": "answer", "amount": 16, "unit": "days", "reason": "等待鉴定"}
    with pytest.raises(FieldMissing):
        act(desk, command(ticket, "request_extension", START, **asked))
    act(desk, command(ticket, "request_extension", START, **{**asked, "amount": 15}))
    (told,) = desk.data(ticket, "extension_requested")
    assert datetime.fromisoformat(str(told["due_at"])) == at("00:00", "2026-03-13")


def test_the_check_of_a_report_is_extended_once_by_15_working_days() -> None:
    start = at("10:00", "2026-09-18")
    desk, ticket = case("12315", start, kind="report")
    due_at = desk.timers[ticket.id]["check"].due_at
    assert due_at == at("00:00", "2026-10-16")  # 09-25 and 10-01 to 10-07 are holidays, 09-20 and 10-10 are worked
    assert extended(desk, ticket, 15, "working_days", start, "check") == at("00:00", "2026-11-06")
    with pytest.raises(FieldMissing):
        extended(desk, ticket, 1, "working_days", start, "check")


@pytest.mark.parametrize("source", ["12345", "hanshan"])
def test_where_nothing_is_known_of_a_limit_the_supervisor_decides(source: str) -> None:
    desk, ticket = case(source)
    assert extended(desk, ticket, 200, "days", START) > START + timedelta(days=200)


def test_past_the_bodys_own_limit_a_deadline_goes_with_its_consent_only() -> None:
    theirs = at("00:00", "2026-02-20")
    desk, ticket = case("12378", limits=(("answer", theirs),))
    assert desk.timers[ticket.id]["answer"].due_at == theirs
    with pytest.raises(FieldMissing, match="2026-02-19 24:00") as caught:
        extended(desk, ticket, 3, "days", START)
    assert list(caught.value.problems) == ["consent"]
    granted = at("00:00", "2026-02-23")
    said = {"deadline": "answer", "amount": 3, "unit": "days", "reason": "情况复杂", "consent": "王科长,2月12日电话"}
    act(desk, command(ticket, "approve_extension", START, actor="boss", role="supervisor", **said))
    assert desk.timers[ticket.id]["answer"].due_at == granted
    (told,) = desk.data(ticket, "extended")
    assert told["consent"] == "王科长,2月12日电话"
    sends(desk, ticket, (("answer", theirs),))
    assert desk.timers[ticket.id]["answer"].due_at == granted  # what they agreed to outlasts what they send


def test_an_escalation_that_is_undone_leaves_the_limit_that_the_body_sent_meanwhile() -> None:
    start = at("10:00", "2026-11-20")
    desk, _ = case("12345", start)
    again = Source(body="12345", case_number="A2")
    ticket = desk.ticket(desk.take(draft(when=start + timedelta(hours=1), profile="transfer", source=again)))
    assert ticket.grade == "grievance"
    theirs = at("00:00", "2026-11-25")  # after that of a grievance, before the usual five working days
    sends(desk, ticket, (("answer", theirs),))
    act(desk, command(desk.tickets[ticket.id], "undo_repeat", start + timedelta(hours=3), reason="两回事"))
    assert desk.timers[ticket.id]["answer"].due_at == theirs


def test_an_extension_is_decided_before_the_deadline_or_not_at_all() -> None:
    desk, ticket = case("12378")
    due_at = at("00:00", "2026-02-26")
    with pytest.raises(FieldMissing, match="it is past"):
        extended(desk, ticket, 5, "days", due_at)
    assert extended(desk, ticket, 5, "days", due_at - timedelta(seconds=1)) > due_at


def test_a_decision_names_who_asked_until_somebody_has_decided() -> None:
    desk, ticket = case("12378")
    asked = {"deadline": "answer", "amount": 5, "unit": "days", "reason": "等待鉴定"}
    act(desk, command(ticket, "request_extension", START, actor="handler", role="handler", **asked))
    act(desk, command(ticket, "deny_extension", START, actor="boss", role="supervisor", reason="理由不足"))
    assert desk.data(ticket, "extension_denied")[-1]["requested_by"] == "handler"
    assert desk.data(ticket, "extension_denied")[-1]["deadline"] == "answer"
    extended(desk, ticket, 5, "days", START)
    assert "requested_by" not in desk.data(ticket, "extended")[-1]
    act(desk, command(ticket, "request_extension", START, actor="other", role="handler", **asked))
    extended(desk, ticket, 5, "days", START)
    assert desk.data(ticket, "extended")[-1]["requested_by"] == "other"


def test_a_rule_that_cannot_be_read_is_found_at_the_start() -> None:
    text = (
        'name = "x"\nlabel = { zh-CN = "x" }\ncase_number = ["n"]\n[fields]\ntext = ["t"]\n[[clocks]]\n'
        'name = "answer"\nlabel = { zh-CN = "x" }\namount = 1\nunit = "days"\nextend_to = ["soon"]\n'
    )
    with pytest.raises(ProfileError, match=r"clocks\.answer\.extend_to"):
        read_source(text, origin="x.toml")


# --- Going back


def returned(desk: Desk, ticket: Ticket, when: datetime, role: str = "agent") -> Ticket:
    return act(desk, command(ticket, "return", when, role=role, reason="非我部门职责"))


def test_a_case_goes_back_within_two_days_and_then_no_more() -> None:
    start = at("10:00", "2026-11-20")
    end = at("00:00", "2026-11-23")  # N27, the end of the second day
    desk, ticket = case("12345", start)
    with pytest.raises(ActionRefused) as caught:
        returned(desk, ticket, end + timedelta(microseconds=1), "supervisor")
    assert caught.value.reason == "it could be returned until 2026-11-22 24:00"
    assert "return" not in caught.value.allowed and "accept" in caught.value.allowed
    assert returned(desk, ticket, end).stage == "returned"


def test_where_the_source_says_so_a_supervisor_still_returns_a_case() -> None:
    late = at("10:00", "2026-12-20")
    desk, ticket = case("12345", at("10:00", "2026-11-20"), "supervisor")
    with pytest.raises(ActionRefused, match="a supervisor still may"):
        returned(desk, ticket, late)
    assert returned(desk, ticket, late, "supervisor").stage == "returned"


def test_a_working_day_of_hanshan_is_over_at_the_end_of_the_next_worked_day() -> None:
    end = at("00:00", "2026-10-09")  # domain 7.2: from 2026-09-30, N33
    desk, ticket = case("hanshan", at("10:00", "2026-09-30"))
    with pytest.raises(ActionRefused):
        returned(desk, ticket, end + timedelta(seconds=1))
    assert returned(desk, ticket, end).stage == "returned"
