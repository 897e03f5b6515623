"""What all commands share: their options, and how they print."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from gateway.cli.words import say

if TYPE_CHECKING:
    from gateway.config import Settings
    from ticket_core.model import JSON

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help=say(
            "配置文件；默认 gateway.toml，没有时用演示配置", "Configuration file; default gateway.toml, else the demo's"
        ),
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help=say("输出 JSON", "Print JSON"))]
Limit = Annotated[
    int, typer.Option("--limit", min=1, max=100_000, help=say("最多多少行，最新在前", "At most so many, newest first"))
]
Cell: TypeAlias = "str | int | datetime | None"


def group(zh: str, en: str) -> typer.Typer:
    """A family of commands such as ``gateway tickets``."""
    return typer.Typer(help=say(zh, en), no_args_is_help=True, rich_markup_mode=None)


def settings_of(config: Path | None) -> Settings:
    """The configuration of this command.

    Raises:
        ConfigError: with all its problems.
    """
    from gateway.config import load_settings

    return load_settings(config)


def print_json(document: JSON) -> None:
    """One JSON document on one line of standard output."""
    print(json.dumps(document, ensure_ascii=False, separators=(",", ":")), flush=True)


def print_document(document: JSON) -> None:
    """One JSON document, indented for people."""
    print(json.dumps(document, ensure_ascii=False, indent=2), flush=True)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """A table with aligned columns; Chinese characters are two columns wide."""
    table = [list(headings), *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (text + " " * (width - _width(text)) for text, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def tell(text: str) -> None:
    """Something for the person at the terminal, not for the program behind the pipe."""
    print(text, file=sys.stderr, flush=True)


def local(at: datetime) -> str:
    """A time as people read it, to the second, in this machine's zone."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _cell(value: Cell) -> str:
    text = local(value) if isinstance(value, datetime) else "" if value is None else str(value)
    return " ".join(text.split())


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
