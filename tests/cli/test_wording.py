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
    ("import",),
    ("sources", "list"),
    ("sources", "show"),
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


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("no-such-command",), 2, "没有命令 no-such-command"),
        (("check", "--no-such-option"), 2, "没有选项 --no-such-option"),
        (("deadline",), 2, "缺少 --from"),
        (("inbound", "replay", "x"), 2, "ID 的值不正确：必须是整数"),
        (("inbound", "list", "--limit", "0"), 2, "--limit 的值不正确：不能小于 1"),
        (("inbound", "list", "--outcome", "lost"), 2, "没有结果 lost"),
        (("tickets", "list", "--kind", "rant"), 2, "没有类型 rant"),
        (("export", "tickets", "--stage", "gone"), 2, "没有阶段 gone"),
        (("deadline", "--from", "2026-09-30", "--source", "nobody"), 2, "没有转办来源 nobody"),
        (("deadline", "--from", "2026-09-30", "--add", "soon"), 2, "不是时长"),
        (("check", "--config", "no-such-file.toml"), 2, "no-such-file.toml: 文件或目录不存在"),
        (("inbound", "replay", "99"), 1, "没有输入 99"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_wrong_is_told_in_the_terminals_language(
    terminal: Terminal, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ran = terminal.run(*arguments, zh=True)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert not re.search(r"Error|Try|Input should|no such", ran.err.replace("no-such", "")), ran.err


def test_a_wrong_configuration_is_told_in_chinese_and_english(terminal: Terminal) -> None:
    for first in ("area_kode = 1\n", ""):
        terminal.configure(
            '[channels.pigeon]\nkind = "pigeon"\n[channels.more]\nkind = "webhook"\n'
            '[[people]]\nname = "li"\ngroups = ["moon"]\nroles = ["king"]\n',
            first=first,
        )
        chinese, english = terminal.run("check", zh=True), terminal.run("check")
        assert (chinese.code, english.code) == (2, 2)
        lines = chinese.err.splitlines()[1:]
        assert len(lines) == len(english.err.splitlines()[1:]) > 0
        assert all(re.search("[\u4e00-\u9fff]", line) for line in lines), chinese.err
        assert english.err.isascii()


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
