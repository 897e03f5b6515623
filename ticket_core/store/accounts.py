"""Who may sign in: accounts of people, their console sessions, and tokens of programs.

Here are only hashes: whoever steals the database has no password, no session and no token.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import orjson
from sqlalchemy import Connection, Row, delete, select, update

from ticket_core.errors import TicketError
from ticket_core.store.clock import from_us, from_us_or_none, to_us, to_us_or_none
from ticket_core.store.schema import access, account
from ticket_core.store.tx import Tx

Role = Literal["agent", "handler", "supervisor", "admin"]
AccessKind = Literal["session", "token"]
ROLES: tuple[str, ...] = get_args(Role)


class AccountProblem(TicketError):
    """An account cannot be made or changed so: the name is taken or unknown, the role is none of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody, or some program, that may sign in; `name` is the actor in timelines and the person in the directory."""

    name: str
    role: Role
    label: str = ""
    active: bool = True
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One session or token: whose it is and until when; `hash` is the SHA-256 of its secret in hexadecimal."""

    hash: str
    kind: AccessKind
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None = None


def create_account(tx: Tx, *, name: str, role: str, password_hash: str, at: datetime, label: str = "") -> Account:
    """A new account.

    Raises:
        AccountProblem: when the name is empty or taken, or there is no such role.
    """
    made = Account(name=name, role=_role(role), label=label, created_at=at)
    if not name.strip() or name != name.strip():
        raise AccountProblem("a name has at least one character and no blanks around it")
    if tx.connection.execute(select(account.c.name).where(account.c.name == name)).first() is not None:
        raise AccountProblem(f"there is an account {name} already")
    tx.insert(account, [(name, role, orjson.dumps({"label": label}).decode(), password_hash, 1, to_us(at))])
    return made


def set_password_hash(tx: Tx, name: str, password_hash: str) -> None:
    """Give an account another password; its sessions end.

    Raises:
        AccountProblem: when there is no such account.
    """
    _change(tx, name, password_hash=password_hash)


def set_active(tx: Tx, name: str, active: bool) -> None:
    """Let an account sign in again, or no more; its sessions end.

    Raises:
        AccountProblem: when there is no such account.
    """
    _change(tx, name, active=int(active))


def set_role(tx: Tx, name: str, role: str) -> None:
    """Give an account another role; its sessions end, so that none goes on with the old one.

    Raises:
        AccountProblem: when there is no such account or role.
    """
    _change(tx, name, role=_role(role))


def account_of(connection: Connection, name: str) -> Account | None:
    """The account of this name."""
    row = connection.execute(select(account).where(account.c.name == name)).first()
    return None if row is None else _account(row)


def password_hash_of(connection: Connection, name: str) -> str:
    """The hash to check a password against; empty when nobody of this name may sign in."""
    query = select(account.c.password_hash).where(account.c.name == name, account.c.active == 1)
    return connection.execute(query).scalar_one_or_none() or ""


def list_accounts(connection: Connection) -> tuple[Account, ...]:
    """All accounts by name."""
    return tuple(_account(row) for row in connection.execute(select(account).order_by(account.c.name)))


def add_access(tx: Tx, one: Access) -> None:
    """Open a session or keep a token."""
    _role(one.role)
    tx.insert(access, [(one.hash, one.kind, one.name, one.role, to_us(one.created_at), to_us_or_none(one.expires_at))])


def access_of(connection: Connection, hashed: str, kind: AccessKind, now: datetime) -> Access | None:
    """The session or token of this hash, unless it has expired or its account may not sign in any more.

    A token may belong to a program that has no account.
    """
    query = (
        select(access, account.c.active.label("account_active"))
        .outerjoin(account, account.c.name == access.c.name)
        .where(access.c.hash == hashed, access.c.kind == kind)
    )
    row = connection.execute(query).first()
    if row is None or (row.expires_at is not None and row.expires_at <= to_us(now)) or row.account_active == 0:
        return None
    if kind == "session" and row.account_active is None:
        return None
    return _access(row)


def prolong(tx: Tx, hashed: str, expires_at: datetime) -> None:
    """Let a session live until `expires_at`."""
    tx.connection.execute(update(access).where(access.c.hash == hashed).values(expires_at=to_us(expires_at)))


def end_access(tx: Tx, hashed: str) -> None:
    """End a session or take a token back."""
    tx.connection.execute(delete(access).where(access.c.hash == hashed))


def end_expired(tx: Tx, now: datetime) -> int:
    """Forget sessions that are over; returns how many."""
    return tx.connection.execute(delete(access).where(access.c.expires_at <= to_us(now))).rowcount


def list_tokens(connection: Connection) -> tuple[Access, ...]:
    """All tokens by name, oldest first."""
    query = select(access).where(access.c.kind == "token").order_by(access.c.name, access.c.created_at)
    return tuple(_access(row) for row in connection.execute(query))


def _role(role: str) -> Role:
    if role not in ROLES:
        raise AccountProblem(f"no role {role}; there are {', '.join(ROLES)}")
    return role  # type: ignore[return-value]  # checked above


def _change(tx: Tx, name: str, **columns: Any) -> None:
    if tx.connection.execute(update(account).where(account.c.name == name).values(**columns)).rowcount != 1:
        raise AccountProblem(f"there is no account {name}")
    tx.connection.execute(delete(access).where(access.c.name == name, access.c.kind == "session"))


def _account(row: Row[Any]) -> Account:
    return Account(
        name=row.name,
        role=row.role,
        label=orjson.loads(row.doc or "{}").get("label", ""),
        active=bool(row.active),
        created_at=from_us(row.created_at),
    )


def _access(row: Row[Any]) -> Access:
    return Access(
        hash=row.hash,
        kind=row.kind,
        name=row.name,
        role=row.role,
        created_at=from_us(row.created_at),
        expires_at=from_us_or_none(row.expires_at),
    )
