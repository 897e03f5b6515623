"""The door for what SMS providers push to us: delivery reports, and texts that people send to our number.

Providers sign nothing here, so the address carries a secret that only we and the provider know.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal
from urllib.parse import parse_qsl

import orjson
from pydantic import ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from gateway.channels.base import Answer, Parsed, Refused, Webhook
from gateway.channels.paths import KEPT_WHOLE, found, known_by, text_of, with_only
from gateway.channels.sms.values import presets
from gateway.errors import ConfigError
from gateway.message import Accepted, Address, DeliveryReceipt, DeliveryStatus, InboundMessage, Raw, Talk

_STRICT = ConfigDict(extra="forbid")
_SHORTEST_SECRET = 16
_MOST_ENTRIES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """Where a provider's reports say what: every value is a dotted path, empty where there is none."""

    __pydantic_config__ = _STRICT
    place: Literal["json", "form", "query"] = "json"
    entries: str = ""  # path to the list of reports; empty: the document is one, or is the list itself
    reference: str = ""
    provider_id: str = ""
    status: str = ""
    detail: str = ""
    part: str = ""
    parts: str = ""
    statuses: Mapping[str, DeliveryStatus] = field(default_factory=dict)
    sender: str = ""
    text: str = ""
    message_id: str = ""
    sent_at: str = ""  # ISO 8601; without an offset it is UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsReportsSettings:
    """The door of one provider. `secret` is what the provider's address for us carries as ``?secret=``.

    `answer` is what the provider wants to hear. What is left out comes from the preset.
    """

    __pydantic_config__ = _STRICT
    secret: Annotated[str, Field(min_length=_SHORTEST_SECRET)] = field(repr=False)
    preset: str = "generic"
    answer: str = ""
    place: str | None = None
    entries: str | None = None
    reference: str | None = None
    provider_id: str | None = None
    status: str | None = None
    detail: str | None = None
    part: str | None = None
    parts: str | None = None
    statuses: Mapping[str, str] | None = None
    sender: str | None = None
    text: str | None = None
    message_id: str | None = None
    sent_at: str | None = None


class SmsReports(Webhook):
    """Delivery reports and texts from people, of one provider."""

    Settings: ClassVar = SmsReportsSettings
    by_get = True
    settings: SmsReportsSettings

    def __init__(self, name: str, settings: SmsReportsSettings) -> None:
        super().__init__(name, settings)
        self._form = _form(settings)

    def verify(self, raw: Raw) -> None:
        """Only who knows the secret comes in."""
        if not hmac.compare_digest(raw.query.get("secret", "").encode(), self.settings.secret.encode()):
            raise Refused(403, "wrong secret")

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """Each report or text of this push."""
        document = _read(raw, self._form.place)
        entries = found(document, self._form.entries) if self._form.entries else document
        if not isinstance(entries, list):
            return [self._one(entries, raw)]
        if not entries or len(entries) > _MOST_ENTRIES:
            raise ValueError(f"holds {len(entries)} entries")
        few = len(entries) <= KEPT_WHOLE
        return [self._of_many(entry, raw if few else self._own_raw(entry, raw)) for entry in entries]

    def answer(self, accepted: Sequence[Accepted]) -> Answer:
        """What the configuration says."""
        body = self.settings.answer
        return Answer(body=body.encode(), media_type="application/json" if body.startswith("{") else "text/plain")

    def _of_many(self, entry: JsonValue, raw: Raw) -> Parsed:
        """One that is not understood is for a person, and does not hold up the others."""
        try:
            return self._one(entry, raw)
        except ValueError as error:
            return InboundMessage(
                channel=self.name,
                external_id=known_by(entry),
                received_at=raw.received_at,
                raw=raw,
                readable=False,
                problem=f"entry: {error}"[:200],
            )

    def _own_raw(self, entry: JsonValue, raw: Raw) -> Raw:
        body = orjson.dumps(with_only(self._form.entries, entry))
        return replace(raw, body=body, media_type="application/json")

    def _one(self, entry: JsonValue, raw: Raw) -> Parsed:
        form = self._form

        def said(path: str) -> str:
            return text_of(found(entry, path))

        status = said(form.status)
        if not status and not (said(form.text) and said(form.sender)):
            raise ValueError("neither a report nor a text")
        if not status:
            return InboundMessage(
                channel=self.name,
                # Without an id and a time nobody can tell a second delivery from the same words said again.
                external_id=said(form.message_id) or (known_by(entry) if said(form.sent_at) else None),
                received_at=raw.received_at,
                raw=raw,
                sender=(Address(medium="phone", value=said(form.sender)),),
                text=said(form.text),
                lodged_at=_time(said(form.sent_at)),
                talk=Talk(account=said(form.sender), medium="sms"),
            )
        known = form.statuses.get(status)
        return DeliveryReceipt(
            status=known or "accepted",  # a word of theirs that is new to us changes nothing
            at=raw.received_at,
            reference=said(form.reference),
            provider_id=said(form.provider_id),
            detail=said(form.detail) if known else f"{status} {said(form.detail)}".strip(),
            part=said(form.part),
            parts=int(said(form.parts) or 1),
        )


def _form(settings: SmsReportsSettings) -> _Form:
    """The preset with the configuration's own keys laid over it.

    Raises:
        ConfigError: there is no such preset, or a key is wrong.
    """
    preset = presets().get(settings.preset)
    if preset is None:
        raise ConfigError([f"preset: {settings.preset} is none of {', '.join(presets())}"])
    own = {one.name: value for one in fields(_Form) if (value := getattr(settings, one.name)) is not None}
    try:
        form: _Form = TypeAdapter(_Form).validate_python({**preset["reports"], **own})
    except ValidationError as error:
        raise ConfigError(
            [
                f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
                for item in error.errors(include_input=False, include_url=False)
            ]
        ) from error
    return form


def _read(raw: Raw, place: str) -> JsonValue:
    match place:
        case "query":
            return {**raw.query}
        case "form":
            return dict(parse_qsl(raw.body.decode(), keep_blank_values=True))
        case _:
            document: JsonValue = orjson.loads(raw.body)
            return document


def _time(said: str) -> datetime | None:
    if not said:
        return None
    at = datetime.fromisoformat(said)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
