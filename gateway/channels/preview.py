"""Transports that send nothing: the demo's way out, shown in the console with each notice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import ConfigDict

from gateway.channels.base import Transport
from gateway.message import DeliveryReceipt, OutboundMessage
from gateway.segments import segments


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewSettings:
    """Nothing to set."""

    __pydantic_config__ = ConfigDict(extra="forbid")


class _Preview(Transport):
    Settings: ClassVar = PreviewSettings

    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """Delivered at once, since who looks at the notice sees it."""
        short = message.forms.get("short", "")
        return DeliveryReceipt(
            status="delivered",
            at=datetime.now(UTC),
            reference=message.reference,
            detail="preview only",
            parts=max(segments(short).count, 1),
        )


class PreviewEmail(_Preview):
    """Shows mails instead of sending them."""

    medium = "email"
    forms = ("subject", "text", "html")


class PreviewSms(_Preview):
    """Shows SMS instead of sending them."""

    medium = "sms"
    forms = ("short",)
