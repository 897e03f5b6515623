"""Captured payloads and what each of them says: the fixtures folder is the specification of an adapter.

A folder holds ``NAME.json`` (or ``.xml``, ``.eml``, ``.form``, ``.bin``, ``.wav``, ``.tif``, ``.pdf``): the bytes as
they came over the wire. Beside it lie ``NAME.expected.json`` (what parse makes of them, and the outcome) and, where
headers matter, ``NAME.headers.json``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.channels.base import Parsed
from gateway.message import Address, Bounce, DeliveryReceipt, File, InboundMessage, Raw, Talk

MEDIA_TYPES: Mapping[str, str] = {
    ".json": "application/json",
    ".xml": "text/xml",
    ".eml": "message/rfc822",
    ".form": "application/x-www-form-urlencoded",
    ".bin": "application/octet-stream",
    ".wav": "audio/wav",
    ".tif": "image/tiff",
    ".pdf": "application/pdf",
}
_NOT_SAID = frozenset({"channel", "received_at", "raw"})  # these are the door's, not the payload's
_EXPECTED = ".expected.json"
_HEADERS = ".headers.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """One captured payload; `says` is what is expected of it, None while nobody has written that down."""

    name: str
    body: bytes
    media_type: str
    headers: Mapping[str, str]
    says: Sequence[Mapping[str, Any]] | None

    def raw(self, channel: str, received_at: datetime) -> Raw:
        """The payload at the door, not yet signed."""
        return Raw(
            channel=channel,
            body=self.body,
            received_at=received_at,
            headers=self.headers,
            media_type=self.media_type,
        )

    @property
    def outcomes(self) -> list[str]:
        """What the journal should say of it, in order."""
        return [str(one["outcome"]) for one in self.says or ()]


def read_folder(folder: Path) -> list[Captured]:
    """All payloads of a fixtures folder by name; an expectation without its payload is one without a body."""
    found = sorted(file for file in folder.glob("*") if file.suffix in MEDIA_TYPES and file.name[0] != ".")
    payloads = [file for file in found if not file.name.endswith((_EXPECTED, _HEADERS))]
    return [_read(file) for file in payloads]


def stray_expectations(folder: Path) -> list[str]:
    """Expectations and headers whose payload is missing: a renamed file must not take a test away in silence."""
    names = {one.name for one in read_folder(folder)}
    sides = [file.name for suffix in (_EXPECTED, _HEADERS) for file in folder.glob(f"*{suffix}")]
    return sorted(side for side in sides if side.removesuffix(_EXPECTED).removesuffix(_HEADERS) not in names)


def plain(item: Parsed) -> dict[str, Any]:
    """What an item says, as JSON: every field that is not its default; of files their size and hash, or where they lie.

    `outcome` is what it will most likely be; whether it was right shows in the journal.
    """
    if isinstance(item, DeliveryReceipt):
        return {"outcome": "receipt", **_differing(item, frozenset())}
    outcome = "automatic" if item.automatic else "opened" if item.readable else "triage"
    return {"outcome": outcome, **_differing(item, _NOT_SAID)}


def as_json(says: Sequence[Mapping[str, Any]]) -> str:
    """The text of an expectation file."""
    return json.dumps(says, ensure_ascii=False, indent=2) + "\n"


def faults(item: Parsed) -> list[str]:
    """What is wrong with an item whatever it says: naive times, wrong types, numbers where text belongs."""
    wrong: list[str] = []
    moments = {"at": item.at} if isinstance(item, DeliveryReceipt) else {"lodged_at": item.lodged_at}
    if isinstance(item, InboundMessage):
        moments |= {"received_at": item.received_at, "occurred_at": item.fields.get("occurred_at")}
        texts = {"subject": item.subject, "text": item.text, "reply_text": item.reply_text, "problem": item.problem}
        texts |= {"external_id": item.external_id or "", "html": item.html or "", "automatic": item.automatic or ""}
        texts |= {f"sender.{name}": getattr(one, name) for one in item.sender for name in ("medium", "value", "name")}
        texts |= {
            f"attachments.{name}": getattr(one, name) for one in item.attachments for name in ("name", "media_type")
        }
        wrong += [f"{one.name}: content is not bytes" for one in item.attachments if not isinstance(one.content, bytes)]
        wrong += ["external_id is empty; None says that there is none"] if item.external_id == "" else []
    else:
        texts = {"reference": item.reference, "provider_id": item.provider_id, "detail": item.detail}
        wrong += [] if item.reference or item.provider_id else ["a receipt that names no notice"]
    wrong += [
        f"{name} is {type(value).__name__}, not text" for name, value in texts.items() if not isinstance(value, str)
    ]
    for name, moment in moments.items():
        if moment is not None and (not isinstance(moment, datetime) or moment.utcoffset() is None):
            wrong.append(f"{name} is {moment!r}, not an aware time")
    return wrong


def _read(file: Path) -> Captured:
    name = file.stem
    expected = file.with_name(name + _EXPECTED)
    headers = file.with_name(name + _HEADERS)
    return Captured(
        name=name,
        body=file.read_bytes(),
        media_type=MEDIA_TYPES[file.suffix],
        headers=json.loads(headers.read_bytes()) if headers.exists() else {},
        says=json.loads(expected.read_bytes()) if expected.exists() else None,
    )


def _differing(item: Parsed | Talk, left_out: frozenset[str]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for one in fields(item):
        value = getattr(item, one.name)
        if one.name not in left_out and value not in (one.default, None, (), {}, ""):
            said[one.name] = _plain(value)
    return said


def _plain(value: object) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case File(name=name, media_type=media_type, reference=reference) if reference:
            return {"name": name, "media_type": media_type, "reference": reference}
        case File(name=name, media_type=media_type, content=content):
            digest = hashlib.sha256(content).hexdigest()
            return {"name": name, "media_type": media_type, "size": len(content), "sha256": digest}
        case Mapping():
            return {str(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case str() | int() | float() | None:
            return value
        case Talk():
            return _differing(value, frozenset())
        case Address() | Bounce():
            return {one.name: getattr(value, one.name) for one in fields(value) if getattr(value, one.name) != ""}
        case _:
            return repr(value)
