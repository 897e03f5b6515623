"""The README and the operator's handbook, followed to the letter in a fresh folder with a running gateway."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.config import load_settings
from gateway.configured import make_channels, make_transports, read_policy
from gateway.render import Renderer
from gateway.render import check as check_templates
from tests.cli.terminal import Terminal
from tests.docs.at_hand import gateway_at_hand
from tests.docs.pages import ROOT, TABLED, Block, blocks
from tests.servers.process import missing
from tests.servers.wechat_pay import KEY_ID, keys
from ticket_core.source import read_source

README, HANDBOOK = TABLED
#: What runs for ever or runs the tests themselves; of these only the target or the command must exist.
_NOT_RUN = re.compile(r"^make (\w+)$|^gateway serve$", re.MULTILINE)
_SHELLS = {"sh": ("bash", "-euo", "pipefail", "-c"), "python": ("python", "-c")}
_PROGRAMS = ("bash", "curl", "swaks")
_READ_ALOUD = frozenset({"", "text"})
_ALL = blocks(*TABLED)


def of_language(language: str) -> list[Block]:
    return [block for block in _ALL if block.language == language]


@pytest.fixture
def checkout(tmp_path: Path) -> Terminal:
    """What somebody has after `git clone`, with other ports in the demo's file."""
    terminal = Terminal(folder=tmp_path)
    for folder in ("examples", "templates", "ticket_core/profiles"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    demo = tmp_path / "examples" / "demo.toml"
    text = demo.read_text(encoding="utf-8")
    assert "port = 8080" in text
    assert "port = 2525" in text
    demo.write_text(_with_ports(text, terminal), encoding="utf-8")
    shutil.copy(demo, tmp_path / "gateway.toml")
    return terminal


def _with_ports(text: str, terminal: Terminal) -> str:
    return text.replace("8080", str(terminal.http)).replace("2525", str(terminal.smtp))


def follow(page: Path, terminal: Terminal) -> dict[str, str]:
    """Do what each block of the page says, in order; what each block's commands print."""
    for program in _PROGRAMS:
        if not shutil.which(program):
            missing(f"{program} is not installed (on Debian: apt install {program})")
    with gateway_at_hand() as commands:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
        path = f"{commands}:{Path(sys.executable).parent}:{kept['PATH']}"
        environment = {**kept, "PATH": path, "LC_ALL": "C.UTF-8"}
        return {block.text: _do(block, terminal, environment) for block in blocks(page)}


def _do(block: Block, terminal: Terminal, environment: Mapping[str, str]) -> str:
    if block.title and block.language == "json":
        file = terminal.folder / block.title
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text, encoding="utf-8")
    if block.language not in _SHELLS:
        return ""
    text = _with_ports(_NOT_RUN.sub("", block.text), terminal)
    command = [*_SHELLS[block.language], text]
    ran = subprocess.run(
        command,
        cwd=terminal.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, f"{block}\n{text}\n{ran.stdout[-3000:]}{ran.stderr[-3000:]}"
    return ran.stdout


def _status(address: str) -> int:
    try:
        with urllib.request.urlopen(address) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


@pytest.mark.slow
def test_a_newcomer_who_follows_the_readme_complains_three_ways_and_looks_at_it(checkout: Terminal) -> None:
    with checkout.serving():
        printed = follow(README, checkout)
        pages = re.findall(r"`(/[\w./-]*)`", README.read_text(encoding="utf-8").partition("### HTTP")[2])
        statuses = {page: _status(f"http://127.0.0.1:{checkout.http}{page}") for page in pages}
    assert statuses.pop("/console/") == 401, "it asks who is there"
    assert statuses.pop("/channels/NAME") == 404, "the demo has no channel of this name"
    assert "/readyz" in statuses
    assert set(statuses.values()) == {200}
    journal = checkout.run("inbound", "list", "--json").lines
    assert sorted((one["channel"], one["outcome"]) for one in journal) == [
        ("mail", "opened"),
        ("mail", "opened"),
        ("web", "repeated"),
    ]
    (answered,) = (json.loads(said) for text, said in printed.items() if "curl" in text and "/complaints" in text)
    (shown,) = (json.loads(block.text) for block in blocks(README) if block.language == "json")
    assert shown.keys() == answered.keys()
    assert {name: shown[name] for name in ("outcome", "grade")} == {"outcome": "repeated", "grade": "grievance"}
    assert [one["name"] for one in shown["deadlines"]] == [one["name"] for one in answered["deadlines"]]


@pytest.mark.slow
def test_an_operator_who_follows_the_handbook_has_a_backup_and_a_gateway_that_is_well(checkout: Terminal) -> None:
    with checkout.serving():
        printed = follow(HANDBOOK, checkout)
    (well,) = (said for text, said in printed.items() if "/readyz" in text)
    assert 'gateway_part_up{part="mail"} 1.0' in well
    (calendar,) = (said for text, said in printed.items() if "CALENDAR" in text)
    assert "provisional" not in calendar
    assert (checkout.folder / "backup" / "secret").stat().st_mode & 0o077 == 0


def _make_secrets(folder: Path) -> None:
    """The files with keys that a recipe names, synthetic."""
    folder.mkdir()
    ours, theirs = keys().folder / "merchant.pem", keys().folder / f"{KEY_ID}.pem"
    shutil.copy(ours, folder / "apiclient_key.pem")
    for name in ("wechatpay_public.pem", "wechatpay_public_before.pem"):
        shutil.copy(theirs, folder / name)


@pytest.mark.parametrize("block", of_language("toml"), ids=str)
def test_a_recipe_is_a_good_configuration(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GATEWAY_")]:
        monkeypatch.delenv(name)
    if block.title == "meta.toml":
        shutil.copytree(ROOT / "templates", tmp_path / "templates")
        notice = tmp_path / "templates" / "notices" / "zh-CN" / "acknowledgement"
        before = check_templates(Renderer(tmp_path / "templates"))
        (notice / block.title).write_text(block.text, encoding="utf-8")
        assert check_templates(Renderer(tmp_path / "templates")) == before
        return
    if block.title == "source.toml":
        shipped = (ROOT / "ticket_core" / "sources" / "12345-shunde.toml").read_text(encoding="utf-8")
        assert read_source(f"{shipped.partition('[reply]')[0]}\n{block.text}", origin=block.title).label
        return
    monkeypatch.chdir(tmp_path)
    _make_secrets(tmp_path / "secrets")
    file = tmp_path / "gateway.toml"
    file.write_text(block.text, encoding="utf-8")
    settings = load_settings(file)
    named = tomllib.loads(block.text)
    assert set(named.get("channels", {})) <= set(make_channels(settings))
    assert {one.name for one in make_transports(settings).values()} >= set(named.get("transports", {}))
    assert read_policy(settings)


@pytest.mark.parametrize("block", of_language("json"), ids=str)
def test_a_json_block_is_json(block: Block) -> None:
    assert json.loads(block.text)


def test_every_command_that_is_not_run_exists() -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    wanted = [found[1] for block in of_language("sh") for found in _NOT_RUN.finditer(block.text) if found[1]]
    assert wanted
    assert set(wanted) <= set(targets)


def test_no_block_is_left_out() -> None:
    assert {block.language for block in _ALL} <= {"sh", "python", "toml", "json", *_READ_ALOUD}
    for page in TABLED:
        assert len(blocks(page)) * 2 == len(re.findall(r"^```", page.read_text(encoding="utf-8"), re.MULTILINE))
