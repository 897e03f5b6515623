"""Filling templates and finding values: the little language in which providers are described."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import JsonValue

_PLACE = re.compile(r"\{([a-z_]+)\}")
_PRESETS = Path(__file__).parent / "presets.toml"


@cache
def presets() -> Mapping[str, Mapping[str, Mapping[str, object]]]:
    """The shipped providers by name, each with its parts `send` and `reports`."""
    return tomllib.loads(_PRESETS.read_text("utf-8"))


def filled(template: JsonValue, values: Mapping[str, JsonValue]) -> JsonValue:
    """`template` with each ``{name}`` replaced; a text that is one placeholder and nothing else takes the value whole.

    Raises:
        KeyError: it names a value there is none of.
    """
    match template:
        case str():
            whole = _PLACE.fullmatch(template)
            return values[whole[1]] if whole else _PLACE.sub(lambda place: str(values[place[1]]), template)
        case dict():
            return {key: filled(value, values) for key, value in template.items()}
        case list():
            return [filled(value, values) for value in template]
        case _:
            return template


def places(template: JsonValue) -> frozenset[str]:
    """The names of all values that `template` asks for."""
    match template:
        case str():
            return frozenset(_PLACE.findall(template))
        case dict():
            return frozenset().union(*map(places, template.values()))
        case list():
            return frozenset().union(*map(places, template))
        case _:
            return frozenset()
