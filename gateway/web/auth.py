"""Sign-in: passwords, console sessions, API tokens, and who may do what.

Secrets are random and only their SHA-256 is stored; passwords are argon2id, two at a time in threads, because each
takes 64 MiB. Unknown names cost the same time as wrong passwords. A browser's request that changes something must come
from our own pages (Origin, Sec-Fetch-Site), and a form carries a token besides.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, TypeVar
from urllib.parse import urlsplit

from aiohttp import web
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection

from gateway.web.limits import Buckets
from gateway.web.problems import Problem
from ticket_core.decide.act import allowed_actions
from ticket_core.model import Ticket
from ticket_core.policy import Policy
from ticket_core.profile import Action
from ticket_core.store import accounts
from ticket_core.store.accounts import ROLES, Access, AccessKind, Account, AccountProblem
from ticket_core.store.store import Store

__all__ = ["ROLES", "SIGN_IN", "Account", "AccountProblem", "SignIn", "TooManyTries"]

T = TypeVar("T")
#: A role of the gateway acts on tickets as one of the profile's; the others under their own name.
ACTS_AS: Final[Mapping[str, str]] = {"admin": "supervisor"}
#: Who sits at the front desk: they see the journals, bring files and have inputs read again.
DESK: Final = ("agent", "supervisor", "admin")
SHORTEST_PASSWORD: Final = 8
_LONGEST_PASSWORD = 200
_LONGEST_NAME = 200  # of which we remember that it was tried
_RENEWED_AFTER = timedelta(minutes=1)
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_ACCOUNT: web.RequestKey[Account | None] = web.RequestKey("account")


class TooManyTries(Exception):
    """Too many wrong passwords; `seconds` until the next try is looked at."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"try again in {seconds} seconds")
        self.seconds = seconds


class SignIn:
    """Everything about signing in, over one store. `secure` when people reach us by https.

    A session ends after `idle` without a request, and after `absolute` in any case.
    """

    def __init__(
        self,
        store: Store,
        *,
        secure: bool,
        idle: timedelta = timedelta(hours=2),
        absolute: timedelta = timedelta(hours=12),
        tries_per_minute: int = 10,
        hasher: PasswordHasher | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.secure = secure
        self.cookie = "__Host-session" if secure else "session"
        self._store = store
        self._idle = idle
        self._absolute = absolute
        self._hasher = hasher or PasswordHasher()
        self._threads = asyncio.Semaphore(2)
        # By address, so that a whole office can sign in; by name and address, so that nobody locks others out.
        self._tries_by_address = Buckets(tries_per_minute * 6, clock)
        self._tries_by_name = Buckets(tries_per_minute, clock)
        self._nobody = ""

    async def create_account(self, name: str, role: str, password: str, label: str = "") -> Account:
        """A new account.

        Raises:
            AccountProblem: name empty or taken, no such role, or a password shorter than 8 or longer than 200.
        """
        hashed = await self._hash(password)
        make = partial(
            accounts.create_account, name=name, role=role, label=label, password_hash=hashed, at=datetime.now(UTC)
        )
        return await self._store.run(make)

    async def set_password(self, name: str, password: str) -> None:
        """Give an account another password; its sessions end.

        Raises:
            AccountProblem: no such account, or a password shorter than 8 or longer than 200.
        """
        hashed = await self._hash(password)
        await self._store.run(lambda tx: accounts.set_password_hash(tx, name, hashed))

    async def verify_password(self, name: str, password: str, address: str = "") -> Account | None:
        """The account, when it exists, is active and this is its password; takes as long when not.

        Raises:
            TooManyTries: from this address, or for this name from this address.
        """
        wait = max(self._tries_by_address.wait(address), self._tries_by_name.wait(f"{address} {name[:_LONGEST_NAME]}"))
        if wait:
            raise TooManyTries(wait)
        hashed = await self._store.read(lambda connection: accounts.password_hash_of(connection, name))
        if not self._nobody:
            self._nobody = await self._in_thread(partial(self._hasher.hash, secrets.token_hex()))
        good = await self._in_thread(partial(self._matches, hashed or self._nobody, password[:_LONGEST_PASSWORD]))
        if not (good and hashed):
            return None
        return await self._store.read(lambda connection: accounts.account_of(connection, name))

    async def list_accounts(self) -> tuple[Account, ...]:
        """All accounts by name."""
        return await self._store.read(accounts.list_accounts)

    async def open_session(self, account: Account) -> str:
        """A new session's secret; give it to the browser with `set_cookie`."""
        now = datetime.now(UTC)
        secret = secrets.token_urlsafe(32)
        await self._store.run(
            lambda tx: accounts.add_access(tx, _access(secret, "session", account, now, now + self._idle))
        )
        return secret

    async def account_of_session(self, secret: str) -> Account | None:
        """Whose session this is; None when it is over. A session in use lives on."""
        now = datetime.now(UTC)
        found = await self._find(secret, "session", now)
        if found is None:
            return None
        access, account = found
        over_at = access.created_at + self._absolute
        if over_at <= now:
            return None
        until = min(now + self._idle, over_at)
        if access.expires_at is not None and until - access.expires_at > _RENEWED_AFTER:
            await self._store.run(lambda tx: accounts.prolong(tx, access.hash, until))
        return account

    async def close_session(self, secret: str) -> None:
        """Sign out."""
        await self._store.run(lambda tx: accounts.end_access(tx, hash_of(secret)))

    async def create_token(self, name: str, role: str) -> str:
        """A new API token, shown this once.

        Raises:
            AccountProblem: when there is no such role.
        """
        now = datetime.now(UTC)
        secret = f"cg_{secrets.token_urlsafe(32)}"
        who = Account(name=name, role=role, created_at=now)  # type: ignore[arg-type]  # checked when it is stored
        await self._store.run(lambda tx: accounts.add_access(tx, _access(secret, "token", who, now, None)))
        return secret

    async def account_of_token(self, token: str) -> Account | None:
        """Whose token this is."""
        found = await self._find(token, "token", datetime.now(UTC))
        return None if found is None else found[1]

    async def list_tokens(self) -> tuple[Access, ...]:
        """All tokens by name, without their secrets."""
        return await self._store.read(accounts.list_tokens)

    def set_cookie(self, response: web.StreamResponse, secret: str) -> None:
        """Give the browser its session; it ends with the browser or as the server says."""
        response.set_cookie(self.cookie, secret, path="/", httponly=True, samesite="Lax", secure=self.secure)

    def drop_cookie(self, response: web.StreamResponse) -> None:
        """Take the session from the browser."""
        response.del_cookie(self.cookie, path="/", httponly=True, samesite="Lax", secure=self.secure)

    async def _hash(self, password: str) -> str:
        if not SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
            raise AccountProblem(f"a password has {SHORTEST_PASSWORD} to {_LONGEST_PASSWORD} characters")
        return await self._in_thread(partial(self._hasher.hash, password))

    def _matches(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], T]) -> T:
        async with self._threads:
            return await asyncio.to_thread(work)

    async def _find(self, secret: str, kind: AccessKind, now: datetime) -> tuple[Access, Account] | None:
        def look(connection: Connection) -> tuple[Access, Account] | None:
            access = accounts.access_of(connection, hash_of(secret), kind, now)
            if access is None:
                return None
            account = accounts.account_of(connection, access.name)
            label = "" if account is None else account.label
            who = Account(name=access.name, role=access.role, label=label, created_at=access.created_at)
            return access, who

        return await self._store.read(look) if 0 < len(secret) <= 200 else None


SIGN_IN: web.AppKey[SignIn] = web.AppKey("sign_in", SignIn)


async def signed_in(request: web.Request) -> Account | None:
    """Who makes this request, by Bearer token or session cookie; None for a stranger.

    Raises:
        Problem: 403 when a browser was sent here by another site to change something.
    """
    if _ACCOUNT in request:
        return request[_ACCOUNT]
    sign_in = request.app[SIGN_IN]
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    account = None
    if scheme.lower() == "bearer":
        account = await sign_in.account_of_token(token.strip())
    elif secret := request.cookies.get(sign_in.cookie):
        check_origin(request)
        account = await sign_in.account_of_session(secret)
    request[_ACCOUNT] = account
    return account


async def require(request: web.Request, *roles: str) -> Account:
    """Who makes this request; one of `roles`, or anybody signed in when none is named.

    Raises:
        Problem: 401 for a stranger, 403 for the wrong role.
    """
    account = await signed_in(request)
    if account is None:
        raise Problem(401, "unauthenticated", headers={"WWW-Authenticate": 'Bearer realm="complaint-gateway"'})
    if roles and account.role not in roles:
        raise Problem(403, "forbidden")
    return account


def check_origin(request: web.Request) -> None:
    """Refuse a change that another site's page had a browser ask for.

    Raises:
        Problem: 403.
    """
    if request.method in _SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site in {"same-origin", "none"}:
        return  # the browser's own word, true also where a proxy asks us under another name than the browser asked it
    if site is not None:
        raise Problem(403, "cross-site")
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise Problem(403, "cross-site")


def form_token(request: web.Request) -> str:
    """What a form of this session carries in its hidden field `csrf`."""
    return form_token_of(request.cookies.get(request.app[SIGN_IN].cookie, ""))


def form_token_of(secret: str) -> str:
    """As `form_token`, for a session that has just begun."""
    digest = hmac.digest(secret.encode(errors="surrogateescape"), b"form", hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:18]).decode()


def check_form(request: web.Request, given: str) -> None:
    """Refuse a form that is not ours.

    Raises:
        Problem: 403.
    """
    check_origin(request)
    if not hmac.compare_digest(form_token(request).encode(), given.encode(errors="replace")):
        raise Problem(403, "cross-site")


def acting_role(account: Account) -> str:
    """The role under which an account acts on tickets."""
    return ACTS_AS.get(account.role, account.role)


def may_do(account: Account, ticket: Ticket, policy: Policy) -> tuple[Action, ...]:
    """The actions this account can take on this ticket now."""
    return allowed_actions(ticket, acting_role(account), policy.profiles[ticket.profile])


def hash_of(secret: str) -> str:
    """How a secret is stored."""
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()


def _access(secret: str, kind: AccessKind, who: Account, at: datetime, expires_at: datetime | None) -> Access:
    return Access(hash=hash_of(secret), kind=kind, name=who.name, role=who.role, created_at=at, expires_at=expires_at)
