"""Finding values in documents by dotted paths, as operators write them."""

from __future__ import annotations

from pydantic import JsonValue


def found(document: JsonValue, path: str) -> JsonValue:
    """The value under a dotted path such as ``result.0.code``; None where there is none, or for no path."""
    if not path:
        return None
    value = document
    for step in path.split("."):
        match value:
            case dict():
                value = value.get(step)
            case list() if step.isdigit() and int(step) < len(value):
                value = value[int(step)]
            case _:
                return None
    return value


def text_of(value: JsonValue) -> str:
    """A found value as text: truth values in JSON's own words, nothing for null."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)
