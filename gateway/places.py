"""A place in one line for people, with marks that programs find again: address, [its number], (latitude, longitude)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(r"(.*?)\s*(?:\[([^\]]*)\])?\s*(?:\((-?[\d.]{1,12}), (-?[\d.]{1,12})\))?", re.S)
_LONGEST_ADDRESS, _LONGEST_NUMBER = 120, 40  # of the 200 characters of a place


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place taken apart; `lat` and `long` are WGS 84 and come together."""

    address: str = ""
    number: str = ""
    lat: float | None = None
    long: float | None = None


def written(spot: Spot) -> str:
    """The line."""
    number = spot.number.replace("[", "").replace("]", "")[:_LONGEST_NUMBER]
    parts = (
        " ".join(spot.address.split())[:_LONGEST_ADDRESS],
        f"[{number}]" if number else "",
        f"({spot.lat:.6f}, {spot.long:.6f})" if spot.lat is not None and spot.long is not None else "",
    )
    return " ".join(filter(None, parts))


def read(line: str) -> Spot:
    """The line taken apart; one without our marks is an address."""
    found = _LINE.fullmatch(line)
    if found is None:
        return Spot(address=line)
    try:
        lat, long = (float(found[3]), float(found[4])) if found[3] else (None, None)
    except ValueError:
        return Spot(address=line)
    return Spot(address=found[1], number=found[2] or "", lat=lat, long=long)
