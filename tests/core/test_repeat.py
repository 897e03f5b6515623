"""The repeat rule 4小时重复升级, point by point of section 5 of the contract."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.core.builders import LI, LI_MAIL, NINE, WANG, Desk, at, draft, policy, rule
from ticket_core.decide.repeat import claimed_or_received, counted, direct_reason
from ticket_core.model import KINDS, Complainant, Link


@pytest.mark.parametrize(
    ("first", "second", "repeats"),
    [
        ("09:00:00", "09:00:00", True),
        ("09:00:00", "09:00:01", True),
        ("09:00:00", "12:59:59", True),
        ("09:00:00", "13:00:00", True),
        ("09:00:00", "13:00:00.000001", False),
        ("09:00:00", "13:00:01", False),
    ],
)
def test_a_second_complaint_within_four_hours_both_ends_included_escalates(
    first: str, second: str, repeats: bool
) -> None:
    desk = Desk()
    one = desk.take(draft(when=at(first)))
    two = desk.take(draft(when=at(second)))
    assert two.outcome == ("repeated" if repeats else "opened")
    assert desk.ticket(two).grade == ("grievance" if repeats else "request")
    assert two.repeat_of == (one.ticket_id if repeats else None)
    assert desk.ticket(one).grade == "request"


@pytest.mark.parametrize(
    ("early", "stored", "repeats"),
    [("08:59:59", "09:00:00", True), ("09:00:00", "13:00:00", True), ("09:00:00", "13:00:01", False)],
)
def test_a_complaint_that_arrives_late_makes_the_stored_one_the_repeat(early: str, stored: str, repeats: bool) -> None:
    desk = Desk()
    kept = desk.take(draft(when=at(stored)))
    late = desk.take(draft(when=at("15:00:00"), claimed_at=at(early)))
    assert late.outcome == "opened"
    assert desk.ticket(late).grade == "request"
    assert desk.ticket(kept).grade == ("grievance" if repeats else "request")
    links = (Link(relation="repeats", ticket_id=desk.ticket(late).id),) if repeats else ()
    assert desk.ticket(kept).links == links


def test_of_two_at_the_same_instant_the_later_committed_is_the_repeat() -> None:
    desk = Desk()
    one, two = desk.take(draft(when=NINE)), desk.take(draft(when=NINE))
    assert [desk.ticket(one).grade, desk.ticket(two).grade] == ["request", "grievance"]


def test_a_mail_dated_to_the_second_does_not_come_before_a_call_of_that_second() -> None:
    desk = Desk()
    call = desk.take(draft((LI, LI_MAIL), when=at("09:00:00.700000")))
    mail = desk.take(draft(LI_MAIL, when=at("09:00:00.900000"), claimed_at=NINE))
    assert (mail.outcome, desk.ticket(mail).grade, desk.ticket(call).grade) == ("repeated", "grievance", "request")


def test_a_late_complaint_between_two_is_a_repeat_and_makes_one() -> None:
    desk = Desk()
    desk.take(draft(when=at("06:00:00")))
    last = desk.take(draft(when=at("13:00:00")))
    middle = desk.take(draft(when=at("14:00:00"), claimed_at=at("09:30:00")))
    assert middle.outcome == "repeated"
    assert desk.ticket(last).links == (Link(relation="repeats", ticket_id=desk.ticket(middle).id),)


def test_a_late_complaint_that_joins_a_ticket_still_makes_stored_ones_repeats() -> None:
    desk = Desk()
    old = desk.take(draft(when=at("01:00:00")))
    other = desk.take(draft(when=at("12:00:00")))
    late = desk.take(draft(when=at("14:00:00"), claimed_at=at("11:00:00"), quoted=(desk.ticket(old).id,)))
    assert (late.outcome, late.ticket_id) == ("appended", old.ticket_id)
    assert desk.ticket(other).links == (Link(relation="repeats", ticket_id=desk.ticket(old).id),)
    assert desk.ticket(old).grade == "request"


def test_a_late_complaint_that_joins_the_ticket_of_a_later_one_escalates_it() -> None:
    desk = Desk()
    stored = desk.take(draft(when=at("10:00:00")))
    late = desk.take(draft(when=at("11:00:00"), claimed_at=at("09:00:00"), quoted=(desk.ticket(stored).id,)))
    assert (late.outcome, desk.ticket(stored).grade) == ("repeated", "grievance")
    assert desk.data(desk.ticket(stored), "repeat_found")[0]["apart_seconds"] == 3600


def test_all_channels_count_together() -> None:
    desk = Desk()
    desk.take(draft((LI, LI_MAIL), channel="email"))
    assert desk.take(draft(LI, at("10:00:00"), channel="phone")).outcome == "repeated"
    assert desk.take(draft(LI_MAIL, at("11:00:00"), channel="web")).outcome == "repeated"


def test_with_scope_channel_each_channel_counts_by_itself() -> None:
    desk = Desk(policy(scope="channel"))
    desk.take(draft(channel="email"))
    assert desk.take(draft(when=at("10:00:00"), channel="phone")).outcome == "opened"
    assert desk.take(draft(when=at("11:00:00"), channel="email")).outcome == "repeated"
    late = desk.take(draft(when=at("11:30:00"), claimed_at=at("09:30:00"), channel="phone"))
    phone = desk.tickets[min(desk.tickets) + 1]
    assert phone.links == (Link(relation="repeats", ticket_id=desk.ticket(late).id),)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (LI, WANG),  # another person
        ("", ""),  # masked numbers and sender codes leave no identity
        ("phone:+862886111234", "phone:+862886111234;ext=801"),  # another extension
        ("chat:telegram:bot:42", "chat:telegram:other:42"),  # another bot
    ],
)
def test_another_person_or_nobody_never_matches(first: str, second: str) -> None:
    desk = Desk()
    desk.take(draft(first))
    assert desk.take(draft(second, at("10:00:00"))).outcome == "opened"


def test_a_configured_shared_number_names_nobody() -> None:
    desk = Desk(policy(shared_numbers=(LI,)))
    text = "小区门口的路灯坏了三个晚上,出行不便"
    stranger = desk.take(draft(LI, text=text))
    assert desk.take(draft(LI, at("09:30:00"), text=text)).outcome == "opened"
    own = desk.take(draft((LI, LI_MAIL), at("10:00:00")))
    again = desk.take(draft((LI, LI_MAIL), at("10:30:00"), text=text, quoted=(desk.ticket(stranger).id,)))
    assert (again.outcome, again.repeat_of) == ("repeated", own.ticket_id)
    assert again.ticket_id not in (stranger.ticket_id, own.ticket_id)


def test_an_anonymous_complaint_never_matches() -> None:
    desk = Desk()
    nobody = Complainant(anonymous=True)
    first = desk.take(draft(complainant=nobody))
    assert desk.take(draft(when=at("10:00:00"))).outcome == "opened"
    assert desk.take(draft(when=at("10:30:00"), complainant=nobody)).outcome == "opened"
    # Nor does a named one join an anonymous ticket, whatever it says or quotes.
    text = desk.ticket(first).text
    named = desk.take(draft(when=at("11:00:00"), text=text, quoted=(desk.ticket(first).id,)))
    assert named.outcome == "repeated"
    assert named.ticket_id != first.ticket_id


def test_identities_that_an_agent_has_linked_are_one_person() -> None:
    desk = Desk()
    first = desk.take(draft(LI, service_number="13800000009"))
    again = desk.take(draft(LI_MAIL, at("10:00:00"), service_number="13800000009"), linked=(LI,))
    assert (again.outcome, again.ticket_id) == ("repeated", first.ticket_id)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "complaint"])
def test_only_complaints_count(kind: str) -> None:
    desk = Desk()
    desk.take(draft(kind=kind))
    assert desk.take(draft(when=at("10:00:00"))).outcome == "opened"
    assert desk.take(draft(when=at("11:00:00"), kind=kind)).outcome == "opened"
    assert all(ticket.grade == "request" for ticket in desk.tickets.values())


def test_another_profile_may_count_other_kinds() -> None:
    desk = Desk(policy(kinds=("complaint", "repair")))
    desk.take(draft(kind="repair"))
    assert desk.take(draft(when=at("10:00:00"))).outcome == "repeated"


def test_a_supplement_counts_neither_as_first_nor_as_second() -> None:
    desk = Desk()
    first = desk.take(draft())
    ticket = desk.ticket(first)
    added = desk.take(draft(when=at("10:00:00"), intent="supplement", thread=ticket.id))
    assert (added.outcome, desk.ticket(first).grade) == ("appended", "request")
    assert desk.take(draft(when=at("13:30:00"))).outcome == "opened"


@pytest.mark.parametrize(
    ("action", "outcome", "grade", "linked", "found"),
    [
        ("escalate", "repeated", "grievance", True, 1),
        ("link", "opened", "request", True, 1),
        ("merge", "opened", "request", True, 1),
        ("inform", "opened", "request", False, 1),
        ("none", "opened", "request", False, 0),
    ],
)
def test_what_a_repeat_about_another_matter_leads_to_is_the_profiles_choice(
    action: str, outcome: str, grade: str, linked: bool, found: int
) -> None:
    desk = Desk(policy(action=action))
    first = desk.take(draft())
    again = desk.take(draft(when=at("10:00:00")))
    assert (again.outcome, desk.ticket(again).grade) == (outcome, grade)
    assert desk.ticket(again).links == ((Link(relation="repeats", ticket_id=desk.ticket(first).id),) if linked else ())
    assert desk.events(desk.ticket(again)).count("repeat_found") == found
    late = desk.take(draft(when=at("11:00:00"), claimed_at=at("08:00:00")))
    assert desk.ticket(first).grade == grade
    assert desk.ticket(first).links == ((Link(relation="repeats", ticket_id=desk.ticket(late).id),) if linked else ())


@pytest.mark.parametrize(
    ("action", "outcome", "joins", "grade"),
    [
        ("escalate", "repeated", True, "grievance"),
        ("link", "opened", False, "request"),
        ("merge", "appended", True, "request"),
        ("inform", "opened", False, "request"),
        ("none", "opened", False, "request"),
    ],
)
def test_what_a_repeat_about_the_same_matter_leads_to_is_the_profiles_choice(
    action: str, outcome: str, joins: bool, grade: str
) -> None:
    desk = Desk(policy(action=action))
    first = desk.take(draft(service_number="13800000009"))
    again = desk.take(draft(when=at("10:00:00"), service_number="13800000009"))
    assert (again.outcome, again.ticket_id == first.ticket_id) == (outcome, joins)
    assert desk.ticket(again).grade == grade


@pytest.mark.parametrize(
    ("claimed", "received", "lodged"),
    [
        (None, "10:00:00", "10:00:00"),
        ("09:00:00", "10:00:00", "09:00:00"),
        ("10:00:01", "10:00:00", "10:00:00"),  # in the future
    ],
)
def test_the_clock_is_the_senders_unless_it_is_ahead(claimed: str | None, received: str, lodged: str) -> None:
    one = draft(when=at(received), claimed_at=at(claimed) if claimed else None)
    assert claimed_or_received(one, rule()) == at(lodged)


def test_a_time_older_than_the_trust_limit_is_not_believed() -> None:
    limit = timedelta(days=7)
    assert claimed_or_received(draft(claimed_at=NINE - limit), rule()) == NINE - limit
    assert claimed_or_received(draft(claimed_at=NINE - limit - timedelta(seconds=1)), rule()) == NINE


def test_only_named_people_are_counted() -> None:
    shared = rule(shared_numbers=(WANG,))
    assert counted("complaint", Complainant(), (LI, WANG), shared) == (LI,)
    assert counted("complaint", Complainant(anonymous=True), (LI,), shared) == ()
    assert counted("inquiry", Complainant(), (LI,), shared) == ()


@pytest.mark.parametrize(
    ("kind", "entry", "reason"),
    [
        ("complaint", "walk_in", "walk_in"),
        ("complaint", "12530", "special_number"),
        ("complaint", "hotline", ""),
        ("complaint", "", ""),
        ("inquiry", "walk_in", ""),
    ],
)
def test_a_visit_or_a_special_number_is_a_reason_of_its_own(kind: str, entry: str, reason: str) -> None:
    assert direct_reason(kind, entry, policy("telecom-10086").profiles["telecom-10086"].repeat) == reason
    assert direct_reason(kind, entry, rule(walk_in=False)) == ""
