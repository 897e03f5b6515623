"""Complaints that another program pushes, in a form of its own: which of its values is which of ours is configured."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, get_args
from zoneinfo import ZoneInfo

import orjson
from pydantic import ConfigDict, Field, JsonValue

from gateway.channels.base import Answer, Parsed, Refused, Webhook
from gateway.channels.elements import read_elements
from gateway.channels.forms import json_in, texts_in
from gateway.channels.paths import KEPT_WHOLE, found, known_by, text_of, with_only
from gateway.errors import ConfigError
from gateway.message import Accepted, InboundMessage, Raw
from gateway.normalize.moment import read_moment

Ours = Literal[
    "text",
    "subject",
    "kind",
    "category",
    "priority",
    "respondent",
    "service_number",
    "occurred_at",
    "place",
    "locale",
    "name",
    "phone",
    "email",
    "anonymous",
    "confidential",
    "lodged_at",
]
_PERSON = ("name", "phone", "email")
_FLAGS = ("anonymous", "confidential")
_TIMES = ("occurred_at", "lodged_at")
_YES = frozenset({"1", "true", "yes", "y", "on", "是", "保密", "匿名"})
_MOST_ENTRIES = 200
_LONGEST_SHOWN = 20_000  # characters of what nobody understands


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """``[channels.NAME]`` with ``kind = "webhook"``.

    `fields`: ours ← a dotted path, or several tried in order; `constants`: ours ← a text; `values`: ours ← their words
    ← ours. `proof`: ``hmac-sha256`` over the body, hexadecimal, in `header` behind `prefix`, where `time_header` is set
    over that time, a dot and the body, at most `window` old; ``secret``: `header` carries the secret itself; ``basic``:
    the secret is ``user:password``. Without `external_id` an input is known by its bytes.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    fields: Mapping[Ours, str | tuple[str, ...]]
    secret: Annotated[str, Field(min_length=16)] = field(repr=False)
    constants: Mapping[Ours, str] = field(default_factory=dict)
    values: Mapping[Ours, Mapping[str, str]] = field(default_factory=dict)
    body: Literal["json", "form", "xml"] = "json"
    entries: str = ""
    external_id: str = ""
    proof: Literal["hmac-sha256", "secret", "basic"] = "hmac-sha256"
    header: str = "x-signature"
    prefix: str = ""
    time_header: str = ""
    window: timedelta = timedelta(minutes=5)
    time_format: str = ""
    zone: str = "Asia/Shanghai"
    answer: str = ""


class ConfiguredWebhook(Webhook):
    """Pushes of one other program."""

    Settings: ClassVar = WebhookSettings
    settings: WebhookSettings

    def __init__(self, name: str, settings: WebhookSettings) -> None:
        super().__init__(name, settings)
        problems = [] if "text" in settings.fields else ["fields.text: required"]
        if settings.time_header and settings.proof != "hmac-sha256":
            problems.append("time_header: only what is signed proves a time; proof is not hmac-sha256")
        if not settings.header and settings.proof != "basic":
            problems.append("header: required")
        try:
            self._zone = ZoneInfo(settings.zone)
        except (ValueError, OSError, LookupError):
            problems.append(f"zone: {settings.zone} is none")
        if problems:
            raise ConfigError(problems)

    def verify(self, raw: Raw) -> None:
        """The sender knows the secret, and where it signs, the body is as it was signed."""
        own = self.settings
        given = raw.headers.get("authorization" if own.proof == "basic" else own.header.lower(), "")
        good = self._good(raw)
        if own.proof == "hmac-sha256":
            good, given = good.lower(), given.lower()  # hexadecimal
        if not hmac.compare_digest(_bytes(good), _bytes(given.strip())):
            raise Refused(401, "wrong signature" if own.proof == "hmac-sha256" else "wrong secret")
        if own.proof == "hmac-sha256" and own.time_header:
            self._fresh(raw)

    def _good(self, raw: Raw) -> str:
        own = self.settings
        match own.proof:
            case "basic":
                return f"Basic {base64.b64encode(own.secret.encode()).decode()}"
            case "secret":
                return f"{own.prefix}{own.secret}"
            case _:
                at = raw.headers.get(own.time_header.lower(), "") if own.time_header else ""
                said = _bytes(f"{at}.") + raw.body if own.time_header else raw.body
                return own.prefix + hmac.new(own.secret.encode(), said, hashlib.sha256).hexdigest()

    def _fresh(self, raw: Raw) -> None:
        at = raw.headers.get(self.settings.time_header.lower(), "")
        if not (at.isascii() and at.isdigit() and len(at) < 12):
            raise Refused(401, f"{self.settings.time_header}: seconds since 1970")
        if abs(raw.received_at - datetime.fromtimestamp(int(at), UTC)) > self.settings.window:
            raise Refused(401, f"{self.settings.time_header}: too old or ahead of our clock")

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """Each entry of a push; one that cannot be understood does not hold up the others."""
        document = _document(raw, self.settings.body)
        entries = found(document, self.settings.entries) if self.settings.entries else document
        if not isinstance(entries, list):
            return [self._read(entries, raw, f"sha256:{hashlib.sha256(raw.body).hexdigest()}")]
        if not entries or len(entries) > _MOST_ENTRIES:
            raise ValueError(f"holds {len(entries)} entries")
        few = len(entries) <= KEPT_WHOLE
        return [
            self._read(entry, raw if few else self._own_raw(entry, raw), known_by(entry), f"entry {number}: ")
            for number, entry in enumerate(entries, 1)
        ]

    def answer(self, accepted: Sequence[Accepted]) -> Answer:
        """What is configured, else our numbers."""
        if self.settings.answer:
            body = self.settings.answer.encode()
            return Answer(body=body, media_type="application/json" if body[:1] == b"{" else "text/plain")
        told = [{"outcome": one.outcome, "number": one.ticket} for one in accepted]
        return Answer(body=orjson.dumps({"complaints": told}), media_type="application/json")

    def _own_raw(self, entry: JsonValue, raw: Raw) -> Raw:
        """An entry of many is journaled by itself, as JSON."""
        body = orjson.dumps(with_only(self.settings.entries, entry))
        return replace(raw, body=body, media_type="application/json")

    def _read(self, entry: JsonValue, raw: Raw, known: str, where: str = "") -> InboundMessage:
        """What an entry says, under the id that it gives, else as what it is `known` by.

        What is not understood keeps its id free for the same with its mistake mended.
        """
        message = InboundMessage(channel=self.name, external_id=known, received_at=raw.received_at, raw=raw)
        try:
            return self._understood(entry, message)
        except ValueError as error:
            return replace(
                message,
                text=orjson.dumps(entry).decode()[:_LONGEST_SHOWN],
                readable=False,
                problem=f"{where}{error}",
            )

    def _understood(self, entry: JsonValue, message: InboundMessage) -> InboundMessage:
        said = {ours: self._said(entry, ours) for ours in get_args(Ours)}
        if not said["text"]:
            raise ValueError("no text")
        moments = {ours: self._moment(ours, said[ours]) for ours in _TIMES}
        fields: dict[str, Any] = {
            ours: value
            for ours, value in said.items()
            if value and ours not in (*_PERSON, *_FLAGS, *_TIMES, "category", "lodged_at")
        }
        if said["category"]:
            parts = said["category"].replace("\n", "/").split("/")
            fields["category"] = tuple(part.strip() for part in parts if part.strip())[:4]
        if moments["occurred_at"]:
            fields["occurred_at"] = moments["occurred_at"]
        fields["complainant"] = {ours: said[ours].partition("\n")[0] for ours in _PERSON if said[ours]} | {
            ours: True for ours in _FLAGS if said[ours].lower() in _YES
        }
        given = text_of(found(entry, self.settings.external_id)) if self.settings.external_id else ""
        return replace(
            message,
            external_id=given or message.external_id,
            subject=said["subject"],
            text=said["text"],
            lodged_at=moments["lodged_at"],
            fields=fields,
        )

    def _said(self, entry: JsonValue, ours: Ours) -> str:
        own = self.settings
        paths = own.fields.get(ours, ())
        tried = (text_of(found(entry, path)).strip() for path in ((paths,) if isinstance(paths, str) else paths))
        value = next(filter(None, tried), "") or own.constants.get(ours, "")
        return own.values.get(ours, {}).get(value, value)

    def _moment(self, ours: str, said: str) -> datetime | None:
        if not said:
            return None
        try:
            if not self.settings.time_format:
                return read_moment(said, self._zone)
            at = datetime.strptime(said, self.settings.time_format)  # noqa: DTZ007  the zone follows
        except ValueError as error:
            raise ValueError(f"{ours}: not a time") from error
        return at if at.tzinfo else at.replace(tzinfo=self._zone)


def _bytes(header: str) -> bytes:
    """A header as it came over the wire, whatever its bytes were."""
    return header.encode("utf-8", "surrogateescape")


def _document(raw: Raw, form: str) -> JsonValue:
    """The push, or an entry of one as it is kept."""
    match form:
        case "form" if raw.body[:1] not in (b"[", b"{"):
            return {**texts_in(raw.body)}
        case "xml" if raw.body.lstrip()[:1] == b"<":
            return read_elements(raw.body)
        case _:
            return json_in(raw.body)
