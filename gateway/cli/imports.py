"""`gateway import` and `gateway sources`: cases of forwarding bodies in files, and the bodies' rules."""

from __future__ import annotations

import asyncio
import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.failures import Failed, none_of
from gateway.cli.shape import AsJson, ConfigFile, group, print_document, print_json, print_table, settings_of, tell
from gateway.cli.speaking import SpokenCommand
from gateway.cli.words import say

if TYPE_CHECKING:
    from gateway.config import Settings
    from ticket_core.model import JSON

_STEPS, _PAUSE = 1000, 0.1  # of the progress bar; seconds

sources = group("转办来源", "Forwarding bodies")


def import_cases(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=say("转办来源，见 sources list", "See sources list"))],
    file: Annotated[Path, typer.Argument(metavar="FILE", help=say("XLSX 或 CSV 文件", "An XLSX or CSV file"))],
    config: ConfigFile = None,
    channel: Annotated[
        str,
        typer.Option("--channel", metavar="NAME", help=say("渠道，默认取第一个", "Else the first")),
    ] = "",
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="PATH", help=say("逐行报告：.csv 或 .xlsx", "The rows, to .csv or .xlsx")),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Every row through the source's channel, with a report of what became of each."""
    settings = settings_of(config)
    known_source(settings, source)
    try:
        body = file.read_bytes()
    except OSError as error:
        raise Failed(say(f"{file}：无法读取：{error.strerror}", f"{file}: cannot be read: {error.strerror}")) from error
    made = asyncio.run(_import(settings, source, channel, file.name, body))
    if "id" not in made:
        raise Failed(f"{file}: {_worded(made['problem'])}")
    if report is not None:
        _write(settings, int(str(made["id"])), report)
    if as_json:
        print_json(made)
        raise typer.Exit(0 if made["state"] == "finished" else 1)
    outcomes = made["outcomes"] if isinstance(made["outcomes"], dict) else {}
    print_table(
        (say("结果", "OUTCOME"), say("行数", "ROWS")), [(name, str(count)) for name, count in sorted(outcomes.items())]
    )
    tell(say(f"共 {made['rows']} 行，导入编号 {made['id']}", f"{made['rows']} rows, import {made['id']}"))
    if (same := made["same_as"]) is not None:
        tell(say(f"与导入 {same} 是同一文件", f"the very same file as import {same}"))
    if made["state"] == "stopped":
        raise Failed(say(f"{file}：导入中断，请再次导入同一文件", f"{file}: broken off; import the same file again"))
    if made["problem"]:
        raise Failed(f"{file}: {_worded(made['problem'])}")


def known_source(settings: Settings, name: str) -> None:
    """Refuse a forwarding body that no channel names; the running gateway is not asked, it may speak another language.

    Raises:
        WrongUsage: with those that there are.
    """
    known = sorted({str(table["source"]) for table in settings.channels.values() if table.get("source")})
    if name not in known:
        raise none_of("转办来源", "source", name, known)


def _worded(problem: JSON) -> str:
    from gateway.cli.words import locale
    from gateway.import_report import problem_of

    return problem_of(str(problem), locale())


async def _import(settings: Settings, source: str, channel: str, name: str, body: bytes) -> dict[str, JSON]:
    from gateway.cli.carry import carrying_out

    arguments: dict[str, JSON] = {
        "source": source,
        "channel": channel,
        "file": name,
        "body": base64.b64encode(body).decode(),
    }
    bar = typer.progressbar(length=_STEPS, file=sys.stderr, hidden=not sys.stderr.isatty())
    async with carrying_out(settings) as carry_out:
        made = await carry_out("import", arguments)
        assert isinstance(made, dict)
        if "id" not in made:
            return made
        with bar:
            while True:
                made = await carry_out("import-look", {"id": made["id"]})
                assert isinstance(made, dict)
                bar.update(int(float(str(made["share"])) * _STEPS) - bar.pos)
                if made["state"] != "running":
                    return made
                await asyncio.sleep(_PAUSE)


def _write(settings: Settings, import_id: int, path: Path) -> None:
    from gateway.cli.reading import reading
    from gateway.cli.words import locale
    from gateway.import_report import report_of
    from ticket_core.store.imports import rows_of_import

    form = "xlsx" if path.suffix.lower() == ".xlsx" else "csv"
    with reading(settings) as pages, path.open("wb") as lines:
        lines.writelines(report_of(rows_of_import(pages.connection, import_id), form, locale()))


@sources.command("list", cls=SpokenCommand, help=say("列出可用的转办来源", "List the sources that can be used"))
def list_sources(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Shipped and local ones."""
    from gateway.configured import source_folders
    from ticket_core.source import load_source, source_names

    folders = source_folders(settings_of(config))
    known = [load_source(name, *folders) for name in source_names(*folders)]
    if as_json:
        for one in known:
            print_json({"name": one.name, "label": dict(one.label), "version": one.version, "verified": one.verified})
        return
    print_table(
        (say("来源", "SOURCE"), say("名称", "LABEL"), say("版本", "VERSION"), say("依据", "VERIFIED")),
        [(one.name, say(one.label["zh-CN"], one.label.get("en", "")), one.version, one.verified) for one in known],
    )


@sources.command("show", cls=SpokenCommand, help=say("显示一个转办来源的字段", "Show a source's fields"))
def show_source(
    name: Annotated[str, typer.Argument(metavar="NAME", help=say("来源名", "Name of the source"))],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Their names for each of our fields; with --json the whole source as data."""
    from pydantic import TypeAdapter

    from gateway.configured import source_folders
    from ticket_core.source import Source, load_source, source_names

    folders = source_folders(settings_of(config))
    if name not in (known := source_names(*folders)):
        raise none_of("转办来源", "source", name, known)
    one = load_source(name, *folders)
    if as_json:
        print_document(TypeAdapter(Source).dump_python(one, mode="json"))
        return
    rows = [("profile", one.profile)] if one.profile else []
    rows += [("case_number", "、".join(one.case_number))]
    rows += [(place, "、".join(names)) for place, names in one.fields.items()]
    rows += [(f"deadline {limit}", "、".join(names)) for limit, names in one.deadlines.items()]
    rows += [(f"clock {rule.name}", f"{rule.amount} {rule.unit}") for rule in one.clocks if rule.start != "given"]
    rows += [(f"step {step.event}", step.name) for step in one.steps]
    rows += [(f"reason {event} {code}", label) for event, some in one.reasons.items() for code, label in some.items()]
    print_table((say("字段", "FIELD"), say("对方名称", "THEIR NAMES")), rows)
