"""What one message of 微信客服 says (…/document/path/94670, 消息类型)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.channels.said import moment, noted, spoken
from gateway.channels.tencent.reading import MEDIA, media
from gateway.message import DeliveryReceipt, InboundMessage, Raw, Talk

#: Who wrote it: the person, and not the platform (4) or somebody of the house (5).
_BY_THE_PERSON = 3
_FAILURES = {1: "5 messages", 2: "48h", 3: "blocked", 4: "ended", 10: "refused by the person"}


def read(channel: str, raw: Raw, said: Mapping[str, Any]) -> InboundMessage | DeliveryReceipt:
    """The one message.

    Raises:
        ValueError: it is nothing that we know.
    """
    match said:
        case {"msgid": str(number), "send_time": int(time), "msgtype": str(kind)} if number and kind:
            at = moment(time)
        case _:
            raise ValueError("no message")
    if kind == "event":
        return _happened(channel, raw, said, number)
    if said.get("origin") != _BY_THE_PERSON:
        return noted(channel, raw, number, "servicer", at)
    match said:
        case {"external_userid": str(account)} if account:
            talk = Talk(account=account)
        case _:
            raise ValueError("from nobody")
    content: Any = said.get(kind)
    match kind, content:
        case "text", {"menu_id": str(chosen)} if chosen:  # a button: its id is what it says
            return spoken(channel, raw, number, account, at, chosen, talk=talk)
        case "text", {"content": str(text)}:
            return spoken(channel, raw, number, account, at, text, talk=talk)
        case "location", {"latitude": (float() | int()) as north, "longitude": (float() | int()) as east} as place:
            point = f"geo:{north:.6f},{east:.6f}"
            named = " ".join(
                part for part in (place.get("name"), place.get("address")) if isinstance(part, str)
            ).strip()
            words = "\n".join(filter(None, (named, point)))
            return spoken(channel, raw, number, account, at, words, place=named or point, talk=talk)
        case "link", {"url": str(url)} as link:
            texts = (link.get("title"), link.get("desc"), url)
            return spoken(channel, raw, number, account, at, "\n".join(t for t in texts if isinstance(t, str) and t))
        case _, {"media_id": str(file)} if file and kind in MEDIA:
            return spoken(channel, raw, number, account, at, "", (media(kind, number, file),), talk=talk)
    if kind in {*MEDIA, "text", "location", "link"}:
        raise ValueError(f"a {kind} without content")
    return noted(channel, raw, number, f"event:{kind[:48]}", at)


def _happened(channel: str, raw: Raw, said: Mapping[str, Any], number: str) -> InboundMessage | DeliveryReceipt:
    at = moment(said["send_time"])
    happened: Any = said.get("event")
    match happened:
        case {"event_type": "msg_send_fail", "fail_msgid": str(failed)} as event if failed:
            cause = event.get("fail_type")
            detail = _FAILURES.get(cause, str(cause)) if isinstance(cause, int) else ""
            return DeliveryReceipt(status="failed", at=at, provider_id=failed, detail=detail)
        case {"event_type": "user_recall_msg", "external_userid": str(account), "recall_msgid": str(revised)}:
            talk = Talk(account=account, revises=revised, deleted=True)
            return spoken(channel, raw, number, account, at, "", talk=talk)
        case {"event_type": str(event)}:  # enter_session and others; welcome codes are not used
            return noted(channel, raw, number, f"event:{event[:48]}", at)
    raise ValueError("an event without a kind")
