"""A ticket as JSON is what its JSON Schema says, and nothing else passes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator, meta

from ticket_core.calendar import load_calendar
from ticket_core.model import (
    GRADES,
    KINDS,
    STAGES,
    Attachment,
    Complainant,
    Complaint,
    Event,
    Link,
    Source,
    Ticket,
    Timer,
)
from ticket_core.number import number_of, ticket_id_at
from ticket_core.policy import Policy
from ticket_core.profile import load_profile
from ticket_core.ticket_schema import ticket_json, ticket_schema

AT = datetime(2026, 9, 30, 9, 30, tzinfo=UTC)
ID = ticket_id_at(AT.date(), 7)
TICKET = Ticket(
    id=ID,
    version=2,
    profile="telecom-10086",
    kind="complaint",
    grade="grievance",
    grade_reason="repeat",
    priority="urgent",
    status="received",
    stage="received",
    channel="web",
    received_at=AT,
    lodged_at=AT,
    updated_at=AT,
    subject="宽带断网",
    text="断了三天",
    complainant=Complainant(name="李雷", phones=("+8613800001234",), masked=("138****0000",)),
    category=("网络", "宽带"),
    occurred_at=AT,
    source=Source(body="12345", case_number="SC-1", deadlines=(("reply", AT),)),
    links=(Link(relation="repeats", ticket_id=ID - 1),),
    rating=5,
)
STATEMENT = Complaint(
    ticket_id=ID,
    seq=1,
    kind="complaint",
    channel="web",
    lodged_at=AT,
    received_at=AT,
    text="断了三天",
    inbound_id=1,
    attachments=(Attachment(name="a.png", media_type="image/png", size=3, sha256="0" * 64),),
)
TIMER = Timer(ticket_id=ID, name="feedback", amount=4, unit="hours", started_at=AT, due_at=AT.replace(hour=13))
EVENT = Event(ticket_id=ID, seq=1, kind="received", at=AT, actor="complainant", data={"channel": "web", "inbound": 1})


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy(profiles={"telecom-10086": load_profile("telecom-10086")}, calendar=load_calendar())


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = ticket_schema()
    meta.validate(schema)
    return Draft202012Validator(schema)


def shown(policy: Policy, ticket: Ticket = TICKET, **changes: Any) -> dict[str, Any]:
    made = ticket_json(ticket, [STATEMENT], [replace(TIMER, **changes)], [EVENT], policy=policy)
    return dict(json.loads(json.dumps(made)))  # plain values, as any program would read them


def test_a_full_ticket_and_an_empty_one_are_what_the_schema_says(
    policy: Policy, validator: Draft202012Validator
) -> None:
    validator.validate(shown(policy))
    bare = replace(TICKET, occurred_at=None, source=None, links=(), rating=None, category=(), complainant=Complainant())
    validator.validate(ticket_json(bare, policy=policy))


def test_every_kind_grade_and_stage_of_the_model_has_a_place_and_a_chinese_label_in_the_schema(
    policy: Policy, validator: Draft202012Validator
) -> None:
    properties = ticket_schema()["properties"]
    for name, values in (("kind", KINDS), ("grade", GRADES), ("stage", STAGES)):
        assert tuple(properties[name]["enum"]) == values
        assert all(properties[name]["x-labels"][value] for value in values)
        for value in values:
            validator.validate(shown(policy, replace(TICKET, **{name: value})))


@pytest.mark.parametrize(
    "change",
    [{"kind": "rant"}, {"stage": "lost"}, {"number": "12"}, {"rating": 6}, {"extra": 1}, {"received_at": None}],
)
def test_what_is_not_a_ticket_does_not_pass(
    policy: Policy, validator: Draft202012Validator, change: dict[str, Any]
) -> None:
    assert not validator.is_valid({**shown(policy), **change})
    missing = {name: value for name, value in shown(policy).items() if name not in change}
    assert validator.is_valid(missing) is ("extra" in change)


def test_times_carry_the_offset_of_the_profile_and_numbers_their_check_digit(policy: Policy) -> None:
    ticket = shown(policy)
    assert ticket["received_at"] == "2026-09-30T17:30:00+08:00"
    assert ticket["deadlines"][0]["due_at"] == "2026-09-30T21:30:00+08:00"
    assert ticket["links"] == [{"relation": "repeats", "number": number_of(ID - 1)}]


def test_a_deadline_shows_its_proof_unless_it_was_given_or_extended(policy: Policy) -> None:
    assert "4 小时" in "".join(shown(policy)["deadlines"][0]["proof"])
    assert shown(policy, origin="extension")["deadlines"][0]["proof"] == []


def test_the_key_is_told_only_when_it_is_given(policy: Policy) -> None:
    assert shown(policy)["key"] is None
    assert ticket_json(TICKET, policy=policy, key="k")["key"] == "k"
