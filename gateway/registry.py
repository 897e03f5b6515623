"""Adapters by kind, found through the entry point ``complaint_gateway.channels``; ours and strangers' alike.

Only what is configured is imported, and what cannot load stops the start with its reason.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache
from importlib.metadata import EntryPoints, entry_points
from types import MappingProxyType
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from gateway.channels.base import Channel, Transport
from gateway.errors import ConfigError

GROUP = "complaint_gateway.channels"


def kinds() -> tuple[str, ...]:
    """The kinds of adapters that are installed."""
    return tuple(sorted(_points(tuple(sys.path)).names))


def load_kind(kind: str) -> type[Channel] | type[Transport]:
    """The adapter class of a kind.

    Raises:
        ConfigError: when there is none, or it cannot be imported.
    """
    for point in _points(tuple(sys.path)).select(name=kind):
        try:
            adapter = point.load()
        except Exception as error:  # whatever an adapter's module raises, the operator is told and nothing starts
            raise ConfigError([f"adapter {kind} cannot be loaded: {type(error).__name__}: {error}"]) from error
        if not (isinstance(adapter, type) and issubclass(adapter, Channel | Transport)):
            raise ConfigError([f"adapter {kind}: {point.value} is neither a channel nor a transport"])
        return adapter
    raise ConfigError([f"no adapter of kind {kind!r}; installed are: {', '.join(kinds())}"])


def build(
    section: str,
    tables: Mapping[str, Mapping[str, Any]],
    *,
    common: frozenset[str],
    defaults: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Make the adapters of one section of the configuration, by name; `common` are keys that are not the adapter's.

    `defaults` are for settings that an adapter has and its table leaves out.

    Raises:
        ConfigError: with all problems of the section, each as ``section.name.key: reason``.
    """
    made: dict[str, Any] = {}
    problems: list[str] = []
    for name, table in tables.items():
        kind = table.get("kind")
        if not isinstance(kind, str):
            problems.append(f"{section}.{name}.kind: required")
            continue
        try:
            adapter = load_kind(kind)
            given = {key: value for key, value in defaults.items() if key in get_type_hints(adapter.Settings)}
            own = given | {key: value for key, value in table.items() if key not in common}
            made[name] = adapter(name, _read(_shape(adapter.Settings), own))  # type: ignore[arg-type]  # classes can be hashed
        except ConfigError as error:
            problems += [f"{section}.{name}: {problem}" for problem in error.problems]
        except ValidationError as error:
            problems += [
                f"{section}.{name}.{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
                for item in error.errors(include_input=False, include_url=False)
            ]
    if problems:
        raise ConfigError(problems)
    return made


@lru_cache(maxsize=8)
def _points(_path: tuple[str, ...]) -> EntryPoints:
    """Where adapters are found on this path; once is enough, for it looks through all that is installed."""
    return entry_points(group=GROUP)


@lru_cache(maxsize=128)
def _shape(settings: type) -> TypeAdapter[Any]:
    return TypeAdapter(settings)


def _read(shape: TypeAdapter[Any], given: Mapping[str, Any]) -> Any:
    """The settings; lists and tables that come from the environment are JSON, which only the adapter's shape can tell.

    Raises:
        ValidationError: with everything that is wrong.
    """
    try:
        return shape.validate_python(given)
    except ValidationError as error:
        read = deepcopy(dict(given))
        for item in error.errors(include_url=False):
            with contextlib.suppress(ValueError, LookupError, TypeError):
                value = json.loads(item["input"])
                if isinstance(value, list | dict):
                    *path, last = item["loc"]
                    place: Any = read
                    for part in path:
                        place = place[part]
                    place[last] = value
        if read == given:
            raise
        return shape.validate_python(read)
