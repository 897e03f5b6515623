"""Servers in processes of their own, so that what they cost can be told from what the load costs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import free_port, running


@dataclass(frozen=True, slots=True)
class Child:
    """A running server: its process and its port."""

    pid: int
    port: int


@contextlib.contextmanager
def module(name: str, folder: Path, *arguments: str) -> Iterator[Child]:
    """Run ``python -m NAME PORT ARGUMENTS…`` until the block ends."""
    port = free_port()
    with serving([sys.executable, "-m", name, str(port), *arguments], port, folder / f"{name}.log") as child:
        yield child


@contextlib.contextmanager
def serving(
    command: Sequence[str], port: int, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Child]:
    """Run a server that will listen on `port`, until the block ends."""
    with running(command, log=log, port=port, environment=environment, wait=30) as process:
        yield Child(process.pid, port)
