"""How the gateway of the scene is configured: one channel of each kind, each at the end of its line."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from gateway.config import Alarms, Database, Dispatch, Http, Settings
from tests.channels.dingtalk import at_hand as dingtalk
from tests.channels.feishu import at_hand as feishu
from tests.channels.tencent.at_hand import SETTINGS
from tests.channels.transfer.at_hand import SECRET as CITY_SECRET
from tests.channels.transfer.interface import TOKEN as PULL_TOKEN
from tests.servers.line import Line
from tests.servers.open311 import KEY as EAST_KEY
from tests.servers.process import free_port
from tests.servers.telegram import TOKEN
from ticket_core.directory import Person

OPS_MAIL, OPS_PHONE = "ops@example.com", "+8613800009999"
HOUSE_SECRET = "synthetic-secret-of-a-test"
ACCOUNT = ("out", "synthetic-password")
_FAST = {"timeout": 2.0}  # seconds; a busy machine needs some of them for a good answer too
_PULL = {
    "by": "id",
    "grows": "id",
    "since": "since",
    "start": "0",
    "items": "data.rows",
    "code": "code",
    "token": PULL_TOKEN,
    "size": "size",
    "every": 1,
}


def settings_of(folder: Path, lines: Mapping[str, Line]) -> Settings:
    port = free_port()
    url = {part: f"http://127.0.0.1:{line.port}" for part, line in lines.items()}
    imap = {
        "host": "127.0.0.1",
        "port": lines["mailbox"].port,
        "security": "none",
        "user": "tousu",
        "password": "secret",
        "timeout": 2,
        "step_limit": 3,
        "idle_refresh": 1,
        "retry": 0.1,
        "retry_at_most": 0.5,
    }
    transfer = {"kind": "transfer", "source": "12345", "profile": "transfer", "secret": CITY_SECRET, **_FAST}
    return Settings(
        secret=base64.b64encode(HOUSE_SECRET.encode()).decode(),
        database=Database(url=f"sqlite:///{folder}/gateway.sqlite3"),
        http=Http(port=port, public_url=f"http://127.0.0.1:{port}"),
        dispatch=Dispatch(retry=(timedelta(milliseconds=300),)),
        alarms=Alarms(after=timedelta(milliseconds=300)),
        people=(
            Person(name="qian", roles=("admin",), email=OPS_MAIL, phone=OPS_PHONE),
            Person(name="duty", roles=("handler",), groups=("service",), chats=("room:",)),
            Person(name="east-office", roles=("handler",), groups=("service",), chats=("east:lamp",)),
        ),
        channels={
            "bot": {"kind": "telegram", "token": TOKEN, "api_url": url["bot"], "long_poll": 1, **_FAST},
            "desk": {"kind": "wecom-app", **SETTINGS["wecom-app"], "api_url": url["desk"], **_FAST},
            "kf": {"kind": "wecom-kf", **SETTINGS["wecom-kf"], "api_url": url["kf"], **_FAST},
            "corp": {"kind": "dingtalk", **dingtalk.SETTINGS, "api_url": url["corp"], **_FAST},
            "stream": {"kind": "dingtalk", **dingtalk.SETTINGS, "mode": "stream", "api_url": url["stream"], **_FAST},
            "lark": {"kind": "feishu", **feishu.SETTINGS, "api_url": url["lark"], **_FAST},
            "page": {"kind": "webchat"},
            "city": {**transfer, "callback": f"{url['city']}/callback"},
            "pull": {**transfer, "kind": "transfer-pull", "pull": {**_PULL, "url": f"{url['pull']}/cases"}},
            "east": {
                "kind": "open311-city",
                "url": f"{url['east']}/v2",
                "api_key": EAST_KEY,
                "address": "本市",
                "every": "PT1S",
                **_FAST,
            },
            "mailbox": {"kind": "email", "address": "tousu@example.com", "imap": imap},
            "crm": {
                "kind": "webhook",
                "secret": HOUSE_SECRET,
                "fields": {"text": "content", "phone": "phone"},
                "external_id": "id",
            },
            "reports": {"kind": "sms-reports", "secret": HOUSE_SECRET},
        },
        transports={
            "post": {
                "kind": "smtp",
                "host": "127.0.0.1",
                "port": lines["transports.post"].port,
                "security": "none",
                "address": "out@example.com",
                "user": ACCOUNT[0],
                "password": ACCOUNT[1],
                **_FAST,
            },
            "texts": {"kind": "sms", "url": f"{url['transports.texts']}/send", **_FAST},
            "room": {"kind": "dingtalk-robot", "url": f"{url['transports.room']}/send", **_FAST},
        },
    )
