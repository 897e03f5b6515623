"""Hand SMS to a provider by one HTTP request that is described by data (`presets.toml`).

What the answer means: a rule of `success`, else the first of `errors` that matches, else the HTTP status: 408, 425, 429
and 5xx are worth another try, and so is being refused a sign-in (our own side's trouble); everything else is not. An
answer that no rule knows is a failure: sending again and again costs money and annoys people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated, ClassVar, Literal

import aiohttp
import orjson
from pydantic import ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from gateway.channels.base import PermanentDelivery, TransientDelivery, Transport
from gateway.channels.paths import found, text_of
from gateway.channels.sms.values import filled, places, presets
from gateway.errors import ConfigError
from gateway.message import DeliveryReceipt, OutboundMessage
from gateway.segments import MAINLAND_LIMIT, segments, signed

_PHONE = re.compile(r"\+?[0-9]{5,15}")
_WORTH_A_TRY = frozenset({401, 403, 407, 408, 425, 429})
_OWN_VALUES = frozenset(
    {"to", "national", "text", "plain", "signature", "reference", "template", "variables", "values", "report_url"}
)
_ANSWER_LIMIT = 64 << 10
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An answer for which all that is named holds: `path` leads to a JSON value of `equals`, `body` is a regex."""

    __pydantic_config__ = _STRICT
    status: tuple[int, ...] = ()
    path: str = ""
    equals: tuple[str, ...] = ()
    body: str = ""

    def matches(self, answer: _Answer) -> bool:
        """Whether `answer` is one of these."""
        return (
            (not self.status or answer.status in self.status)
            and (not self.path or text_of(found(answer.document, self.path)) in self.equals)
            and (not self.body or re.search(self.body, answer.text) is not None)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRule(Rule):
    """An answer that says no, and whether another try can help, not before `retry_after`."""

    kind: Literal["transient", "permanent"]
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Provider:
    """How one provider is asked, after preset and configuration are laid over each other."""

    __pydantic_config__ = _STRICT
    url: Annotated[str, Field(pattern=r"^https?://")]
    method: Literal["GET", "POST", "PUT"] = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    json: JsonValue = None
    success: tuple[Rule, ...] = (Rule(status=(200, 201, 202)),)
    errors: tuple[ErrorRule, ...] = ()
    provider_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsSettings:
    """A provider. What is left out comes from the preset (`presets.toml` says what each key means).

    `signature` is put before the text as 【signature】 unless it stands there; with `signs_itself` the provider does
    it. In the operator's file it defaults to the organisation's; an empty one turns it off.
    `report_url` is the public address of the door for reports, its secret included.
    """

    __pydantic_config__ = _STRICT
    preset: str = "generic"
    url: str = ""
    method: str | None = None
    headers: Mapping[str, str] | None = None
    query: Mapping[str, str] | None = None
    form: Mapping[str, str] | None = None
    json: JsonValue = None
    success: tuple[Mapping[str, JsonValue], ...] | None = None
    errors: tuple[Mapping[str, JsonValue], ...] | None = None
    provider_id: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    signature: str = ""
    signs_itself: bool = False
    mainland: bool = True
    report_url: str = ""
    timeout: Annotated[float, Field(gt=0, le=25)] = 10.0  # seconds for the whole request
    concurrency: Annotated[int, Field(ge=1, le=64)] = 8


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    text: str
    document: JsonValue
    retry_after: timedelta | None


class Sms(Transport):
    """SMS out through one provider."""

    Settings: ClassVar = SmsSettings
    medium = "sms"
    forms = ("short",)
    settings: SmsSettings

    def __init__(self, name: str, settings: SmsSettings) -> None:
        super().__init__(name, settings)
        self.concurrency = settings.concurrency
        self._provider = _provider(settings)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the kept connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """Hand one SMS over; returns when the provider has taken it."""
        own, provider = self.settings, self._provider
        if not _PHONE.fullmatch(message.to):
            raise PermanentDelivery("not a telephone number")
        plain = message.forms["short"]
        mark = signed("", own.signature)
        text = plain if plain.startswith(mark) else mark + plain
        size = segments(text, mainland=own.mainland)
        if size.too_long:
            raise PermanentDelivery(f"longer than {MAINLAND_LIMIT} characters")
        answer = await self._ask(_values(message, own, plain, plain if own.signs_itself else text))
        if not any(rule.matches(answer) for rule in provider.success):
            raise _refused(answer, provider.errors)
        return DeliveryReceipt(
            status="accepted",
            at=datetime.now(UTC),
            reference=message.reference,
            provider_id=text_of(found(answer.document, provider.provider_id)),
            detail=f"{size.count} SMS, {size.units} characters",
            parts=size.count,
        )

    async def _ask(self, values: Mapping[str, JsonValue]) -> _Answer:
        provider = self._provider
        as_json = provider.json is not None and provider.form is None
        body = orjson.dumps(filled(provider.json, values)) if as_json else None
        headers = _texts(provider.headers, values)
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self.concurrency)
            time_limit = aiohttp.ClientTimeout(total=self.settings.timeout)
            self._session = aiohttp.ClientSession(connector=connector, timeout=time_limit)
        try:
            async with self._session.request(
                provider.method,
                str(filled(provider.url, values)),
                params=_texts(provider.query, values) or None,
                data=body if provider.form is None else _texts(provider.form, values),
                headers=headers,
                allow_redirects=False,
            ) as response:
                raw = await _beginning(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:  # perhaps it was taken
            raise TransientDelivery(type(error).__name__) from error
        return _Answer(response.status, raw.decode(errors="replace"), _document(raw), _retry_after(response))


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """The answer, or as much of it as anybody needs; a read alone gives no more than has arrived."""
    raw = bytearray()
    async for chunk in response.content.iter_chunked(_ANSWER_LIMIT):
        raw += chunk
        if len(raw) >= _ANSWER_LIMIT:
            response.close()
            break
    return bytes(raw)


def _provider(settings: SmsSettings) -> _Provider:
    """The preset with the configuration's own keys laid over it.

    Raises:
        ConfigError: there is no such preset, or what comes out is not a provider.
    """
    preset = presets().get(settings.preset)
    if preset is None:
        raise ConfigError([f"preset: {settings.preset} is none of {', '.join(presets())}"])
    names = {one.name for one in fields(_Provider)}
    own = {name: value for name in names if (value := getattr(settings, name)) is not None}
    try:
        provider: _Provider = TypeAdapter(_Provider).validate_python({**preset["send"], **own})
    except ValidationError as error:
        raise ConfigError(
            [
                f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
                for item in error.errors(include_input=False, include_url=False)
            ]
        ) from error
    texts = {**provider.headers, **provider.query, **(provider.form or {}), " url": provider.url}
    asked = places(list(texts.values())) | places(provider.json)
    unknown = sorted(asked - _OWN_VALUES - set(settings.parameters))
    if unknown:
        raise ConfigError([f"parameters.{name}: required" for name in unknown])
    return provider


def _values(message: OutboundMessage, own: SmsSettings, plain: str, text: str) -> dict[str, JsonValue]:
    given = message.template.get("variables", {})
    variables: dict[str, JsonValue] = {str(name): str(value) for name, value in given.items()}
    return {
        **own.parameters,
        "to": message.to,
        "national": message.to.removeprefix("+86"),
        "text": text,
        "plain": plain,
        "signature": own.signature,
        "reference": message.reference,
        "template": str(message.template.get("id", "")),
        "variables": variables,
        "values": list(variables.values()),
        "report_url": own.report_url,
    }


def _texts(template: Mapping[str, str], values: Mapping[str, JsonValue]) -> dict[str, str]:
    """Outside of JSON an object or a list is written as JSON text."""
    done = {name: filled(value, values) for name, value in template.items()}
    return {name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in done.items()}


def _document(raw: bytes) -> JsonValue:
    try:
        document: JsonValue = orjson.loads(raw)
    except ValueError:
        return None
    return document


def _retry_after(response: aiohttp.ClientResponse) -> timedelta | None:
    """RFC 9110, section 10.2.3: seconds, or a date."""
    said = response.headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        return timedelta(seconds=int(said[:9]))
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(at - datetime.now(UTC), timedelta(0)) if at.tzinfo else None


def _refused(answer: _Answer, rules: tuple[ErrorRule, ...]) -> TransientDelivery | PermanentDelivery:
    said = f"{answer.status} {answer.text[:200]}".strip()
    for rule in rules:
        if rule.matches(answer):
            if rule.kind == "permanent":
                return PermanentDelivery(said, status=str(answer.status))
            return TransientDelivery(said, retry_after=answer.retry_after or rule.retry_after)
    if answer.status in _WORTH_A_TRY or answer.status >= 500:
        return TransientDelivery(said, retry_after=answer.retry_after)
    return PermanentDelivery(said, status=str(answer.status))
