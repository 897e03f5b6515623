"""`gateway export`: tickets, reply sheets and documents as files."""

from __future__ import annotations

import asyncio
import base64
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Literal

import typer

from gateway.cli import filters
from gateway.cli.failures import Failed, none_of
from gateway.cli.imports import known_source
from gateway.cli.shape import AsJson, ConfigFile, group, print_json, print_table, settings_of, tell, zone_of
from gateway.cli.speaking import SpokenCommand
from gateway.cli.times import read_time
from gateway.cli.words import locale, say

if TYPE_CHECKING:
    from gateway.config import Settings
    from ticket_core.model import JSON
    from ticket_core.store.queries import TicketFilter
    from ticket_core.store.reporting import Unreported

export = group("导出", "Exports")

Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        show_default=False,
        help=say("写到哪里：.csv 或 .xlsx；- 为标准输出", "Where to: .csv or .xlsx; - is standard output"),
    ),
]
_FORMS = ("csv", "xlsx")


@export.command("replies", cls=SpokenCommand, help=say("向转办方反馈的表格", "Reply sheets for forwarding bodies"))
def replies(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help=say("转办来源；不写则列出待反馈步骤", "Left out: list what waits"))
    ] = "",
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help=say("只报此后的步骤", "Only steps from then on"))
    ] = "",
    again: Annotated[
        int, typer.Option("--again", metavar="ID", help=say("再次取出过去的表", "A sheet of the past once more"))
    ] = 0,
    resend: Annotated[
        bool, typer.Option("--resend", help=say("对方未接收的再次回传", "Tell its interface again what it refused"))
    ] = False,
    out: Out = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """A file of all that the body has not heard of, which marks it as reported; without SOURCE what waits."""
    settings = settings_of(config)
    if again:
        _again(settings, again, out)
    elif source and resend:
        count = asyncio.run(_carried_out(settings, "tell-again", {"source": source}))
        tell(say(f"{source}：再次回传 {count} 个步骤", f"{source}: told {count} steps again"))
    elif source:
        _make(settings, source, since, out, as_json=as_json)
    else:
        _list_waiting(settings, as_json=as_json)


def _again(settings: Settings, sheet_id: int, out: Path | None) -> None:
    from gateway.cli.reading import reading
    from gateway.replies import sheet_again

    with reading(settings) as reader:
        found = sheet_again(reader.connection, sheet_id)
    if found is None:
        raise Failed(say(f"没有反馈表 {sheet_id}", f"no reply sheet {sheet_id}"))
    _write(found[1], out or Path(found[0].name))


def _make(settings: Settings, source: str, since: str, out: Path | None, *, as_json: bool) -> None:
    known_source(settings, source)
    arguments: dict[str, JSON] = {"source": source, "form": _form_of(out)}
    if since:
        arguments["since"] = read_time(since, zone_of(settings)).isoformat()
    made = asyncio.run(_carried_out(settings, "export-replies", arguments))
    assert isinstance(made, dict)
    content = base64.b64decode(str(made.pop("body")))
    path = out or Path(str(made["name"]))
    try:
        _write(content, path)
    except OSError as error:
        again = f"gateway export replies --again {made['id']}"
        raise Failed(
            say(
                f"{path}：无法写入：{error.strerror}；可用 {again} 再取", f"{path}: {error.strerror}; get it by {again}"
            )
        ) from error
    if as_json:
        print_json({**made, "file": str(path)})
        return
    tell(
        say(
            f"{path}：{made['cases']} 件，{made['steps']} 个步骤，反馈表 {made['id']}；还有 {made['left']} 个待反馈",
            f"{path}: {made['steps']} steps of {made['cases']} cases, sheet {made['id']}; {made['left']} still wait",
        )
    )


async def _carried_out(settings: Settings, work: str, arguments: dict[str, JSON]) -> JSON:
    from gateway.cli.carry import carrying_out

    async with carrying_out(settings) as carry_out:
        return await carry_out(work, arguments)


def _list_waiting(settings: Settings, *, as_json: bool) -> None:
    from gateway.cli.reading import reading
    from gateway.configured import read_policy
    from ticket_core.number import number_of
    from ticket_core.store.reporting import unreported

    with reading(settings) as reader:
        found = unreported(reader.connection, read_policy(settings))
    if as_json:
        for one in found:
            print_json(_as_json(one))
        return
    print_table(
        (say("来源", "SOURCE"), say("对方编号", "THEIR NUMBER"), say("工单", "TICKET"), say("步骤", "STEP"),
         say("发生", "HAPPENED"), say("应反馈", "REPORT BY"), say("对方未接收", "NOT TAKEN")),
        [
            (one.step.source, one.step.case_number, number_of(one.ticket.id), one.name, one.step.event.at, one.due_at,
             one.step.cause[:40])
            for one in found
        ],
        zone_of(settings),
    )  # fmt: skip


def _as_json(one: Unreported) -> JSON:
    from ticket_core.number import number_of

    return {
        "source": one.step.source,
        "case_number": one.step.case_number,
        "number": number_of(one.ticket.id),
        "step": one.name,
        "event": one.step.event.kind,
        "at": one.step.event.at.isoformat(),
        "due_at": one.due_at.isoformat() if one.due_at else None,
        "refused": one.step.cause,
    }


@export.command("document", cls=SpokenCommand, help=say("一个步骤的公文", "A step of a ticket as a document"))
def document(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help=say("工单编号", "The ticket's number"))],
    step: Annotated[
        str, typer.Argument(metavar="STEP", help=say("步骤，如 refused 或对方的名称", "Such as refused, or their word"))
    ],
    form: Annotated[str, typer.Option("--form", metavar="F", help=say("docx 或 pdf", "docx or pdf"))] = "",
    language: Annotated[
        str,
        typer.Option("--locale", metavar="L", help=say("zh-CN 或 en；不写则同工单", "zh-CN or en; else the ticket's")),
    ] = "",
    report: Annotated[
        bool, typer.Option("--report", help=say("记为已用公文反馈", "Mark the step as reported by it"))
    ] = False,
    sample: Annotated[
        bool, typer.Option("--sample", help=say("用样例值，NUMBER 任意", "With sample values, whatever NUMBER is"))
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", show_default=False, help=say("写到哪里：.docx 或 .pdf", "Where to")),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """The document of the last event of this kind, from the templates in templates/documents."""
    from gateway.cli.reading import reading, ticket_in
    from gateway.compose import letterhead_of
    from gateway.configured import read_policy
    from gateway.documents import FORMS, Documents, Writer, sample_values
    from gateway.keys import Keys
    from gateway.render import Renderer

    settings = settings_of(config)
    form = form or (out.suffix.lower().removeprefix(".") if out else "docx")
    if form not in FORMS:
        raise none_of("公文格式", "form of a document", form, FORMS)
    documents = Documents(settings.templates_folder, settings.documents.font)
    if sample:
        language = documents.locale_for(language or "zh-CN", step, form)
        content = documents.write(step, form, sample_values(documents, step, language), locale=language)
        _hand_over(f"sample-{step}.{form}", content, out)
        return
    ticket_id = ticket_in(number)
    with reading(settings) as reader:
        file = reader.file(ticket_id)
    keys = Keys(settings.signing_secret())
    letterhead = letterhead_of(settings, Renderer(settings.templates_folder), keys)
    writer = Writer(documents, read_policy(settings), letterhead)
    event = writer.event_of(file, step)
    _hand_over(*writer.write(file, event, form, datetime.now(UTC), locale=language), out)
    if report:
        asyncio.run(_carried_out(settings, "mark-reported", {"ticket": ticket_id, "event": event}))


def _hand_over(name: str, content: bytes, out: Path | None) -> None:
    path = out or Path(name)
    _write(content, path)
    tell(str(path))


@export.command("tickets", cls=SpokenCommand, help=say("工单表格，个人信息遮盖", "Tickets, personal data masked"))
def tickets(
    out: Out = None,
    config: ConfigFile = None,
    status: filters.Status = None,
    stage: filters.Stage = None,
    kind: filters.Kind = None,
    grade: filters.Grade = None,
    priority: filters.Priority = None,
    in_group: filters.InGroup = None,
    assignee: filters.Assignee = None,
    channel: filters.ByChannel = None,
    source: filters.OfSource = None,
    is_open: filters.Open = False,
    triage: filters.Triage = False,
    overdue: filters.Overdue = False,
    query: filters.Query = "",
    received_from: Annotated[
        str, typer.Option("--from", metavar="TIME", help=say("受理时间自", "Received from then on"))
    ] = "",
    received_to: Annotated[str, typer.Option("--to", metavar="TIME", help=say("受理时间至", "Received before"))] = "",
) -> None:
    """The tickets that the filters leave, newest first: CSV to standard output, or to a .csv or .xlsx file."""
    settings = settings_of(config)
    zone = zone_of(settings)
    times = [read_time(one, zone) if one else None for one in (received_from, received_to)]
    wanted = filters.filter_of(
        q=query,
        is_open=is_open,
        triage=triage,
        overdue=overdue,
        received=(times[0], times[1]),
        status=status,
        stage=stage,
        kind=kind,
        grade=grade,
        priority=priority,
        group=in_group,
        assignee=assignee,
        channel=channel,
        source=source,
    )
    form = _form_of(out) or "csv"
    if out is None or str(out) == "-":
        _write_tickets(settings, wanted, sys.stdout.buffer, form)
        return
    with out.open("wb") as file:
        count = _write_tickets(settings, wanted, file, form)
    tell(say(f"{out}：{count} 张工单", f"{out}: {count} tickets"))


def _write_tickets(settings: Settings, wanted: TicketFilter, out: IO[bytes], form: str) -> int:
    """Page after page, with little memory; returns how many."""
    from gateway.cli.reading import reading
    from gateway.configured import read_policy
    from gateway.sheets import table_in
    from gateway.web.pages.language import Words
    from gateway.web.ticket_table import head, rows
    from ticket_core.store.queries import list_tickets

    policy, words, now = read_policy(settings), Words(_language()), datetime.now(UTC)
    count = 0
    with reading(settings) as reader:
        table = table_in(out, form, words("console.tickets"))
        table.add([head(words)])
        for page in reader.pages(
            lambda connection, cursor, most: list_tickets(connection, wanted, now, cursor=cursor, limit=most)
        ):
            count += len(page)
            table.add(rows(page, policy, words, now))
        table.close()
    return count


def _language() -> Literal["zh-CN", "en"]:
    return "zh-CN" if locale() == "zh-CN" else "en"


def _form_of(out: Path | None) -> str:
    """The form that a file's name says; empty where it says none.

    Raises:
        WrongUsage: for another ending.
    """
    if out is None or str(out) == "-":
        return ""
    form = out.suffix.lower().removeprefix(".")
    if form not in _FORMS:
        raise none_of("文件类型", "kind of file", out.suffix or out.name, [f".{one}" for one in _FORMS])
    return form


def _write(content: bytes, out: Path) -> None:
    if str(out) == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    else:
        out.write_bytes(content)
