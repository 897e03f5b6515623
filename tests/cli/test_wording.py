"""How the command line speaks: help, languages, wrong usage."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal

COMMANDS = [
    ("serve",),
    ("check",),
    ("ingest",),
    ("inbound", "list"),
    ("inbound", "show"),
    ("inbound", "replay"),
    ("tickets", "list"),
    ("tickets", "show"),
    ("deadline",),
    ("profiles", "list"),
    ("profiles", "show"),
    ("preview",),
    ("tick",),
    ("user", "add"),
    ("token", "add"),
    ("new-channel",),
    ("schema", "ticket"),
    ("export", "replies"),
    ("export", "tickets"),
    ("export", "document"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_and_takes_a_configuration(terminal: Terminal, command: tuple[str, ...]) -> None:
    ran = terminal.run(*command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert "--config FILE" in ran.out


_LEFT_OUT = re.compile(r"^  (?:-\w, )?(?:--[a-z-]+|[A-Z]+)(?: [A-Z]+)?(?: +\[.*)?$", re.M)


@pytest.mark.parametrize("zh", [False, True])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_option_and_argument_is_explained_in_the_terminals_language(
    terminal: Terminal, command: tuple[str, ...], zh: bool
) -> None:
    said = terminal.run(*command, "--help", zh=zh).out
    assert _LEFT_OUT.findall(said) == []
    assert "<" not in said.replace("<=", "")
    if zh:
        for english in ("Usage", "Options", "Arguments", "Show this", "required", "default:"):
            assert english not in said


@pytest.mark.parametrize("command", [("ingest",), ("inbound", "replay"), ("tick",), ("schema", "ticket")], ids=" ".join)
def test_what_prints_json_anyway_takes_the_option_and_does_not_offer_it(
    terminal: Terminal, command: tuple[str, ...]
) -> None:
    assert "--json" not in terminal.run(*command, "--help").out
    assert "--json" not in terminal.run(*command, "--json").err


def test_the_help_comes_at_once() -> None:
    command = [str(Path(sys.executable).parent / "gateway"), "--help"]
    took = []
    for _ in range(4):
        started = os.times()
        subprocess.run(command, capture_output=True, check=True)
        ended = os.times()
        took.append(ended.children_user + ended.children_system - started.children_user - started.children_system)
    assert min(took) < 0.5, "seconds of the processor"


def test_a_chinese_terminal_is_spoken_to_in_chinese_and_any_other_in_english(terminal: Terminal) -> None:
    assert "工单" in terminal.run("--help", zh=True).out
    assert terminal.run("--help").out.isascii()


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-such-command",),
        ("check", "--no-such-option"),
        ("deadline",),
        ("deadline", "--from", "yesterday"),
        ("deadline", "--from", "2026-09-30", "--profile", "no-such"),
        ("deadline", "--from", "2026-09-30", "--priority", "no-such"),
        ("deadline", "--from", "2026-09-30", "--add", "soon"),
        ("preview", "no-such-notice"),
        ("preview", "answer", "--locale", "tlh"),
        ("profiles", "show", "no-such"),
        ("tickets", "show", "123"),
        ("user", "add", "li", "--role", "king"),
        ("new-channel", "Not A Name"),
        ("check", "--config", "no-such-file.toml"),
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2_and_says_why_without_a_traceback(
    terminal: Terminal, arguments: tuple[str, ...]
) -> None:
    ran = terminal.run(*arguments)
    assert ran.code == 2
    assert ran.err.strip()
    assert "Traceback" not in ran.err


def test_what_is_not_there_exits_with_1(terminal: Terminal) -> None:
    ran = terminal.run("tickets", "list")
    assert (ran.code, ran.out) == (1, "")
    assert "no database" in ran.err
