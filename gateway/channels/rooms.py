"""Rooms where people of the house are told: group robots 群机器人 of DingTalk, Feishu and WeCom.

A robot only speaks; its address is a secret. Whom a notice is for is called by mobile number; an empty address is the
room itself. Limits and codes:

- DingTalk https://open.dingtalk.com/document/robots/custom-robot-access: 20 a minute, then nothing for ten minutes
- Feishu https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot: 100 a minute and 5 a second, 20 KB
- WeCom https://developer.work.weixin.qq.com/document/path/91770: 20 a minute, 2,048 bytes of text
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from gateway.channels.api import Api, Reply, cut_in_json, uncalling
from gateway.channels.base import Transport
from gateway.channels.pace import Pace, Rate
from gateway.errors import PermanentDelivery, TransientDelivery
from gateway.message import DeliveryReceipt, OutboundMessage

#: Never more than 20 in a minute, else DingTalk takes nothing for ten.
_TWENTY_A_MINUTE = Rate(every=4.0, burst=5)
_WHOM = re.compile(r"(?:\+?86)?(1[3-9][0-9]{9})|")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomSettings:
    """``[transports.NAME]``: `url` is the robot's whole address with its key, `secret` what it signs with.

    `keyword` stands in every message where the robot asks for one. `timeout` in seconds.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    url: Annotated[str, Field(pattern=r"^https?://")] = field(repr=False)
    secret: str = field(default="", repr=False)
    keyword: str = ""
    timeout: Annotated[float, Field(gt=0, le=25)] = 10.0


class Room(Transport):
    """One robot in one room; its medium is its own name."""

    Settings: ClassVar[type[Any]] = RoomSettings
    forms = ("text",)
    concurrency = 1  # a room reads in order
    #: What a code of an answer means: how long to wait, or None where it will never be taken.
    codes: ClassVar[Mapping[int, timedelta | None]]
    #: The largest text in bytes as it stands in JSON.
    longest: ClassVar[int]
    rate: ClassVar[Rate]

    def __init__(self, name: str, settings: RoomSettings) -> None:
        super().__init__(name, settings)
        self.medium = name
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.pace = Pace("the room", lambda _room: self.rate, self.rate)
        self._api = Api(timeout=settings.timeout, concurrency=1)

    async def close(self) -> None:
        """Let go of the connection."""
        await self._api.close()

    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """Say it in the room. Robots know no idempotency key: after a lost answer it is said again."""
        called = _WHOM.fullmatch(message.to)
        if called is None:
            raise PermanentDelivery("neither a mobile number nor the room")
        text = "\n".join(filter(None, (self.settings.keyword, message.forms["text"])))
        said = self.said(cut_in_json(self.harmless(text), self.longest), called[1] or "")
        await self.pace.turn(self.name)
        marked = {"X-Request-Id": message.reference}  # for whoever compares logs; robots do not look at it
        reply = await self._api.call("POST", self.settings.url, json=said, query=self.signed(), headers=marked)
        self._check(reply)
        return DeliveryReceipt(status="accepted", at=datetime.now(UTC), reference=message.reference)

    @abstractmethod
    def said(self, text: str, mobile: str) -> dict[str, object]:
        """The body of one message; `mobile` is whom it calls, empty for nobody."""

    def harmless(self, text: str) -> str:
        """The text without what the platform would take for more than words."""
        return text

    def signed(self) -> Mapping[str, str] | None:
        """What the address needs beside itself; made anew for every message."""
        return None

    def _check(self, reply: Reply) -> None:
        code = reply.document.get("errcode", reply.document.get("code"))
        if reply.status == 200 and code == 0:
            return
        said = f"{reply.status} {code} {str(reply.document.get('errmsg', reply.document.get('msg', '')))[:100]}"
        if isinstance(code, int) and code in self.codes:
            wait = self.codes[code]
            if wait is None:
                raise PermanentDelivery(said, status=str(code))
            raise TransientDelivery(said, retry_after=wait)
        # An unknown code: a robot that was set up wrongly is mended by somebody, so the notice waits for that.
        raise TransientDelivery(said)


class DingTalkRobot(Room):
    """A DingTalk 自定义机器人."""

    longest = 19_000  # of 20,000 for the whole body (460101)
    rate = _TWENTY_A_MINUTE
    codes: ClassVar[Mapping[int, timedelta | None]] = {
        130101: timedelta(minutes=10),  # speaks too fast: silent for ten minutes
        410100: timedelta(minutes=10),
        660026: timedelta(minutes=10),
        460101: None,  # too large
        400105: None,  # unknown kind of message
    }

    def said(self, text: str, mobile: str) -> dict[str, object]:
        """``at`` calls by mobile number, and the number must stand in the text."""
        called = {"atMobiles": [mobile], "isAtAll": False} if mobile else {"isAtAll": False}
        shown = f"{text}\n@{mobile}" if mobile else text
        return {"msgtype": "text", "text": {"content": shown}, "at": called}

    def harmless(self, text: str) -> str:
        """The text without what the platform would take for more than words."""
        return text

    def signed(self) -> Mapping[str, str] | None:
        """Key = secret, message = time in milliseconds and secret; the time may be an hour off."""
        if not self.settings.secret:
            return None
        at = str(int(self.clock().timestamp() * 1000))
        mac = hmac.digest(self.settings.secret.encode(), f"{at}\n{self.settings.secret}".encode(), hashlib.sha256)
        return {"timestamp": at, "sign": base64.b64encode(mac).decode()}


class FeishuRobot(Room):
    """A Feishu 自定义机器人."""

    longest = 19_000  # of 20 KB for the whole body
    rate = Rate(every=0.65, burst=4)
    codes: ClassVar[Mapping[int, timedelta | None]] = {
        11232: timedelta(minutes=1),  # too fast
        9499: None,  # the body is not understood
    }

    def harmless(self, text: str) -> str:
        """A complaint that is quoted calls nobody."""
        return uncalling(text)

    def said(self, text: str, mobile: str) -> dict[str, object]:
        """Its robots call people by an id we do not know, so the number only stands in the text.

        Key = time in seconds and secret, message empty: the other way round than DingTalk's.
        """
        body: dict[str, object] = {
            "msg_type": "text",
            "content": {"text": f"{text}\n{mobile}" if mobile else text},
        }
        if self.settings.secret:
            at = str(int(self.clock().timestamp()))
            mac = hmac.digest(f"{at}\n{self.settings.secret}".encode(), b"", hashlib.sha256)
            body |= {"timestamp": at, "sign": base64.b64encode(mac).decode()}
        return body


class WeComRobot(Room):
    """A WeCom 消息推送 (formerly 群机器人); what it says is not signed, its address holds the key."""

    longest = 2_048
    rate = _TWENTY_A_MINUTE
    codes: ClassVar[Mapping[int, timedelta | None]] = {
        45009: timedelta(minutes=1),  # more than 20 a minute
        40058: None,  # too long
    }

    def said(self, text: str, mobile: str) -> dict[str, object]:
        """Calls by mobile number."""
        content: dict[str, object] = {"content": text}
        if mobile:
            content["mentioned_mobile_list"] = [mobile]
        return {"msgtype": "text", "text": content}
