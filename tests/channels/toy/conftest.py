"""The toy adapters, installed as a stranger's package would be."""

from __future__ import annotations

from pathlib import Path

import pytest

_ENTRY_POINTS = """[complaint_gateway.channels]
toy-push = tests.channels.toy.push:Push
toy-post = tests.channels.toy.post:Post
"""


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the metadata that pip writes for an installed package."""
    folder = tmp_path_factory.mktemp("installed")
    package = folder / "toys-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1\n")
    (package / "entry_points.txt").write_text(_ENTRY_POINTS)
    return folder


@pytest.fixture(autouse=True)
def _installed(toys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(toys))
