"""XML as forwarding bodies write it: often in GBK, which the parser of the standard library does not know."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from defusedxml import ElementTree

_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["'][^>]*\?>""")
_CHINESE = frozenset({b"gbk", b"gb2312", b"gb18030", b"cp936"})


def parse_xml(body: bytes) -> Element:
    """The root element.

    Raises:
        ValueError: it is no XML, or declares entities.
    """
    declared = _DECLARED.match(body)
    if declared and declared[1].lower() in _CHINESE:
        body = body[declared.end() :].decode("gb18030", "replace").encode()
    try:
        root: Element = ElementTree.fromstring(body, forbid_dtd=True)
    except (SyntaxError, ValueError) as error:  # not well-formed; or something that defusedxml forbids
        raise ValueError(f"not XML: {type(error).__name__}") from error
    return root
