"""The documents of GeoReport v2: one value, written as XML or as JSON by the Spark convention.

https://wiki.open311.org/JSON_and_XML_Conversion: a container of elements of one name is a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final
from xml.sax.saxutils import escape

import orjson

#: A container → what stands in it.
_ITEMS: Final = {
    "services": "service",
    "service_requests": "request",
    "service_request_updates": "request_update",
    "attributes": "attribute",
    "values": "value",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
}
#: What XML 1.0 has no way to write.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
MEDIA_TYPES: Final = {"json": "application/json", "xml": "text/xml"}


def written(form: str, root: str, value: object) -> bytes:
    """The document in `form` ``json`` or ``xml``, UTF-8; in JSON the root has no name."""
    if form == "json":
        return orjson.dumps(value)
    return ('<?xml version="1.0" encoding="utf-8"?>\n' + "".join(_element(root, value))).encode("utf-8", "replace")


def _element(name: str, value: object) -> Iterator[str]:
    if value is None or value == "" or value == [] or value == ():
        yield f"<{name}/>"
        return
    yield f"<{name}>"
    match value:
        case Mapping():
            for key, inner in value.items():
                yield from _element(str(key), inner)
        case list() | tuple():
            for one in value:
                yield from _element(_ITEMS[name], one)
        case bool():
            yield "true" if value else "false"
        case _:
            yield escape(_UNWRITABLE.sub("", str(value)))
    yield f"</{name}>"
