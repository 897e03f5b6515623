"""What the operator says about one e-mail address: its mailbox, its door, or both."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

Port = Annotated[int, Field(ge=0, le=65535)]
_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")
_BOUNCE = re.compile(r"bounce\+n\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imap:
    """A mailbox that we read.

    Sign in with `password`, or with OAuth2: `token_command` is a program that prints a fresh access token.
    Without `since`, only mail that arrives after the first connection is taken; with it, also all mail since that day.
    What was taken in is given `flag` (empty: none) and moved to `move_to` (empty: stays).
    A mail that cannot be fetched or taken in is tried again after `owed_pause`, then at growing distances, in all
    `tries` times; then a person is asked to look.
    `timeout` bounds each wait for the server, `step_limit` each command as a whole.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    host: str
    user: str
    password: str = field(default="", repr=False)
    token_command: tuple[str, ...] = ()
    port: Port = 993
    security: Literal["tls", "starttls", "none"] = "tls"
    ca_file: Path | None = None
    folders: Annotated[tuple[str, ...], Field(min_length=1)] = ("INBOX",)
    since: date | None = None
    flag: str = "\\Seen"
    move_to: str = ""
    timeout: Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(minutes=5))] = timedelta(seconds=30)
    step_limit: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(minutes=5)
    idle_refresh: Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(minutes=10))] = timedelta(minutes=1)
    owed_pause: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(seconds=20)
    tries: Annotated[int, Field(ge=1, le=20)] = 6
    retry: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(seconds=1)  # first pause after a failure
    retry_at_most: timedelta = timedelta(minutes=2)

    def __post_init__(self) -> None:
        if bool(self.password) == bool(self.token_command):
            raise ValueError("exactly one of password and token_command is needed")
        if self.move_to in self.folders:
            raise ValueError("move_to must not be one of the folders that are read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where mail servers hand mail to us, by SMTP or LMTP. STARTTLS is offered when there is a certificate.

    `sessions` is how many servers may talk to us at a time, `sessions_per_address` how many of them from one address:
    each may hold a mail of the largest size in memory, and twice that while it is read. `idle` is how long one may say
    nothing.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    host: str = "127.0.0.1"
    port: Port = 2525
    protocol: Literal["smtp", "lmtp"] = "smtp"
    hostname: str = "localhost"
    certificate: Path | None = None
    key: Path | None = None
    sessions: Annotated[int, Field(ge=1)] = 40
    sessions_per_address: Annotated[int, Field(ge=1)] = 20
    recipients: Annotated[int, Field(ge=1)] = 100
    idle: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(minutes=5)

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarder:
    """A forwarding body that sends its cases in sheets by mail; they are read by the channel `channel`.

    `senders` are its addresses, or whole domains as ``@example.com``. What proves them is either our own mail server,
    by the name `authserv` that it puts into Authentication-Results, or `token`: the mail was sent to our address with
    ``+TOKEN`` behind its name.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    channel: str
    senders: Annotated[tuple[Annotated[str, Field(pattern=r"^[^@\s]*@[^@\s]+\.[^@\s]+$")], ...], Field(min_length=1)]
    authserv: str = ""
    token: Annotated[str, Field(pattern="^([A-Za-z0-9_-]{16,64})?$")] = field(default="", repr=False)

    def __post_init__(self) -> None:
        if bool(self.authserv) == bool(self.token):
            raise ValueError("exactly one of authserv and token is needed")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSettings:
    """One address with its aliases, and how mail for it comes in. `limit` is the largest mail in bytes."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    address: str
    aliases: tuple[str, ...] = ()
    imap: Imap | None = None
    door: Door | None = None
    limit: Annotated[int, Field(ge=1024)] = 26 << 20
    forwarders: tuple[Forwarder, ...] = ()

    def __post_init__(self) -> None:
        for address in (self.address, *self.aliases):
            if not _ADDRESS.fullmatch(address):
                raise ValueError(f"{address!r} is no e-mail address")
        if self.imap is None and self.door is None:
            raise ValueError("imap or door is needed, else no mail can come in")

    @property
    def own(self) -> frozenset[str]:
        """All our addresses, in small letters."""
        return frozenset(address.lower() for address in (self.address, *self.aliases))

    def is_own(self, address: str) -> bool:
        """Whether mail to `address` is for us: one of our addresses, plain or with a plus part.

        ``bounce+n123@`` at one of our domains is too: notices of ours go out with it as their envelope sender.
        """
        local, _, domain = address.strip().lower().rpartition("@")
        own = self.own
        if f"{local.partition('+')[0]}@{domain}" in own:
            return True
        return bool(_BOUNCE.match(local)) and any(each.endswith(f"@{domain}") for each in own)
