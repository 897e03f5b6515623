"""One machine that leaves files: in a folder, or pushed to its door."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, get_args
from urllib.parse import unquote_to_bytes
from zoneinfo import ZoneInfo

import orjson
from pydantic import JsonValue

from gateway.channels.base import NAME_HEADER, NOTE_HEADER, Answer, Filed, Parsed, Webhook
from gateway.channels.files.settings import FilesSettings, Told
from gateway.channels.forms import text_in
from gateway.channels.paths import found, text_of
from gateway.errors import ConfigError, Refused
from gateway.files import clean_name, media_type_of
from gateway.message import Accepted, Address, File, InboundMessage, Raw

_DIGITS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_GROUPS: tuple[Told, ...] = ("caller", "at", "name")
_IN_BRACKETS = re.compile(r'\s*"?([^"<>]*?)"?\s*<([^<>]+)>\s*')  # "Li" <13800001234>, as switchboards write it
_NOTES = (".json", ".txt")


class Files(Webhook, Filed):
    """Every file is in triage until somebody has written down what it says."""

    Settings: ClassVar = FilesSettings
    limit = 32 << 20
    settings: FilesSettings

    def __init__(self, name: str, settings: FilesSettings) -> None:
        super().__init__(name, settings)
        problems = []
        if settings.folder is None and settings.secret is None:
            problems.append("folder: required, or a secret for pushes")
        try:
            self._pattern = re.compile(settings.name_pattern)
        except re.error as error:
            problems.append(f"name_pattern: {error}")
        else:
            if unknown := sorted(set(self._pattern.groupindex) - set(_GROUPS)):
                problems.append(f"name_pattern: unknown group {', '.join(unknown)}; there are {', '.join(_GROUPS)}")
            if settings.name_pattern and not self._pattern.groupindex:
                problems.append(f"name_pattern: has none of the groups {', '.join(_GROUPS)}")
        try:
            self._zone = ZoneInfo(settings.zone)
        except (ValueError, OSError, LookupError):
            problems.append(f"zone: {settings.zone} is none")
        if problems:
            raise ConfigError(problems)

    # --- Its folder

    @property
    def folder(self) -> Path | None:
        """Where the machine leaves them."""
        return self.settings.folder

    @property
    def note_within(self) -> timedelta:
        """How long a note is waited for."""
        return self.settings.note_within

    def notes_of(self, name: str) -> tuple[str, ...]:
        """The note has the file's name, with its ending or without it."""
        stem = name.rpartition(".")[0] or name
        return tuple(f"{one}{ending}" for ending in _NOTES for one in (stem, name) if f"{one}{ending}" != name)

    def may_be_note(self, name: str) -> bool:
        """By its ending."""
        return name.lower().endswith(_NOTES)

    # --- Its door

    def verify(self, raw: Raw) -> None:
        """The sender knows the secret; where it signs, time, name, note and body are as they were signed."""
        secret = self.settings.secret
        if secret is None:
            raise Refused(404, "this channel takes no pushes")
        if self.settings.proof == "token":
            given = raw.headers.get("authorization", "")
            if not hmac.compare_digest(f"Bearer {secret}".encode(), given.encode("utf-8", "surrogateescape")):
                raise Refused(401, "authorization: wrong token")
            return
        stamp = raw.headers.get("x-timestamp", "")
        said = "\n".join((stamp, raw.headers.get(NAME_HEADER, ""), raw.headers.get(NOTE_HEADER, ""), ""))
        mac = hmac.new(secret.encode(), said.encode("utf-8", "surrogateescape") + raw.body, hashlib.sha256)
        given = raw.headers.get("x-signature", "").strip().lower()
        if not hmac.compare_digest(mac.hexdigest().encode(), given.encode("utf-8", "surrogateescape")):
            raise Refused(401, "x-signature: wrong signature")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
            raise Refused(401, "x-timestamp: seconds since 1970")
        if abs(raw.received_at - datetime.fromtimestamp(int(stamp), UTC)) > self.settings.window:
            raise Refused(401, "x-timestamp: too old or ahead of our clock")

    def answer(self, accepted: Sequence[Accepted]) -> Answer:
        """Our number."""
        told = [{"outcome": one.outcome, "number": one.ticket} for one in accepted]
        return Answer(body=orjson.dumps(told[0] if told else {}), media_type="application/json")

    # --- What it says

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """A file with what its name and its note tell; what it says itself, a person must find out."""
        written = text_in(unquote_to_bytes(raw.headers.get(NAME_HEADER, "")))
        name = clean_name(written)
        told = self._told(name, text_in(unquote_to_bytes(raw.headers.get(NOTE_HEADER, ""))))
        media_type = media_type_of(raw.body)
        file = File(name=name or "file", media_type=media_type or "application/octet-stream", content=raw.body)
        fields: dict[str, Any] = {}
        if told.get("service_number"):
            fields["service_number"] = told["service_number"]
        return [
            InboundMessage(
                channel=self.name,
                external_id="sha256:" + hashlib.sha256(written.encode() + b"\0" + raw.body).hexdigest(),
                received_at=raw.received_at,
                raw=raw,
                sender=_sender(told.get("caller", ""), told.get("name", "")),
                subject=" ".join(filter(None, (self.settings.label, name))),
                text=told.get("text", ""),
                lodged_at=self._moment(told.get("at", "")),
                attachments=(file,) if raw.body else (),
                fields=fields,
                readable=False,
                problem=f"file: {media_type or 'of no known kind'}",
            )
        ]

    def _told(self, name: str, note: str) -> dict[Told, str]:
        """By the note first, else by the name."""
        document = _document(note)
        told: dict[Told, str] = {}
        for what in get_args(Told):
            paths = self.settings.told.get(what, ())
            tried = (text_of(found(document, path)).strip() for path in ((paths,) if isinstance(paths, str) else paths))
            told[what] = next(filter(None, tried), "")
        match = self._pattern.search(name) if self.settings.name_pattern else None
        for group, value in (match.groupdict() if match else {}).items():
            told[group] = told[group] or (value or "").strip()  # type: ignore[index]  # one of _GROUPS
        return told

    def _moment(self, written: str) -> datetime | None:
        """When it was left; None for what is no time, which is not reason enough to hold the file up."""
        if not written:
            return None
        digits = re.sub(r"[^0-9]", "", written)
        try:
            if self.settings.time_format:
                at = datetime.strptime(written, self.settings.time_format)  # noqa: DTZ007  the zone follows
            elif written.isdigit() and len(written) == 10:
                return datetime.fromtimestamp(int(written), UTC)
            elif "T" not in written and len(digits) in _DIGITS:
                at = datetime.strptime(digits, _DIGITS[len(digits)])  # noqa: DTZ007  the zone follows
            else:
                at = datetime.fromisoformat(written)
        except (ValueError, OverflowError):
            return None
        return at if at.tzinfo else at.replace(tzinfo=self._zone)


def _sender(caller: str, name: str) -> tuple[Address, ...]:
    written = _IN_BRACKETS.fullmatch(caller)
    if written:
        name, caller = name or written[1], written[2]
    return (Address(medium="phone", value=caller.strip(), name=name),) if caller.strip() else ()


def _document(note: str) -> JsonValue:
    """A note: JSON, else its lines ``key=value``, as Asterisk writes them; nothing where it is neither."""
    try:
        document: JsonValue = orjson.loads(note)
    except ValueError:
        pairs = [line.partition("=") for line in note.splitlines() if "=" in line]
        return {key.strip(): value.strip() for key, _, value in pairs}
    return document
