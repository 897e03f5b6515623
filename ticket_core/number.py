"""Ticket numbers: the id we sort by, and the same with a check digit for people to read aloud.

An id is ``YYMMDD`` of the day in Asia/Shanghai followed by that day's serial in eight digits; the number is the id and
one Damm check digit, which catches every single wrong digit and every swap of two neighbours (H. M. Damm, 2004).
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

SERIALS_PER_DAY = 10**8
FOUND_AT_MOST = 20
SEARCHED_CHARACTERS = 100_000

_ID_DIGITS, _NUMBER_DIGITS = 14, 15
_LONGEST_WRITTEN = 40

# The totally anti-symmetric quasigroup of order 10 from Damm's thesis.
_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)

# What keyboards, mail programs and spreadsheets make of digits, hyphens and blanks. Every entry is one character for
# one, so that positions in the text stay what they were.
_PLAIN = str.maketrans("０１２３４５６７８９‐‑‒–—―−－﹣\u3000\u00a0\u2009\u202f\t", "0123456789---------     ")
_SIX_DIGITS = re.compile(r"\d{6}")
_GROUPED = re.compile(r"(?<!\d)(?<!\d-)([0-9]{6})[- ]?([0-9]{8})[- ]?([0-9])(?!-?\d)")


def ticket_id_at(day: date, serial: int) -> int:
    """Return the id of the `serial`-th ticket (0 … 99 999 999) of `day`, a day of Asia/Shanghai from 2000 to 2099."""
    if not 0 <= serial < SERIALS_PER_DAY:
        raise ValueError("serial out of range")
    if not 2000 <= day.year <= 2099:
        raise ValueError("a ticket id holds the years 2000 to 2099")
    return ((day.year % 100) * 10_000 + day.month * 100 + day.day) * SERIALS_PER_DAY + serial


@lru_cache(maxsize=1024)
def number_of(ticket_id: int) -> str:
    """Return the 15 digits people see: the id and its check digit; ValueError beyond 14 digits."""
    digits = f"{ticket_id:0{_ID_DIGITS}d}"
    if ticket_id < 0 or len(digits) > _ID_DIGITS:
        raise ValueError("not a ticket id")
    return f"{digits}{_check(digits)}"


def ticket_id_of(text: str) -> int | None:
    """Read a number as people write it, with hyphens, blanks or full-width digits; None unless shape and check hold."""
    if len(text) > _LONGEST_WRITTEN:
        return None
    digits = text.translate(_PLAIN).replace("-", "").replace(" ", "")
    if len(digits) != _NUMBER_DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    if _check(digits) or not _is_day(digits):
        return None
    return int(digits[:_ID_DIGITS])


def display(number: str) -> str:
    """Return a number in the groups people dictate: ``261122-00000483-6``."""
    return f"{number[:6]}-{number[6:_ID_DIGITS]}-{number[_ID_DIGITS:]}"


def find_numbers(text: str) -> tuple[int, ...]:
    """Return the ids of the ticket numbers quoted in a free text, in order, each once; linear in the text.

    Looks at the first 100 000 characters, returns 20 at most, and never finds a number inside a longer run of digits.
    """
    text = text[:SEARCHED_CHARACTERS]
    if _SIX_DIGITS.search(text) is None:
        return ()
    found: dict[int, None] = {}
    for match in _GROUPED.finditer(text.translate(_PLAIN)):
        ticket_id = ticket_id_of("".join(match.groups()))
        if ticket_id is not None:
            found[ticket_id] = None
            if len(found) == FOUND_AT_MOST:
                break
    return tuple(found)


def _check(digits: str) -> int:
    """Return the Damm digit of `digits`; 0 says that digits which already carry theirs are right."""
    interim = 0
    for digit in digits:
        interim = _DAMM[interim][ord(digit) - 48]
    return interim


def _is_day(digits: str) -> bool:
    try:
        date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))
    except ValueError:
        return False
    return True
