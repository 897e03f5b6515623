"""A folder with a configuration for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.terminal import Terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal in an empty folder with a good `gateway.toml`."""
    made = Terminal(folder=tmp_path)
    made.configure()
    return made
