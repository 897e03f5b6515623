"""How alike two complaints are: the measure behind "text alike" of the repeat rule.

A text is its set of characters, pairs of neighbouring characters and whole Latin words or codes, after NFKC, case
folding and dropping punctuation, blanks and stock phrases ("您好", "请尽快处理") that every complaint shares.
The likeness of two sets is the mean of Dice (common share of both) and containment (common share of the smaller), so
that a reworded text and a longer retelling both score high. Two texts that each name codes (order, plate, account) and
have none in common are about different things: their likeness is halved.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import add

# The threshold of "alike", chosen on the pairs of tests/core/test_likeness.py: wrong "alike" hides one matter in
# another's ticket, wrong "other" only leaves two linked tickets, so the doubtful middle counts as other.
ALIKE = 0.55

COMPARED_CHARACTERS = 1_000
_SHORTEST_CODE = 5

_WRITTEN = re.compile(r"[^\W_]+")
_LATIN = re.compile(r"[a-z0-9]+")

# Phrases that say how one feels or asks, never what about. Longer ones first: the first that fits is dropped.
_STOCK = re.compile(
    "尽快处理|没人处理|无人处理|没有处理|联系客服|电话|您好|你好|投诉|反映|没人|希望|麻烦|谢谢|要求|一直|回复|处理|严重|已经|现在|还是"
    "|我们|我要|[请我的得地了 ]"
)
_STOCK_WORDS = frozenset(
    _LATIN.findall(
        "a an and are at been but by for from had has have i in is it me my no nobody not of on or our please still "
        "that the there this to was we were with you your"
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gist:
    """What of a text is compared: its `shingles` (characters, character pairs, Latin words) and the `codes` in it."""

    shingles: frozenset[str]
    codes: frozenset[str]


def likeness(a: str, b: str) -> float:
    """Return how alike two texts are, 0 (nothing in common) to 1 (the same); the first 1 000 characters count."""
    return likeness_of(gist(a), gist(b))


def likeness_of(a: Gist, b: Gist) -> float:
    """Return the likeness, 0 to 1, of two texts whose gist is at hand; an empty one is like nothing."""
    size_a, size_b = len(a.shingles), len(b.shingles)
    if not size_a or not size_b:
        return 0.0
    common = len(a.shingles & b.shingles)
    dice, containment = 2 * common / (size_a + size_b), common / min(size_a, size_b)
    about_other_things = a.codes and b.codes and a.codes.isdisjoint(b.codes)
    return (dice + containment) / (4 if about_other_things else 2)


def gist(text: str) -> Gist:
    """Return what stands for `text` in a comparison; those of late are kept, for one is compared with many."""
    return _gist(text[:COMPARED_CHARACTERS])


@lru_cache(maxsize=128)  # up to 200 KB each
def _gist(text: str) -> Gist:
    # Without its punctuation a Chinese text is nearly always in NFKC already, and the costly step falls away.
    text = " ".join(_WRITTEN.findall(text))
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    text = text.casefold()
    words = _LATIN.findall(text)
    if words:
        text = _LATIN.sub("", text)
    letters = _STOCK.sub("", text)
    telling = (word for word in words if word not in _STOCK_WORDS)
    found = frozenset(chain(letters, map(add, letters, letters[1:]), telling))
    return Gist(
        # A text of nothing but stock phrases is still like itself.
        shingles=found or frozenset({text, *words} - {""}),
        codes=frozenset(word for word in words if len(word) >= _SHORTEST_CODE and not word.isalpha()),
    )
