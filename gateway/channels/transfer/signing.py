"""Where a body's signature stands and what it is over: every body has its own way, so it is configured.

The nonce is not remembered: a push that comes twice is the same input by what it says, also after a restart, and a body
that sends again because our answer was lost must hear "taken" again.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Any

import orjson

from gateway.channels.paths import found
from gateway.channels.transfer.seal import Proof, sm3
from gateway.channels.transfer.settings import TransferSettings
from gateway.errors import Refused
from gateway.message import Raw

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_KNOWN = frozenset({"app_id", "timestamp", "nonce", "body", "body_sha256", "body_sm3", "sorted", "secret"})
#: What covers the body, so that nobody can change it.
_COVERS = frozenset({"body", "body_sha256", "body_sm3"})
#: Without separators in the signed text nobody must be able to move the body's beginning into the nonce.
_NONCE = re.compile(r"[0-9A-Za-z_.:-]{0,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """What goes out: the body, and beside it the marks that prove where it is from."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


class Signature:
    """Checks what comes from a body, and signs what goes to it."""

    def __init__(self, settings: TransferSettings, zone: tzinfo) -> None:
        self._own = settings
        self._layout = settings.signing
        self._proof = Proof(settings)
        self._zone = zone

    @property
    def known(self) -> bool:
        """Whether there is a key to check with: without one nobody can push."""
        return self._proof.known

    @property
    def signs(self) -> bool:
        """Whether there is a key to sign with what we send."""
        return self._proof.signs

    def check(self, raw: Raw) -> None:
        """Signed by the body, not altered, and not from another time.

        Raises:
            Refused: with what is wrong, and where a clock is, with both times.
        """
        layout = self._layout
        marks, content, others = self._read(raw)
        app_id, stamp, nonce = (marks(name) for name in (layout.app_id, layout.timestamp, layout.nonce))
        if not _NONCE.fullmatch(nonce):
            raise Refused(401, f"{layout.nonce}: letters, digits and _.:- only, at most 128")
        if layout.app_id and not hmac.compare_digest(app_id.encode("utf-8", "replace"), self._own.app_id.encode()):
            raise Refused(401, f"{layout.app_id}: unknown")
        at = _moment(stamp, layout.time_format, self._zone)
        if at is None:
            raise Refused(401, f"{layout.timestamp}: {layout.time_format or 'seconds or milliseconds since 1970'}")
        said = self._said(stamp, nonce, content, others)
        if not self._proof.holds(said, marks(layout.signature).strip(), layout.encoding):
            raise Refused(401, f"{layout.signature}: wrong signature")
        if wrong := skew(at, raw.received_at, self._own.window):
            raise Refused(401, f"{layout.timestamp}: {wrong}")

    def mark(self, body: bytes, at: datetime, query: Mapping[str, str] = MappingProxyType({})) -> Marked:
        """Sign what goes out, as the body does it; `query` are the other parameters of its address."""
        layout = self._layout
        if not self.signs:
            return Marked(body=body)
        stamp = _written(at, layout.time_format, self._zone)
        nonce = secrets.token_hex(8)
        named = {layout.app_id: self._own.app_id, layout.timestamp: stamp, layout.nonce: nonce}
        marks = {name: value for name, value in named.items() if name}
        if layout.place != "body":
            said = self._said(stamp, nonce, body, {**query, **marks})
            marks[layout.signature] = self._proof.of(said, layout.encoding)
            return Marked(body=body, headers=marks) if layout.place == "header" else Marked(body=body, query=marks)
        document: dict[str, Any] = {**_wrapped(body, layout.payload), **marks}
        said = self._said(stamp, nonce, _text(found(document, layout.payload)).encode(), document)
        return Marked(body=orjson.dumps({**document, layout.signature: self._proof.of(said, layout.encoding)}))

    def _read(self, raw: Raw) -> tuple[Callable[[str], str], bytes, Mapping[str, Any]]:
        """How to look up a mark, the content that is signed, and all that a sorted signature is over."""
        match self._layout.place:
            case "header":
                return lambda name: raw.headers.get(name.lower(), ""), raw.body, {}
            case "query":
                return lambda name: raw.query.get(name, ""), raw.body, raw.query
        try:
            document = orjson.loads(raw.body)
        except ValueError as error:
            raise Refused(400, "not a JSON document, so it is not signed") from error
        if not isinstance(document, dict):
            raise Refused(400, "not a JSON object, so it is not signed")
        content = found(document, self._layout.payload)
        if self._layout.payload and content is None:
            raise Refused(400, f"{self._layout.payload}: required")
        return lambda name: _text(document.get(name)), _text(content).encode("utf-8", "replace"), document

    def _said(self, stamp: str, nonce: str, content: bytes, others: Mapping[str, Any]) -> bytes:
        """The signed text with its values."""
        values: dict[str, Callable[[], bytes]] = {
            "app_id": self._own.app_id.encode,
            "timestamp": lambda: stamp.encode("utf-8", "replace"),
            "nonce": nonce.encode,
            "body": lambda: content,
            "body_sha256": lambda: hashlib.sha256(content).hexdigest().encode(),
            "body_sm3": lambda: sm3(content).hex().encode(),
            "sorted": lambda: _sorted(others, self._layout.signature),
            "secret": lambda: (self._own.secret or "").encode(),
        }
        parts = _PLACEHOLDER.split(self._layout.text)
        return b"".join(values[part]() if place % 2 else part.encode() for place, part in enumerate(parts))


def layout_problems(settings: TransferSettings) -> Iterator[str]:
    """What is wrong with how a body signs although every value is valid, each as ``key: reason``."""
    layout = settings.signing
    names = set(_PLACEHOLDER.findall(layout.text))
    for name in sorted(names - _KNOWN):
        yield f"signing.text: there is no {{{name}}}; there are {', '.join(sorted(_KNOWN))}"
    covered = names & _COVERS if layout.place != "body" or layout.payload else names & {"sorted"}
    if layout.place == "body" and "sorted" in names:
        covered |= {"sorted"}
    if not covered:
        yield "signing.text: does not cover the body, so anybody could change it"
    if "timestamp" not in names and not ("sorted" in names and layout.place != "header"):
        yield "signing.text: does not cover the time, so a push could be sent again at any time"
    plain = settings.signature in ("sha256", "sm3")
    if plain and not layout.text.endswith("{secret}"):
        yield "signing.text: must end with {secret} where the digest is a plain one"
    if not plain and "secret" in names:
        yield f"signing.text: {settings.signature} has its key elsewhere, {{secret}} must not be in it"
    if bool(layout.app_id) != bool(settings.app_id):
        yield "app_id: goes together with signing.app_id, the name it stands under"
    if layout.place == "body" and settings.sealed_as == "bytes" and (settings.sm4_key or settings.cipher == "sm2"):
        yield "sealed_as: hex or base64 where place is body, as bytes do not fit into a document"
    if layout.payload and layout.place != "body":
        yield "signing.payload: only where place is body"


def skew(at: datetime, now: datetime, window: timedelta) -> str:
    """What is wrong with a sender's clock, with both times; empty while it is within the window."""
    ahead = at - now
    if abs(ahead) <= window:
        return ""
    apart = timedelta(seconds=round(abs(ahead).total_seconds()))
    theirs, ours = (one.astimezone(now.tzinfo).isoformat(timespec="seconds") for one in (at, now))
    return (
        f"your time is {theirs}, ours is {ours}: {apart} {'ahead of' if ahead > timedelta(0) else 'behind'} ours, "
        f"and at most {window} is allowed"
    )


def _moment(stamp: str, form: str, zone: tzinfo) -> datetime | None:
    """The time of a push; None for anything else."""
    if form:
        try:
            at = datetime.strptime(stamp, form)  # noqa: DTZ007  the zone follows
        except ValueError:
            return None
        return at if at.tzinfo else at.replace(tzinfo=zone)
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) in (10, 13)):
        return None
    return datetime.fromtimestamp(int(stamp) / (1000 if len(stamp) == 13 else 1), zone)


def _written(at: datetime, form: str, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime(form) if form else str(int(at.timestamp()))


def _sorted(values: Mapping[str, Any], signature: str) -> bytes:
    """``name=value`` joined by & in the order of the names; what is empty, and the signature, is left out."""
    texts = {name: _text(value) for name, value in values.items() if name != signature}
    return "&".join(f"{name}={texts[name]}" for name in sorted(texts) if texts[name]).encode("utf-8", "replace")


def _wrapped(body: bytes, payload: str) -> dict[str, Any]:
    """The document in its envelope; what is sealed or no JSON goes in as text."""
    try:
        document = orjson.loads(body)
    except ValueError:
        document = body.decode()
    if payload:
        return {payload: document}
    return document if isinstance(document, dict) else {"data": document}


def _text(value: Any) -> str:
    """A value as it is signed: a text by itself, anything else as compact JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()
