"""One bot: the door for pushes, the asking for updates, the fetching of files, and the way out.

Telegram knows no idempotency key: a message whose answer was lost is sent again and may arrive twice. What stands in a
notice of several parts is remembered while the process lives, so that only the missing part goes out again.
"""

from __future__ import annotations

import hmac
import json
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

import orjson
import structlog
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, TelegramError

from gateway.channels.base import (
    Answer,
    Chat,
    Choice,
    Fetching,
    Parsed,
    PermanentDelivery,
    Polling,
    Refused,
    TransientDelivery,
    Webhook,
    choices_in,
)
from gateway.channels.telegram.pace import Pace
from gateway.channels.telegram.reading import inbound
from gateway.channels.telegram.settings import OFFICIAL, TelegramSettings
from gateway.channels.telegram.update import read_update
from gateway.channels.telegram.wire import TooFast, Wire, postponed
from gateway.channels.telegram.wording import arranged, split
from gateway.errors import ConfigError
from gateway.message import Accepted, DeliveryReceipt, File, OutboundMessage, Raw

log = structlog.get_logger(__name__)

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105  the name of a header
#: What we ask to be told; what else comes is kept in the journal all the same.
ALLOWED = (
    *("message", "edited_message", "callback_query", "my_chat_member", "channel_post", "edited_channel_post"),
    *("business_message", "edited_business_message", "deleted_business_messages"),
)
#: After a week without updates the next id is random (documentation of `update_id`): then ours is worth nothing.
_OFFSET_KEEPS = timedelta(days=6)
_QUIET = b'{"ok":true,"result":[]}'
_CHAT = re.compile(r"-?[0-9]{1,20}")
_PRESS = b'"callback_query"'
_RECENT = timedelta(minutes=10)
_SEND_AT_MOST = 15.0  # seconds after which no further part is begun; the dispatcher waits 30
_MOST_UNFINISHED = 1000

Done = Callable[[], Awaitable[None]]


class Telegram(Webhook, Polling, Chat, Fetching):
    """A bot, in one of two modes; in webhook mode its loop only keeps the webhook set."""

    Settings: ClassVar = TelegramSettings
    #: Whose servers see what is written here: `gateway check` warns of it.
    overseas: ClassVar[str] = "Telegram"
    settings: TelegramSettings

    def __init__(self, name: str, settings: TelegramSettings) -> None:
        super().__init__(name, settings)
        self.concurrency = settings.concurrency
        self.pace = Pace()
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._secret = settings.secret_for(name).encode()
        self._wire = Wire(settings)
        base = settings.api_url.rstrip("/")
        self._bot = Bot(
            settings.token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=self._wire,
            get_updates_request=self._wire,
        )
        self._is_set = False
        self._moved: dict[str, str] = {}
        self._unfinished: OrderedDict[str, int] = OrderedDict()  # reference -> parts that went out
        if settings.mode == "webhook":
            needed = "https://" if settings.api_url == OFFICIAL else "http"
            if not settings.public_url.startswith(needed):
                raise ConfigError(['public_url: Telegram must find us, by https; or set mode = "polling"'])

    async def close(self) -> None:
        """Let go of connections."""
        await self._wire.shutdown()

    # --- In

    def verify(self, raw: Raw) -> None:
        """Telegram signs nothing; it sends the secret that it was told with the address."""
        if self.settings.mode != "webhook":
            raise Refused(404, "this bot is polled")
        if not hmac.compare_digest(raw.headers.get(SECRET_HEADER, "").encode(errors="replace"), self._secret):
            raise Refused(401, "wrong secret")

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """The one message of an update."""
        if raw.body == _QUIET:
            return []
        return [inbound(self.name, raw, read_update(raw.body))]

    def answer_to(self, raw: Raw, accepted: Sequence[Accepted]) -> Answer:
        """A pressed button is confirmed, else it stays dark for a while; other pushes want to hear nothing."""
        press = _press_in(raw.body)
        if not press:
            return Answer()
        body = orjson.dumps({"method": "answerCallbackQuery", "callback_query_id": press})
        return Answer(body=body, media_type="application/json")

    async def poll(self) -> AsyncIterator[tuple[Raw, Done]]:
        """Ask for updates until something fails; in webhook mode see that the webhook is set, and end."""
        if self.settings.mode == "webhook":
            await self._see_to_webhook()
            return
        offset, at = await self._place()
        while True:
            if self.clock() - at > _OFFSET_KEEPS:
                offset = 0
            updates = await self._updates(offset)
            if not updates:
                yield self._raw(_QUIET), _nothing
            for update in updates:
                offset, at = update["update_id"] + 1, self.clock()
                raw = self._raw(json.dumps(update, separators=(",", ":")).encode())
                yield raw, lambda o=offset, a=at, body=raw.body: self._done(o, a, body)  # type: ignore[misc]

    async def fetch(self, reference: str) -> File:
        """The file with this `file_id`, up to 20 MB."""
        return await self._wire.file(reference)

    # --- Out

    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """One notice, as plain text in as many messages as it takes, with its buttons under the last."""
        if not _CHAT.fullmatch(message.to):
            raise PermanentDelivery("not a chat of Telegram")
        text, rows = arranged(message.forms["text"], choices_in(message.forms.get("choices", "")))
        parts = split(text)
        began = self.pace.clock()
        last = ""
        start = self._unfinished.get(message.reference, 0)
        for number in range(start if start < len(parts) else 0, len(parts)):  # it may be worded anew, and shorter
            if self.pace.clock() - began > _SEND_AT_MOST:
                raise TransientDelivery("a long notice; the rest follows", retry_after=timedelta(seconds=1))
            final = number == len(parts) - 1
            last = await self._say(message, parts[number], rows if final else [], first=number == 0)
            self._remember(message.reference, 0 if final else number + 1)
        return DeliveryReceipt(
            status="accepted", at=datetime.now(UTC), reference=message.reference, provider_id=last, parts=len(parts)
        )

    async def _say(self, message: OutboundMessage, text: str, rows: list[list[Choice]], *, first: bool) -> str:
        chat = self._moved.get(message.to, message.to)
        await self.pace.turn(chat)
        try:
            return await self._hand_over(chat, text, rows, message.reference if first else "")
        except ChatMigrated as error:  # a group that grew has a new number, for good
            new = self._moved[message.to] = str(error.new_chat_id)
            log.warning("group_has_a_new_number", channel=self.name, new=new)
            raise TransientDelivery("the group has a new number", retry_after=timedelta(seconds=1)) from error
        except TooFast as error:
            self.pace.hold(chat, error.wait)
            raise postponed(error) from error
        except Forbidden as error:
            raise PermanentDelivery(error.message, status="403") from error
        except BadRequest as error:
            raise PermanentDelivery(error.message, status="400") from error
        except InvalidToken as error:  # not the recipient's fault; the operator can mend it
            raise TransientDelivery("Telegram does not know the token") from error
        except TelegramError as error:
            raise postponed(error) from error

    async def _hand_over(self, chat: str, text: str, rows: list[list[Choice]], reference: str) -> str:
        keys = [[InlineKeyboardButton(one.label, callback_data=one.says) for one in row] for row in rows]
        sent = await self._bot.send_message(
            int(chat),
            text,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
            reply_markup=InlineKeyboardMarkup(keys) if keys else None,
            # Telegram passes over what it does not know; logs of a Bot API server of one's own show it.
            api_kwargs={"reference": reference} if reference else None,
        )
        return f"{sent.chat_id}:{sent.message_id}"

    def _remember(self, reference: str, parts: int) -> None:
        self._unfinished.pop(reference, None)
        if parts:
            self._unfinished[reference] = parts
            if len(self._unfinished) > _MOST_UNFINISHED:
                self._unfinished.popitem(last=False)

    # --- Asking

    async def _place(self) -> tuple[int, datetime]:
        """The next update that we want, and when we heard of the one before."""
        said = await self.memory.get("offset")
        if said is None:
            return 0, self.clock()
        offset, _, at = said.partition(" ")
        return int(offset), datetime.fromisoformat(at)

    async def _done(self, offset: int, at: datetime, body: bytes) -> None:
        await self.memory.set("offset", f"{offset} {at.isoformat()}")
        if press := _press_in(body):
            try:
                await self._bot.answer_callback_query(press)
            except TelegramError as error:  # too old by now: it lights up by itself
                log.info("press_not_confirmed", channel=self.name, error=error.message)

    async def _updates(self, offset: int) -> list[dict[str, Any]]:
        try:
            return await self._wire.updates(offset, ALLOWED)
        except Conflict as error:
            hint = 'set mode = "webhook" or call deleteWebhook' if "webhook" in error.message else "stop the other one"
            raise Conflict(f"{error.message} [{hint}]") from error
        except InvalidToken as error:
            raise InvalidToken("Telegram does not know the token") from error

    def _raw(self, body: bytes) -> Raw:
        return Raw(channel=self.name, body=body, received_at=self.clock(), media_type="application/json")

    # --- The webhook

    async def _see_to_webhook(self) -> None:
        """Set it at the first time and whenever it is not ours any more; tell what Telegram says about its pushes."""
        address = f"{self.settings.public_url.rstrip('/')}/channels/{quote(self.name)}"
        try:
            now = await self._bot.get_webhook_info()
            if not self._is_set or now.url != address:
                await self._bot.set_webhook(
                    address, secret_token=self._secret.decode(), allowed_updates=ALLOWED, max_connections=40
                )
                log.info("webhook_set", channel=self.name, instead_of=now.url if now.url != address else "")
                self._is_set = True
        except InvalidToken as error:
            raise InvalidToken("Telegram does not know the token") from error
        failed_at = now.last_error_date
        if failed_at is not None and self.clock() - failed_at < _RECENT:
            self.trouble["pushes"] = f"{now.last_error_message}; {now.pending_update_count} waiting"
        else:
            self.trouble.pop("pushes", None)


def _press_in(body: bytes) -> str:
    """The id of the button press that an update tells of; empty where it tells of none."""
    if _PRESS not in body:
        return ""
    try:
        press = read_update(body).callback_query
    except ValueError:
        return ""
    return press.id if press is not None else ""


async def _nothing() -> None:
    """A sign of life leaves nothing to mark."""
