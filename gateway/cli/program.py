"""All commands under one name."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli import accounts, check, clock, export, imports, inputs, new_channel, policy, serve, templates, tickets
from gateway.cli.speaking import SpokenCommand, SpokenGroup
from gateway.cli.words import say


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("complaint-gateway"))
        raise typer.Exit


program = typer.Typer(
    name="gateway",
    cls=SpokenGroup,
    help=say("多渠道投诉接入网关与通知", "Multi-channel complaint intake gateway and notifier"),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


@program.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help=say("版本", "Show the version"))
    ] = False,
) -> None: ...


program.command("serve", cls=SpokenCommand, help=say("运行全部已配置的部分", "Run everything that is configured"))(
    serve.serve
)
program.command(
    "check",
    cls=SpokenCommand,
    help=say("检查配置，一次列出所有问题", "Check the configuration, list all problems at once"),
)(check.check)
program.command(
    "ingest", cls=SpokenCommand, help=say("把录下的原始输入送进渠道", "Push recorded raw inputs through a channel")
)(inputs.ingest)
program.add_typer(inputs.inbound, name="inbound")
program.add_typer(tickets.tickets, name="tickets")
program.command("deadline", cls=SpokenCommand, help=say("计算时限并给出推导", "Compute deadlines, with their proof"))(
    policy.deadline
)
program.add_typer(policy.profiles, name="profiles")
program.add_typer(imports.sources, name="sources")
program.command(
    "import", cls=SpokenCommand, help=say("导入转办表格，逐行报告", "Import a file of cases, with a row-by-row report")
)(imports.import_cases)
program.add_typer(export.export, name="export")
program.command("preview", cls=SpokenCommand, help=say("用样例数据渲染一种通知", "Show a notice with its sample data"))(
    templates.preview
)
program.command("tick", cls=SpokenCommand, help=say("推进一次时限与发送", "One step of timers and dispatch"))(
    clock.tick
)
program.add_typer(accounts.user, name="user")
program.add_typer(accounts.token, name="token")
program.command(
    "new-channel", cls=SpokenCommand, help=say("生成新渠道的骨架与测试", "Write a new adapter with its failing test")
)(new_channel.new_channel)
program.add_typer(tickets.schema, name="schema")
