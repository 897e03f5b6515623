"""The shipped sources: what is read from their records, and which clocks their cases have."""

from __future__ import annotations

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.normalize.source import BadRow, read_case
from tests.core.builders import at
from ticket_core.calendar import load_calendar
from ticket_core.decide.timers import rules_for, start_timer
from ticket_core.profile import Profile, load_profile
from ticket_core.source import ACTS, load_source, source_names, with_clocks

SOURCES = {name: load_source(name) for name in source_names()}
SAMPLES = tomllib.loads((Path(__file__).parent / "source_samples.toml").read_text(encoding="utf-8"))["sample"]
NAMED = [pytest.param(one, id=f"{one['source']}-{number}") for number, one in enumerate(SAMPLES)]
PROFILE: Profile = with_clocks(load_profile("transfer"), SOURCES)


def due(name: str, source: str, start: datetime, *, event: str = "received", **changes: Any) -> datetime | None:
    """When the deadline `name` of such a case is due that begins at `start`; its earliest rule counts."""
    about = {"kind": "complaint", "grade": "request", "priority": "normal", "source": source, "stage": "received"}
    received_at = changes.pop("received_at", start)
    rules = [rule for rule in rules_for(PROFILE, event, received_at, **{**about, **changes}) if rule.name == name]
    return min((start_timer(rule, 1, start, PROFILE, load_calendar(())).due_at for rule in rules), default=None)


def test_every_shipped_source_has_three_samples() -> None:
    assert [name for name in SOURCES if sum(one["source"] == name for one in SAMPLES) < 3] == []


@pytest.mark.parametrize("sample", NAMED)
def test_a_record_is_read_as_its_body_means_it(sample: dict[str, Any]) -> None:
    source = SOURCES[sample["source"]]
    if "bad" in sample:
        with pytest.raises(BadRow) as caught:
            read_case(sample["record"], source)
        assert sorted(caught.value.problems) == sorted(sample["bad"])
        return
    parts = read_case(sample["record"], source).parts
    assert len(parts) == len(sample["parts"])
    for part, wanted in zip(parts, sample["parts"], strict=True):
        seen = {**part.fields, "lodged_at": part.lodged_at}
        for field, value in wanted.items():
            if isinstance(value, dict):
                assert {name: listed(seen[field][name]) for name in value} == value
            else:
                assert listed(seen[field]) == value


def listed(value: Any) -> Any:
    """The value with lists for tuples, as TOML has them."""
    return [listed(one) for one in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_knows_steps_of_the_process_for_forwarded_cases(name: str) -> None:
    source = SOURCES[name]
    done = {action.event for action in PROFILE.actions}
    assert {step.event for step in source.steps} <= done
    assert "answered" in source.steps_in(PROFILE)
    assert set(source.values.get("act", {}).values()) <= set(ACTS)


@pytest.mark.parametrize("process", ["generic", "telecom-10086"])
def test_where_a_process_cannot_sign_for_a_case_its_acceptance_does(process: str) -> None:
    assert SOURCES["12345"].steps_in(load_profile(process))["accepted"].name == "签收"
    assert SOURCES["12345"].steps_in(PROFILE)["signed"].name == "签收"


@pytest.mark.parametrize(
    ("name", "source", "start", "changes", "wanted"),
    [
        # domain 7.2: the end of a day is 24:00, which is 00:00 of the next
        ("answer", "hanshan", at("10:00", "2026-09-30"), {}, at("00:00", "2026-10-13")),
        ("answer", "hanshan", at("10:00", "2026-09-30"), {"kind": "inquiry"}, at("00:00", "2026-10-11")),
        ("accept", "12315", at("10:00", "2026-09-18"), {}, at("00:00", "2026-09-30")),
        ("mediate", "12315", at("10:00", "2026-04-20"), {"event": "accepted"}, at("00:00", "2026-06-21")),
        ("mediate", "12315", at("10:00", "2026-04-14"), {"event": "accepted"}, at("00:00", "2026-06-19")),
        ("accept", "12315", at("10:00", "2026-09-18"), {"kind": "report"}, None),
        ("answer", "12378", at("10:00", "2026-02-10"), {}, at("00:00", "2026-02-26")),
        (
            "report_breach",
            "insurer-95511",
            at("10:00", "2026-02-13"),
            {"priority": "important"},
            at("00:00", "2026-02-26"),
        ),
        ("report_breach", "insurer-95511", at("10:00", "2026-02-13"), {}, None),
        ("accept", "insurer-95511", at("10:00", "2026-02-13"), {}, at("00:00", "2026-02-15")),
        ("accept", "12366", at("10:00", "2025-12-31"), {}, at("00:00", "2026-01-05")),
        ("contact", "12345", at("10:00", "2026-09-18"), {}, None),
    ],
)
def test_cases_have_the_clocks_of_their_source(
    name: str, source: str, start: datetime, changes: dict[str, Any], wanted: datetime | None
) -> None:
    assert due(name, source, start, **changes) == wanted


def test_a_case_keeps_the_mediation_clock_of_the_day_it_was_received() -> None:
    accepted = at("10:00", "2026-04-16")
    assert due("mediate", "12315", accepted, event="accepted", received_at=at("10:00", "2026-04-14")) == due(
        "mediate", "12315", accepted, event="accepted", received_at=at("10:00", "2026-04-01")
    )
    assert due("mediate", "12315", accepted, event="accepted") == at("00:00", "2026-06-16")


def test_clocks_of_a_source_climb_a_ladder_of_the_process() -> None:
    assert all(
        PROFILE.ladder_of[rule.name, rule.amount, rule.unit] for rule in PROFILE.deadlines if rule.start != "given"
    )
