"""What somebody may do to a ticket, and what follows from it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.core.builders import NINE, WANG, Desk, at, command, draft, policy
from ticket_core.decide.act import Standing, allowed_actions, decide_act, kinds_that_matter
from ticket_core.errors import ActionRefused, FieldMissing
from ticket_core.model import Command, Event, Ticket

SECOND = timedelta(seconds=1)


def act(desk: Desk, said: Command) -> Ticket:
    """Let it happen; the ticket afterwards."""
    events = [event for change in desk.changes for event in change.events if event.ticket_id == said.ticket_id]
    ticket = desk.tickets[said.ticket_id]
    kinds = kinds_that_matter(said.action, desk.policy.profiles[ticket.profile])
    past: list[Event] = [event for event in events if event.kind in kinds]
    standing = Standing(ticket=ticket, timers=desk.timers[said.ticket_id], past=past)
    change = decide_act(said, standing, desk.policy).change()
    desk.remember(change)
    return change.after


def opened(**changes: Any) -> tuple[Desk, Ticket]:
    """A ticket of a desk of its own."""
    desk = Desk()
    return desk, desk.ticket(desk.take(draft(**changes)))


def escalated() -> tuple[Desk, Ticket]:
    """A ticket that the repeat rule has escalated, an hour after it was opened."""
    desk, ticket = opened(service_number="1")
    desk.take(draft(when=at("10:00:00"), service_number="1"))
    return desk, desk.tickets[ticket.id]


def test_only_the_profiles_actions_of_this_status_and_role_are_possible() -> None:
    desk, ticket = opened()
    with pytest.raises(ActionRefused) as refused:
        act(desk, command(ticket, "close"))
    assert "answer" in refused.value.allowed
    assert "extend" not in refused.value.allowed  # the supervisor's
    assert desk.tickets[ticket.id] == ticket


@pytest.mark.parametrize(
    ("action", "fields", "problems"),
    [
        ("answer", {}, {"text"}),
        ("answer", {"text": "  "}, {"text"}),
        ("answer", {"text": "x" * 20_001}, {"text"}),
        ("answer", {"text": "好", "colour": "red"}, {"colour"}),
        ("assign", {"group": "nobody", "priority": "soon"}, {"group", "priority"}),
        ("correct", {"category": ["a", "b", "c", "d", "e"]}, {"category"}),
        ("correct", {"kind": "gossip"}, {"kind"}),
        ("escalate", {"reason": "危急", "grade": "request"}, {"grade"}),
    ],
)
def test_every_wrong_field_is_named_at_once(action: str, fields: dict[str, Any], problems: set[str]) -> None:
    desk, ticket = opened()
    with pytest.raises(FieldMissing) as missing:
        act(desk, command(ticket, action, **fields))
    assert set(missing.value.problems) == problems


def test_a_kind_can_be_corrected() -> None:
    desk, ticket = opened()
    after = act(desk, command(ticket, "correct", kind="inquiry", category=["网络", "宽带"], subject="咨询"))
    assert (after.kind, after.category, after.subject) == ("inquiry", ("网络", "宽带"), "咨询")


def test_an_answer_meets_its_deadline_and_the_next_stage_is_told() -> None:
    desk, ticket = opened()
    after = act(desk, command(ticket, "answer", at("11:00:00"), text="已修复"))
    assert (after.stage, after.answer, after.version) == ("answered", "已修复", ticket.version + 1)
    timer = desk.timers[ticket.id]["answer"]
    assert (timer.met_at, timer.next_at, timer.running) == (at("11:00:00"), None, False)


def test_what_ends_a_ticket_ends_its_deadlines() -> None:
    desk, ticket = opened()
    act(desk, command(ticket, "withdraw", at("11:00:00"), role="complainant"))
    timer = desk.timers[ticket.id]["answer"]
    assert (timer.met_at, timer.cancelled_at, timer.next_at) == (None, at("11:00:00"), None)


def test_an_action_that_leads_on_ends_triage() -> None:
    desk, ticket = opened(intent="triage", note="no text")
    assert act(desk, command(ticket, "comment", text="看过")).triage == "no text"
    assert act(desk, command(desk.tickets[ticket.id], "assign", group="business")).triage == ""


def test_an_urge_is_counted_and_is_no_second_complaint() -> None:
    desk, ticket = opened()
    act(desk, command(ticket, "urge", at("10:00:00"), role="complainant"))
    after = act(desk, command(ticket, "urge", at("11:00:00"), role="complainant"))
    assert (after.urges, after.grade, after.statements) == (2, "request", 1)


def test_more_facts_are_a_statement_that_does_not_count() -> None:
    desk, ticket = opened()
    act(desk, command(ticket, "supplement", at("10:00:00"), role="complainant", text="还有照片"))
    (statement,) = desk.changes[-1].complaints
    assert (statement.seq, statement.kind, statement.counted) == (2, "supplement", ())
    assert desk.take(draft(when=at("13:30:00"))).outcome == "opened"


def test_an_escalation_by_hand_only_goes_up() -> None:
    desk, ticket = opened()
    after = act(desk, command(ticket, "escalate", reason="媒体关注", grade="upgraded"))
    assert (after.grade, after.grade_reason) == ("upgraded", "manual")
    with pytest.raises(FieldMissing):
        act(desk, command(after, "escalate", reason="再次", grade="upgraded"))


def test_an_undone_repeat_has_the_grade_links_and_deadlines_of_before() -> None:
    desk, ticket = opened(service_number="1")
    before = desk.timers[ticket.id]["answer"]
    again = desk.take(draft(when=at("10:00:00"), service_number="1"))
    raised = desk.timers[ticket.id]["answer"]
    assert raised.due_at == at("14:00:00")
    after = act(desk, command(desk.ticket(again), "undo_repeat", at("11:00:00"), reason="不是同一人"))
    assert (after.grade, after.grade_reason, after.links) == ("request", "", ())
    assert desk.timers[ticket.id]["answer"] == before
    assert desk.data(after, "repeat_undone")[0]["reason"] == "不是同一人"


def test_an_undone_repeat_of_a_ticket_of_its_own_drops_the_link() -> None:
    desk = Desk()
    desk.take(draft())
    again = desk.take(draft(when=at("10:00:00")))
    after = act(desk, command(desk.ticket(again), "undo_repeat", at("11:00:00"), reason="另一件事"))
    assert (after.grade, after.links) == ("request", ())


def test_undoing_keeps_the_reason_of_an_earlier_grade() -> None:
    desk, ticket = opened(service_number="1")
    act(desk, command(ticket, "escalate", reason="媒体", grade="upgraded"))
    desk.take(draft(when=at("10:00:00"), service_number="1"))
    after = act(desk, command(desk.tickets[ticket.id], "undo_repeat", at("11:00:00"), reason="误判"))
    assert (after.grade, after.grade_reason) == ("upgraded", "manual")


def test_a_deadline_that_only_the_escalation_set_going_ends_with_it() -> None:
    desk = Desk(policy("telecom-10086"))
    call: dict[str, Any] = {"profile": "telecom-10086", "service_number": "1"}
    ticket = desk.ticket(desk.take(draft(**call)))
    act(desk, command(ticket, "assign", at("09:30:00"), group="optimisation"))
    desk.take(draft(when=at("10:00:00"), **call))
    assert desk.timers[ticket.id]["dispatch"].running  # again: the grievance is dispatched anew
    act(desk, command(desk.tickets[ticket.id], "undo_repeat", at("10:30:00"), reason="误判"))
    assert not desk.timers[ticket.id]["dispatch"].running
    assert desk.timers[ticket.id]["feedback"].due_at == NINE + timedelta(hours=144)


def test_an_extension_after_the_escalation_outlives_its_undoing_if_it_is_later() -> None:
    desk, ticket = escalated()
    longer = command(
        ticket, "extend", at("11:00:00"), role="supervisor", deadline="answer", amount=3, unit="days", reason="调查"
    )
    act(desk, longer)
    extended = desk.timers[ticket.id]["answer"]
    act(desk, command(desk.tickets[ticket.id], "undo_repeat", at("12:00:00"), reason="误判"))
    assert desk.timers[ticket.id]["answer"] == extended


def test_only_what_the_rule_escalated_can_be_undone() -> None:
    desk, ticket = opened()
    profile = desk.policy.profiles["generic"]
    assert "undo_repeat" not in {action.name for action in allowed_actions(ticket, "agent", profile)}
    desk, ticket = opened(entry="walk_in")
    with pytest.raises(ActionRefused):
        act(desk, command(ticket, "undo_repeat", reason="误判"))
    desk, ticket = escalated()
    with pytest.raises(FieldMissing):
        act(desk, command(ticket, "undo_repeat"))  # not without a reason
    assert "undo_repeat" in {action.name for action in allowed_actions(ticket, "agent", profile)}


def test_after_an_undoing_the_next_repeat_escalates_again() -> None:
    desk, ticket = escalated()
    act(desk, command(ticket, "undo_repeat", at("10:30:00"), reason="误判"))
    desk.take(draft(when=at("11:00:00"), service_number="1"))
    assert desk.tickets[ticket.id].grade == "grievance"
    assert desk.events(ticket).count("escalated") == 2


@pytest.mark.parametrize(
    ("before_due", "possible"),
    [(timedelta(hours=1), True), (SECOND, True), (timedelta(0), False), (-SECOND, False)],
)
def test_an_extension_is_possible_only_before_the_deadline(before_due: timedelta, possible: bool) -> None:
    desk, ticket = opened()
    due_at = desk.timers[ticket.id]["answer"].due_at
    fields: dict[str, Any] = {"deadline": "answer", "amount": 4, "unit": "hours", "reason": "现场复杂"}
    said = command(ticket, "extend", due_at - before_due, role="supervisor", **fields)
    if not possible:
        with pytest.raises(FieldMissing, match="past"):
            act(desk, said)
        return
    act(desk, said)
    timer = desk.timers[ticket.id]["answer"]
    assert (timer.due_at, timer.origin, timer.fired) == (due_at + timedelta(hours=4), "extension", ())


def test_what_is_met_cannot_be_extended() -> None:
    desk = Desk(policy("telecom-10086"))
    ticket = desk.ticket(desk.take(draft(profile="telecom-10086")))
    after = act(desk, command(ticket, "assign", group="optimisation"))
    fields: dict[str, Any] = {"deadline": "dispatch", "amount": 4, "unit": "hours", "reason": "现场复杂"}
    with pytest.raises(FieldMissing, match="does not owe"):
        act(desk, command(after, "extend", role="supervisor", **fields))


def test_a_submitted_call_has_its_clocks_from_then_on() -> None:
    desk, ticket = opened(disposition="draft")
    after = act(desk, command(ticket, "submit", at("11:00:00"), text="补全后的内容", priority="urgent"))
    assert (after.stage, after.text, after.priority) == ("received", "补全后的内容", "urgent")
    assert (after.received_at, after.lodged_at) == (at("11:00:00"), NINE)
    assert desk.timers[ticket.id]["answer"].due_at == at("11:00:00") + timedelta(hours=24)


def test_another_persons_ticket_is_none_of_the_rules_business() -> None:
    desk, ticket = opened()
    desk.take(draft(WANG, at("09:30:00")))
    assert desk.tickets[ticket.id] == ticket


def test_a_ticket_given_to_another_group_leaves_the_hands_it_was_in() -> None:
    desk, ticket = opened()
    ticket = act(desk, command(ticket, "assign", group="service", assignee="handler"))
    assert (ticket.group, ticket.assignee) == ("service", "handler")
    ticket = act(desk, command(ticket, "assign", group="business"))
    assert (ticket.group, ticket.assignee) == ("business", "")
    with pytest.raises(FieldMissing, match="must be one of handler, other, boss"):
        act(desk, command(ticket, "assign", group="business", assignee="handel"))


@pytest.mark.parametrize("process", ["generic", "telecom-10086"])
def test_a_ticket_that_is_escalated_after_its_answer_can_be_answered_again(process: str) -> None:
    desk = Desk(policy(process))
    ticket = desk.ticket(desk.take(draft(profile=process)))
    answered = act(desk, command(ticket, "answer", at("10:00:00"), text="已修复"))
    act(desk, command(answered, "escalate", at("11:00:00"), reason="用户不认可"))
    owed = {timer.name for timer in desk.timers[ticket.id].values() if timer.running}
    again = act(desk, command(ticket, "answer", at("12:00:00"), text="已更换光猫"))
    assert owed
    assert (again.status, again.answer) == ("answered", "已更换光猫")
    assert not any(timer.running for timer in desk.timers[ticket.id].values())
