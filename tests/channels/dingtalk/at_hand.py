"""A robot at DingTalk, how the platform signs, and messages to make things happen."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from gateway.channels.dingtalk import DingTalk, DingTalkSettings
from gateway.channels.dingtalk.seal import signature
from gateway.message import OutboundMessage, Raw
from tests.channels.slow_motion import slow_motion
from tests.servers.dingtalk import APP_KEY, SECRET, DingTalkServer

NOWHERE = "http://127.0.0.1:9"
SETTINGS: Mapping[str, Any] = {"app_key": APP_KEY, "app_secret": SECRET, "api_url": NOWHERE, "timeout": 0.5}
SENT_AT = 1_772_415_000_000  # 2026-03-02 01:30 UTC
LI = "user123"
GUEST = "$:LWCP_v1:$Ff09GIxxxxx"


def signed(raw: Raw, settings: Mapping[str, Any] = SETTINGS) -> Raw:
    """The push of a message at `raw.received_at`."""
    at = str(int(raw.received_at.timestamp() * 1000))
    return replace(raw, headers={**raw.headers, "timestamp": at, "sign": signature(at, settings["app_secret"])})


def written(number: str, content: str | Mapping[str, Any], *, kind: str = "text", **more: Any) -> dict[str, Any]:
    """Somebody writes to the robot, or calls it in a group."""
    said = {"text": {"content": content}} if isinstance(content, str) else {"content": content}
    return {
        "conversationId": "cidAsXSBLnA==",
        "chatbotCorpId": "ding9f50b15bxxxx16741",
        "chatbotUserId": "$:LWCP_v1:$Cxxxxx",
        "msgId": f"msg{number}==",
        "senderNick": "李四",
        "isAdmin": False,
        "senderStaffId": LI,
        "sessionWebhookExpiredTime": SENT_AT + 5_400_000,
        "createAt": SENT_AT,
        "senderCorpId": "ding9f50b15bxxxx16741",
        "conversationType": "1",
        "senderId": GUEST,
        "sessionWebhook": "https://oapi.dingtalk.com/robot/sendBySession?session=76da36b4",
        "robotCode": APP_KEY,
        "msgtype": kind,
        **said,
        **more,
    }


def notice(text: str = "已受理。", to: str = LI, **more: Any) -> OutboundMessage:
    """A notice to somebody's chat."""
    forms = {"text": text, "choices": more.pop("choices", "")}
    return OutboundMessage(**{"reference": "n17", "to": to, "forms": forms, **more})


@contextlib.asynccontextmanager
async def robot_at(server: DingTalkServer, **settings: Any) -> AsyncIterator[DingTalk]:
    """A robot of this cloud, whose turns take no time."""
    robot = DingTalk("desk", DingTalkSettings(**{**SETTINGS, "api_url": server.url, "timeout": 1.0, **settings}))
    slow_motion(robot.pace)
    try:
        yield robot
    finally:
        await robot.close()
