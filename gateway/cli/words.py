"""The language of the command line: Chinese for a Chinese locale, else English."""

from __future__ import annotations

import os
from functools import cache
from typing import Literal

Locale = Literal["zh-CN", "en"]


@cache
def locale() -> Locale:
    """The language that ``LC_ALL``, ``LC_MESSAGES`` or ``LANG`` asks for; the first one set decides."""
    wanted = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return "zh-CN" if wanted.lower().startswith("zh") else "en"


def spoken_here(text: str) -> str:
    """What was said in English by whoever knows no locale, in the terminal's language."""
    if locale() != "zh-CN":
        return text
    from gateway.cli.chinese import in_chinese  # its patterns are made when somebody needs them

    return in_chinese(text)


def say(zh: str, en: str) -> str:
    """The one of two wordings that fits the locale."""
    return zh if locale() == "zh-CN" else en
