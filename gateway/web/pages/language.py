"""Which language a page is in, and the words it is made of: one table per language, the same keys in each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from aiohttp import web

from gateway.web.words import Locale, locale_of

LOCALES: tuple[Locale, ...] = get_args(Locale)
COOKIE = "lang"
_FOLDER = Path(__file__).parent / "words"


def read_words(locale: Locale) -> Mapping[str, str]:
    """All words of a locale, as ``section.name``."""
    table = tomllib.loads((_FOLDER / f"{locale}.toml").read_text(encoding="utf-8"))
    return {f"{section}.{name}": text for section, names in table.items() for name, text in names.items()}


class Words:
    """The words of one language; call it with a key and the values of its placeholders."""

    def __init__(self, locale: Locale) -> None:
        self.locale = locale
        self._texts = read_words(locale)

    def __call__(self, key: str, /, **values: object) -> str:
        """The text; a key that does not exist is a mistake of ours and raises KeyError."""
        text = self._texts[key]
        return text.format(**values) if values else text

    def section(self, name: str) -> Mapping[str, str]:
        """All words of one section, for a script of ours."""
        start = f"{name}."
        return {key.removeprefix(start): text for key, text in self._texts.items() if key.startswith(start)}

    def why(self, noted: str) -> str:
        """Why something waits for a person, in words; as it was noted where there are none."""
        head, _, detail = noted.partition(": ")
        words = self._texts.get(f"why.{head.replace(' ', '_')}")
        if words is None:
            return noted
        return f"{words}{self('why.detail', detail=detail)}" if detail else words

    def named(self, section: str, name: str) -> str:
        """The word for a value of the domain; the value itself where it is the profile's own."""
        return self._texts.get(f"{section}.{name}", name)


def page_locale(request: web.Request) -> Locale:
    """The language chosen with the switch, else the browser's, else Chinese."""
    chosen = request.cookies.get(COOKIE)
    for locale in LOCALES:
        if locale == chosen:
            return locale
    return locale_of(request.headers.get("Accept-Language", ""))
