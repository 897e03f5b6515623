"""Where the files lie that come with the program and are no code."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def shipped_templates() -> Path:
    """The folder of notices, pages and words: inside an installed package, beside it in a checkout."""
    inside = _HERE / "templates"
    return inside if inside.is_dir() else _HERE.parent / "templates"
