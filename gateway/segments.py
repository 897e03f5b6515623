"""How many SMS a text takes, and where it breaks.

Mainland carriers count characters with the 【signature】 included: 70 in one message, 67 in each part of a longer one,
500 in all. Abroad 3GPP TS 23.038 holds: 160/153 septets while every character is in the GSM 7-bit alphabet, where
those of its extension table cost two, else 70/67 UTF-16 units. A character of two units is never torn apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAINLAND_LIMIT = 500

Encoding = Literal["gsm-7", "ucs-2"]

# Characters in one message, and in each part of a longer one (the rest carries the part's number).
_SINGLE: dict[Encoding, int] = {"gsm-7": 160, "ucs-2": 70}
_PART: dict[Encoding, int] = {"gsm-7": 153, "ucs-2": 67}

_GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED = frozenset("\f^{}\\[~]|€")
_GSM = _GSM_BASIC | _GSM_EXTENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """What a text costs: `count` messages, its `units` in `encoding`, and how many units fit `per_segment`."""

    count: int
    units: int
    encoding: Encoding
    per_segment: int
    too_long: bool


def segments(text: str, *, mainland: bool = True, signature: str = "") -> Segments:
    """Count the messages `text` takes with its `signature`; `too_long` means over 500 in the mainland."""
    text = signed(text, signature)
    encoding = _encoding(text, mainland)
    units = _units(text, encoding)
    parts = split(text, mainland=mainland)
    return Segments(
        count=len(parts),
        units=units,
        encoding=encoding,
        per_segment=_SINGLE[encoding] if len(parts) <= 1 else _PART[encoding],
        too_long=mainland and units > MAINLAND_LIMIT,
    )


def split(text: str, *, mainland: bool = True, signature: str = "") -> tuple[str, ...]:
    """Break the signed text where its messages break; joined again the parts are the text, and no text has no parts."""
    text = signed(text, signature)
    encoding = _encoding(text, mainland)
    units, room = _units(text, encoding), _PART[encoding]
    if units <= _SINGLE[encoding]:
        return (text,) if text else ()
    if units == len(text):
        return tuple(text[at : at + room] for at in range(0, len(text), room))
    costs = _unit_counts(text, encoding)
    parts: list[str] = []
    start = used = 0
    for place, cost in enumerate(costs):
        if used + cost > room:
            parts.append(text[start:place])
            start, used = place, 0
        used += cost
    return (*parts, text[start:])


def signed(text: str, signature: str) -> str:
    """Put the 【signature】 before `text`; brackets are added where the operator left them out."""
    if not signature:
        return text
    return f"{signature}{text}" if signature.startswith("【") else f"【{signature}】{text}"


def _encoding(text: str, mainland: bool) -> Encoding:
    return "gsm-7" if not mainland and _GSM.issuperset(text) else "ucs-2"


def _units(text: str, encoding: Encoding) -> int:
    if encoding == "gsm-7":
        return len(text) if _GSM_EXTENDED.isdisjoint(text) else sum(_unit_counts(text, encoding))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _unit_counts(text: str, encoding: Encoding) -> list[int]:
    if encoding == "gsm-7":
        return [2 if character in _GSM_EXTENDED else 1 for character in text]
    return [2 if character > "\uffff" else 1 for character in text]
