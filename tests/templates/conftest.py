"""The shipped templates, and a folder of one's own to break."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.render import NoticeView, Renderer, sample_view

TEMPLATES = Path(__file__).parents[2] / "templates"

Write = Callable[[dict[str, str]], Renderer]


@pytest.fixture(scope="session")
def shipped() -> Renderer:
    return Renderer(TEMPLATES)


@pytest.fixture
def view() -> NoticeView:
    return sample_view(TEMPLATES / "samples", "acknowledgement", "zh-CN")


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """Writes files below ``notices`` and returns a renderer of them; a text and a subject come with every notice."""

    def write(files: dict[str, str]) -> Renderer:
        for name, text in files.items():
            path = tmp_path / "notices" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            for ordinary in ("subject.txt.j2", "text.txt.j2"):
                if not path.parent.name.startswith("_") and not (path.parent / ordinary).exists():
                    (path.parent / ordinary).write_text("ordinary", "utf-8")
        return Renderer(tmp_path)

    return write
