"""What the command line says when a command fails: one line a problem, never a traceback."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.cli.words import say, spoken_here
from gateway.errors import ConfigError, GatewayError
from ticket_core.errors import ProfileError, TicketError

USAGE, FAILURE = 2, 1


class WrongUsage(GatewayError):
    """The command was given something that it cannot use; nothing was done."""


class Failed(GatewayError):
    """The command could not do it; the text says why."""


def none_of(zh: str, en: str, name: str, known: Iterable[str]) -> WrongUsage:
    """The complaint about a name that there is not, with those that there are."""
    names = ", ".join(known)
    return WrongUsage(say(f"没有{zh} {name}；可用：{names}", f"no {en} {name}; there are {names}"))


def failure(error: Exception) -> tuple[int, str]:
    """The exit code of an error and what to tell about it, in the terminal's language."""
    code, text = _told(error)
    return code, spoken_here(text)


def _told(error: Exception) -> tuple[int, str]:
    match error:
        case ConfigError(problems=problems) | ProfileError(problems=problems):
            heading = say(f"配置有 {len(problems)} 处问题：", f"{len(problems)} problem(s) in the configuration:")
            return USAGE, "\n".join([heading, *(f"  {problem}" for problem in problems)])
        case WrongUsage():
            return USAGE, str(error)
        case TicketError() | GatewayError():
            return FAILURE, str(error)
        case OSError():
            return FAILURE, say(f"失败：{error}", f"failed: {error}")
        case _:
            return FAILURE, say(f"失败：{_line(error)}", f"failed: {_line(error)}")


def _line(error: Exception) -> str:
    """The first line: what a library adds below it, such as SQL with its values, is not for a terminal."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
