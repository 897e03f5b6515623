"""Runs `gateway` as a child process in a folder of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli.launcher import launch

_GATEWAY = str(Path(sys.executable).parent / "gateway")
_CONFIG = """
profile = "telecom-10086"
area_code = "028"
[http]
port = {http}
[channels.mail]
kind = "email"
address = "complaints@example.com"
[channels.mail.door]
port = {smtp}
[[people]]
name = "sun"
roles = ["handler", "supervisor"]
groups = ["monitoring", "switching", "equipment", "construction", "maintenance", "optimisation"]
email = "sun@example.com"
"""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Standard output as one JSON object a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """A working folder with a `gateway.toml` in it."""

    folder: Path
    http: int = field(default_factory=free_port)
    smtp: int = field(default_factory=free_port)

    def configure(self, more: str = "", *, first: str = "") -> None:
        """Write `gateway.toml`: `first` stands before the tables, `more` behind them."""
        text = first + _CONFIG.format(http=self.http, smtp=self.smtp) + more
        (self.folder / "gateway.toml").write_text(text, encoding="utf-8")

    def run(self, *arguments: str, given: str | bytes = b"", zh: bool = False) -> Ran:
        """Run ``gateway ARGUMENTS`` to its end, with `given` on standard input."""
        streams = [self.folder.parent / f"{self.folder.name}.{name}" for name in ("in", "out", "err")]
        streams[0].write_bytes(given.encode() if isinstance(given, str) else given)
        code = launch(arguments, self.folder, self._environment(zh), streams)
        return Ran(code=code, out=streams[1].read_text("utf-8"), err=streams[2].read_text("utf-8"))

    @contextmanager
    def serving(self) -> Iterator[Served]:
        """``gateway serve`` until the end of the block."""
        with (self.folder / "serve.log").open("ab") as log:
            child = subprocess.Popen(
                [_GATEWAY, "serve"],
                cwd=self.folder,
                env=self._environment(zh=False),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        served = Served(child=child, log=self.folder / "serve.log")
        try:
            served.wait_until_ready()
            yield served
        finally:
            child.terminate()
            child.wait(15)
            assert child.stdout is not None
            child.stdout.close()

    @staticmethod
    def _environment(zh: bool) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "LC_", "LANG"))}
        return {**kept, "LC_ALL": "zh_CN.UTF-8" if zh else "C.UTF-8"}


@dataclass(slots=True)
class Served:
    """A running gateway."""

    child: subprocess.Popen[str]
    log: Path
    said: list[str] = field(default_factory=list)

    def wait_until_ready(self) -> None:
        """Read what it says until the line about Ctrl-C."""
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self.said.append(line.rstrip("\n"))
            if "Ctrl-C" in line:
                return
        raise AssertionError(f"gateway serve ended: {self.log.read_text()}")

    def stop(self, number: int) -> int:
        """Send a signal; the exit code."""
        self.child.send_signal(number)
        return self.child.wait(15)
