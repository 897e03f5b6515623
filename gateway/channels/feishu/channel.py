"""One application: the door for events, the fetching of files, and the way out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

import orjson

from gateway.channels.api import uncalling, with_choices
from gateway.channels.base import Answer, Choice, Fetching, Parsed, Webhook, choices_in
from gateway.channels.feishu.card import card_of, fits
from gateway.channels.feishu.cloud import ANY_CODE, GONE, NEVER, Cloud
from gateway.channels.feishu.reading import DIRECT, read
from gateway.channels.feishu.seal import Seal
from gateway.channels.feishu.settings import LARK, FeishuSettings
from gateway.channels.pace import Pace, Rate
from gateway.channels.talking import Talking
from gateway.errors import PermanentDelivery, TransientDelivery
from gateway.message import Accepted, File, OutboundMessage, Raw

#: 5 a second to a person or group; 50 a second and 1000 a minute in all.
_CHAT = Rate(every=0.2, burst=5)
_ALL = Rate(every=60 / 950, burst=50)
_RECIPIENTS = {"ou": "open_id", "on": "union_id", "oc": "chat_id"}
_UUID = re.compile(r"[A-Za-z0-9_-]{1,50}")


class Feishu(Webhook, Talking, Fetching):
    """One bot. Within an hour the platform knows a message that it was handed before (`uuid`)."""

    Settings: ClassVar = FeishuSettings
    account = re.compile(r"(?:ou|on|oc)_[A-Za-z0-9]{1,61}")
    longest = 30_000  # of 150 KB for the whole body; written twice into JSON, a text can grow threefold
    settings: FeishuSettings

    def __init__(self, name: str, settings: FeishuSettings) -> None:
        super().__init__(name, settings)
        #: Whose servers abroad see what is written here: `gateway check` warns of it.
        self.overseas = "Lark" if (urlsplit(settings.api_url).hostname or "").endswith(LARK) else ""
        self.seal = Seal(settings.verification_token, settings.encrypt_key)
        self.cloud = Cloud(settings, self.trouble, concurrency=self.concurrency)
        self.pace = Pace("Feishu", lambda _chat: _CHAT, _ALL)

    async def close(self) -> None:
        """Let go of connections."""
        await self.cloud.close()

    # --- In

    def challenge(self, raw: Raw) -> Answer | None:
        """Feishu checks the address by POST and wants its word back within a second; it signs nothing then."""
        try:
            said = self.seal.open(raw.body)
        except ValueError:
            return None
        match said:
            case {"type": "url_verification", "challenge": str(word), "token": str(token)}:
                self.seal.check_token(token)
                return Answer(body=orjson.dumps({"challenge": word}), media_type="application/json")
        return None

    def verify(self, raw: Raw) -> None:
        """The signature covers the body as it came; without a key there is only the token in it."""
        self.seal.check(raw)

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """What one event says, encrypted or (recorded) plain."""
        return read(self.name, raw, self.seal.open(raw.body, recorded=True), self.settings.groups)

    def answer(self, accepted: Sequence[Accepted]) -> Answer:
        """Within three seconds, else Feishu pushes again: up to four times in seven hours, a pressed button never."""
        return Answer(body=b"{}", media_type="application/json")

    async def fetch(self, reference: str) -> File:
        """The file of a message."""
        return await self.cloud.file(reference)

    # --- Out

    async def say(self, message: OutboundMessage, text: str, number: int, *, final: bool) -> str:
        """One text, and the buttons below the last; as the platform knows both again, a second try repeats nothing."""
        said = await self._say(message, "text", {"text": uncalling(text)}, str(number))
        choices = self._buttons(message) if final else ()
        if choices:
            under = message.route if message.route != DIRECT else ""
            try:
                await self._say(message, "interactive", card_of(choices, under), "buttons", never=ANY_CODE)
            except PermanentDelivery:
                lines = with_choices("", choices).strip()
                await self._say(message, "text", {"text": uncalling(lines)}, "lines")
        return said

    def written(self, message: OutboundMessage) -> str:
        """Its choices are lines only where they are no buttons."""
        return message.forms["text"] if self._buttons(message) else super().written(message)

    def _buttons(self, message: OutboundMessage) -> Sequence[Choice]:
        choices = choices_in(message.forms.get("choices", ""))
        return choices if self.settings.choices == "buttons" and fits(choices) else ()

    async def _say(
        self,
        message: OutboundMessage,
        kind: str,
        content: Mapping[str, Any],
        piece: str,
        never: Container[int] = NEVER,
    ) -> str:
        """Under what was said in a group, where that is wanted and still possible, else to the person."""
        said: dict[str, object] = {
            "msg_type": kind,
            "content": orjson.dumps(content).decode(),
            "uuid": _uuid(message.reference, piece),
        }
        await self.pace.turn(message.to)
        try:
            if message.route and message.route != DIRECT:
                try:
                    path = f"/im/v1/messages/{message.route}/reply"
                    return await self._handed(path, {**said, "reply_in_thread": True}, message.reference, never)
                except PermanentDelivery as error:
                    if error.status not in {str(code) for code in GONE}:
                        raise
            to = {**said, "receive_id": message.to}
            to_whom = {"receive_id_type": _RECIPIENTS[message.to[:2]]}
            return await self._handed("/im/v1/messages", to, message.reference, never, **to_whom)
        except TransientDelivery as error:
            if error.retry_after is not None:
                self.pace.hold(message.to, min(error.retry_after, timedelta(hours=1)))
            raise

    async def _handed(self, path: str, said: object, reference: str, never: Container[int], **query: str) -> str:
        answer = await self.cloud.call(path, said, reference, never, **query)
        return str(answer.get("message_id") or "")


def _uuid(reference: str, piece: str) -> str:
    """Ours, so that a second try is known; the platform takes 50 characters."""
    own = f"{reference}_{piece}"
    return own if _UUID.fullmatch(own) else hashlib.sha256(own.encode()).hexdigest()[:50]
