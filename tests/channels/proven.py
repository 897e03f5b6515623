"""What the conformance kit has proven of each kind: its classes in the tests, and what their captured payloads show."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from gateway.testing.kit import ChannelConformance, TransportConformance

_TESTS = Path(__file__).parents[1]
Rules = TypeVar("Rules", ChannelConformance, TransportConformance)


@cache
def channel_rules() -> Mapping[str, Sequence[type[ChannelConformance]]]:
    """The classes that prove ways in, by kind."""
    return _by_kind(ChannelConformance)


@cache
def transport_rules() -> Mapping[str, Sequence[type[TransportConformance]]]:
    """The classes that prove ways out, by kind."""
    return _by_kind(TransportConformance)


def said_by(kind: str) -> Iterator[Mapping[str, Any]]:
    """All that the captured payloads of a kind are proven to say."""
    for folder in sorted({one.fixtures for one in channel_rules().get(kind, ())}):
        for file in sorted(folder.glob("*.expected.json")):
            yield from json.loads(file.read_bytes())


def _by_kind(root: type[Rules]) -> Mapping[str, Sequence[type[Rules]]]:
    for file in sorted(_TESTS.rglob("test_*.py")):
        if root.__name__ in file.read_text(encoding="utf-8"):
            importlib.import_module(".".join(("tests", *file.relative_to(_TESTS).with_suffix("").parts)))
    found: dict[str, list[type[Rules]]] = {}
    for one in _below(root):
        if one.__name__.startswith("Test") and hasattr(one, "kind"):
            found.setdefault(one.kind, []).append(one)
    return found


def _below(root: type[Rules]) -> Iterator[type[Rules]]:
    for one in root.__subclasses__():
        yield one
        yield from _below(one)
