"""What a browser's form sends, made into the bodies that the JSON API takes: one truth about what is right."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Final

from aiohttp import web
from aiohttp.web_request import FileField

from gateway.web.pages.language import Words
from gateway.web.patience import in_time
from gateway.web.problems import Problem
from ticket_core.model import JSON

_OWN_PATH: Final = re.compile(r"/(?![/\\])[!-~]*")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}")
#: The plain fields of an intake body; those of its complainant; and those that are ticked.
_LINES: Final = ("kind", "subject", "text", "service_number", "respondent", "place")
_PERSON: Final = ("name", "phone", "email")
_TICKS: Final = ("anonymous", "confidential")
_TIMES: Final = ("occurred_at", "call_started_at")
_OF_CALLS: Final = frozenset({"caller", "extension", "entry", "priority", "answer"})
_LEVELS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A form as it was sent: its texts, stripped, and its files (name, content)."""

    texts: Mapping[str, str]
    files: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)

    def __getitem__(self, name: str) -> str:
        return self.texts.get(name, "")


class Problems(dict[str, str]):
    """What is wrong with a form, by the id of the field; nothing for the others."""

    def __missing__(self, name: str) -> str:
        return ""


#: A form that nobody has written in yet.
EMPTY: Final = Sent(texts={})


async def read_form(request: web.Request) -> Sent:
    """The form of a request; aiohttp refuses one over the limit (413).

    Raises:
        Problem: 400 for what no browser sends: no boundary, a part without a name, bytes that are no text.
    """
    texts: dict[str, str] = {}
    files: list[tuple[str, bytes]] = []
    try:
        sent = await in_time(request.post())
    except (ValueError, LookupError):
        raise Problem(400, "bad-request") from None
    for name, value in sent.items():
        if isinstance(value, FileField):
            if value.filename:
                files.append((value.filename, value.file.read()))
        elif isinstance(value, str):
            texts[name] = value.strip()
    return Sent(texts=texts, files=tuple(files))


def new_token() -> str:
    """The one-time token of a form: with the content it is the external id, so a double click has one effect."""
    return secrets.token_urlsafe(16)


def external_id(token: str, body: bytes) -> str | None:
    """The id of this sending; None when the token is not of ours.

    The content is part of it: somebody who goes back and writes something else says something new, which is not lost.
    """
    if _TOKEN.fullmatch(token) is None:
        return None
    return f"form:{token}.{hashlib.sha256(body).hexdigest()[:16]}"


def intake_body(sent: Sent, zone: tzinfo, more: Iterable[str] = ()) -> dict[str, JSON]:
    """The intake body (contract, section 3) of a form; empty fields are left out, `more` are further plain ones."""
    body: dict[str, JSON] = {name: sent[name] for name in (*_LINES, *more) if sent[name]}
    for name in _TIMES:
        if sent[name]:
            body[name] = _with_zone(sent[name], zone)
    if levels := category(sent["category"]):
        body["category"] = levels
    person: dict[str, JSON] = {name: sent[name] for name in _PERSON if sent[name]}
    person |= {name: True for name in _TICKS if sent[name]}
    if person:
        body["complainant"] = person
    return body | attachments(sent)


def attachments(sent: Sent) -> dict[str, JSON]:
    """The files of a form as the bodies of the JSON API have them; nothing when there are none."""
    files: list[JSON] = [
        {"name": name[:200], "content": base64.b64encode(content).decode()} for name, content in sent.files
    ]
    return {"attachments": files} if files else {}


def own_path(path: str, otherwise: str) -> str:
    """A path of ours and nothing else: ``//host`` and ``/\\host`` lead away; browsers skip tabs and newlines."""
    return path if _OWN_PATH.fullmatch(path) else otherwise


def category(written: str) -> list[JSON]:
    """The levels of a category written with slashes, as many as there can be."""
    levels: list[JSON] = [part for level in re.split(r"[/／>]", written) if (part := level.strip())]
    return levels[:_LEVELS]


def _with_zone(written: str, zone: tzinfo) -> str:
    """A browser's date and time field sends no zone: it is ours. What is no time is left for the check to refuse."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return written
    return (at if at.tzinfo else at.replace(tzinfo=zone)).isoformat()


def problems_by_field(problem: Problem, words: Words) -> Problems:
    """What to say above the form, by the id of the field it is about."""
    found = Problems()
    for one in problem.errors(words.locale):
        parts = one["field"].split(".")
        name = parts[1] if parts[0] == "complainant" and len(parts) > 1 else parts[0]
        label = words.named("call" if name in _OF_CALLS else "form", name)
        found.setdefault(name, words("form.wrong", field=label, reason=one["reason"]))
    return found
