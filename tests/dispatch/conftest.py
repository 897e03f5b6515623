"""One installation per test, on SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.dispatch.desk import Desk
from tests.dispatch.desk import desk as open_desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """An installation with a fresh database."""
    async with open_desk(f"sqlite:///{tmp_path}/gateway.sqlite3") as opened:
        yield opened
