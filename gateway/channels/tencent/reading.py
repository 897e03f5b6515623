"""What the XML of a WeCom application or a WeChat account says: a message of a conversation, or an event.

https://developer.work.weixin.qq.com/document/path/90239 and /90240,
https://developers.weixin.qq.com/doc/service/guide/product/message/Receiving_standard_messages.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gateway.channels.said import moment, noted, spoken
from gateway.message import File, InboundMessage, Raw

#: What the platforms put into a file without a name or type of its own, by the type of the message.
MEDIA: Mapping[str, tuple[str, str]] = {
    "image": ("jpg", "image/jpeg"),
    "voice": ("amr", "audio/amr"),
    "video": ("mp4", "video/mp4"),
    "shortvideo": ("mp4", "video/mp4"),
    "file": ("bin", "application/octet-stream"),
}
#: Events by which somebody says something: a button whose key is what it says.
_SAYS = frozenset({"click", "template_card_event"})


def inbound(channel: str, raw: Raw, said: Mapping[str, str]) -> InboundMessage:
    """The one message of a push.

    Raises:
        ValueError: it lacks who, when or what.
    """
    account, at, kind = said["FromUserName"], moment(int(said["CreateTime"])), said["MsgType"]
    if not account or not kind:
        raise ValueError("from nobody")
    if kind == "event":
        return _happened(channel, raw, said, account, at)
    external_id = said["MsgId"]
    if not external_id:
        raise ValueError("no id")
    text, place = [said.get("Content", "")], ""
    files: tuple[File, ...] = ()
    if kind == "location":
        point = f"geo:{float(said['Location_X']):.6f},{float(said['Location_Y']):.6f}"
        place = said.get("Label") or point
        text += [said.get("Label", ""), point]
    elif kind == "link":
        text += [said.get("Title", ""), said.get("Description", ""), said.get("Url", "")]
    elif kind in MEDIA and said.get("MediaId"):
        text.append(said.get("Recognition", ""))  # what the platform heard in a voice message
        files = (media(kind, external_id, said["MediaId"], said.get("FileName", "")),)
    elif kind != "text":
        return noted(channel, raw, external_id, f"event:{kind[:48]}", at)
    words = "\n".join(filter(None, text))
    return spoken(channel, raw, external_id, account, at, words, files, place=place)


def media(kind: str, number: str, reference: str, name: str = "") -> File:
    """A file that lies at the platform; it does not tell the name when it is fetched, so the reference keeps it."""
    ending, media_type = MEDIA[kind]
    name = name or f"{kind}-{number}.{ending}"
    return File(name=name, media_type=media_type, reference=f"{reference} {name}")


def _happened(channel: str, raw: Raw, said: Mapping[str, str], account: str, at: datetime) -> InboundMessage:
    event, key = said["Event"], said.get("EventKey", "")
    # Events have no id; the platforms say to know them by these.
    external_id = ":".join(["e", account, said["CreateTime"], event, said.get("TaskId", ""), key])[:200]
    if event.lower() in _SAYS and key.startswith("/"):  # a menu of ours; other keys are somebody else's
        return spoken(channel, raw, external_id, account, at, key)
    return noted(channel, raw, external_id, f"event:{event[:48]}", at)
