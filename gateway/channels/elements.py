"""XML as the documents that JSON has: what is found in one is found the same way in the other."""

from __future__ import annotations

import re
from typing import Any

from defusedxml import ElementTree
from pydantic import JsonValue

_DECLARED = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
#: Encodings of Chinese programs; the parser itself knows UTF-8 and UTF-16 only.
_CHINESE = frozenset({"gbk", "gb2312", "gb18030", "cp936", "x-gbk"})


def read_elements(body: bytes) -> JsonValue:
    """The document under the name of its root: children by their names without namespaces, several of one name a list.

    Attributes stand beside the children; an element with neither is its text.

    Raises:
        ValueError: it is no XML, or has a document type.
    """
    declared = _DECLARED.match(body.lstrip()[:200])
    chinese = declared is not None and declared[1].decode().lower() in _CHINESE
    try:
        root = ElementTree.fromstring(body.decode("gb18030") if chinese else body.lstrip(), forbid_dtd=True)
    except Exception as error:
        raise ValueError(f"not XML: {type(error).__name__}") from error
    return {_local(root.tag): _value(root)}


def _value(element: Any) -> JsonValue:
    if not len(element):
        text = (element.text or "").strip()
        return text if text or not element.attrib else _attributes(element)
    children: dict[str, JsonValue] = _attributes(element)
    several: set[str] = set()
    for child in element:
        name, value = _local(child.tag), _value(child)
        known = children.get(name)
        if name in several and isinstance(known, list):
            known.append(value)
        elif name in children:
            children[name] = [known, value]
            several.add(name)
        else:
            children[name] = value
    return children


def _attributes(element: Any) -> dict[str, JsonValue]:
    return {_local(name): value for name, value in element.attrib.items()}


def _local(name: str) -> str:
    return name.rpartition("}")[2]
