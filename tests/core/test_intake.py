"""What becomes of one input: contract, sections 4 to 6, decided without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.core.builders import LI, LI_MAIL, NINE, WANG, Desk, at, draft, policy
from ticket_core.decide.case import Case
from ticket_core.decide.escalation import begin_to_count
from ticket_core.decide.intake import Arrival, decide_understood
from ticket_core.decide.owed import owed
from ticket_core.model import Complainant, Link, Replay, Source, Ticket
from ticket_core.profile import load_profile

TELECOM = policy("telecom-10086")


def due(desk: Desk, ticket: Ticket) -> dict[str, str]:
    """Running deadlines and when they are due, in Shanghai."""
    zone = desk.policy.profiles[ticket.profile].tz
    timers = desk.timers[ticket.id].values()
    return {one.name: f"{one.due_at.astimezone(zone):%m-%d %H:%M}" for one in timers if one.running}


@pytest.mark.parametrize(
    ("changes", "concerns_by"),
    [
        ({"service_number": "13800000009"}, "service_number"),
        ({"category": ("网络", "宽带"), "respondent": "某营业厅"}, "category_and_respondent"),
        ({"text": "锦江区家里宽带断网三天,客服说师傅上门却没人来"}, "text"),
    ],
)
def test_a_repeat_about_an_open_ticket_joins_it(changes: dict[str, Any], concerns_by: str) -> None:
    desk = Desk()
    first = desk.take(draft(**changes))
    again = desk.take(draft(when=at("10:00:00"), **changes))
    ticket = desk.ticket(first)
    assert (again.outcome, again.ticket_id, ticket.grade) == ("repeated", first.ticket_id, "grievance")
    assert desk.data(ticket, "complained_again")[0]["concerns_by"] == concerns_by
    assert (ticket.statements, ticket.links) == (2, ())
    assert desk.changes[-1].complaints[0].seq == 2


@pytest.mark.parametrize("same", [{"category": ("网络",)}, {"respondent": "某营业厅"}])
def test_category_or_respondent_alone_is_not_the_same_matter(same: dict[str, Any]) -> None:
    desk = Desk()
    first = desk.take(draft(**same))
    assert desk.take(draft(when=at("10:00:00"), **same)).ticket_id != first.ticket_id


def test_a_repeat_that_quotes_a_number_joins_that_ticket() -> None:
    desk = Desk()
    first = desk.take(draft())
    desk.take(draft(when=at("09:30:00")))
    again = desk.take(draft(when=at("10:00:00"), quoted=(desk.ticket(first).id,)))
    assert (again.ticket_id, desk.ticket(first).grade) == (first.ticket_id, "grievance")


def test_a_complaint_that_quotes_a_number_after_the_window_joins_without_escalating() -> None:
    desk = Desk()
    first = desk.take(draft())
    again = desk.take(draft(when=at("15:00:00"), quoted=(desk.ticket(first).id,)))
    assert (again.outcome, again.ticket_id, desk.ticket(first).grade) == ("appended", first.ticket_id, "request")


def test_a_stranger_who_quotes_a_number_does_not_join() -> None:
    desk = Desk()
    first = desk.take(draft())
    assert desk.take(draft(WANG, quoted=(desk.ticket(first).id,))).ticket_id != first.ticket_id


def test_an_inquiry_about_the_same_line_does_not_become_a_grievance() -> None:
    desk = Desk()
    desk.take(draft())
    inquiry = desk.take(draft(kind="inquiry", service_number="13800000009"))
    again = desk.take(draft(when=at("10:00:00"), service_number="13800000009"))
    assert (again.outcome, desk.ticket(inquiry).grade) == ("repeated", "request")


def test_a_repeat_of_a_finished_ticket_is_a_ticket_of_its_own() -> None:
    desk = Desk()
    call = draft(service_number="13800000009", disposition="answered", answer="已在电话中答复")
    first = desk.take(call)
    assert desk.ticket(first).stage == "closed"
    again = desk.take(draft(when=at("10:00:00"), service_number="13800000009"))
    assert desk.ticket(again).grade == "grievance"
    assert desk.ticket(again).links == (Link(relation="repeats", ticket_id=desk.ticket(first).id),)


def test_a_finished_ticket_that_turns_out_a_repeat_starts_no_clock() -> None:
    desk = Desk()
    first = desk.take(draft(disposition="answered", answer="已答复"))
    desk.take(draft(when=at("10:00:00"), claimed_at=at("08:00:00")))
    ticket = desk.ticket(first)
    assert (ticket.grade, ticket.stage, due(desk, ticket)) == ("grievance", "closed", {})


def test_an_escalated_ticket_is_told_of_once_however_often_it_is_repeated() -> None:
    desk = Desk()
    for clock in ("09:00:00", "10:00:00", "11:00:00", "12:00:00"):
        last = desk.take(draft(when=at(clock), service_number="13800000009"))
    ticket = desk.ticket(last)
    assert desk.events(ticket).count("escalated") == 1
    assert desk.events(ticket).count("repeat_found") == 3
    profile = desk.policy.profiles["generic"]
    events = [event for change in desk.changes for event in change.events]
    told = [
        one.name for one in owed(ticket, events, profile, desk.policy.directory) if one.notice == "repeat_escalation"
    ]
    assert sorted(told) == ["boss", "boss", "handler", "handler"]  # each by mail and SMS


def test_the_evidence_says_which_identity_times_and_rule() -> None:
    desk = Desk()
    first = desk.take(draft((LI, LI_MAIL), channel="email"))
    again = desk.take(draft(LI_MAIL, at("10:00:00")))
    assert desk.data(desk.ticket(again), "repeat_found") == [
        {
            "rule": "1",
            "window_seconds": 14400,
            "identity": LI_MAIL,
            "earlier": {
                "ticket": first.ticket_id,
                "statement": 1,
                "lodged_at": "2026-11-20T09:00:00+08:00",
                "channel": "email",
            },
            "later": {
                "ticket": again.ticket_id,
                "statement": 1,
                "lodged_at": "2026-11-20T10:00:00+08:00",
                "channel": "web",
            },
            "apart_seconds": 3600.0,
        }
    ]


def test_the_deadlines_of_the_higher_grade_apply_and_never_move_later() -> None:
    desk = Desk()
    first = desk.take(draft(service_number="1"))
    assert due(desk, desk.ticket(first)) == {"answer": "11-21 09:00"}
    desk.take(draft(when=at("10:00:00"), service_number="1"))
    assert due(desk, desk.ticket(first)) == {"answer": "11-20 14:00"}
    urgent = Desk(TELECOM)
    call = draft(when=at("09:00:00"), profile="telecom-10086", priority="urgent", service_number="1")
    urgent.take(call)
    again = urgent.take(draft(when=at("12:30:00"), profile="telecom-10086", service_number="1"))
    assert due(urgent, urgent.ticket(again)) == {"dispatch": "11-20 10:00", "feedback": "11-20 13:00"}


@pytest.mark.parametrize(("entry", "reason"), [("walk_in", "walk_in"), ("12530", "special_number")])
def test_a_visit_or_a_special_number_makes_a_grievance_at_once(entry: str, reason: str) -> None:
    desk = Desk(TELECOM)
    taken = desk.take(draft(profile="telecom-10086", entry=entry))
    ticket = desk.ticket(taken)
    assert (taken.outcome, ticket.grade, ticket.grade_reason) == ("opened", "grievance", reason)
    assert desk.events(ticket) == ["received", "escalated"]
    assert due(desk, ticket) == {"dispatch": "11-20 10:00", "feedback": "11-20 13:00"}


def test_a_visit_about_an_open_ticket_makes_it_a_grievance_at_once() -> None:
    desk = Desk()
    first = desk.take(draft())
    visit = desk.take(draft(when=at("17:00:00"), entry="walk_in", quoted=(desk.ticket(first).id,)))
    assert (visit.outcome, visit.ticket_id) == ("appended", first.ticket_id)
    assert (desk.ticket(first).grade, desk.ticket(first).grade_reason) == ("grievance", "walk_in")


@pytest.mark.parametrize(
    ("priority", "dispatch", "feedback"),
    [
        ("urgent", "09-30 18:30", "09-30 21:30"),
        ("important", "09-30 19:30", "10-01 07:30"),
        ("secondary", "09-30 20:30", "10-01 23:30"),
        ("normal", "10-03 05:30", "10-06 17:30"),
    ],
)
def test_the_10086_process_has_the_hours_of_its_four_priorities(priority: str, dispatch: str, feedback: str) -> None:
    desk = Desk(TELECOM)
    when = at("17:30:00", "2026-09-30")
    taken = desk.take(draft(when=when, profile="telecom-10086", priority=priority))
    assert due(desk, desk.ticket(taken)) == {"dispatch": dispatch, "feedback": feedback}


@pytest.mark.parametrize(
    ("theirs", "counts", "origin"),
    [("2026-11-20T18:00:00+08:00", "11-20 18:00", "source"), ("2026-11-25T18:00:00+08:00", "11-21 09:00", "profile")],
)
def test_of_our_deadline_and_the_forwarding_bodys_the_earlier_counts_and_both_are_kept(
    theirs: str, counts: str, origin: str
) -> None:
    desk = Desk()
    source = Source(body="12345", case_number="T1", deadlines=(("answer", NINE.fromisoformat(theirs)),))
    ticket = desk.ticket(desk.take(draft(source=source)))
    timer = desk.timers[ticket.id]["answer"]
    assert (due(desk, ticket), timer.origin) == ({"answer": counts}, origin)
    assert (timer.amount, timer.unit, timer.started_at) == (24, "hours", NINE)
    assert ticket.source == source


def test_a_deadline_that_only_the_forwarding_body_knows_is_kept_until_the_answer() -> None:
    desk = Desk()
    source = Source(body="12345", deadlines=(("sign", at("12:00:00")),))
    ticket = desk.ticket(desk.take(draft(source=source)))
    assert due(desk, ticket) == {"answer": "11-21 09:00", "sign": "11-20 12:00"}
    called = desk.take(draft(WANG, source=source, disposition="answered", answer="已答复"))
    assert due(desk, desk.ticket(called)) == {}


def test_an_automatic_message_does_nothing() -> None:
    desk = Desk()
    desk.take(draft())
    automatic = desk.take(draft(when=at("10:00:00"), intent="automatic", note="out of office"))
    assert (automatic.outcome, automatic.ticket_id, automatic.tickets) == ("automatic", None, ())


def test_what_is_not_understood_waits_for_a_person_and_counts_only_then() -> None:
    desk = Desk()
    odd = desk.take(draft(intent="triage", note="no text", entry="walk_in"))
    assert (odd.outcome, desk.ticket(odd).triage, desk.ticket(odd).grade) == ("triage", "no text", "request")
    assert desk.take(draft(when=at("10:00:00"))).outcome == "opened"


def test_triage_without_a_note_is_marked_all_the_same() -> None:
    desk = Desk()
    assert desk.ticket(desk.take(draft(intent="triage"))).triage


def test_a_triage_ticket_understood_at_last_is_filled_and_counts_from_when_it_was_lodged() -> None:
    desk = Desk()
    first = desk.take(draft(when=at("08:00:00")))
    odd = desk.take(draft("", intent="triage", note="no text", complainant=Complainant()))
    later = desk.take(draft(when=at("12:30:00")))
    ticket = desk.ticket(odd)
    statement = next(one for change in desk.changes for one in change.complaints if one.ticket_id == ticket.id)
    read = draft(when=NINE, subject="宽带断网", text="断了三天", priority="urgent")
    arrival = Arrival(draft=read, inbound_id=2, new_ticket_id=lambda _day: 0)
    known = desk.known(frozenset((LI,)))
    replay = Replay(inbound_id=2, at=at("14:00:00"), actor="wang")
    changes = decide_understood(arrival, ticket, statement, known, desk.policy, replay)
    for change in changes.tickets:
        desk.remember(change)
    after = desk.ticket(odd)
    assert (changes.outcome, changes.ticket_id, changes.repeat_of) == ("repeated", ticket.id, first.ticket_id)
    assert (after.triage, after.text, after.identities, after.grade) == ("", "断了三天", (LI,), "grievance")
    assert desk.events(after) == ["received", "replayed", "repeat_found", "escalated"]
    assert changes.tickets[0].events[0].actor == "wang"
    assert changes.tickets[0].rewritten[0].counted == (LI,)
    assert desk.ticket(later).grade_reason == "repeat"


def test_a_supplement_of_whoever_belongs_to_the_ticket_joins_it() -> None:
    desk = Desk()
    first = desk.take(draft((LI, LI_MAIL)))
    added = desk.take(draft(LI_MAIL, at("10:00:00"), intent="supplement", thread=desk.ticket(first).id, view="补充"))
    assert (added.outcome, added.ticket_id) == ("appended", first.ticket_id)
    assert added.tickets[0].complaints[0].kind == "supplement"
    assert (added.tickets[0].complaints[0].view, added.tickets[0].complaints[0].counted) == ("补充", ())


def test_a_supplement_by_an_identity_that_an_agent_has_linked_joins() -> None:
    desk = Desk()
    first = desk.take(draft(LI))
    added = desk.take(draft(LI_MAIL, intent="supplement", thread=desk.ticket(first).id), linked=(LI,))
    assert added.ticket_id == first.ticket_id


@pytest.mark.parametrize("who", [WANG, ""])
def test_a_strangers_supplement_never_joins_but_is_a_complaint_of_its_own(who: str) -> None:
    desk = Desk()
    first = desk.take(draft(LI))
    strange = desk.take(draft(who, intent="supplement", thread=desk.ticket(first).id))
    assert (strange.outcome, strange.ticket_id == first.ticket_id) == ("opened", False)
    assert desk.ticket(first).statements == 1


def test_a_supplement_to_a_finished_ticket_is_a_new_complaint_that_counts() -> None:
    desk = Desk()
    first = desk.take(draft(disposition="answered", answer="已答复"))
    again = desk.take(draft(when=at("10:00:00"), intent="supplement", thread=desk.ticket(first).id))
    assert (again.outcome, again.repeat_of) == ("repeated", first.ticket_id)
    assert desk.take(draft(when=at("13:30:00"))).repeat_of == again.ticket_id


def test_a_call_put_aside_does_not_count_and_escalates_nothing() -> None:
    desk = Desk()
    kept = desk.take(draft(disposition="draft", entry="walk_in"))
    ticket = desk.ticket(kept)
    assert (ticket.stage, ticket.grade, desk.events(ticket), due(desk, ticket)) == ("draft", "request", ["drafted"], {})
    assert desk.take(draft(when=at("10:00:00"))).outcome == "opened"


def test_a_repeat_never_joins_a_call_put_aside() -> None:
    desk = Desk()
    kept = desk.take(draft(disposition="draft", service_number="1"))
    desk.take(draft())
    assert desk.take(draft(when=at("10:00:00"), service_number="1")).ticket_id != kept.ticket_id


def test_of_a_call_answered_at_once_the_complainant_alone_is_told_and_only_that_it_is_closed() -> None:
    desk = Desk()
    ticket = desk.ticket(desk.take(draft(disposition="answered", answer="已答复")))
    events = [event for change in desk.changes for event in change.events]
    found = owed(ticket, events, desk.policy.profiles["generic"], desk.policy.directory)
    assert [(one.role, one.notice) for one in found] == [("complainant", "closing")]


def test_a_call_answered_at_once_is_closed_and_counts() -> None:
    desk = Desk()
    first = desk.take(draft(disposition="answered", answer="已答复"))
    ticket = desk.ticket(first)
    assert desk.events(ticket) == ["received", "answered", "closed"]
    assert (ticket.status, ticket.answer, due(desk, ticket)) == ("closed", "已答复", {})
    assert desk.take(draft(when=at("10:00:00"))).outcome == "repeated"


def test_a_grade_rises_once_and_never_falls() -> None:
    desk = Desk()
    visit = desk.take(draft(entry="walk_in", service_number="1"))
    desk.take(draft(when=at("10:00:00"), service_number="1"))
    ticket = desk.ticket(visit)
    assert (ticket.grade, ticket.grade_reason) == ("grievance", "walk_in")
    assert desk.events(ticket).count("escalated") == 1


def test_an_acknowledgement_reaches_the_contacts_that_a_second_complaint_brings() -> None:
    desk = Desk()
    line = "13800000009"
    before = Complainant(emails=("li@example.com",))
    first = desk.take(draft((LI, LI_MAIL), complainant=before, service_number=line))
    more = Complainant(
        name="李四", phones=("+8613800000001",), mobile="+8613800000001", emails=("two@example.com",), confidential=True
    )
    desk.take(draft(when=at("10:00:00"), complainant=more, service_number=line, actor="wang"))
    ticket = desk.ticket(first)
    assert ticket.complainant == replace(more, emails=("li@example.com", "two@example.com"))
    told = owed(ticket, desk.changes[-1].events, desk.policy.profiles["generic"], desk.policy.directory)
    acknowledged = [(one.medium, one.address) for one in told if one.notice == "acknowledgement"]
    assert sorted(acknowledged) == [("email", "li@example.com"), ("sms", "+8613800000001")]


def test_whoever_writes_an_address_beside_somebodys_phone_is_not_told_of_that_persons_ticket() -> None:
    desk = Desk()
    known = Complainant(phones=("+8613800000001",), mobile="+8613800000001")
    first = desk.take(draft((LI,), complainant=known, service_number="13800000009"))
    brought = replace(known, emails=("li@example.com",))
    desk.take(draft((LI, LI_MAIL), when=at("10:00:00"), complainant=brought, service_number="13800000009"))
    ticket = desk.ticket(first)
    assert (ticket.statements, ticket.complainant) == (2, known)


@pytest.mark.parametrize(("first", "again"), [(True, False), (False, True)])
def test_a_ticket_learns_no_contacts_where_somebody_is_anonymous(first: bool, again: bool) -> None:
    desk = Desk()
    before = Complainant(emails=("li@example.com",), anonymous=first)
    opened = desk.take(draft(complainant=before))
    thread = desk.ticket(opened).id
    added = Complainant(name="李四", mobile="+8613800000001", emails=("two@example.com",), anonymous=again)
    joined = desk.take(draft(when=at("10:00:00"), complainant=added, thread=thread))
    assert (joined.ticket_id, desk.ticket(opened).complainant) == (thread, before)


def test_nothing_begins_to_count_for_an_anonymous_draft() -> None:
    desk = Desk()
    desk.take(draft())
    kept = desk.take(draft(disposition="draft", complainant=Complainant(anonymous=True)))
    case = Case.of(desk.ticket(kept), {}, desk.policy)
    statement = desk.changes[-1].complaints[0]
    assert begin_to_count(case, statement, desk.known(frozenset((LI,))), desk.policy, NINE) == ()
    assert case.change().events == ()


@pytest.mark.parametrize("name", ["generic", "telecom-10086"])
def test_the_shipped_processes_escalate_within_four_hours_on_all_channels(name: str) -> None:
    rule = load_profile(name).repeat
    assert (rule.window, rule.scope, rule.action, rule.kinds) == (timedelta(hours=4), "all", "escalate", ("complaint",))
