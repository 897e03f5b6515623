"""docs/adapters.md, followed to the letter in an empty folder: every block is written or run, in order."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal

GUIDE = Path(__file__).parents[2] / "docs" / "adapters.md"
BIN = Path(sys.executable).parent
_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One code block: what language, what stands behind it (a file, or what a command does), and its text."""

    language: str
    title: str
    text: str


def blocks() -> Iterator[Block]:
    for language, title, text in _BLOCK.findall(GUIDE.read_text(encoding="utf-8")):
        yield Block(language=language, title=title, text=text)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who follows the guide with a terminal in an empty folder."""

    terminal: Terminal

    def follow(self, block: Block) -> str:
        """Do what a block says; returns what it printed."""
        if block.title == "gateway.toml":
            self.terminal.configure(block.text)
            return ""
        if block.language != "sh":
            file = self.terminal.folder / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
            return ""
        printed = [self.do(line.split(), fails=block.title == "fails") for line in block.text.splitlines()]
        return "\n".join(printed)

    def do(self, command: list[str], *, fails: bool) -> str:
        if command == ["pip", "install", "-e", "."]:
            self.install()
            return ""
        ran = subprocess.run(
            [str(BIN / command[0]), *command[1:], *(["-p", "no:cacheprovider"] if command[0] == "pytest" else [])],
            cwd=self.terminal.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode != 0) == fails, ran.stdout[-6000:] + ran.stderr
        return ran.stdout

    def listed(self, what: str) -> list[dict[str, object]]:
        """The lines of `gateway … list --json`."""
        return [json.loads(line) for line in self.do(["gateway", what, "list", "--json"], fails=False).splitlines()]

    def install(self) -> None:
        """What pip would leave behind, without touching the environment that all tests share."""
        project = tomllib.loads((self.terminal.folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        known = self.terminal.folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        known.mkdir()
        (known / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1\n")
        points = project["entry-points"]["complaint_gateway.channels"]
        lines = [f"{kind} = {where}" for kind, where in points.items()]
        (known / "entry_points.txt").write_text("\n".join(["[complaint_gateway.channels]", *lines]))


@pytest.mark.slow
@pytest.mark.timeout(400)  # it starts the gateway and pytest several times
def test_whoever_follows_the_guide_has_a_channel_that_takes_a_complaint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    newcomer = Newcomer(Terminal(folder=tmp_path))
    newcomer.terminal.configure()
    printed = ""
    for block in blocks():
        if block.title.endswith("message.expected.json"):
            assert block.text in printed, "the kit proposes what the guide shows"
        printed = newcomer.follow(block) or printed
    assert "passed" in printed
    adapter = (tmp_path / "acme" / "acme_chat.py").read_text(encoding="utf-8")
    assert adapter.count("\n") < 100

    with newcomer.terminal.serving():
        address = f"http://127.0.0.1:{newcomer.terminal.http}"
        for _ in range(2):
            assert newcomer.do(["python", "push.py", address], fails=False).strip() == "200"
    lines = [(one["channel"], one["outcome"], one["external_id"]) for one in newcomer.listed("inbound")]
    assert sorted(lines) == [("service-desk", "opened", "m-1001"), ("service-desk", "opened", "m-2")]
    assert len(newcomer.listed("tickets")) == 2


def test_every_block_is_a_file_or_a_command() -> None:
    found = list(blocks())
    assert len(found) == GUIDE.read_text(encoding="utf-8").count("\n```") // 2
    assert not [block for block in found if block.language != "sh" and "." not in block.title]


def test_the_captured_payloads_are_json() -> None:
    for block in blocks():
        if block.language == "json":
            json.loads(block.text)
