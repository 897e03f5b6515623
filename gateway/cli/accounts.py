"""`gateway user` and `gateway token`: who may sign in."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.failures import none_of
from gateway.cli.shape import ConfigFile, group, settings_of, tell
from gateway.cli.speaking import SpokenCommand
from gateway.cli.words import say

if TYPE_CHECKING:
    from pathlib import Path

    from ticket_core.model import JSON

user = group("控制台账号", "Accounts of the console")
token = group("接口令牌", "Tokens of programs")

Name = Annotated[str, typer.Argument(metavar="NAME", help=say("账号名，即经办人", "Also the actor in timelines"))]
Role = Annotated[
    str, typer.Option("--role", metavar="R", help=say("角色：", "Its role: ") + "agent, handler, supervisor, admin")
]


@user.command("add", cls=SpokenCommand, help=say("新增控制台账号", "Add an account of the console"))
def add_user(
    name: Name,
    role: Role,
    config: ConfigFile = None,
    label: Annotated[str, typer.Option("--label", metavar="TEXT", help=say("显示名", "The name people see"))] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help=say("从标准输入读取密码", "Read the password from standard input"))
    ] = False,
) -> None:
    """The password is asked for; given nothing, or away from a terminal, one is made and printed once."""
    _known_role(role)
    settings = settings_of(config)
    password, made = _password(password_stdin)
    asyncio.run(_carry_out(config, "user-add", {"name": name, "role": role, "label": label, "password": password}))
    tell(say(f"已新增账号 {name}({role})：{settings.http.base_url}/console/", f"added {name} ({role})"))
    if made:
        print(password)


@token.command(
    "add", cls=SpokenCommand, help=say("新增接口令牌，只显示一次", "Add an API token; it is shown this once")
)
def add_token(name: Name, role: Role, config: ConfigFile = None) -> None:
    """The token stands alone on standard output."""
    _known_role(role)
    print(asyncio.run(_carry_out(config, "token-add", {"name": name, "role": role})))


async def _carry_out(config: Path | None, command: str, arguments: dict[str, JSON]) -> JSON:
    from gateway.cli.carry import carrying_out

    async with carrying_out(settings_of(config)) as carry_out:
        return await carry_out(command, arguments)


def _known_role(role: str) -> None:
    from ticket_core.store.accounts import ROLES

    if role not in ROLES:
        raise none_of("角色", "role", role, ROLES)


def _password(from_stdin: bool) -> tuple[str, bool]:
    """The password, and whether it was made here."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n"), False
    if sys.stdin.isatty():
        prompt = say("密码(留空则生成)", "Password (leave empty to have one made)")
        given: str = typer.prompt(
            prompt, default="", show_default=False, hide_input=True, confirmation_prompt=True, err=True
        )
        if given:
            return given, False
    from gateway.cli.passwords import make_password

    return make_password(), True
