"""What all commands share: their options, and how they print."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from gateway.cli.speaking import SpokenGroup
from gateway.cli.words import say

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

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
#: Taken by commands that print JSON anyway, so that a program may say it to all of them.
JsonAnyway = Annotated[bool, typer.Option("--json", hidden=True)]
Limit = Annotated[
    int,
    typer.Option(
        "--limit", metavar="N", min=1, max=100_000, help=say("最多多少行，最新在前", "At most so many, newest first")
    ),
]
Cell: TypeAlias = "str | int | datetime | None"


def group(zh: str, en: str) -> typer.Typer:
    """A family of commands such as ``gateway tickets``."""
    return typer.Typer(cls=SpokenGroup, help=say(zh, en), no_args_is_help=True, rich_markup_mode=None)


def settings_of(config: Path | None) -> Settings:
    """The configuration of this command.

    Raises:
        ConfigError: with all its problems.
    """
    from gateway.config import load_settings

    return load_settings(config)


def zone_of(settings: Settings) -> ZoneInfo:
    """The zone in which this installation counts days, which need not be this machine's.

    Raises:
        ProfileError: the profile is wrong or missing.
    """
    from ticket_core.profile import load_profile

    folders = [settings.profiles_folder] if settings.profiles_folder else []
    return load_profile(settings.profile, *folders).tz


def print_json(document: JSON) -> None:
    """One JSON document on one line of standard output."""
    print(json.dumps(document, ensure_ascii=False, separators=(",", ":")), flush=True)


def print_document(document: JSON) -> None:
    """One JSON document, indented for people."""
    print(json.dumps(document, ensure_ascii=False, indent=2), flush=True)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Cell]], zone: tzinfo = UTC) -> None:
    """A table with aligned columns, times in `zone`; Chinese characters are two columns wide."""
    table = [list(headings), *([_cell(value, zone) for value in row] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (text + " " * (width - _width(text)) for text, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def tell(text: str) -> None:
    """Something for the person at the terminal, not for the program behind the pipe."""
    print(text, file=sys.stderr, flush=True)


def shown(at: datetime, zone: tzinfo) -> str:
    """A time as people read it, to the second."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def _cell(value: Cell, zone: tzinfo) -> str:
    text = shown(value, zone) if isinstance(value, datetime) else "" if value is None else str(value)
    return " ".join(text.split())


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
