"""Every setting as a row: its path in the operator's file and its default."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from gateway.config import Settings
from gateway.registry import load_kind
from tests.docs.pages import ROOT

REQUIRED = "必填 required"
Row = tuple[str, str]


def own_settings() -> Iterator[Row]:
    """Those of the gateway itself, people included."""
    return _of_model(Settings, "")


def settings_of_kind(kind: str) -> Iterator[Row]:
    """Those of an adapter."""
    return _of_dataclass(load_kind(kind).Settings, "")


def _of_model(model: type[BaseModel], path: str) -> Iterator[Row]:
    for name, field in model.model_fields.items():
        inner = _inner(field.annotation)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _of_model(inner, f"{path}{name}.")
            continue
        default = field.get_default(call_default_factory=True)
        yield f"`{path}{name}`", REQUIRED if field.is_required() else _shown(default)
        if dataclasses.is_dataclass(inner):
            yield from _of_dataclass(inner, f"{path}{name}[].")


def _of_dataclass(made_of: Any, path: str) -> Iterator[Row]:
    hints = get_type_hints(made_of)
    for field in dataclasses.fields(made_of):
        if field.default_factory is not dataclasses.MISSING:
            default = _shown(field.default_factory())
        else:
            default = REQUIRED if field.default is dataclasses.MISSING else _shown(field.default)
        yield f"`{path}{field.name}`", default
        inner = _inner(hints[field.name])
        if dataclasses.is_dataclass(inner):
            yield from _of_dataclass(inner, f"{path}{field.name}.")


def _inner(hint: Any) -> Any:
    """The class that a section or a list of sections is made of; `hint` itself for a plain value."""
    sections = [one for one in get_args(hint) if dataclasses.is_dataclass(one)]
    return sections[0] if sections else hint


def _shown(value: object) -> str:
    """A default as it would stand in the file; a dash where there is none."""
    if value in (None, "", (), {}) or dataclasses.is_dataclass(value):
        return "–"
    if isinstance(value, Path):
        value = value.relative_to(ROOT) if value.is_relative_to(ROOT) else value
    plain = to_jsonable_python(sorted(value) if isinstance(value, frozenset) else value)
    return f"`{json.dumps(plain, ensure_ascii=False)}`"
