"""What an event of Feishu says: a message of a conversation, a button, that a message was taken back or read, or else.

https://open.feishu.cn/document/server-docs/im-v1/message/events/receive, …/events/recalled, …/events/message_read,
https://open.feishu.cn/document/server-docs/im-v1/message-content-description/message_content

Messages are known by their own id, not by that of the event: what is taken back names the message. The platform has no
event for a message that was edited.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from gateway.channels.base import Parsed
from gateway.channels.feishu.content import content_of
from gateway.channels.said import moment, noted, spoken
from gateway.message import DeliveryReceipt, InboundMessage, Raw, Talk

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
#: Who takes a message back: its author, and not somebody who looks after the group.
_AUTHOR = "message_owner"
#: As milliseconds it would be in the year 5138.
_MICROSECONDS = 10**14
#: The route of a private chat; it ends that of a group.
DIRECT = "direct"


def read(channel: str, raw: Raw, said: Mapping[str, Any], groups: str) -> Sequence[Parsed]:
    """What one push says.

    Raises:
        ValueError: it is nothing that we know.
    """
    match said:
        case {"header": {"event_id": str(number), "event_type": str(kind)}, "event": dict(event)} if number and kind:
            at = _time(said["header"].get("create_time"))
        case {"uuid": str(number), "event": {"type": str(kind)}} if number and kind:  # the older form
            return [noted(channel, raw, number, f"event:{kind[:48]}")]
        case _:
            raise ValueError("no event")
    match kind:
        case "im.message.receive_v1":
            return [_heard(channel, raw, event, groups)]
        case "im.message.recalled_v1":
            return [_taken_back(channel, raw, number, event, at)]
        case "im.message.message_read_v1":
            return _was_read(event) or [noted(channel, raw, number, f"event:{kind}", at)]
        case "application.bot.menu_v6":
            return [_chosen(channel, raw, number, event, at)]
        case "card.action.trigger":
            return [_pressed(channel, raw, number, event, at, groups)]
    return [noted(channel, raw, number, f"event:{kind[:48]}", at)]


def _heard(channel: str, raw: Raw, event: Mapping[str, Any], groups: str) -> Parsed:
    message = event["message"]
    number, kind, mentions = message["message_id"], message["message_type"], message.get("mentions") or []
    at = _time(message["create_time"])
    if not _ID.fullmatch(number) or not isinstance(kind, str):
        raise ValueError("no message")
    private = message["chat_type"] == "p2p"
    if event["sender"].get("sender_type") != "user":
        return noted(channel, raw, number, "bot", at)
    if not private and (groups == "journal" or not _calls_us(mentions)):
        return noted(channel, raw, number, "group_post", at)
    account = event["sender"]["sender_id"]["open_id"]
    if not _ID.fullmatch(account):
        raise ValueError("from nobody")
    content = content_of(kind, number, orjson.loads(message["content"]), mentions)
    if content is None:
        return noted(channel, raw, number, f"event:{kind[:48]}", at)
    talk = _talk(account, number, groups, private=private)
    return spoken(channel, raw, number, account, at, content.text, content.files, place=content.place, talk=talk)


def _talk(account: str, number: str, groups: str, *, private: bool) -> Talk:
    if groups != "thread":
        return Talk(account=account)
    return Talk(account=account, route=DIRECT if private else number)


def _calls_us(mentions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a bot is mentioned; an application that hears a whole group is told more than that.

    Older pushes do not tell bots from people; applications that hear only what is said to them lose nothing by it.
    """
    kinds = [one.get("mentioned_type") for one in mentions if one.get("key") != "@_all"]
    return "bot" in kinds or any(kind is None for kind in kinds)


def _taken_back(channel: str, raw: Raw, number: str, event: Mapping[str, Any], at: datetime | None) -> Parsed:
    """The platform tells no author; it is whoever wrote the message."""
    revised, chat = event["message_id"], event["chat_id"]
    if not (_ID.fullmatch(revised) and _ID.fullmatch(chat)):
        raise ValueError("no message")
    if event.get("recall_type", _AUTHOR) != _AUTHOR:
        return noted(channel, raw, number, "event:im.message.recalled_v1", at)
    return InboundMessage(
        channel=channel,
        external_id=number,
        received_at=raw.received_at,
        raw=raw,
        lodged_at=at,
        talk=Talk(account=chat, revises=revised, deleted=True),
    )


def _was_read(event: Mapping[str, Any]) -> list[Parsed]:
    """Somebody read messages of ours: they have reached that person."""
    match event:
        case {"reader": {"read_time": at}, "message_id_list": [*numbers]} if numbers:
            read_at = _time(at)
            if read_at is None:
                raise ValueError("no time")
            return [
                DeliveryReceipt(status="delivered", at=read_at, provider_id=one, detail="read")
                for one in numbers
                if isinstance(one, str) and one
            ]
    return []


def _chosen(channel: str, raw: Raw, number: str, event: Mapping[str, Any], at: datetime | None) -> Parsed:
    """A menu of the bot: an entry of ours says its key, others are somebody else's."""
    match event:
        case {"operator": {"operator_id": {"open_id": str(account)}}, "event_key": str(key)} if key[:1] == "/":
            if not _ID.fullmatch(account):
                raise ValueError("from nobody")
            return spoken(channel, raw, number, account, at, key)
    return noted(channel, raw, number, "event:application.bot.menu_v6", at)


def _pressed(channel: str, raw: Raw, number: str, event: Mapping[str, Any], at: datetime | None, groups: str) -> Parsed:
    """A button of ours says what it stands for, whoever pressed it; other cards are somebody else's."""
    match event:
        case {"operator": {"open_id": str(account)}, "action": {"value": {"says": str(says), **place}}} if says:
            if not _ID.fullmatch(account):
                raise ValueError("from nobody")
            under = str(place.get("under") or "")
            talk = _talk(account, under, groups, private=not _ID.fullmatch(under))
            return spoken(channel, raw, number, account, at, says, talk=talk)
    return noted(channel, raw, number, "event:card.action.trigger", at)


def _time(written: Any) -> datetime | None:
    """They write it as text: in milliseconds, but in the head of some pushes in microseconds.

    https://open.feishu.cn/document/server-docs/event-subscription-guide/overview shows these,
    …/im-v1/message/events/receive those.
    """
    if written is None:
        return None
    ticks = int(written)
    return moment(ticks / 1000 if ticks < _MICROSECONDS else ticks / 1_000_000)
