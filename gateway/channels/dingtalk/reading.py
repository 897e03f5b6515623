"""What one message to a robot says; the same over HTTP and over a connection.

https://open.dingtalk.com/document/orgapp/receive-message, …/robot-message-type (kinds of messages)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from gateway.channels.said import moment, noted, spoken
from gateway.message import File, InboundMessage, Raw, Talk

#: What the platform puts into a file without a name of its own, by the kind of message.
_MEDIA: Mapping[str, tuple[str, str]] = {
    "picture": ("jpg", "image/jpeg"),
    "audio": ("amr", "audio/amr"),
    "video": ("mp4", "video/mp4"),
    "file": ("bin", "application/octet-stream"),
}

Content = tuple[str, tuple[File, ...]]


def read(channel: str, raw: Raw, groups: str) -> InboundMessage:
    """The one message of a push.

    Raises:
        ValueError: it is nothing that we know.
    """
    said = orjson.loads(raw.body)
    match said:
        case {"msgId": str(number), "msgtype": str(kind), "createAt": (int() | str()) as time} if number and kind:
            at = moment(int(time) / 1000)
        case {"headers": {"messageId": str(number), "topic": str(topic)}} if number:  # a frame that we did not ask for
            return noted(channel, raw, f"frame:{number}", f"event:{topic[:48]}")
        case _:
            raise ValueError("no message")
    talk = _talk(said, groups)
    if talk is None:
        return noted(channel, raw, number, "group_post", at)
    content = _content(kind, said)
    if content is None:
        return noted(channel, raw, number, f"event:{kind[:48]}", at)
    name = said.get("senderNick")
    name = name if isinstance(name, str) else ""
    return spoken(channel, raw, number, talk.account, at, *content, name=name, talk=talk)


def _talk(said: Mapping[str, Any], groups: str) -> Talk | None:
    """Who talks with us, and where it is answered; None for a word in a group that is not for us.

    An organisation's own people have a number by which they can be written to at any time; others, such as guests of a
    group, are answered only where the push says, for as long as it says.
    """
    account = said.get("senderStaffId") or said["senderId"]
    if not isinstance(account, str) or not account:
        raise ValueError("from nobody")
    match said.get("conversationType"):
        case "1":
            return _routed(account, said, "")
        case "2" if groups == "journal" or said.get("isInAtList") is False:
            return None
        case "2":
            return _routed(account, said, f"#{account}") if groups == "open" else Talk(account=account)
    raise ValueError("neither private nor in a group")


def _routed(account: str, said: Mapping[str, Any], called: str) -> Talk:
    """Answered where the push says; behind the address stands whom an answer in a group calls."""
    match said:
        case {"sessionWebhook": str(route), "sessionWebhookExpiredTime": (int() | str()) as until} if route:
            return Talk(account=account, route=route + called, route_until=_time(until))
    return Talk(account=account)


def _content(kind: str, said: Mapping[str, Any]) -> Content | None:
    """Words and files; None for what is neither."""
    match kind, said:
        case "text", {"text": {"content": str(text)}}:
            return text.strip(), ()
        case "richText", {"content": {"richText": list(parts)}}:
            return _rich(parts)
        case "audio", {"content": {"downloadCode": str(code), **more}} if code:
            heard = more.get("recognition")  # what the platform heard in it
            return heard if isinstance(heard, str) else "", (_file(kind, code),)
        case (("picture" | "video" | "file"), {"content": {"downloadCode": str(code), **more}}) if code:
            return "", (_file(kind, code, more.get("fileName")),)
    if kind in {"text", "richText", *_MEDIA}:
        raise ValueError(f"a {kind} without content")
    return None


def _rich(parts: list[Any]) -> Content:
    words: list[str] = []
    files: list[File] = []
    for part in parts:
        match part:
            case {"downloadCode": str(code)} if code:
                files.append(_file("picture", code, which=f"-{len(files) + 1}"))
            case {"text": str(text)}:
                words.append(text)
    return "".join(words).strip(), tuple(files)


def _file(kind: str, code: str, name: Any = None, *, which: str = "") -> File:
    """A file that lies at the platform; it does not tell the name when it is fetched, so the reference keeps it."""
    if " " in code:
        raise ValueError("no code of a file")
    ending, media_type = _MEDIA[kind]
    shown = name if isinstance(name, str) and name else f"{kind}{which}.{ending}"
    return File(name=shown, media_type=media_type, reference=f"{code} {shown}")


def _time(milliseconds: int | str) -> datetime:
    return moment(int(milliseconds) / 1000)
