"""`gateway check`: everything that is wrong with the configuration, in one listing."""

from __future__ import annotations

import asyncio
import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.failures import USAGE
from gateway.cli.shape import AsJson, ConfigFile, print_json, settings_of, tell
from gateway.cli.words import say, spoken_here
from gateway.errors import ConfigError

if TYPE_CHECKING:
    from gateway.channels.base import Channel, Transport
    from gateway.config import Settings
    from ticket_core.policy import Policy

_NAMES_ITS_FILE = re.compile(r"[\w./-]+\.(?:toml|json|j2|txt)\b|templates/|GATEWAY_")


def check(
    online: Annotated[
        bool, typer.Option("--online", help=say("也连接数据库、邮件和短信服务", "Also connect to database, mail, SMS"))
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Validate configuration, profiles, sources, templates, directory and, with --online, what must be reached."""
    from gateway.config import default_file

    file = (config or default_file()).name
    summary = ""
    warnings: list[str] = []
    try:
        settings = settings_of(config)
        found, warnings, summary = _look(settings, online)
    except ConfigError as error:
        found = error.problems
    problems = [_with_file(problem, file) for problem in found]
    warnings = [_with_file(warning, file) for warning in warnings]
    if as_json:
        print_json({"problems": list(problems), "warnings": list(warnings)})
        raise typer.Exit(USAGE if problems else 0)
    for warning in warnings:
        tell(say(f"警告：{spoken_here(warning)}", f"warning: {warning}"))
    if problems:
        raise ConfigError(problems)
    print(summary)


def _look(settings: Settings, online: bool) -> tuple[list[str], list[str], str]:
    """Problems, warnings and a summary of what is configured."""
    from gateway.cli import findings
    from gateway.cli.online import unreachable
    from gateway.configured import gathered, make_channels, make_transports, read_policy
    from gateway.render import Renderer

    problems: list[str] = []
    policy: Policy | None = None
    channels: dict[str, Channel] = {}
    transports: dict[str, Transport] = {}
    with gathered(problems):
        policy = read_policy(settings)
    with gathered(problems):
        channels = make_channels(settings)
    with gathered(problems):
        transports = make_transports(settings, channels)
    problems += findings.of_sources(settings, problems)
    renderer = Renderer(settings.templates_folder)
    problems += findings.of_templates(renderer)
    problems += findings.of_documents(settings)
    if policy is not None:
        problems += findings.of_notices(policy, renderer)
        problems += findings.of_directory(settings.people, policy)
    problems += findings.of_mailboxes(settings, channels)
    problems += findings.of_jurisdictions(channels)
    warnings = [
        *findings.in_the_clear(settings, findings.endpoints(channels, transports)),
        *findings.of_transports(transports.values()),
        *findings.of_borders(channels),
        *findings.of_forwarders(channels),
        *findings.of_proof(channels),
        *findings.unknown_variables(os.environ),
        *(findings.of_calendar(policy, datetime.now(UTC)) if policy is not None else ()),
    ]
    if online:
        problems += asyncio.run(unreachable(settings, channels, transports))
    return problems, warnings, _summary(settings, policy, channels, transports, renderer.notices())


def _summary(
    settings: Settings,
    policy: Policy | None,
    channels: dict[str, Channel],
    transports: dict[str, Transport],
    notices: tuple[str, ...],
) -> str:
    import sqlite3

    from ticket_core.store.engine import is_sqlite

    rows = [
        (say("流程", "profiles"), ", ".join(policy.profiles if policy else ())),
        (say("接入", "ways in"), ", ".join(channels)),
        (say("发送", "ways out"), ", ".join(f"{medium}: {one.name}" for medium, one in transports.items())),
        (say("通知", "notices"), str(len(notices))),
        (say("人员", "people"), str(len(settings.people))),
        (
            say("数据库", "database"),
            f"SQLite {sqlite3.sqlite_version}" if is_sqlite(settings.database.url) else "PostgreSQL",
        ),
    ]
    return "\n".join([say("配置无误", "the configuration is good"), *(f"  {name}: {value}" for name, value in rows)])


def _with_file(problem: str, file: str) -> str:
    """The problem with the file it is in; one of another file names that file itself."""
    return problem if _NAMES_ITS_FILE.match(problem) else f"{file}: {problem}"
