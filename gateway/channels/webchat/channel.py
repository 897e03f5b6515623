"""One chat on our own pages: who may say something, what it says, and whom a notice lies ready for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

import orjson

from gateway.channels.base import Answer, Hosted, Parsed, PermanentDelivery, Refused, Said, Visitor
from gateway.channels.webchat.reading import (
    HEAD_LIMIT,
    TEXT_LIMIT,
    Message,
    parsed,
    problem_of,
    read_push,
    said_in,
)
from gateway.channels.webchat.session import Sessions
from gateway.channels.webchat.settings import LARGEST_FILE, WebChatSettings
from gateway.files import ALLOWED
from gateway.message import Accepted, DeliveryReceipt, OutboundMessage, Raw

TOKEN_HEADER = "x-chat-session"  # noqa: S105  the name of a header
_ACCOUNT = re.compile(r"[a-z2-7]{24}")


class WebChat(Hosted):
    """Visitors of our pages; each message is proven by the visitor's token."""

    Settings: ClassVar = WebChatSettings
    limit = LARGEST_FILE + HEAD_LIMIT
    settings: WebChatSettings

    def __init__(self, name: str, settings: WebChatSettings) -> None:
        super().__init__(name, settings)
        self.origins = settings.origins
        self.messages_per_minute = settings.messages_per_minute
        self.connections = settings.connections
        self.largest_file = settings.largest_file
        self.fetched_within = settings.fetched_within
        self._sessions = Sessions(name, settings.secret.encode(), settings.keep)

    def adopt(self, secret: bytes) -> None:
        """Sign with the installation's secret, unless the operator set one."""
        if not self.settings.secret:
            self._sessions = Sessions(self.name, secret, self.settings.keep)

    # --- Visitors

    def new_visitor(self, at: datetime) -> Visitor:
        """Somebody who was not here before."""
        return self._sessions.new(at)

    def visitor(self, token: str, at: datetime) -> Visitor | None:
        """Whose token this is, perhaps with a newer one."""
        return self._sessions.visitor(token, at)

    def token_of(self, headers: Mapping[str, str]) -> str:
        """What the header for it says."""
        return headers.get(TOKEN_HEADER, "")

    def said(self, start: bytes) -> Said | None:
        """What an input says that begins with these bytes."""
        return said_in(start)

    def external_id(self, account: str, message: str) -> str:
        """Pages make ids for one visitor, so the account belongs to them."""
        return f"{account}:{message}"

    # --- In

    def verify(self, raw: Raw) -> None:
        """The token is one of ours and the message its visitor's own, and not more than a message may hold."""
        visitor = self.visitor(self.token_of(raw.headers), raw.received_at)
        if visitor is None:
            raise Refused(401, "no valid session", kind="session-ended")
        try:
            push, content = read_push(raw.body)
        except ValueError:
            return  # authentic and not understood: a person looks at it
        if push.account != visitor.account:
            raise Refused(403, "another visitor's account")
        if not isinstance(push, Message):
            return
        if len(push.text) > TEXT_LIMIT:
            raise Refused(413, "too long", field="text", kind="string_too_long", max_length=TEXT_LIMIT)
        if push.file is not None and (why := problem_of(push.file.name, content, push.file.size, self.largest_file)):
            status = 413 if why == "file_too_large" else 415
            raise Refused(status, why, field="file", kind=why, limit=self.largest_file, allowed=ALLOWED)

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """The message, or what was seen."""
        return parsed(self.name, raw, self.largest_file)

    def answer(self, accepted: Sequence[Accepted]) -> Answer:
        """What became of it."""
        told = [{"outcome": one.outcome, "number": one.ticket} for one in accepted]
        return Answer(body=orjson.dumps({"taken": told}), media_type="application/json")

    # --- Out

    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """It lies ready in the outbox as soon as this is on record; the visitor's page fetches and confirms it."""
        if not _ACCOUNT.fullmatch(message.to):
            raise PermanentDelivery("not a visitor of ours")
        return DeliveryReceipt(status="accepted", at=datetime.now(UTC), reference=message.reference)
