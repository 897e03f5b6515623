"""What the conformance kit has proven of each kind: its classes in the tests, and what their captured payloads show."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gateway.registry import kinds, load_kind
from gateway.testing.kit import ChannelConformance, TransportConformance

_TESTS = Path(__file__).parents[1]
#: Ways out whose platform cannot be what the kit asks for (no reference goes with a notice), and where they are proven.
OWN_PROOF: Mapping[str, Path] = {"wechat-pay": _TESTS / "channels/transfer/wechat_pay/test_way_out.py"}
Rules = TypeVar("Rules", ChannelConformance, TransportConformance)


@cache
def channel_rules() -> Mapping[str, Sequence[type[ChannelConformance]]]:
    """The classes that prove ways in, by kind."""
    return _by_kind(ChannelConformance)


@cache
def transport_rules() -> Mapping[str, Sequence[type[TransportConformance]]]:
    """The classes that prove ways out, by kind; what another kind sends by is proven with it."""
    found = _by_kind(TransportConformance)
    ways = {load_kind(kind).send: rules for kind, rules in found.items() if kind in kinds()}  # type: ignore[union-attr]
    alike = {kind: ways[send] for kind in kinds() if (send := getattr(load_kind(kind), "send", None)) in ways}
    return {**alike, **found}


def said_by(kind: str) -> Iterator[Mapping[str, Any]]:
    """All that the captured payloads of a kind are proven to say."""
    for folder in sorted({one.fixtures for one in channel_rules().get(kind, ())}):
        for file in sorted(folder.glob("*.expected.json")):
            yield from json.loads(file.read_bytes())


def has_a_door(rules: type[ChannelConformance]) -> bool:
    """Whether a captured payload gets in by a push; a bot that is polled lets none in."""
    try:
        rules()._authentic()
    except pytest.skip.Exception:
        return False
    return True


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
