"""The door for what SMS providers push to us: delivery reports, and texts that people send to our number.

Providers sign nothing here, so the address carries a secret that only we and the provider know.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import orjson
from pydantic import ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from gateway.channels.base import Answer, Parsed, Refused, Webhook
from gateway.channels.forms import form_in, json_in, text_in, texts_in
from gateway.channels.paths import KEPT_WHOLE, found, known_by, text_of, with_only
from gateway.channels.sms.values import presets
from gateway.errors import ConfigError
from gateway.message import Accepted, Address, DeliveryReceipt, DeliveryStatus, InboundMessage, Raw, Talk
from gateway.normalize.moment import read_moment

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
    charset: str = ""  # of the text; empty: UTF-8, and GB18030 where it is none
    message_id: str = ""
    sent_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsReportsSettings:
    """The door of one provider. `secret` is what the provider's address for us carries as ``?secret=``.

    `answer` is what the provider wants to hear; `zone` is that of times without an offset. What is left out comes from
    the preset.
    """

    __pydantic_config__ = _STRICT
    secret: Annotated[str, Field(min_length=_SHORTEST_SECRET)] = field(repr=False)
    preset: str = "generic"
    answer: str = ""
    zone: str = "UTC"
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
    charset: str | None = None
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
        try:
            self._zone = ZoneInfo(settings.zone)
        except (ValueError, OSError, LookupError) as error:
            raise ConfigError([f"zone: {settings.zone} is none"]) from error

    def verify(self, raw: Raw) -> None:
        """Only who knows the secret comes in."""
        if not hmac.compare_digest(raw.query.get("secret", "").encode(), self.settings.secret.encode()):
            raise Refused(403, "wrong secret")

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """Each report or text of this push."""
        document = _read(raw, self._form)
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

    def _sent_at(self, said: str) -> datetime | None:
        """What is no time is not reason enough to hold a text up."""
        try:
            return read_moment(said, self._zone) if said else None
        except ValueError:
            return None

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
            part, message_id = _part(said(form.part), said(form.parts)), said(form.message_id)
            return InboundMessage(
                channel=self.name,
                # Without an id and a time nobody can tell a second delivery from the same words said again.
                external_id=f"{message_id}{part}" if message_id else known_by(entry) if said(form.sent_at) else None,
                received_at=raw.received_at,
                raw=raw,
                sender=(Address(medium="phone", value=said(form.sender)),),
                text=f"{part} {said(form.text)}".strip(),
                lodged_at=self._sent_at(said(form.sent_at)),
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


def _read(raw: Raw, form: _Form) -> JsonValue:
    if form.place == "json":
        return json_in(raw.body)
    body = raw.body
    if form.place == "query" and raw.query:  # read again, what the address said is what was kept
        body = (raw.query_string or urlencode(raw.query)).encode("utf-8", "surrogateescape")
    document = texts_in(body)
    charset = document.get(form.charset, "")
    if charset and form.text in document:
        document[form.text] = text_in(form_in(body)[form.text], charset)
    return {**document}


def _part(part: str, parts: str) -> str:
    """Which part of a long text this is: parts come one by one, and in any order."""
    return f"({part}/{parts})" if part and parts not in ("", "0", "1") else ""
