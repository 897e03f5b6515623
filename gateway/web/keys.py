"""What the web layer is given by the application: typed keys, and the shape of what lies behind them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from aiohttp import web

from gateway.channels.base import Channel, Webhook
from gateway.message import Accepted, InboundMessage, Raw, Replayed
from gateway.web.limits import Limits
from ticket_core.model import Command, Ticket
from ticket_core.policy import Policy
from ticket_core.store.imports import ImportedFile, ImportedRow
from ticket_core.store.queries import TicketFile
from ticket_core.store.replies import SheetKept
from ticket_core.store.reporting import May, Unreported
from ticket_core.store.store import Store

#: The names under which the web's own entrances stand in the journal.
WEB_CHANNEL: Final = "web"  # the form and the JSON intake
PHONE_CHANNEL: Final = "phone"


class TicketKeys(Protocol):
    """The complainant's key of a ticket: made, and checked in constant time."""

    def key(self, ticket_id: int, statement: int = 1) -> str:
        """The key of the whole ticket, or that of a later statement alone."""

    def statement_of_key(self, ticket_id: int, given: str) -> int | None:
        """The statement whose key this is, 1 for the whole ticket's; None for a wrong one."""


class Reception(Protocol):
    """The front desk that all messages and commands pass."""

    @property
    def store(self) -> Store:
        """Where everything is kept."""

    @property
    def policy(self) -> Policy:
        """What decisions are made by."""

    @property
    def keys(self) -> TicketKeys:
        """The complainants' keys."""

    async def receive(self, message: InboundMessage) -> Accepted:
        """Take a message in; returns after the commit."""

    async def act(self, command: Command) -> Ticket:
        """Do what somebody asks for; returns after the commit."""


class Importing(Protocol):
    """Files of cases 转办表格, by the name of their forwarding body."""

    @property
    def sources(self) -> Sequence[str]:
        """The forwarding bodies whose files are taken."""

    @property
    def largest(self) -> int:
        """Largest file, in bytes."""

    async def start(self, source: str, body: bytes, *, name: str, actor: str) -> ImportedFile:
        """Begin to take a file in; returns when its first rows are read, and the rest goes on by itself.

        Raises:
            LookupError: no channel takes files of this source.
            ValueError: the file cannot be read, and why.
            StoreBusy: too many files are on their way; nothing was taken in.
        """

    async def take(self, source: str, body: bytes, *, name: str, actor: str) -> ImportedFile:
        """Take a file in; returns when all of it is committed. Raises as `start`."""

    def report(self, rows: Iterable[ImportedRow], form: str, locale: str) -> Iterable[bytes]:
        """The row-by-row report as ``csv`` or ``xlsx``, in pieces."""

    def why(self, one: ImportedRow, locale: str) -> str:
        """Why a row had its outcome, in words."""

    def problem(self, problem: str, locale: str) -> str:
        """What is wrong with a file, in words."""


#: The process that what comes in by a channel follows, by the channel's name.
PROFILES: web.AppKey[Mapping[str, str]] = web.AppKey("profiles")


class Reporting(Protocol):
    """Steps back to forwarding bodies that no interface takes, and the sheets that report them."""

    async def waiting(self, source: str = "") -> list[Unreported]:
        """What is to be reported to one body or to all, the most urgent first."""

    async def sheets(self, source: str = "") -> list[SheetKept]:
        """The newest files."""

    async def content(self, sheet_id: int) -> tuple[SheetKept, bytes] | None:
        """A file of the past, to the byte."""

    async def make(
        self,
        source: str,
        *,
        actor: str,
        at: datetime,
        form: str = "",
        since: datetime | None = None,
        may: May | None = None,
    ) -> SheetKept:
        """A file of all that waits for this body, kept, and all that is in it marked as reported.

        Raises:
            LookupError: there is no such body.
            NothingToReport: nothing waits.
        """

    async def again(self, source: str, *, actor: str, at: datetime) -> int:
        """Tell this body once more by its interface what it did not take; returns how many steps those are.

        Raises:
            LookupError: there is no such body.
            NothingToReport: it took everything.
        """

    async def mark(self, ticket_id: int, event: str, *, actor: str, at: datetime) -> int:
        """Somebody has reported what waits of this kind by a document; returns how many steps that were."""


class Replaying(Protocol):
    """Inputs of the journal, read again."""

    async def replay(self, inbound_id: int, actor: str) -> Replayed:
        """Read one input again; what had its effect has no other.

        Raises:
            UnknownInput: there is none of this id.
        """


class Step(Protocol):
    """A step that can be written: the event, what the body calls it, and the forms."""

    @property
    def event(self) -> str:
        """The kind of the event."""

    @property
    def step(self) -> str:
        """What it is called."""

    @property
    def forms(self) -> tuple[str, ...]:
        """In which forms it can be written."""

    @property
    def locales(self) -> tuple[str, ...]:
        """In which languages, the usual one first."""


class Writing(Protocol):
    """The steps of tickets as documents 公文."""

    def writable(self, file: TicketFile) -> Sequence[Step]:
        """The steps that have happened and have a template."""

    def write(self, file: TicketFile, event: str, form: str, now: datetime, *, locale: str) -> tuple[str, bytes]:
        """A file name and the document about the last event of this kind.

        Raises:
            GatewayError: it has not happened, or cannot be written.
        """


#: Have a raw input of a channel parsed and committed.
AcceptRaw = Callable[[Channel, Raw], Awaitable[Sequence[Accepted]]]
#: How a part of the gateway is: None while it is well, else the reason.
Part = Callable[[], str | None]

RECEPTION: web.AppKey[Reception] = web.AppKey("reception")
REPLAYS: web.AppKey[Replaying] = web.AppKey("replays")
REPLIES: web.AppKey[Reporting] = web.AppKey("replies")
#: An application may have none: what writes documents is an extra.
WRITING: web.AppKey[Writing] = web.AppKey("writing")
IMPORTING: web.AppKey[Importing] = web.AppKey("importing")
LIMITS: web.AppKey[Limits] = web.AppKey("limits", Limits)
DOORS: web.AppKey[Mapping[str, Webhook]] = web.AppKey("doors")
ACCEPT: web.AppKey[AcceptRaw] = web.AppKey("accept")
#: What the operator should know of a part that is well; an application may have none.
NOTES: web.AppKey[Mapping[str, Callable[[], str]]] = web.AppKey("notes")
PARTS: web.AppKey[Mapping[str, Part]] = web.AppKey("parts")
#: The identity key of a phone number as anybody writes it (``phone:+86…``); None when it names no single person.
IDENTITY_OF_PHONE: web.AppKey[Callable[[str], str | None]] = web.AppKey("identity_of_phone")
#: A service number 业务号码 as tickets keep it.
SERVICE_NUMBER_OF: web.AppKey[Callable[[str], str]] = web.AppKey("service_number_of")
