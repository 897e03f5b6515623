"""The demo's accounts: made at the first start, so that somebody who only wants to look can sign in."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from gateway.app import Parts
from gateway.cli.passwords import make_password
from gateway.config import Settings
from ticket_core.store.accounts import ROLES

_ADMIN = "admin"


def login_file(settings: Settings) -> Path:
    """Where the demo's passwords are kept, for its owner's eyes only."""
    return settings.secret_file.parent / "demo-login.txt"


async def make_accounts(parts: Parts) -> list[str]:
    """An administrator and everybody in the directory, with fresh passwords; nothing when there are accounts.

    Returns one account of each role with its password, a line each; all are kept in `login_file`.
    """
    if await parts.sign_in.list_accounts():
        return []
    wanted = {_ADMIN: (_ADMIN, "")}
    for person in parts.settings.people:
        role = next((role for role in person.roles if role in ROLES), "")
        if role:
            wanted[person.name] = (role, person.label)
    passwords = {name: make_password() for name in wanted}
    _keep(login_file(parts.settings), [f"{name}\t{wanted[name][0]}\t{passwords[name]}" for name in wanted])
    for name, (role, label) in wanted.items():
        await parts.sign_in.create_account(name, role, passwords[name], label)
    first = {role: name for name, (role, _) in reversed(wanted.items())}
    return [f"{name:<8} {passwords[name]}  {role}" for role, name in reversed(first.items())]


def _keep(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join([*lines, ""]))
