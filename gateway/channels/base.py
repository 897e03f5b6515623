"""What every adapter is made of: doors through which inputs come in, and transports by which notices leave.

An author writes a class with `Settings` (a frozen dataclass: its part of the configuration file) and the methods of
one door, and registers it as an entry point ``complaint_gateway.channels``. Reading, limiting, refusing, committing,
answering, backing off and reporting are done for all adapters in one place (`gateway.loops`, `gateway.web.doors`).

- `parse` is pure: bytes to values, no network, no clock. Whatever it raises means "unreadable": it goes to triage.
- `verify` has no default: an open door is written on purpose.
- `send` never retries: what it raises says whether somebody should.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Protocol

from gateway.errors import PermanentDelivery, Refused, TransientDelivery
from gateway.message import Accepted, DeliveryReceipt, File, InboundMessage, OutboundMessage, Raw

__all__ = [
    "NAME_HEADER",
    "NOTE_HEADER",
    "Accept",
    "Answer",
    "Channel",
    "Chat",
    "Choice",
    "Fetching",
    "Filed",
    "Hosted",
    "Listening",
    "Memory",
    "Parsed",
    "PermanentDelivery",
    "Polling",
    "Receive",
    "Refused",
    "Said",
    "SheetRow",
    "Tabular",
    "TransientDelivery",
    "Transport",
    "Visitor",
    "Watched",
    "Webhook",
    "choices_in",
]

#: The name of a file that is an input, and a note that lay beside it; percent-encoded.
NAME_HEADER, NOTE_HEADER = "x-file-name", "x-file-note"
#: One thing that an input says: somebody's message, or what became of a notice of ours.
Parsed = InboundMessage | DeliveryReceipt
#: Returns when the message is committed, else raises.
Receive = Callable[[InboundMessage], Awaitable[Accepted]]
#: Hand a raw input to the base: returns when all it says is committed, else raises (`Refused` to tell the sender no).
Accept = Callable[[Raw], Awaitable[Sequence[Accepted]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a webhook tells its platform."""

    status: int = 200
    body: bytes = b""
    media_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)


class Memory(Protocol):
    """Where a channel remembers how far it has read; what it sets is still there after a restart."""

    async def get(self, name: str) -> str | None:
        """What was remembered under `name`; None when nothing ever was."""

    async def set(self, name: str, value: str) -> None:
        """Remember `value`; returns after its commit."""


class Channel(ABC):
    """A configured way in: `name` is the instance, the adapter's entry point its kind.

    `memory` is given to it before its loop starts. `trouble` is what is wrong with its parts although it runs, such as
    one of several mailboxes: part -> reason, empty while all is well; the loops show it with the channel's health.
    """

    Settings: ClassVar[type[Any]]
    #: Largest input in bytes; a larger one is refused at the door.
    limit: ClassVar[int] = 1 << 20
    memory: Memory

    def __init__(self, name: str, settings: Any) -> None:
        self.name = name
        self.settings = settings
        self.trouble: dict[str, str] = {}

    @abstractmethod
    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """What this input says: usually one message, sometimes several, none for a mere sign of life."""


class Webhook(Channel):
    """A door that platforms push to: ``POST /channels/{name}``."""

    #: Whether it takes pushes by GET too; some SMS gateways know nothing else.
    by_get: ClassVar[bool] = False
    #: Whether verifying takes milliseconds, as SM2 does: then it is done beside the event loop.
    laborious: bool = False

    @abstractmethod
    def verify(self, raw: Raw) -> None:
        """Raise `Refused` unless the input is authentic. `raw.received_at` is now."""

    def challenge(self, raw: Raw) -> Answer | None:
        """The answer to a platform that only checks the address (often by GET); None when this is not such a check."""
        return None

    def answer(self, accepted: Sequence[Accepted]) -> Answer:
        """What the platform wants to hear after the commit."""
        return Answer()

    def refusal(self, refused: Refused) -> Answer | None:
        """What a platform wants to hear that was refused; None: a problem document as everybody gets."""
        return None

    def answer_to(self, raw: Raw, accepted: Sequence[Accepted]) -> Answer:
        """The same, for platforms whose answer names what it answers."""
        return self.answer(accepted)


class Polling(Channel):
    """A door that we go and look behind."""

    @abstractmethod
    def poll(self) -> AsyncIterator[tuple[Raw, Callable[[], Awaitable[None]]]]:
        """Yield each new input with what marks it as done; that is awaited only after the commit.

        Runs until it is closed; ends or raises when the connection is lost, and is then called again after a pause.
        """


class Listening(Channel):
    """A door with a protocol of its own, such as SMTP."""

    @abstractmethod
    async def serve(self, accept: Accept) -> None:
        """Listen until cancelled; tell each sender "taken" only after `accept` has returned."""


class Transport(ABC):
    """A way out for one medium: ``email``, ``sms``; the medium of chats is the name of what they are held on."""

    Settings: ClassVar[type[Any]]
    medium: str
    #: Which forms it wants rendered.
    forms: ClassVar[tuple[str, ...]] = ("text",)
    #: How many sends at a time.
    concurrency: int = 8
    #: How long a notice may lie ready there before it is told by another way; None: what was accepted is on its way.
    fetched_within: timedelta | None = None

    def __init__(self, name: str, settings: Any) -> None:
        self.name = name
        self.settings = settings

    async def open(self) -> None:  # noqa: B027  nothing to do unless an adapter says so
        """Get ready; must not need the provider to be reachable."""

    async def close(self) -> None:  # noqa: B027  nothing to do unless an adapter says so
        """Let go of connections."""

    @abstractmethod
    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """Hand one notice to the provider, within a time limit.

        Raises:
            TransientDelivery: worth another try, not before `retry_after`.
            PermanentDelivery: never this address again.
        """


class Chat(Channel, Transport):
    """A way in and out at once: what comes in here is answered here, and its medium is its own name.

    Write it together with a door: ``class Acme(Webhook, Chat)``. Its messages carry a `Talk`.
    """

    forms: ClassVar[tuple[str, ...]] = ("text", "choices")

    def __init__(self, name: str, settings: Any) -> None:
        super().__init__(name, settings)
        self.medium = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody on a page of ours: `token` is the secret that proves it, `account` what may be told of it."""

    account: str
    token: str = field(repr=False)
    until: datetime
    is_renewed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message as its writer saw it: `file` is the name of what was sent with it, `size` its bytes.

    `pressed`: by a button. `revises` is the id of an earlier message that it replaces.
    """

    id: str
    text: str
    pressed: bool = False
    revises: str = ""
    file: str = ""
    size: int = 0


class Hosted(Webhook, Chat):
    """A chat on pages of our own (`gateway.web.chat`): visitors push to its door, and fetch what they are told.

    Its outbox is all it sends with: what lies there as accepted is shown to the visitor, who confirms it.
    """

    #: Sites whose pages may show the chat, as ``https://host`` or ``https://host:port``.
    origins: tuple[str, ...] = ()
    #: Of one visitor.
    messages_per_minute: int = 60
    #: Pages that may listen at a time, in one process.
    connections: int = 2000
    #: In bytes.
    largest_file: int = 10 << 20

    @abstractmethod
    def adopt(self, secret: bytes) -> None:
        """Take the installation's secret for this channel, for what the operator did not set."""

    @abstractmethod
    def new_visitor(self, at: datetime) -> Visitor:
        """Somebody who was not here before."""

    @abstractmethod
    def visitor(self, token: str, at: datetime) -> Visitor | None:
        """Whose token this is, perhaps with a newer one; None for a forged, broken or expired one."""

    @abstractmethod
    def token_of(self, headers: Mapping[str, str]) -> str:
        """The token that a request carries; the names of headers are in small letters."""

    @abstractmethod
    def said(self, start: bytes) -> Said | None:
        """What an input says that begins with these bytes; None where it is no message."""

    @abstractmethod
    def external_id(self, account: str, message: str) -> str:
        """The id under which a visitor's message stands in the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """One row of a file of cases, where it stands, and the messages it says.

    `why` it is not understood are reasons with what each is about, such as ``("required", "工单编号")``. A row without
    messages is none: a total, a title; `why` says so. Under the number 0 a whole sheet is passed over. `share` is how
    much of the file has been read by then, from 0 to 1.
    """

    sheet: str
    number: int
    case_number: str = ""
    messages: tuple[InboundMessage, ...] = ()
    why: tuple[tuple[str, str], ...] = ()
    share: float = 0.0


class Watched(Channel):
    """A channel for which people or programs put files into a folder."""

    @property
    def folder(self) -> Path | None:
        """Where files are put for it; None where nowhere."""
        return None


class Filed(Watched):
    """A channel each of whose inputs is one file: its name and a note beside it are headers of the raw input.

    Both are percent-encoded, under `NAME_HEADER` and `NOTE_HEADER`.
    """

    @property
    def note_within(self) -> timedelta:
        """How long after its file a note may come."""
        return timedelta(0)

    def notes_of(self, name: str) -> tuple[str, ...]:
        """Names of files that may lie beside the file `name` and tell about it."""
        return ()

    def may_be_note(self, name: str) -> bool:
        """Whether a file of this name may be a note about one that is still to come."""
        return False


class Tabular(Watched):
    """A channel whose cases come in files too."""

    @property
    @abstractmethod
    def source_name(self) -> str:
        """The name of the forwarding body."""

    @abstractmethod
    def rows(self, raw: Raw) -> Iterator[SheetRow]:
        """The rows of a file, one after the other; runs in a thread.

        Raises:
            ValueError: the file cannot be read, and why.
        """


class Fetching(Channel):
    """A channel whose inputs name files that lie at the provider; they are fetched after the commit."""

    @abstractmethod
    async def fetch(self, reference: str) -> File:
        """The file, within a time limit; `reference` is what `parse` put into `File.reference`.

        Raises:
            TransientDelivery: worth another try, not before `retry_after`.
            PermanentDelivery: it is gone, too large, or nobody may have it.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A button: what it shows, and what its pressing says, as if the person had typed it."""

    label: str
    says: str


def choices_in(form: str) -> tuple[Choice, ...]:
    """The buttons of the form ``choices``: a line each, ``label | what it says``; without | it says its label."""
    choices = []
    for line in form.splitlines():
        label, _, says = (part.strip() for part in line.partition("|"))
        if label:
            choices.append(Choice(label=label, says=says or label))
    return tuple(choices)
