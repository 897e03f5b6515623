"""Finding values in documents by dotted paths, as operators write them."""

from __future__ import annotations

import hashlib
from typing import Final

import orjson
from pydantic import JsonValue

#: Up to so many entries a push stands whole in the journal for each of them; of more, each entry by itself.
KEPT_WHOLE: Final = 10


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
    """A found value as text: truth values in JSON's own words, nothing for null, a list in lines."""
    match value:
        case list():
            return "\n".join(filter(None, map(text_of, value)))
        case dict():
            return orjson.dumps(value).decode()
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def with_only(path: str, entry: JsonValue) -> JsonValue:
    """A document that holds this entry alone where a list of them stands at `path`."""
    document: JsonValue = [entry]
    for step in reversed(path.split(".") if path else ()):
        document = {step: document}
    return document


def known_by(entry: JsonValue) -> str:
    """An id for an entry that brings none: the same for the same content."""
    return f"sha256:{hashlib.sha256(orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)).hexdigest()}"
