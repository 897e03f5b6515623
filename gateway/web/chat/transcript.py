"""What was said in a chat as its page shows it: both sides in one order, each line under an id that stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import orjson
from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from gateway.channels.base import Hosted, choices_in
from ticket_core.delivery_service import reference_of
from ticket_core.store.transcript import Heard, Told, load_heard, load_told

_MOST = 100  # of either side
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChoice:
    """A button: what it shows, and what to send when it is pressed."""

    __pydantic_config__ = _STRICT
    label: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFile:
    """A file that the visitor sent."""

    __pydantic_config__ = _STRICT
    name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptLine:
    """One thing that was said, by the visitor (`you`) or by us; `seen` is whether a page confirmed it.

    What `pressed` a button is no wording of the visitor's.
    """

    __pydantic_config__ = _STRICT
    id: Annotated[str, Field(description="the page's own id of a message, or our reference of a notice")]
    by: Literal["you", "us"]
    at: datetime
    text: str
    choices: tuple[LineChoice, ...] = ()
    file: LineFile | None = None
    pressed: bool = False
    revises: Annotated[str, Field(description="the id of an earlier message for which these are other words")] = ""
    seen: bool = True


class Transcript:
    """The newest lines of a conversation for one reader: each is given once."""

    def __init__(self, channel: Hosted, account: str) -> None:
        self._channel = channel
        self._account = account
        self._heard: set[int] = set()
        self._told: set[int] = set()

    def fresh(self, connection: Connection) -> list[TranscriptLine]:
        """What was not given before, the oldest first."""
        name = self._channel.name
        heard = load_heard(connection, name, self._account, self._heard)
        told = load_told(connection, name, self._account, _MOST, self._told)
        self._heard.update(one.id for one in heard)
        self._told.update(one.id for one in told)
        lines = [line for one in heard if (line := _heard(one, self._channel))]
        # A reply is owed at the instant at which what it answers was received.
        return sorted([*lines, *map(_told, told)], key=lambda line: (line.at, line.by == "us"))


def _heard(one: Heard, channel: Hosted) -> TranscriptLine | None:
    said = channel.said(one.start)
    if said is None:
        return None
    file = LineFile(name=said.file, size=said.size) if said.file else None
    return TranscriptLine(
        id=said.id, by="you", at=one.at, text=said.text, file=file, pressed=said.pressed, revises=said.revises
    )


def _told(one: Told) -> TranscriptLine:
    forms = orjson.loads(one.rendered)
    choices = tuple(
        LineChoice(label=choice.label, says=choice.says) for choice in choices_in(forms.get("choices") or "")
    )
    return TranscriptLine(
        id=reference_of(one.id),
        by="us",
        at=one.at,
        text=forms.get("text") or "",
        choices=choices,
        seen=one.state == "delivered",
    )
