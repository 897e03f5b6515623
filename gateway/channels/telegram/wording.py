"""A notice as Telegram takes it: texts of at most 4096 UTF-16 units, and buttons whose answer has at most 64 bytes.

https://core.telegram.org/bots/api#sendmessage, https://core.telegram.org/bots/api#inlinekeyboardbutton
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from gateway.channels.base import Choice

TEXT_LIMIT = 4096
_SAYS_LIMIT = 64
_MOST_BUTTONS = 100
_ROW_WIDTH = 24  # characters of labels that a telephone shows side by side
_JOINER = "\u200d"


def split(text: str, limit: int = TEXT_LIMIT) -> list[str]:
    """The text in parts, cut at a line, else at a space, else between characters as people see them."""
    parts = []
    while _units(text) > limit:
        cut = _cut(text, limit)
        parts.append(text[:cut])
        text = text[cut:].removeprefix("\n")
    return [*parts, text]


def arranged(text: str, choices: Sequence[Choice]) -> tuple[str, list[list[Choice]]]:
    """The text and rows of buttons; what does not fit a button stands under the text, to be typed."""
    rows: list[list[Choice]] = []
    lines = []
    for number, one in enumerate(choices):
        if len(one.says.encode()) > _SAYS_LIMIT or number >= _MOST_BUTTONS:
            lines.append(f"{one.label}: {one.says}")
        elif rows and sum(len(other.label) + 2 for other in rows[-1]) + len(one.label) <= _ROW_WIDTH:
            rows[-1].append(one)
        else:
            rows.append([one])
    return "\n".join([text, *lines]), rows


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _cut(text: str, limit: int) -> int:
    end = len(text.encode("utf-16-le", "surrogatepass")[: limit * 2].decode("utf-16-le", "ignore"))
    for mark in ("\n", " "):
        found = text.rfind(mark, limit // 2, end)
        if found > 0:
            return found if mark == "\n" else found + 1
    at = end
    while at > end - 32 and _goes_on(text, at):
        at -= 1
    return at if at > end - 32 else end


def _goes_on(text: str, at: int) -> bool:
    """Whether the character at this place belongs to the one before."""
    return (
        text[at] == _JOINER
        or text[at - 1] == _JOINER
        or unicodedata.combining(text[at]) > 0
        or unicodedata.category(text[at]) == "Mn"  # variation selectors
        or "\U0001f3fb" <= text[at] <= "\U0001f3ff"  # skin tones
    )
