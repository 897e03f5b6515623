"""`gateway ingest` and `gateway inbound`: recorded inputs, and the journal of all inputs."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from gateway.cli.failures import FAILURE, Failed, none_of
from gateway.cli.shape import (
    AsJson,
    ConfigFile,
    JsonAnyway,
    Limit,
    group,
    print_json,
    print_table,
    settings_of,
    tell,
    zone_of,
)
from gateway.cli.speaking import SpokenCommand
from gateway.cli.words import say

if TYPE_CHECKING:
    from gateway.config import Settings
    from ticket_core.model import JSON
    from ticket_core.store.journals import Input

inbound = group("全部输入的流水", "The journal of every input")

_MEDIA_TYPES = {
    ".eml": "message/rfc822",
    ".json": "application/json",
    ".xml": "application/xml",
    ".csv": "text/csv",
    ".txt": "text/plain",
    ".form": "application/x-www-form-urlencoded",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_FIRST_BYTES = ((b"{", ".json"), (b"[", ".json"), (b"<", ".xml"), (b"PK", ".xlsx"))
_STANDARD_INPUT = "-"


def ingest(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help=say("渠道名", "Name of the channel"))],
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help=say("原始输入文件；- 为标准输入", "Raw inputs; - is stdin"))
    ],
    config: ConfigFile = None,
    as_json: JsonAnyway = False,
) -> None:
    """Push recorded raw inputs through that channel's real entrance; one JSON object a file, a line each."""
    from gateway.configured import channel_tables

    settings = settings_of(config)
    if channel not in (known := channel_tables(settings)):
        raise none_of("渠道", "channel", channel, sorted(known))
    if not asyncio.run(_ingest(settings, channel, files)):
        raise typer.Exit(FAILURE)


async def _ingest(settings: Settings, channel: str, files: list[str]) -> bool:
    from gateway.cli.carry import carrying_out

    whole = True
    async with carrying_out(settings) as carry_out:
        for name in _with_progress(files):
            try:
                body = await asyncio.to_thread(_read, name)
            except OSError as error:
                whole = False
                tell(say(f"{name}：无法读取：{error.strerror}", f"{name}: cannot be read: {error.strerror}"))
                continue
            arguments: dict[str, JSON] = {
                "channel": channel,
                "file": name,
                "media_type": _media_type(name, body),
                "body": base64.b64encode(body).decode(),
            }
            made = await carry_out("ingest", arguments)
            for one in made if isinstance(made, list) else []:
                print_json(one)
    return whole


def _read(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == _STANDARD_INPUT else Path(name).read_bytes()


def _media_type(name: str, body: bytes) -> str:
    """By the file's ending; of standard input by its first bytes, where a mail begins with a letter."""
    if name != _STANDARD_INPUT:
        return _MEDIA_TYPES.get(Path(name).suffix.lower(), "application/octet-stream")
    start = body.lstrip()
    return _MEDIA_TYPES[next((ending for first, ending in _FIRST_BYTES if start.startswith(first)), ".eml")]


def _with_progress(files: list[str]) -> Iterator[str]:
    """The files, with a bar on a terminal while there are many; silent on a pipe."""
    if len(files) < 20 or not sys.stderr.isatty() or sys.stdout.isatty():
        yield from files
        return
    with typer.progressbar(files, file=sys.stderr) as bar:
        yield from bar


@inbound.command("list", cls=SpokenCommand, help=say("列出输入及其结果", "List inputs with their outcome"))
def list_inputs(
    config: ConfigFile = None,
    channel: Annotated[
        str, typer.Option("--channel", metavar="NAME", help=say("只看此渠道", "Of this channel only"))
    ] = "",
    outcome: Annotated[
        str, typer.Option("--outcome", metavar="TEXT", help=say("只看此结果", "With this outcome only"))
    ] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """The journal, newest first."""
    from gateway.cli.reading import reading
    from ticket_core.model import Outcome
    from ticket_core.store.journals import list_inbound

    if outcome and outcome not in (known := get_args(Outcome)):
        raise none_of("结果", "outcome", outcome, known)
    settings = settings_of(config)
    with reading(settings) as pages:
        rows = pages(limit, lambda connection, cursor, most: list_inbound(
            connection, channel=channel, outcome=outcome, cursor=cursor, limit=most
        ))  # fmt: skip
        if as_json:
            for row in rows:
                print_json(_line(row))
            return
        print_table(
            ("ID", say("到达", "RECEIVED"), say("渠道", "CHANNEL"), say("结果", "OUTCOME"), say("工单", "TICKET"),
             say("字节", "BYTES"), say("备注", "NOTE")),
            [(row.id, row.received_at, row.channel, row.outcome, _number(row), row.size, row.note) for row in rows],
            zone_of(settings),
        )  # fmt: skip


@inbound.command("show", cls=SpokenCommand, help=say("显示一个输入", "Show one input"))
def show_input(
    inbound_id: Annotated[int, typer.Argument(metavar="ID", help=say("inbound list 中的编号", "As in inbound list"))],
    config: ConfigFile = None,
    raw: Annotated[bool, typer.Option("--raw", help=say("只输出原始字节", "Only its raw bytes, as they came"))] = False,
    as_json: AsJson = False,
) -> None:
    """One line of the journal with its raw bytes."""
    from gateway.cli.reading import reading
    from ticket_core.store.journals import load_input

    settings = settings_of(config)
    with reading(settings) as pages:
        found = load_input(pages.connection, inbound_id)
    if found is None:
        raise Failed(say(f"没有输入 {inbound_id}", f"no input {inbound_id}"))
    line, body = found
    if raw:
        sys.stdout.buffer.write(body)
        return
    try:
        shown: dict[str, JSON] = {"raw": body.decode()}
    except UnicodeDecodeError:
        shown = {"raw_base64": base64.b64encode(body).decode()}
    if as_json:
        print_json({**_line(line), **shown})
        return
    for name, value in _line(line).items():
        print(f"{name:<12} {'' if value is None else value}".rstrip())
    print(f"\n{shown.get('raw', say('不是文本；用 --raw 输出', 'not text; --raw prints it'))}")


@inbound.command("replay", cls=SpokenCommand, help=say("重新读取输入，可重复执行", "Read inputs again; idempotent"))
def replay(
    ids: Annotated[list[int], typer.Argument(metavar="ID", help=say("inbound list 中的编号", "As in inbound list"))],
    config: ConfigFile = None,
    as_json: JsonAnyway = False,
) -> None:
    """Read inputs again with what the gateway knows today; what had its effect has no other."""
    asyncio.run(_replay(settings_of(config), ids))


async def _replay(settings: Settings, ids: list[int]) -> None:
    from gateway.cli.carry import carrying_out

    async with carrying_out(settings) as carry_out:
        for inbound_id in ids:
            print_json(await carry_out("replay", {"id": inbound_id}))


def _number(row: Input) -> str | None:
    from ticket_core.number import number_of

    return None if row.ticket_id is None else number_of(row.ticket_id)


def _line(row: Input) -> dict[str, JSON]:
    return {
        "id": row.id,
        "channel": row.channel,
        "external_id": row.external_id,
        "sha256": row.sha256,
        "received_at": row.received_at.isoformat(),
        "outcome": row.outcome,
        "ticket": _number(row),
        "note": row.note,
        "actor": row.actor,
        "media_type": row.raw_type,
        "size": row.size,
    }
