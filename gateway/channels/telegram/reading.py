"""What an update says: a message of somebody's conversation, or something that only stands in the journal.

Ids are those of messages, not of updates: an edit tells which message it revises, and no update it came by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from gateway.channels.telegram.update import Contact, Location, Media, Message, Press, Update, User
from gateway.message import Address, File, InboundMessage, Raw, Talk

#: What Telegram puts into a file without a name or type of its own, by the field it comes in.
_MEDIA: Mapping[str, tuple[str, str]] = {
    "document": ("bin", "application/octet-stream"),
    "voice": ("ogg", "audio/ogg"),
    "audio": ("mp3", "audio/mpeg"),
    "video": ("mp4", "video/mp4"),
    "video_note": ("mp4", "video/mp4"),
    "animation": ("mp4", "video/mp4"),
}
_KIND = re.compile(r"[a-z_]{1,48}")
#: Fields that every message may have whatever it holds.
_ENVELOPE = frozenset(
    {"message_id", "message_thread_id", "date", "edit_date", "chat", "from", "sender_chat", "reply_to_message", "quote"}
    | {"via_bot", "media_group_id", "forward_origin", "has_protected_content", "effect_id", "direct_messages_topic"}
)


def inbound(channel: str, raw: Raw, update: Update) -> InboundMessage:
    """The one message of an update."""
    if update.callback_query is not None:
        return _pressed(channel, raw, update.callback_query)
    if update.edited_message is not None:
        return _edited(channel, raw, update, update.edited_message)
    if update.message is not None:
        return _written(channel, raw, update.message)
    post = update.channel_post or update.edited_channel_post
    if post is not None:
        return _noted(channel, raw, f"u:{update.update_id}", "group_post", post.edit_date or post.date)
    if (change := update.my_chat_member) is not None:
        gone = change.new_chat_member.status in {"kicked", "left"}
        marker = f"event:{'blocked' if gone else 'unblocked'}" if change.chat.private else "event:my_chat_member"
        return _noted(channel, raw, f"u:{update.update_id}", marker, change.date)
    return _noted(channel, raw, f"u:{update.update_id}", f"event:{_kind(orjson.loads(raw.body), {'update_id'})}")


def message_id(message: Message) -> str:
    """The id of a message among all of one bot: messages are counted in each chat."""
    return f"m:{message.chat.id}:{message.message_id}"


def _written(channel: str, raw: Raw, message: Message) -> InboundMessage:
    external_id = message_id(message)
    if not message.chat.private:
        return _noted(channel, raw, external_id, "group_post", message.date)
    if (marker := _unsaid(raw, message, "message")) is not None:
        return _noted(channel, raw, external_id, marker, message.date)
    return _said(channel, raw, external_id, message, message.date, Talk(account=str(message.chat.id)))


def _edited(channel: str, raw: Raw, update: Update, message: Message) -> InboundMessage:
    external_id = f"{message_id(message)}:{update.update_id}"
    at = message.edit_date or message.date
    if not message.chat.private:
        return _noted(channel, raw, external_id, "group_post", at)
    if message.location is not None and message.venue is None:  # a point changes only while it is live
        return _noted(channel, raw, external_id, "event:live_location", at)
    if (marker := _unsaid(raw, message, "edited_message")) is not None:
        return _noted(channel, raw, external_id, marker, at)
    talk = Talk(account=str(message.chat.id), revises=message_id(message))
    return _said(channel, raw, external_id, message, at, talk)


def _pressed(channel: str, raw: Raw, press: Press) -> InboundMessage:
    external_id = f"q:{press.id}"
    if press.message is None or press.data is None:
        return _noted(channel, raw, external_id, "event:callback_query")
    if not press.message.chat.private:
        return _noted(channel, raw, external_id, "group_post")
    account = str(press.message.chat.id)
    return InboundMessage(
        channel=channel,
        external_id=external_id,
        received_at=raw.received_at,
        raw=raw,
        sender=(_account(channel, account, press.from_),),
        text=press.data,
        talk=Talk(account=account),
    )


def _said(channel: str, raw: Raw, external_id: str, message: Message, at: int, talk: Talk) -> InboundMessage:
    text, place, sender = [message.text or message.caption], "", [_account(channel, talk.account, message.from_)]
    if message.venue is not None:
        place = f"{message.venue.title} {message.venue.address}".strip()
        text += [place, _point(message.venue.location)]
    elif message.location is not None:
        place = _point(message.location)
        text.append(place)
    if (card := message.contact) is not None:
        if message.from_ is not None and card.user_id == message.from_.id:
            sender.append(Address(medium="phone", value=_number(card)))
        else:
            text.append(" ".join(filter(None, (card.first_name, card.last_name, _number(card)))))
    return InboundMessage(
        channel=channel,
        external_id=external_id,
        received_at=raw.received_at,
        raw=raw,
        sender=tuple(sender),
        text="\n".join(filter(None, text)),
        lodged_at=datetime.fromtimestamp(at, UTC),
        attachments=tuple(_files(message)),
        fields={"place": place} if place else {},
        talk=talk,
    )


def _noted(channel: str, raw: Raw, external_id: str, marker: str, at: int | None = None) -> InboundMessage:
    """What nobody said to us: it stands in the journal and is acknowledged, and that is all."""
    return InboundMessage(
        channel=channel,
        external_id=external_id,
        received_at=raw.received_at,
        raw=raw,
        lodged_at=None if at is None else datetime.fromtimestamp(at, UTC),
        automatic=marker,
    )


def _unsaid(raw: Raw, message: Message, field: str) -> str | None:
    """The marker of a message that says nothing in words or files, such as a sticker, or comes from a bot."""
    if message.from_ is not None and message.from_.is_bot:
        return "bot"
    if message.text or message.caption or message.location or message.venue or message.contact or any(_files(message)):
        return None
    return f"event:{_kind(orjson.loads(raw.body)[field], _ENVELOPE)}"


def _kind(document: Mapping[str, Any], known: set[str] | frozenset[str]) -> str:
    """The name of the first field that says what this is."""
    return next((name for name in document if name not in known and _KIND.fullmatch(name)), "unknown")


def _files(message: Message) -> Iterator[File]:
    if message.photo:
        largest = max(message.photo, key=lambda one: one.width * one.height)
        yield File(name=f"photo-{message.message_id}.jpg", media_type="image/jpeg", reference=largest.file_id)
    for field, (ending, media_type) in _MEDIA.items():
        media: Media | None = getattr(message, field)
        if media is None or (field == "document" and message.animation is not None):  # the same file, told twice
            continue
        name = media.file_name or f"{field.replace('_', '-')}-{message.message_id}.{ending}"
        yield File(name=name, media_type=media.mime_type or media_type, reference=media.file_id)


def _account(channel: str, account: str, user: User | None) -> Address:
    return Address(medium="chat", value=f"{channel}:{account}", name=user.name if user else "")


def _point(location: Location) -> str:
    """As a geo URI (RFC 5870): the same in every language, and programs open it on a map."""
    return f"geo:{location.latitude:.6f},{location.longitude:.6f}"


def _number(card: Contact) -> str:
    """Telegram tells international numbers, some of its clients without the plus."""
    return f"+{card.phone_number}" if card.phone_number.isdecimal() else card.phone_number
