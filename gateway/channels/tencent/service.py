"""微信客服, the door for citizens: a push only says that something came, and we ask for it.

…/document/path/94670 (asking), /94677 (answers: 5 in 48 hours), /94699 (kinds)
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import orjson

from gateway.channels.base import Answer, Choice, Fetching, Parsed, Polling, Webhook, choices_in
from gateway.channels.said import moment, noted
from gateway.channels.talking import Talking
from gateway.channels.tencent.app import opened_xml, sealed_echo, verify_xml
from gateway.channels.tencent.cloud import ACCOUNT, ANSWERS, ANSWERS_KEEP, TEXT_LIMIT, WECOM, Cloud, corporate
from gateway.channels.tencent.seal import Seal
from gateway.channels.tencent.service_reading import read
from gateway.channels.tencent.settings import ServiceSettings
from gateway.errors import TransientDelivery
from gateway.message import Accepted, File, OutboundMessage, Raw

#: How long the platform keeps what people wrote.
_KEPT = timedelta(days=3)
#: How often it is written down that there was nothing new.
_NOTED_EVERY = timedelta(hours=1)
_QUIET = b'{"msg_list":[]}'
_MESSAGE_ID = re.compile(r"[0-9A-Za-z_-]{1,32}")
_PAGE = 1000
_PAGE_LIMIT = 16 << 20  # bytes; the longest text takes 4 KB of JSON, with what stands around it
_MENU_HEAD = 1024  # bytes of the text above buttons
_MENU_MOST = 10
_LABEL = 128  # bytes

Done = Callable[[], Awaitable[None]]


class WeComService(Webhook, Polling, Talking, Fetching):
    """One account 客服账号. Its pushes wake the loop; pushes that were lost are caught by asking now and then."""

    Settings: ClassVar = ServiceSettings
    account = ACCOUNT
    longest = TEXT_LIMIT
    window = ANSWERS_KEEP
    answers = ANSWERS
    settings: ServiceSettings

    def __init__(self, name: str, settings: ServiceSettings) -> None:
        super().__init__(name, settings)
        self.seal = Seal(settings.token, settings.aes_key, settings.corp_id)
        self.cloud = Cloud(
            settings.api_url,
            corporate(settings.corp_id, settings.secret),
            WECOM,
            self.trouble,
            timeout=settings.timeout,
            concurrency=self.concurrency,
        )
        self._woken = asyncio.Event()
        self._ticket = ""  # of the last push: with it we may ask at once

    async def close(self) -> None:
        """Let go of connections."""
        await self.cloud.close()

    # --- In

    def challenge(self, raw: Raw) -> Answer | None:
        """WeCom checks the address by GET and wants to see that we can decrypt."""
        return sealed_echo(self.seal, raw)

    def verify(self, raw: Raw) -> None:
        """The signature covers what is encrypted; who it is for stands inside."""
        verify_xml(self.seal, raw)

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """A push, or one message of those we asked for."""
        if raw.body == _QUIET:
            return []
        if raw.body.lstrip()[:1] == b"<":
            said = opened_xml(self.seal, raw)
            at, ticket = said["CreateTime"], said.get("Token", "")
            event = said.get("Event") or said["MsgType"]  # an application's own messages may come by the same door
            mark = hashlib.sha256(ticket.encode()).hexdigest()[:16]
            number = f"push:{at}:{said.get('OpenKfId') or event[:48]}:{mark}"
            return [noted(self.name, raw, number, f"event:{event[:48]}", moment(int(at)))]
        return [read(self.name, raw, orjson.loads(raw.body))]

    def answer_to(self, raw: Raw, accepted: Sequence[Accepted]) -> Answer:
        """Go and ask for what came."""
        if raw.body.lstrip()[:1] == b"<" and accepted and accepted[0].outcome != "triage":
            said = opened_xml(self.seal, raw)
            if said.get("OpenKfId", self.settings.open_kfid) == self.settings.open_kfid:
                self._ticket = said.get("Token", "")
                self._woken.set()
        return Answer(body=b"success")

    async def poll(self) -> AsyncIterator[tuple[Raw, Done]]:
        """Ask until something fails; the place is remembered only when a whole page is committed."""
        cursor, at = await self._place()
        if at is not None and self.clock() - at > _KEPT:
            self.trouble["gap"] = f"nothing was asked for since {at.isoformat()}; the platform keeps three days"
        since = noted_at = self.clock()
        while True:
            self._woken.clear()
            more = True
            while more:
                page = await self._page(cursor)
                found = page.get("msg_list")
                messages = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
                before, cursor = cursor, str(page.get("next_cursor") or cursor)
                more = page.get("has_more") == 1 and cursor != before  # else it would be asked for without end
                bodies = [orjson.dumps(one) for one in messages] or [_QUIET]
                for body in bodies[:-1]:
                    yield self._raw(body), _nothing
                if messages or self.clock() - noted_at > _NOTED_EVERY:
                    noted_at = self.clock()
                    yield self._raw(bodies[-1]), lambda place=cursor: self._done(place)  # type: ignore[misc]
                else:
                    yield self._raw(_QUIET), _nothing
            if self.clock() - since > timedelta(days=1):
                self.trouble.pop("gap", None)
            await self._sleep()

    async def fetch(self, reference: str) -> File:
        """The file with this media id."""
        return await self.cloud.file(reference)

    # --- Out

    async def say(self, message: OutboundMessage, text: str, number: int, *, final: bool) -> str:
        """One text; the last with buttons, where they fit."""
        said: dict[str, Any] = {
            "touser": message.to,
            "open_kfid": self.settings.open_kfid,
            "msgid": _message_id(message.reference, number),
        }
        buttons = _buttons(message) if final else ()
        if buttons and len(text.encode()) <= _MENU_HEAD:
            said |= {"msgtype": "msgmenu", "msgmenu": {"head_content": text, "list": [_button(one) for one in buttons]}}
        else:
            said |= {"msgtype": "text", "text": {"content": text}}
        answer = await self.cloud.call("/cgi-bin/kf/send_msg", said, message.reference)
        return str(answer.get("msgid") or said["msgid"])

    def written(self, message: OutboundMessage) -> str:
        """Its buttons are lines only where there is no room for buttons."""
        text = message.forms["text"]
        return text if _buttons(message) and len(text.encode()) <= _MENU_HEAD else super().written(message)

    # --- Asking

    async def _page(self, cursor: str) -> dict[str, Any]:
        ask: dict[str, Any] = {"limit": _PAGE, "open_kfid": self.settings.open_kfid}
        if cursor:
            ask["cursor"] = cursor
        ticket, self._ticket = self._ticket, ""
        if ticket:
            ask["token"] = ticket
        try:
            return dict(await self.cloud.call("/cgi-bin/kf/sync_msg", ask, limit=_PAGE_LIMIT))
        except TransientDelivery as error:
            if not ticket or error.retry_after is not None:
                raise
            ask.pop("token")  # good for ten minutes only (95007)
            return dict(await self.cloud.call("/cgi-bin/kf/sync_msg", ask, limit=_PAGE_LIMIT))

    async def _place(self) -> tuple[str, datetime | None]:
        said = await self.memory.get("cursor")
        if said is None:
            return "", None
        at, _, cursor = said.partition(" ")
        return cursor, datetime.fromisoformat(at)

    async def _done(self, cursor: str) -> None:
        await self.memory.set("cursor", f"{self.clock().isoformat()} {cursor}")

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(self.settings.poll_every):
                await self._woken.wait()
        except TimeoutError:
            return

    def _raw(self, body: bytes) -> Raw:
        return Raw(channel=self.name, body=body, received_at=datetime.now(UTC), media_type="application/json")


async def _nothing() -> None:
    """The place moves with the last message of a page."""


def _message_id(reference: str, number: int) -> str:
    """Ours, so that a second try is known; the platform takes 32 characters."""
    own = f"{reference}_{number}" if number else reference
    return own if _MESSAGE_ID.fullmatch(own) else hashlib.sha256(own.encode()).hexdigest()[:32]


def _buttons(message: OutboundMessage) -> Sequence[Choice]:
    """The choices, if all of them can be buttons."""
    choices = choices_in(message.forms.get("choices", ""))
    fit = all(len(part.encode()) <= _LABEL for one in choices for part in (one.label, one.says))
    return choices if fit and len(choices) <= _MENU_MOST else ()


def _button(choice: Choice) -> dict[str, Any]:
    return {"type": "click", "click": {"id": choice.says, "content": choice.label}}
