"""Toy push with one fault each, as authors make them."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from gateway.channels.base import Answer, Parsed
from gateway.errors import Refused
from gateway.message import InboundMessage, Raw
from tests.channels.toy.push import Push


class _Other(Push):
    """Says what push says, with other values."""

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """The messages of push, changed."""
        return [replace(one, **self.other(raw)) for one in super().parse(raw) if isinstance(one, InboundMessage)]

    def other(self, raw: Raw) -> dict[str, Any]:
        """What stands in every message instead."""
        return {}


class ReadsTheClock(_Other):
    """Takes the time of reading for the time of writing."""

    def other(self, raw: Raw) -> dict[str, Any]:
        """A time that changes."""
        return {"lodged_at": datetime.now(UTC)}


class LocalTime(_Other):
    """Takes the machine's zone for everybody's."""

    def other(self, raw: Raw) -> dict[str, Any]:
        """A time that depends on the machine."""
        return {"lodged_at": datetime.fromtimestamp(json.loads(raw.body)["at"]).astimezone()}


class NaiveTime(_Other):
    """Knows no zone at all."""

    def other(self, raw: Raw) -> dict[str, Any]:
        """A time that means nothing."""
        return {"lodged_at": datetime(2026, 3, 2, 9, 27)}  # noqa: DTZ001


class AsksTheNetwork(_Other):
    """Looks something up while it reads."""

    def other(self, raw: Raw) -> dict[str, Any]:
        """Nothing else, but it asked."""
        with contextlib.suppress(OSError):
            socket.getaddrinfo("localhost", 80)
        return {}


class IdOfTheHour(_Other):
    """Makes an id of when the input came."""

    def other(self, raw: Raw) -> dict[str, Any]:
        """An id that a second delivery does not have."""
        return {"external_id": raw.received_at.isoformat()}


class NoId(_Other):
    """Takes each delivery for a new input."""

    def other(self, raw: Raw) -> dict[str, Any]:
        """No id."""
        return {"external_id": None}


class KindForName(_Other):
    """Takes its kind for the configured name."""

    def other(self, raw: Raw) -> dict[str, Any]:
        """A channel that nobody configured."""
        return {"channel": "toy-push"}


class Silent(Push):
    """Drops what it does not understand."""

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """What push says, or nothing."""
        with contextlib.suppress(ValueError):
            return super().parse(raw)
        return []


class OpenDoor(Push):
    """Lets everybody in."""

    def verify(self, raw: Raw) -> None:
        """Says nothing."""


class TrustsTheTime(Push):
    """Checks the signature, but not when it was made."""

    def verify(self, raw: Raw) -> None:
        """The signature alone."""
        signed = raw.headers.get("x-toy-time", "").encode() + b"." + raw.body
        good = hmac.new(self.settings.secret.encode(), signed, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(good.encode(), raw.headers.get("x-toy-signature", "").encode()):
            raise Refused(401, "wrong signature")


class ComparesText(Push):
    """Fails on a signature that is not ASCII, instead of refusing it."""

    def verify(self, raw: Raw) -> None:
        """As push, by text."""
        hmac.compare_digest("0" * 64, raw.headers.get("x-toy-signature", ""))
        super().verify(raw)


class SignsHalf(Push):
    """Proves the beginning of the body only."""

    def verify(self, raw: Raw) -> None:
        """Of a body that is as it was signed up to its middle, the middle is all that was compared."""
        half = len(raw.body) // 2
        for bit in range(half, len(raw.body)):
            body = raw.body[:bit] + bytes([raw.body[bit] ^ 1]) + raw.body[bit + 1 :]
            with contextlib.suppress(Refused):
                super().verify(replace(raw, body=body))
                return
        super().verify(raw)


class AnswersAnybody(Push):
    """Gives back what is asked, to whoever asks."""

    def challenge(self, raw: Raw) -> Answer | None:
        """The check of the address, before anything was verified."""
        said = json.loads(raw.body or b"{}")
        return Answer(body=str(said["from"]).encode()) if "from" in said else None


class FailsOnCheck(Push):
    """Takes each GET for a check of its address."""

    def challenge(self, raw: Raw) -> Answer | None:
        """Fails where nothing is to be checked."""
        return None if raw.body else Answer(body=raw.query["echo"].encode())


class TrustsTheCharset(Push):
    """Believes what is said of the charset before anything was verified."""

    def verify(self, raw: Raw) -> None:
        """Fails on charsets that do not exist."""
        raw.body.decode(raw.headers.get("content-type", "").partition("charset=")[2] or "utf-8")
        super().verify(raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class LooseSettings:
    """Takes any key, and shows its secret."""

    secret: str


class Loose(Push):
    """Configured carelessly."""

    Settings: ClassVar[type[Any]] = LooseSettings
