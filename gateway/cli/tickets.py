"""`gateway tickets` and `gateway schema`: the cases we answer for, read beside the running gateway."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli import filters
from gateway.cli.shape import (
    AsJson,
    ConfigFile,
    JsonAnyway,
    Limit,
    group,
    print_document,
    print_json,
    print_table,
    settings_of,
    shown,
    zone_of,
)
from gateway.cli.speaking import SpokenCommand
from gateway.cli.words import locale, say

if TYPE_CHECKING:
    from ticket_core.model import JSON, Timer
    from ticket_core.policy import Policy
    from ticket_core.store.journals import SentNotice
    from ticket_core.store.queries import TicketFile

tickets = group("工单", "Tickets")
schema = group("数据格式", "Data formats")


@tickets.command("list", cls=SpokenCommand, help=say("列出工单", "List tickets"))
def list_all(
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
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Tickets, newest first. A filter given several times matches any of its values."""
    from gateway.cli.reading import reading
    from gateway.configured import read_policy
    from ticket_core.number import number_of
    from ticket_core.store.queries import list_tickets
    from ticket_core.ticket_schema import ticket_json

    settings = settings_of(config)
    policy = read_policy(settings)
    wanted = filters.filter_of(
        q=query,
        is_open=is_open,
        triage=triage,
        overdue=overdue,
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
    now = datetime.now(UTC)
    with reading(settings) as reader:
        rows = reader(
            limit, lambda connection, cursor, most: list_tickets(connection, wanted, now, cursor=cursor, limit=most)
        )
    if as_json:
        for row in rows:
            print_json(ticket_json(row.ticket, policy=policy, locale=locale()))
        return
    print_table(
        (say("编号", "NUMBER"), say("到达", "RECEIVED"), say("类型", "KIND"), say("级别", "GRADE"),
         say("等级", "PRIORITY"), say("状态", "STATUS"), say("部门", "GROUP"), say("下一时限", "NEXT DUE"),
         say("标题", "SUBJECT")),
        [
            (number_of(one.id), one.received_at, one.kind, one.grade, one.priority, one.status, one.group,
             row.next_due_at, one.subject[:40])
            for row in rows
            for one in (row.ticket,)
        ],
        zone_of(settings),
    )  # fmt: skip


@tickets.command("show", cls=SpokenCommand, help=say("显示一张工单", "Show one ticket"))
def show(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help=say("工单编号", "Its number"))],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """One ticket with its complaints, events, deadlines and notices."""
    from gateway.cli.reading import reading, ticket_in
    from gateway.configured import read_policy
    from ticket_core.store.journals import list_notices
    from ticket_core.ticket_schema import ticket_json

    settings = settings_of(config)
    policy = read_policy(settings)
    ticket_id = ticket_in(number)
    with reading(settings) as reader:
        file = reader.file(ticket_id)
        notices = reader(
            10_000,
            lambda connection, cursor, most: list_notices(
                connection, ticket_id=file.ticket.id, cursor=cursor, limit=most
            ),
        )
    if as_json:
        document = ticket_json(file.ticket, file.complaints, file.timers, file.events, policy=policy, locale=locale())
        print_document({**document, "notices": [_notice(one) for one in reversed(notices)]})
        return
    _print_file(file, notices, policy)


def _notice(one: SentNotice) -> dict[str, JSON]:
    return {
        "id": one.id,
        "notice": one.notice,
        "role": one.role,
        "medium": one.medium,
        "address": one.address,
        "state": one.state,
        "cause": one.cause,
        "created_at": one.created_at.isoformat(),
        "send_at": one.send_at.isoformat(),
        "attempts": one.attempts,
        "deliveries": [
            {"at": row.at.isoformat(), "status": row.status, "detail": row.detail} for row in one.deliveries
        ],
    }


def _print_file(file: TicketFile, notices: list[SentNotice], policy: Policy) -> None:
    from ticket_core.number import number_of

    one, profile, tongue = file.ticket, policy.profiles[file.ticket.profile], locale()
    zone = profile.tz
    status = profile.label_of("status", one.status, tongue)
    priority = profile.label_of("priority", one.priority, tongue)
    print(f"{number_of(one.id)}  {one.kind} · {one.grade} · {priority} · {status}  {one.subject}")
    place = profile.label_of("group", one.group, tongue) if one.group else "-"
    print(
        f"{say('渠道', 'channel')} {one.channel}  {say('部门', 'group')} {place}  "
        f"{say('经办', 'assignee')} {one.assignee or '-'}"
    )
    if one.triage:
        print(f"{say('待人工判读', 'a person must read it')}: {one.triage}")
    for link in one.links:
        print(f"{link.relation} {number_of(link.ticket_id)}")
    for said in file.complaints:
        print(f"\n── {said.kind} {said.seq}  {said.channel}  {shown(said.lodged_at, zone)}\n{said.text}")
    print()
    print_table(
        (say("时限", "DEADLINE"), say("到期", "DUE"), say("状态", "STATE")),
        [(profile.label_of("deadline", row.name, tongue), row.due_at, _state(row, zone)) for row in file.timers],
        zone,
    )
    print()
    print_table(
        ("#", say("时间", "AT"), say("事件", "EVENT"), say("谁", "ACTOR")),
        [(row.seq, row.at, row.kind, row.actor) for row in file.events],
        zone,
    )
    print()
    print_table(
        (say("通知", "NOTICE"), say("给", "TO"), say("媒介", "BY"), say("状态", "STATE"), say("原因", "CAUSE")),
        [(row.notice, row.role, row.medium, row.state, row.cause) for row in reversed(notices)],
    )


def _state(timer: Timer, zone: tzinfo) -> str:
    if timer.met_at:
        return say(f"{shown(timer.met_at, zone)} 完成", f"met {shown(timer.met_at, zone)}")
    if timer.cancelled_at:
        return say("取消", "cancelled")
    return say("超期", "overdue") if timer.overdue_at else say("进行中", "running")


@schema.command("ticket", cls=SpokenCommand, help=say("工单的 JSON Schema", "The JSON Schema of the ticket"))
def show_schema(config: ConfigFile = None, as_json: JsonAnyway = False) -> None:
    """The one ticket schema; it depends on no configuration."""
    from ticket_core.ticket_schema import ticket_schema

    print_document(ticket_schema())
