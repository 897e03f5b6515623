"""Toy push: a platform that signs its JSON with HMAC-SHA256 over a timestamp and the body."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pydantic import ConfigDict

from gateway.channels.base import Parsed, Webhook
from gateway.errors import Refused
from gateway.message import Address, DeliveryReceipt, DeliveryStatus, InboundMessage, Raw

_FRESH = timedelta(minutes=5)
_STATES: Mapping[str, DeliveryStatus] = {"ok": "delivered", "gone": "failed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSettings:
    """``[channels.NAME]`` with ``kind = "toy-push"``."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    secret: str = field(repr=False)


class Push(Webhook):
    """Pushed by the platform to ``POST /channels/NAME``."""

    Settings: ClassVar[type[Any]] = PushSettings

    def verify(self, raw: Raw) -> None:
        """Refuse what the platform did not sign, and what it signed long ago."""
        signed_at = raw.headers.get("x-toy-time", "")
        if not (signed_at.isascii() and signed_at.isdigit() and len(signed_at) < 12):
            raise Refused(401, "no time")
        age = raw.received_at - datetime.fromtimestamp(int(signed_at), UTC)
        if abs(age) > _FRESH:
            raise Refused(401, "too old")
        good = hmac.new(self.settings.secret.encode(), signed_at.encode() + b"." + raw.body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(good.encode(), raw.headers.get("x-toy-signature", "").encode()):
            raise Refused(401, "wrong signature")

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """One event: a message, a report about one of ours, or a ping."""
        event = json.loads(raw.body)
        match event:
            case {"type": "ping"}:
                return []
            case {"type": "report", "reference": str(reference), "state": "ok" | "gone" as state, "at": int(at)} if (
                reference
            ):
                return [DeliveryReceipt(status=_STATES[state], at=datetime.fromtimestamp(at, UTC), reference=reference)]
            case {
                "type": "message",
                "id": str(event_id),
                "at": int(at),
                "from": {"id": str(account), "name": str(name)},
                "text": str(text),
            } if event_id:
                return [
                    InboundMessage(
                        channel=raw.channel,
                        external_id=event_id,
                        received_at=raw.received_at,
                        raw=raw,
                        sender=(Address(medium="chat", value=f"toy:{account}", name=name),),
                        text=text,
                        lodged_at=datetime.fromtimestamp(at, UTC),
                    )
                ]
        raise ValueError("no such event")
