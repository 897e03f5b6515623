"""A WeCom 智能机器人: pushed as encrypted JSON, answered once within an hour where the push says.

…/document/path/100719 (messages), /101027 (events), /101033 (encryption), /101138 (answers)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

import orjson

from gateway.channels.api import FILE_LIMIT, FILE_TIMEOUT, Api, TooLong
from gateway.channels.base import Answer, Fetching, Parsed, Webhook
from gateway.channels.said import moment, noted, spoken
from gateway.channels.talking import Talking
from gateway.channels.tencent.app import sealed_echo
from gateway.channels.tencent.cloud import ACCOUNT, checked
from gateway.channels.tencent.reading import media
from gateway.channels.tencent.seal import Seal, unpadded
from gateway.channels.tencent.settings import BotSettings
from gateway.errors import PermanentDelivery, Refused, TransientDelivery
from gateway.message import File, InboundMessage, OutboundMessage, Raw, Talk

#: How long an answer is taken.
ANSWER_KEEPS = timedelta(hours=1)
#: Where the platform keeps what people send.
_STORES = (".myqcloud.com", ".qq.com", ".qpic.cn")
_LATER = {-1: timedelta(seconds=10), 45009: timedelta(minutes=1), 45033: timedelta(seconds=10)}


class WeComBot(Webhook, Talking, Fetching):
    """One bot; what it is told in groups stands in the journal only."""

    Settings: ClassVar = BotSettings
    account = ACCOUNT
    longest = 20_480
    most = 1
    settings: BotSettings

    def __init__(self, name: str, settings: BotSettings) -> None:
        super().__init__(name, settings)
        self.seal = Seal(settings.token, settings.aes_key, "")
        self._api = Api(timeout=settings.timeout, concurrency=self.concurrency)

    async def close(self) -> None:
        """Let go of connections."""
        await self._api.close()

    def challenge(self, raw: Raw) -> Answer | None:
        """WeCom checks the address by GET and wants to see that we can decrypt."""
        return sealed_echo(self.seal, raw)

    def verify(self, raw: Raw) -> None:
        """The signature covers what is encrypted."""
        said = _encrypted(raw.body)
        if said is None:
            raise Refused(401, "nothing encrypted")
        self.seal.check(raw, "msg_signature", said)
        self.seal.opened(said)

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """The one message of a push, encrypted or (recorded) plain."""
        said = _encrypted(raw.body)
        return [read(self.name, raw, orjson.loads(raw.body if said is None else self.seal.open(said)))]

    async def fetch(self, reference: str) -> File:
        """The file at this address, which is good for five minutes; it is encrypted as pushes are."""
        url, _, name = reference.partition(" ")
        if not self._trusts(url):
            raise PermanentDelivery("not an address of the platform")
        try:
            reply = await self._api.call("GET", url, limit=FILE_LIMIT, within=FILE_TIMEOUT)
        except TooLong as error:
            raise PermanentDelivery(error.reason) from error
        if reply.status != 200:
            raise PermanentDelivery("it is gone", status=str(reply.status))
        try:
            content = unpadded(reply.content, self.seal.key)
        except ValueError as error:
            raise PermanentDelivery("not encrypted for us") from error
        return File(name=name, media_type="application/octet-stream", content=content)

    async def say(self, message: OutboundMessage, text: str, number: int, *, final: bool) -> str:
        """The one answer to what the person said last."""
        if not message.route or message.sent_since:
            raise PermanentDelivery("a bot answers once, within an hour", status="no route")
        if not self._trusts(message.route):
            raise PermanentDelivery("not an address of the platform")
        said = {"msgtype": "markdown", "markdown": {"content": text}}
        reply = await self._api.call("POST", message.route, json=said, headers={"X-Request-Id": message.reference})
        try:
            checked(reply, _LATER)
        except TransientDelivery as error:
            if error.retry_after is None:  # nobody can mend an address that was used up
                raise PermanentDelivery(error.reason) from error
            raise
        return ""

    def _trusts(self, url: str) -> bool:
        place, own = urlsplit(url), urlsplit(self.settings.api_url)
        if (place.scheme, place.netloc) == (own.scheme, own.netloc):
            return True
        return place.scheme == "https" and (place.hostname or "").endswith(_STORES) and place.port in (None, 443)


def read(channel: str, raw: Raw, said: Mapping[str, Any]) -> InboundMessage:
    """The one message of a push.

    Raises:
        ValueError: it is nothing that we know.
    """
    match said:
        case {"msgid": str(number), "msgtype": str(kind), **rest} if number and kind:
            at = moment(rest["create_time"]) if isinstance(rest.get("create_time"), int) else None
        case _:
            raise ValueError("no message")
    external_id = f"{number}:{_round(rest)}" if kind == "stream" else number  # asked again under one id
    if rest.get("chattype") != "single":
        return noted(channel, raw, external_id, "group_post", at)
    found = _words(kind, number, rest.get(kind))
    match rest:
        case {"from": {"userid": str(account)}} if account and found is not None:
            words, files = found
        case {"from": {"userid": str()}}:
            return noted(channel, raw, external_id, f"event:{_event(kind, rest)}", at)
        case _:
            raise ValueError("from nobody")
    route = rest.get("response_url")
    return spoken(channel, raw, external_id, account, at, words, files, talk=_talk(account, route, raw.received_at))


def _words(kind: str, number: str, said: Any) -> tuple[str, tuple[File, ...]] | None:
    """What one part says; None for what is neither words nor a file."""
    match kind, said:
        case (("text" | "voice"), {"content": str(text)}):  # of a voice message they tell only the words
            return text, ()
        case (("image" | "file" | "video"), {"url": str(url)}) if url and " " not in url:
            return "", (media(kind, number, url, str(said.get("filename") or "")),)
        case "mixed", {"msg_item": list(items)}:
            return _mixed(number, items)
        case "event", {"template_card_event": {"event_key": str(key)}} if key:
            return key, ()
    if kind in {"text", "voice", "image", "file", "video", "mixed"}:
        raise ValueError(f"a {kind} without content")
    return None


def _mixed(number: str, items: Sequence[Any]) -> tuple[str, tuple[File, ...]]:
    words: list[str] = []
    files: list[File] = []
    for place, item in enumerate(items):
        kind = item["msgtype"]
        if kind not in {"text", "image"}:
            continue
        found = _words(kind, f"{number}-{place}", item[kind])
        assert found is not None
        words.append(found[0])
        files += found[1]
    return "\n".join(filter(None, words)), tuple(files)


def _event(kind: str, rest: Mapping[str, Any]) -> str:
    match rest:
        case {"event": {"eventtype": str(event)}}:
            return event[:48]
    return kind[:48]


def _talk(account: str, route: Any, now: datetime) -> Talk:
    if not isinstance(route, str) or not route:
        return Talk(account=account)
    return Talk(account=account, route=route, route_until=now.astimezone(UTC) + ANSWER_KEEPS)


def _round(rest: Mapping[str, Any]) -> str:
    match rest:
        case {"stream": {"id": str(number)}}:
            return number
    return ""


def _encrypted(body: bytes) -> str | None:
    try:
        said = orjson.loads(body)
    except ValueError:
        return None
    match said:
        case {"encrypt": str(text)}:
            return text
    return None
