"""Deadlines, profiles, notices and the schema on the command line."""

from __future__ import annotations

from pathlib import Path

import jsonschema_rs
import pytest

import ticket_core
from tests.cli.terminal import Terminal


def test_an_urgent_ticket_of_the_eve_of_the_national_day_is_due_in_hours_of_the_wall_clock(terminal: Terminal) -> None:
    ran = terminal.run(
        "deadline", "--profile", "telecom-10086", "--priority", "urgent", "--from", "2026-09-30 17:30", "--json"
    )
    due = {row["name"]: row["due_at"] for row in ran.json}
    assert due == {"dispatch": "2026-09-30T18:30:00+08:00", "feedback": "2026-09-30T21:30:00+08:00"}
    assert set(ran.json[0]) == {"name", "amount", "unit", "clock", "due_at", "provisional", "proof"}


@pytest.mark.parametrize(
    ("start", "span", "due_at", "provisional"),
    [
        ("2026-09-30", "4 working_days", "2026-10-13T00:00:00+08:00", False),
        ("2026-02-13", "3 working_days", "2026-02-26T00:00:00+08:00", False),
        ("2025-12-31", "1 working_days", "2026-01-05T00:00:00+08:00", False),
        ("2026-09-30T09:30:00Z", "4 hours", "2026-09-30T21:30:00+08:00", False),
        ("2030-01-04", "5个工作日", "2030-01-12T00:00:00+08:00", True),
    ],
)
def test_one_rule_by_itself_ends_with_its_last_day(
    terminal: Terminal, start: str, span: str, due_at: str, provisional: bool
) -> None:
    [row] = terminal.run("deadline", "--from", start, "--add", span, "--json").json
    assert (row["due_at"], row["provisional"]) == (due_at, provisional)
    assert len(row["proof"]) >= 3


def test_a_person_sees_the_proof_in_the_language_of_the_terminal(terminal: Terminal) -> None:
    arguments = ("deadline", "--from", "2026-09-30", "--add", "4 working_days")
    assert "2026-10-10 周六 调休上班 第3个工作日" in terminal.run(*arguments, zh=True).out
    assert "2026-10-10 Sat make-up day, working day 3" in terminal.run(*arguments).out


def test_local_profiles_stand_beside_those_shipped(terminal: Terminal) -> None:
    shown = terminal.run("profiles", "show", "generic", "--json").json
    assert shown["name"] == "generic"
    own = terminal.folder / "own"
    own.mkdir()
    text = (Path(ticket_core.__file__).parent / "profiles" / "generic.toml").read_text(encoding="utf-8")
    (own / "our-town.toml").write_text(text.replace('name = "generic"', 'name = "our-town"', 1))
    terminal.configure(first='profiles_folder = "own"\n')
    assert [row["name"] for row in terminal.run("profiles", "list", "--json").lines] == [
        "generic",
        "our-town",
        "telecom-10086",
        "transfer",
    ]


def test_a_preview_shows_every_form_and_what_the_short_one_costs(terminal: Terminal) -> None:
    document = terminal.run("preview", "acknowledgement", "--json").json
    assert {"subject", "text", "short", "html"} <= set(document)
    assert document["segments"] in (1, 2)
    people = terminal.run("preview", "acknowledgement", "--locale", "en").out
    assert "SMS" in people
    assert "── html" in people


def test_the_schema_is_a_schema(terminal: Terminal) -> None:
    schema = terminal.run("schema", "ticket").json
    jsonschema_rs.meta.validate(schema)
    assert "number" in schema["properties"]
