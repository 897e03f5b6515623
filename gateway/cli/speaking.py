"""Help in the terminal's language: the library's own words are English, and it lets nobody set them."""

from __future__ import annotations

import io
import re
import sys
from typing import Any

from typer import Abort, BadParameter
from typer.core import TyperCommand, TyperGroup

from gateway.cli.words import locale, spoken_here

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


# The library keeps this one to itself as well; only what comes of it can be had.
_WRONG_USAGE: Any = BadParameter.__base__


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
    """A family of commands whose help, and what is said of wrong usage, is in the terminal's language."""

    def main(self, *arguments: Any, **extra: Any) -> Any:
        """Run a command; the library writes what is wrong with a command line where nobody could translate it."""
        try:
            code = super().main(*arguments, **{**extra, "standalone_mode": False})
        except Abort:
            print(spoken_here("Aborted!"), file=sys.stderr)
            code = 1
        except _WRONG_USAGE as error:
            told = io.StringIO()
            error.show(told)
            print(spoken_here(told.getvalue()), end="", file=sys.stderr)
            code = error.exit_code
        sys.exit(code if isinstance(code, int) else 0)

    def get_help(self, ctx: Any) -> str:
        """The whole help."""
        return spoken(super().get_help(ctx))

    def get_usage(self, ctx: Any) -> str:
        """The line above an error."""
        return spoken(super().get_usage(ctx))
