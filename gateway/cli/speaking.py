"""Help in the terminal's language: the library's own words are English, and it lets nobody set them."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand, TyperGroup

from gateway.cli.words import locale

_TYPES = re.compile(r" <\w+(?:\[\w+\])?>")  # "<str>" behind a name says nothing to people
_CHINESE = (
    ("Usage:", "用法:"),
    ("[OPTIONS]", "[选项]"),
    ("COMMAND [ARGS]...", "命令 [参数]..."),
    ("\nArguments:\n", "\n参数:\n"),
    ("\nOptions:\n", "\n选项:\n"),
    ("\nCommands:\n", "\n命令:\n"),
    ("Show this message and exit.", "显示本说明"),
    ("[required]", "[必填]"),
    ("[default: ", "[默认: "),
)


def spoken(text: str) -> str:
    """What the library wrote, in the terminal's language; columns stay where they are."""
    text = _TYPES.sub(lambda found: " " * len(found[0]), text)
    if locale() == "zh-CN":
        for english, chinese in _CHINESE:
            text = text.replace(english, chinese)
    return text


# The library keeps the type of a context to itself.
class SpokenCommand(TyperCommand):
    """A command whose help is in the terminal's language."""

    def get_help(self, ctx: Any) -> str:
        """The whole help."""
        return spoken(super().get_help(ctx))

    def get_usage(self, ctx: Any) -> str:
        """The line above an error."""
        return spoken(super().get_usage(ctx))


class SpokenGroup(TyperGroup):
    """A family of commands whose help is in the terminal's language."""

    def get_help(self, ctx: Any) -> str:
        """The whole help."""
        return spoken(super().get_help(ctx))

    def get_usage(self, ctx: Any) -> str:
        """The line above an error."""
        return spoken(super().get_usage(ctx))
