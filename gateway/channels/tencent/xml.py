"""The flat XML of WeCom and WeChat, without document types and entities."""

from __future__ import annotations

from collections.abc import Mapping

from defusedxml.ElementTree import fromstring


def fields_of(body: bytes) -> Mapping[str, str]:
    """The elements inside the outermost one; those with elements of their own as ``Outer.Inner``.

    Raises:
        ValueError: it is no XML, or holds a document type or entities.
    """
    try:
        root = fromstring(body, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except SyntaxError as error:  # ElementTree.ParseError is one
        raise ValueError("no XML") from error
    found: dict[str, str] = {}
    for element in root:
        if len(element):
            found.update({f"{element.tag}.{inner.tag}": inner.text or "" for inner in element})
        else:
            found[element.tag] = element.text or ""
    return found
