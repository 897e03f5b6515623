"""Every link of the documentation leads somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import ROOT, anchors, links

_PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def dead(page: Path, target: str) -> bool:
    """Whether a link within the checkout leads nowhere; links to other places are not followed."""
    if "://" in target or target.startswith("mailto:"):
        return False
    path, _, anchor = target.partition("#")
    other = page if not path else (page.parent / path).resolve()
    if not other.exists() or not other.is_relative_to(ROOT):
        return True
    return bool(anchor) and anchor not in anchors(other)


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    assert not [target for target in links(page) if dead(page, target)]


@pytest.mark.parametrize("target", ["no-such-file.md", "#no-such-heading", "docs/operate.md#no-such", "../outside"])
def test_a_dead_link_is_found(target: str) -> None:
    assert dead(ROOT / "README.md", target)


def test_a_chinese_heading_can_be_linked_to() -> None:
    assert not dead(ROOT / "README.md", "docs/operate.md#backup-备份")
