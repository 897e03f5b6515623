"""The form, the JSON intake and the phone agents' form as channels: what they took in can be read and replayed.

Live requests do not come this way; their routes check more and answer in the caller's language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter

from gateway.channels.base import Channel, Parsed
from gateway.message import InboundMessage, Raw
from gateway.web.files import read_files
from gateway.web.limits import Limits
from gateway.web.schema import CallBody, IntakeBody, validated

_INTAKE: TypeAdapter[IntakeBody] = TypeAdapter(IntakeBody)
_CALL: TypeAdapter[CallBody] = TypeAdapter(CallBody)
_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSettings:
    """Nothing to set."""

    __pydantic_config__ = ConfigDict(extra="forbid")


class WebIntake(Channel):
    """Complaints of citizens and programs: the intake body of the contract, section 3."""

    Settings: ClassVar = NoSettings
    limit = 32 << 20
    body: ClassVar[TypeAdapter[Any]] = _INTAKE

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """The one message of a body; each arrival is one of its own."""
        fields: Mapping[str, Any] = validated(self.body, raw.body)
        files = fields.get("attachments")
        message = InboundMessage(
            channel=self.name,
            external_id=None,
            received_at=raw.received_at,
            raw=raw,
            lodged_at=fields.get("call_started_at"),
            attachments=read_files(files, _LIMITS) if files else (),
            fields=fields,
        )
        return [message]


class PhoneIntake(WebIntake):
    """Calls and visits that agents write down."""

    body: ClassVar[TypeAdapter[Any]] = _CALL
