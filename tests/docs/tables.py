"""The tables of the documentation, made from the code; ``python -m tests.docs.tables`` writes them into the pages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from typing import get_args

from gateway.channels.base import Channel, Chat, Fetching, Listening, Polling, Transport, Webhook
from gateway.registry import GROUP, load_kind
from gateway.render import FORMS, Renderer
from gateway.render.renderer import OF_A_PART, OF_AN_IMPORT, SPOKEN
from gateway.web.api import API_VERSION, ROUTES
from gateway.web.meters import Meters
from gateway.web.openapi import openapi
from tests.channels.proven import OWN_PROOF, channel_rules, has_a_door, said_by, transport_rules
from tests.docs.pages import ROOT, TABLED, Table, with_tables
from tests.docs.settings import own_settings, settings_of_kind
from ticket_core.model import NoticeState, Outcome
from ticket_core.profile import Profile, load_profile, profile_names
from ticket_core.source import load_source, source_names

_OURS = "complaint-gateway"
_WITH_SETTINGS = (
    *("dingtalk", "dingtalk-robot", "email", "feishu", "smtp", "sms", "sms-reports", "telegram", "transfer", "webhook"),
    *("files", "open311", "open311-city", "webchat", "wechat", "wechat-pay", "wecom-app", "wecom-bot", "wecom-kf"),
)
_ROOM = "a room of the house 内部群"
_WHO = {(): "anybody", ("chatSession",): "visitor", ("key", "keyInQuery"): "complainant", ("token", "session"): "staff"}
# A family of commands speaks the language it was imported in, so each language has a process of its own.
_TELL_COMMANDS = """
import json, typer
from gateway.cli.program import program

def walk(command, path):
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from walk(inner, [*path, name])
    else:
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        named = [(one.metavar or one.name.upper()) + ("..." if one.nargs == -1 else "") for one in arguments]
        yield [" ".join([*path, *named]), command.help.partition("\\n")[0]]

print(json.dumps(list(walk(typer.main.get_command(program), []))))
"""


def all_tables() -> Mapping[str, Table]:
    """Every table by name."""
    made = (
        Table(name="commands", head=("`gateway …`", "中文", "does"), rows=list(_commands())),
        Table(
            name="channels",
            head=(
                "kind",
                "way in 入",
                "way out 出",
                "forms",
                "files fetched 附件后取",
                "largest input",
                "two-way 双向",
                "proof of origin 来源验证",
            ),
            rows=list(_adapters()),
            written=2,
        ),
        Table(
            name="abilities",
            head=(
                "kind",
                "words 文字",
                "files 附件",
                "values 字段",
                "talk 会话",
                "edits 修改",
                "taken back 撤回",
                "reports 回执",
                "answers 答复",
                "buttons 按钮",
                "what is signed, how long it is good 验签与时效",
            ),
            rows=list(_abilities()),
        ),
        Table(
            name="notices",
            head=("notice", "to 告知谁", "on event 事件", "by", "forms", "中文"),
            rows=list(_notices()),
            written=1,
        ),
        Table(name="routes", head=("route", "who", "does"), rows=list(_routes())),
        Table(
            name="outcomes",
            head=("outcome", "中文", "means"),
            rows=list(_worded("outcome", get_args(Outcome))),
            written=1,
        ),
        Table(
            name="states",
            head=("state", "中文", "means"),
            rows=list(_worded("state", get_args(NoticeState))),
            written=1,
        ),
        Table(
            name="sources",
            head=("source 来源", "中文", "in English", "facts from 依据", "steps back 回传"),
            rows=list(_sources()),
        ),
        Table(name="profiles", head=("profile", "中文", "in English"), rows=list(_profiles())),
        Table(name="metrics", head=("metric", "type", "means"), rows=list(_metrics())),
        Table(name="settings", head=("setting", "default", "meaning"), rows=list(own_settings()), written=1),
        *(
            Table(
                name=f"settings-{kind}",
                head=("setting", "default", "meaning"),
                rows=list(settings_of_kind(kind)),
                written=1,
            )
            for kind in _WITH_SETTINGS
        ),
        Table(
            name="settings-transfer-pull",
            head=("setting", "default", "meaning"),
            rows=[row for row in settings_of_kind("transfer-pull") if row[0].startswith("`pull.")],
            written=1,
        ),
    )
    return {table.name: table for table in made}


def _commands() -> Iterator[tuple[str, str, str]]:
    children = [
        subprocess.Popen(
            [sys.executable, "-c", _TELL_COMMANDS], env={**os.environ, "LC_ALL": locale}, stdout=subprocess.PIPE
        )
        for locale in ("zh_CN.UTF-8", "C.UTF-8")
    ]
    zh, en = (json.loads(child.communicate()[0]) for child in children)
    for (usage, chinese), (_, english) in zip(zh, en, strict=True):
        yield f"`{usage}`", chinese, english


def own_kinds() -> tuple[str, ...]:
    """The kinds that come with the gateway; a machine may have others installed."""
    points = entry_points(group=GROUP)
    return tuple(sorted({point.name for point in points if point.dist and point.dist.name == _OURS}))


def _adapters() -> Iterator[tuple[str, ...]]:
    for kind in own_kinds():
        adapter = load_kind(kind)
        way_in, way_out, forms, files, largest = "–", "–", "–", "–", "–"
        if issubclass(adapter, Transport):
            way_out = "where it came from 原路" if issubclass(adapter, Chat) else getattr(adapter, "medium", _ROOM)
            forms = " ".join(adapter.forms)
        if issubclass(adapter, Channel):
            way_in, largest = _way_in(adapter), f"{adapter.limit >> 20} MiB"
            files = "yes 是" if issubclass(adapter, Fetching) else "–"
        yield f"`{kind}`", way_in, way_out, forms, files, largest


def _abilities() -> Iterator[tuple[str, ...]]:
    """What the captured payloads of a kind, which the conformance kit reads, show that it understands."""
    for kind in own_kinds():
        said = list(said_by(kind))
        talks = [one["talk"] for one in said if "talk" in one]
        ways_out = transport_rules().get(kind, ())
        shown = (
            any(one.get("text") or one.get("fields", {}).get("text") for one in said),
            any(one.get("attachments") for one in said),
            any(one.get("fields") for one in said),
            bool(talks),
            any(one.get("revises") and not one.get("deleted") for one in talks),
            any(one.get("deleted") for one in talks),
            any(one["outcome"] == "receipt" or one.get("bounced") for one in said),
        )
        proven = kind in OWN_PROOF or any(one.sends for one in ways_out)
        answers = "✓" if proven else "our pages 本站" if ways_out else "–"
        buttons = "choices" in getattr(load_kind(kind), "forms", ())
        yield (
            f"`{kind}`",
            *("✓" if one else "–" for one in shown),
            answers,
            "✓" if buttons else "–",
            _signed(kind),
        )


def _signed(kind: str) -> str:
    """What a forged input of this kind was refused for."""
    if not issubclass(load_kind(kind), Webhook):
        return "–"
    ways = []
    for rules in channel_rules()[kind]:
        if not has_a_door(rules):
            continue
        what = {"body": "all of it 全文", "sender": "who sends 发送方"}[rules.covers]
        ways.append(f"{what}, {_span(rules.fresh_for)}" if rules.fresh_for else what)
    return "; ".join(dict.fromkeys(ways))


def _span(span: timedelta) -> str:
    units = (("days", timedelta(days=1)), ("hours", timedelta(hours=1)), ("minutes", timedelta(minutes=1)))
    name, unit = next(((name, unit) for name, unit in units if span >= 2 * unit), ("seconds", timedelta(seconds=1)))
    return f"{span // unit} {name}"


def _way_in(adapter: type[Channel]) -> str:
    doors = []
    if issubclass(adapter, Webhook):
        doors.append(f"{'GET, ' if adapter.by_get else ''}POST `/channels/NAME`")
    if issubclass(adapter, Polling):
        doors.append("asks again and again 轮询")
    if issubclass(adapter, Listening):
        doors.append("keeps a connection 长连接")
    return ", ".join(doors) or "pages and JSON API 网页与接口"


def _profile_list() -> list[Profile]:
    return [load_profile(name) for name in profile_names()]


def _notices() -> Iterator[tuple[str, ...]]:
    rules = [rule for profile in _profile_list() for rule in profile.notify]
    folder = ROOT / "templates" / "notices" / "zh-CN"
    for notice in Renderer(ROOT / "templates").notices():
        if notice.startswith((SPOKEN, OF_A_PART, OF_AN_IMPORT)):
            continue  # what a conversation answers, an alarm and a report say stands beside the table
        mine = [rule for rule in rules if rule.notice == notice]
        forms = [form for form in (*FORMS, "choices") if any((folder / notice).glob(f"{form}.*.j2"))]
        yield (
            f"`{notice}`",
            _listed(rule.to for rule in mine),
            _listed(rule.event for rule in mine),
            _listed(medium for rule in mine for medium in rule.via),
            " ".join(forms),
        )


def _listed(names: Iterator[str]) -> str:
    return ", ".join(dict.fromkeys(names)) or "–"


def _routes() -> Iterator[tuple[str, str, str]]:
    document = openapi(ROUTES, version=API_VERSION)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            who = _WHO[tuple(name for choice in operation["security"] for name in choice)]
            yield f"`{method.upper()} {path}`", who, operation["summary"]


def _worded(section: str, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    words = tomllib.loads((ROOT / "gateway/web/pages/words/zh-CN.toml").read_text(encoding="utf-8"))[section]
    for name in names:
        yield f"`{name}`", words[name]


def _profiles() -> Iterator[tuple[str, str, str]]:
    for profile in _profile_list():
        yield f"`{profile.name}`", profile.label["zh-CN"], profile.label["en"]


def _sources() -> Iterator[tuple[str, ...]]:
    for name in source_names():
        one = load_source(name)
        steps = "、".join(dict.fromkeys(step.name for step in one.steps))
        yield f"`{one.name}`", one.label["zh-CN"], one.label["en"], one.verified, steps


def _metrics() -> Iterator[tuple[str, str, str]]:
    shown = Meters().show(waiting_notices={}, waiting_scripts=0, parts={}).decode()
    meanings: dict[str, str] = {}
    for line in shown.splitlines():
        match line.split(" ", 3):
            case ["#", "HELP", name, meaning]:
                meanings[name] = meaning
            case ["#", "TYPE", name, kind]:
                yield f"`{name}`", kind, meanings[name]


def write(*pages: Path) -> None:
    """Bring the tables of these pages up to the code."""
    tables = all_tables()
    for page in pages:
        page.write_text(with_tables(page.read_text(encoding="utf-8"), tables), encoding="utf-8")


if __name__ == "__main__":
    write(*TABLED)
