"""`gateway deadline` and `gateway profiles`: what the process profiles say, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.failures import WrongUsage, none_of
from gateway.cli.shape import AsJson, ConfigFile, group, print_document, print_json, print_table, settings_of
from gateway.cli.speaking import SpokenCommand
from gateway.cli.times import read_time
from gateway.cli.words import locale, say

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.config import Settings
    from ticket_core.calendar import Calendar
    from ticket_core.decide.span import Span
    from ticket_core.model import JSON
    from ticket_core.profile import Clock, Profile, Roll
    from ticket_core.source import Source

profiles = group("处理流程", "Process profiles")


def deadline(
    start: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="TIME",
            help=say('起算时间，如 "2026-09-30 17:30"', 'When it starts, such as "2026-09-30 17:30"'),
        ),
    ],
    profile: Annotated[
        str,
        typer.Option(
            "--profile",
            metavar="P",
            help=say("流程；默认取来源的，否则取配置的", "Default: the source's, else the configured one"),
        ),
    ] = "",
    kind: Annotated[str, typer.Option("--kind", metavar="K", help=say("诉求类型", "Kind of ticket"))] = "complaint",
    priority: Annotated[
        str, typer.Option("--priority", metavar="R", help=say("等级；默认取流程的", "Default: the profile's"))
    ] = "",
    grade: Annotated[str, typer.Option("--grade", metavar="G", help=say("级别", "Grade"))] = "request",
    source: Annotated[str, typer.Option("--source", metavar="S", help=say("转办来源", "Forwarding body"))] = "",
    add: Annotated[
        str,
        typer.Option(
            "--add",
            metavar="SPAN",
            help=say('单独一条，如 "4 working_days"', 'One rule by itself, such as "4 working_days"'),
        ),
    ] = "",
    clock: Annotated[
        str,
        typer.Option(
            "--clock", metavar="C", help=say("用于 --add：wall, working_hours", "With --add: wall, working_hours")
        ),
    ] = "wall",
    roll: Annotated[
        str,
        typer.Option(
            "--roll",
            metavar="D",
            help=say("用于 --add：none, holiday, non_working", "With --add: none, holiday, non_working"),
        ),
    ] = "none",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """All timers of a ticket received then, or with --add one rule by itself; each with its proof."""
    from gateway.configured import read_calendar
    from ticket_core.source import with_clocks

    settings = settings_of(config)
    forwarding = _source(settings, source)
    named = profile or (forwarding.profile if forwarding else "") or settings.profile
    chosen = with_clocks(_profile(settings, named), {forwarding.name: forwarding} if forwarding else {})
    if forwarding is None:
        _known_source(settings, chosen, source)
    at = read_time(start, chosen.tz)
    calendar = read_calendar(settings)
    if add:
        rows = [_alone(at, add, clock, roll, chosen, calendar)]
    else:
        _known(chosen, kind=kind, priority=priority, grade=grade)
        rows = list(
            _timers(
                at,
                chosen,
                calendar,
                kind=kind,
                priority=priority or chosen.default_priority,
                grade=grade,
                source=source,
            )
        )
    if as_json:
        print_json([dict(row) for row in rows])
        return
    if not rows:
        print(say("此类工单没有时限", "such a ticket has no deadlines"))
    for row in rows:
        label = "" if add else f"{chosen.label_of('deadline', str(row['name']), locale())}  "
        print(f"{label}{_length(row)}  →  {row['due_at']}")
        for line in row["proof"] if isinstance(row["proof"], list) else []:
            print(f"    {line}")


_UNITS = {
    "minutes": ("分钟", "minutes"),
    "hours": ("小时", "hours"),
    "days": ("天", "days"),
    "working_days": ("个工作日", "working days"),
    "months": ("个月", "months"),
}


def _length(row: Mapping[str, JSON]) -> str:
    """How long a deadline is, as people say it."""
    if row["unit"] == "same_day":
        return say("当日", "the same day")
    unit = say(*_UNITS[str(row["unit"])])
    open_hours = say("（工作时间）", " (working hours)") if row["clock"] == "working_hours" else ""
    return f"{row['amount']} {unit}{open_hours}"


def _timers(
    at: datetime, profile: Profile, calendar: Calendar, *, kind: str, priority: str, grade: str, source: str
) -> Iterator[dict[str, JSON]]:
    """The timers that receipt starts; of several rules of one name the earliest counts."""
    from ticket_core.decide.span import Span
    from ticket_core.decide.timers import rules_for

    rules = rules_for(
        profile, "received", at, kind=kind, grade=grade, priority=priority, source=source, stage="received"
    )
    found: dict[str, dict[str, JSON]] = {}
    for rule in rules:
        row = _row(rule.name, at, Span(rule.amount, rule.unit), rule.clock, rule.roll, profile, calendar)
        if rule.name not in found or str(row["due_at"]) < str(found[rule.name]["due_at"]):
            found[rule.name] = row
    yield from found.values()


def _alone(at: datetime, add: str, clock: str, roll: str, profile: Profile, calendar: Calendar) -> dict[str, JSON]:
    from ticket_core.decide.span import parse_span

    try:
        span = parse_span(add)
        return _row(add, at, span, _one_of("clock", clock), _one_of("roll", roll), profile, calendar)  # type: ignore[arg-type]
    except ValueError as error:
        raise WrongUsage(str(error)) from error


def _one_of(what: str, value: str) -> str:
    known = {"clock": ("wall", "working_hours"), "roll": ("none", "holiday", "non_working")}[what]
    if value not in known:
        raise none_of(f" {what} ", what, value, known)
    return value


def _row(
    name: str, at: datetime, span: Span, clock: Clock, roll: Roll, profile: Profile, calendar: Calendar
) -> dict[str, JSON]:
    from ticket_core.decide.deadline import due, proof
    from ticket_core.decide.timers import working_hours

    hours = working_hours(profile.working_hours) if clock == "working_hours" else None
    when = due(at, span, calendar=calendar, zone=profile.tz, clock=clock, roll=roll, hours=hours)
    lines = proof(at, span, calendar=calendar, zone=profile.tz, clock=clock, roll=roll, hours=hours, locale=locale())
    return {
        "name": name,
        "amount": span.amount,
        "unit": span.unit,
        "clock": clock,
        "due_at": when.due_at.astimezone(profile.tz).isoformat(),
        "provisional": when.provisional,
        "proof": list(lines),
    }


def _profile(settings: Settings, name: str) -> Profile:
    from ticket_core.profile import load_profile, profile_names

    folders = [settings.profiles_folder] if settings.profiles_folder else []
    known = profile_names(*folders)
    if name not in known:
        raise none_of("流程", "profile", name, known)
    return load_profile(name, *folders)


def _source(settings: Settings, name: str) -> Source | None:
    """A forwarding body; None for one without a file, which has no clocks of its own."""
    from gateway.configured import source_folders
    from ticket_core.source import load_source, source_names

    folders = source_folders(settings)
    return load_source(name, *folders) if name and name in source_names(*folders) else None


def _known_source(settings: Settings, profile: Profile, name: str) -> None:
    """Refuse a forwarding body without a file that the process does not name: its deadlines would be anybody's."""
    from gateway.configured import source_folders
    from ticket_core.source import source_names

    named = {one for rule in profile.deadlines for one in rule.when.source}
    if name and name not in named:
        raise none_of("转办来源", "source", name, sorted({*named, *source_names(*source_folders(settings))}))


def _known(profile: Profile, *, kind: str, priority: str, grade: str) -> None:
    from ticket_core.model import GRADES

    tables = {
        "kind": (kind, profile.kinds),
        "priority": (priority, tuple(row.name for row in profile.priorities)),
        "grade": (grade, GRADES),
    }
    for what, (value, known) in tables.items():
        if value and value not in known:
            raise none_of(f" {what} ", what, value, known)


@profiles.command("list", cls=SpokenCommand, help=say("列出自带与本地的流程", "List shipped and local profiles"))
def list_profiles(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Names, labels and versions."""
    from ticket_core.profile import profile_names

    settings = settings_of(config)
    folders = [settings.profiles_folder] if settings.profiles_folder else []
    found = [_profile(settings, name) for name in profile_names(*folders)]
    if as_json:
        for one in found:
            print_json({"name": one.name, "label": dict(one.label), "version": one.version, "zone": one.zone})
        return
    heading = (say("名称", "NAME"), say("说明", "LABEL"), say("版本", "VERSION"))
    print_table(heading, [(one.name, one.label.get(locale()) or one.label["zh-CN"], one.version) for one in found])


@profiles.command("show", cls=SpokenCommand, help=say("显示一个流程", "Show one profile"))
def show_profile(
    name: Annotated[str, typer.Argument(metavar="NAME", help=say("流程名", "Name of the profile"))],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """A whole profile: with --json as data, else its statuses, actions, deadlines and notices."""
    from pydantic import TypeAdapter

    from ticket_core.profile import Profile

    one = _profile(settings_of(config), name)
    if as_json:
        print_document(TypeAdapter(Profile).dump_python(one, mode="json"))
        return
    tongue = locale()
    print(f"{one.name}  {one.label.get(tongue) or one.label['zh-CN']}  {one.version}  {one.zone}\n")
    label = say("说明", "LABEL")
    print_table(
        (say("状态", "STATUS"), label, say("阶段", "STAGE")),
        [(row.name, one.label_of("status", row.name, tongue), row.stage) for row in one.statuses],
    )
    print()
    print_table(
        (say("操作", "ACTION"), label, say("从", "FROM"), say("到", "TO"), say("角色", "BY")),
        [
            (
                row.name,
                one.label_of("action", row.name, tongue),
                " ".join(row.source) or "*",
                row.target or "=",
                " ".join(row.by),
            )
            for row in one.actions
        ],
    )
    print()
    print_table(
        (say("时限", "DEADLINE"), label, say("多久", "LENGTH"), say("起", "STARTS"), say("止", "ENDS"),
         say("条件", "WHEN")),
        [
            (row.name, one.label_of("deadline", row.name, tongue), f"{row.amount} {row.unit}", row.start,
             " ".join(row.stop), " ".join((*row.when.kind, *row.when.grade, *row.when.priority, *row.when.source)))
            for row in one.deadlines
        ],
    )  # fmt: skip
    print()
    print_table(
        (say("事件", "EVENT"), say("通知谁", "TO"), say("通知", "NOTICE"), say("媒介", "BY")),
        [(row.event, row.to, row.notice, " ".join(row.via)) for row in one.notify],
    )
