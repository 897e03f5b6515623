"""Steps back to a forwarding body: what is sent, and what its answer means by the rules of its source."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from xml.etree.ElementTree import Element, SubElement, tostring

import orjson
from pydantic import JsonValue

from gateway.channels.api import Reply
from gateway.channels.elements import read_elements
from gateway.errors import PermanentDelivery, TransientDelivery
from gateway.message import DeliveryReceipt
from ticket_core.source import Callback

#: The way to them is barred, or leads elsewhere: no fault of the step, so it is kept until somebody mends that.
_BARRED = frozenset({301, 302, 303, 307, 308, 401, 403, 407, 408, 425})
#: Without a code of theirs the same: an address that is wrong, or a server of theirs that has just begun.
_ELSEWHERE = frozenset({404, 405})
_TYPES = {"json": "application/json; charset=utf-8", "xml": "application/xml; charset=utf-8"}
_LONGEST_SAID = 200


def body_of(fields: Mapping[str, Any], rules: Callback) -> tuple[bytes, str]:
    """The step as the body reads it, and its media type."""
    if rules.form == "json":
        return orjson.dumps(fields), _TYPES["json"]
    root = Element(rules.root)
    for name, value in fields.items():
        SubElement(root, name).text = _clean(str(value))
    return tostring(root, encoding="utf-8", xml_declaration=True), _TYPES["xml"]


def receipt_of(reply: Reply, rules: Callback, reference: str, at: datetime) -> DeliveryReceipt:
    """What the answer to a step means.

    Raises:
        TransientDelivery: they want it again later, or nobody can tell whether they took it.
        PermanentDelivery: they refuse it.
    """
    answer = _Answer(reply)
    code = answer.text(rules.code).casefold()
    said = " ".join(filter(None, (str(reply.status), code, answer.text(rules.message))))[:_LONGEST_SAID]
    elsewhere = reply.status in _ELSEWHERE and not code
    if reply.status in _BARRED or elsewhere or code in _folded(rules.again):
        raise TransientDelivery(said, retry_after=reply.wait)
    taken = code in _folded(rules.ok) or (not code and not reply.content.strip())
    if code in _folded(rules.known) or (reply.status < 300 and taken):
        receipt = answer.text(rules.receipt)[:100]
        return DeliveryReceipt(status="delivered", at=at, reference=reference, provider_id=receipt, detail=said)
    if reply.status < 300 and not code:  # a page of whoever stands between us
        raise TransientDelivery(f"{said}: no code in the answer", retry_after=reply.wait)
    raise PermanentDelivery(said, status=code or str(reply.status))


class _Answer:
    """An answer in the body's own form; what is none of it says nothing."""

    def __init__(self, reply: Reply) -> None:
        self._document: JsonValue = None
        with contextlib.suppress(ValueError):
            if reply.content.lstrip()[:1] == b"<":
                (self._document,) = cast(dict[str, JsonValue], read_elements(reply.content)).values()
            else:
                self._document = orjson.loads(reply.content)

    def text(self, places: Sequence[str]) -> str:
        """The text at the first of these places that has one."""
        return next((found for place in places if (found := self._at(_steps(place)))), "")

    def _at(self, steps: Iterable[str]) -> str:
        value = self._document
        for step in steps:
            match value:
                case dict():
                    value = value.get(step)
                case list() if step.isascii() and step.isdigit() and int(step[:6]) < len(value):
                    value = value[int(step[:6])]
                case _:
                    return ""
        match value:
            case bool():
                return "true" if value else "false"
            case str() | int() | float():
                return str(value).strip()
            case _:
                return ""


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _folded(codes: Iterable[str]) -> set[str]:
    return {code.casefold() for code in codes}


def _clean(text: str) -> str:
    """Text without the characters that XML 1.0 has no way to write."""
    return "".join(one for one in text if one in "\t\n\r" or (one >= " " and one not in "\ufffe\uffff"))
