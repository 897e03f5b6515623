"""What runs for ever: every loop survives its errors, backs off, and says how it is."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import unquote_plus, urlencode

import structlog

from gateway.channels.base import Channel, Listening, Parsed, Polling, Receive
from gateway.message import Accepted, DeliveryReceipt, InboundMessage, Raw

log = structlog.get_logger(__name__)

_MOST_PARTS = 255  # one byte counts the parts of an SMS (3GPP TS 23.040, 9.2.3.24.1)
#: Parameters, in small letters, that prove who calls, and say nothing.
_SECRETS = frozenset(
    {
        *("secret", "token", "access_token", "key", "api_key", "password"),
        *("sign", "sig", "signature", "msg_signature", "nonce"),
    }
)
_LARGE = 256 << 10  # bytes beyond which parsing leaves the event loop
_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(minutes=5)


class Record(Protocol):
    """Take in what a provider reports; returns after the commit. With `raw` it gets a line in the journal."""

    async def __call__(self, receipt: DeliveryReceipt, *, channel: str = "", raw: bytes = b"") -> None:
        """Record it."""


#: How a part is that was not heard of yet.
NOT_STARTED = "not started"


@dataclass(slots=True)
class Health:
    """How a part is: `reason` is empty while it is well; `parts` says what is wrong with single parts of it."""

    reason: str = NOT_STARTED
    since: datetime | None = None
    failures: int = 0
    parts: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether all of it does its work."""
        return not self.reason and not self.parts

    @property
    def why(self) -> str:
        """All that is wrong with it, for people; empty while it is well."""
        return "; ".join([*filter(None, [self.reason]), *(f"{part}: {reason}" for part, reason in self.parts.items())])

    def well(self) -> None:
        """It works."""
        if self.reason:
            self.since = datetime.now(UTC)
        self.reason, self.failures = "", 0

    def ill(self, reason: str) -> None:
        """It does not work, and why."""
        if not self.reason:
            self.since = datetime.now(UTC)
        self.reason = reason
        self.failures += 1


async def take(channel: Channel, raw: Raw, receive: Receive, record: Record) -> Sequence[Accepted]:
    """Parse one raw input and have all it says committed.

    What `parse` fails on is unreadable: it goes to triage with its raw bytes. An input has one line in the journal:
    that of its message, or of its first receipt where it carries nothing else.
    """
    raw = whole(raw)
    parsed: Sequence[Parsed]
    try:
        if len(raw.body) > _LARGE:
            parsed = await asyncio.to_thread(channel.parse, raw)
        else:
            parsed = channel.parse(raw)
    except Exception as error:
        log.warning("unreadable", channel=channel.name, size=len(raw.body), error=type(error).__name__)
        parsed = [unreadable(channel.name, raw, type(error).__name__)]
    accepted = []
    unwritten = b"" if any(isinstance(item, InboundMessage) for item in parsed) else raw.body
    for item in parsed:
        if isinstance(item, DeliveryReceipt):
            await record(_storable(item), channel=channel.name, raw=unwritten)
            unwritten = b""
        else:
            accepted.append(await receive(item))
    return accepted


def unreadable(channel: str, raw: Raw, problem: str) -> InboundMessage:
    """A message that only says that a person must look at its raw bytes; these are its id, so it may come again."""
    return InboundMessage(
        channel=channel,
        external_id=f"sha256:{hashlib.sha256(raw.body).hexdigest()}",
        received_at=raw.received_at,
        raw=raw,
        readable=False,
        problem=f"unreadable: {problem}",
    )


def _storable(receipt: DeliveryReceipt) -> DeliveryReceipt:
    """The receipt in characters and numbers that every database keeps; JSON can carry others."""
    texts = {name: getattr(receipt, name) for name in ("reference", "provider_id", "detail", "part", "address")}
    parts = min(max(receipt.parts, 1), _MOST_PARTS)
    if parts == receipt.parts and all(text.isprintable() for text in texts.values()):
        return receipt
    kept = {name: text.encode("utf-8", "backslashreplace").replace(b"\0", b"").decode() for name, text in texts.items()}
    return replace(receipt, parts=parts, **kept)


def whole(raw: Raw) -> Raw:
    """Some platforms say everything in the address: then that is what is kept, without the secret in it."""
    if raw.body or not raw.query:
        return raw
    parts = (raw.query_string or urlencode(raw.query)).split("&")
    said = "&".join(one for one in parts if unquote_plus(one.partition("=")[0]).lower() not in _SECRETS)
    return replace(raw, body=said.encode("utf-8", "surrogateescape"), media_type="application/x-www-form-urlencoded")


async def keep_running(name: str, health: Health, once: Callable[[], Awaitable[None]]) -> None:
    """Run `once` again and again until cancelled, with growing pauses while it fails."""
    pause = _FIRST_PAUSE
    while True:
        started = asyncio.get_running_loop().time()
        try:
            await once()
            health.well()
        except Exception as error:  # the loop that keeps a channel alive survives everything
            health.ill(f"{type(error).__name__}: {error}"[:200])
            log.warning("loop_failed", loop=name, error=health.reason, failures=health.failures)
        if asyncio.get_running_loop().time() - started > pause.total_seconds() * 10:
            pause = _FIRST_PAUSE
        await asyncio.sleep(pause.total_seconds() * random.uniform(0.5, 1.0))  # noqa: S311  jitter, no secret
        pause = min(pause * 2, _LONGEST_PAUSE)


async def run_channel(channel: Channel, receive: Receive, record: Record, health: Health) -> None:
    """Run a polling or listening channel until cancelled; a webhook has no loop of its own."""
    health.parts = channel.trouble

    async def accept(raw: Raw) -> Sequence[Accepted]:
        accepted = await take(channel, raw, receive, record)
        health.well()
        return accepted

    async def poll_once() -> None:
        assert isinstance(channel, Polling)
        async for raw, done in channel.poll():
            await accept(raw)
            await done()

    async def listen_once() -> None:
        assert isinstance(channel, Listening)
        health.well()
        await channel.serve(accept)

    if isinstance(channel, Polling):
        await keep_running(channel.name, health, poll_once)
    elif isinstance(channel, Listening):
        await keep_running(channel.name, health, listen_once)
    else:
        health.well()
