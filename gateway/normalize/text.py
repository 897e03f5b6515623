"""Text as it may be kept and shown: tidied, with a subject and a language where the sender gave none."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

SUBJECT_CHARACTERS = 60
_JUDGED_CHARACTERS = 2_000

Locale = Literal["zh-CN", "en"]

_NEWLINES = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
# Controls, lone surrogates, and what is invisible and only misleads a reader: zero-width space, direction overrides,
# byte order mark. The joiners U+200C and U+200D stay: scripts and emoji need them.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)
_NORMALIZED_AT_ONCE = 256

_GREETING = re.compile(
    r"(?:(?:(?:尊敬的|亲爱的)[^\s。!！]{0,16}?)?[^\s,，。!！:：]{0,6}?(?:您好|你们好|你好)"
    r"|(?:hello|hi|dear [^,\n]{0,30})\b)"
    r"[\s,，。.!！:：~～、]*",
    re.I,
)
_SENTENCE_END = re.compile(r"[。！？!?；;\n]|\.(?=\s)")
_HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")


def tidy(text: str, limit: int) -> str:
    """Return `text` in NFC, at most `limit` characters, newlines as ``\\n``, without controls and outer blanks."""
    if not text.isprintable():  # nearly every line of a form is, and has nothing to tidy away
        text = _UNWANTED.sub("", _NEWLINES.sub("\n", text))
    if not text.isascii():
        text = _composed(text)
    return text.strip()[:limit].rstrip()


def subject_from(text: str) -> str:
    """Return the first sentence of `text` after its greeting, at most 60 characters, cut with an ellipsis."""
    text = text[: 10 * SUBJECT_CHARACTERS].lstrip()
    greeting = _GREETING.match(text)
    rest = text[greeting.end() :].lstrip() if greeting else text
    sentence = _SENTENCE_END.split(rest or text, maxsplit=1)[0]
    words = " ".join(sentence.split())
    return words if len(words) <= SUBJECT_CHARACTERS else words[: SUBJECT_CHARACTERS - 1] + "…"


def detect_locale(text: str) -> Locale:
    """Return the language of `text` by its script: English when it has more Latin words than Chinese characters."""
    text = text[:_JUDGED_CHARACTERS]
    return "en" if len(_LATIN_WORD.findall(text)) > len(_HAN.findall(text)) else "zh-CN"


def _composed(text: str) -> str:
    """Return `text` in NFC, in linear time also when it is one heap of combining marks.

    Python orders a run of marks by insertion, quadratic in its length (64 000 marks: 3 s), so long runs are normalised
    in pieces; a piece ends before a character that combines with nothing, or after 256 marks, where no script has any.
    """
    if len(text) <= _NORMALIZED_AT_ONCE:
        return unicodedata.normalize("NFC", text)
    pieces: list[str] = []
    start = 0
    while start < len(text):
        end = start + _NORMALIZED_AT_ONCE
        while end < min(len(text), start + 2 * _NORMALIZED_AT_ONCE) and _joins(text[end]):
            end += 1
        pieces.append(unicodedata.normalize("NFC", text[start:end]))
        start = end
    return "".join(pieces)


def _joins(character: str) -> bool:
    # Hangul vowels and finals compose with what stands before them although their combining class is 0.
    return unicodedata.combining(character) != 0 or "\u1161" <= character <= "\u11ff"
