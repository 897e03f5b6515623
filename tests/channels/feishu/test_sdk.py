"""Our push and our cloud beside lark-oapi, the platform's own SDK."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime

import pytest

from gateway.message import Raw
from tests.channels.feishu.at_hand import KEY, LI, TOKEN, pressed, signed, written
from tests.servers.feishu import APP_ID, SECRET, feishu_server


@pytest.mark.nightly  # it loads for seconds
async def test_the_sdk_believes_our_push_and_talks_with_our_cloud_as_with_its_own() -> None:
    event = json.dumps(written("1", "宽带断了三天"), ensure_ascii=False).encode()
    push = signed(Raw(channel="feishu", body=event, received_at=datetime.now(UTC)))
    button = json.dumps(pressed("2", {"says": "/rate 5"})).encode()
    press = signed(Raw(channel="feishu", body=button, received_at=datetime.now(UTC)))
    files = {"om_1/file_1": ("text/plain", b"a file")}
    async with feishu_server(files=files, strangers={"ou_stranger"}) as server:
        asked = {"url": server.url, "app_id": APP_ID, "app_secret": SECRET, "token": TOKEN, "key": KEY}
        asked |= {"body": push.body.decode(), "headers": push.headers}
        asked |= {"press": {"body": press.body.decode(), "headers": press.headers}}
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-m", "tests.channels.feishu.sdk"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            told, _ = await child.communicate(json.dumps(asked).encode())
        found = json.loads(told.splitlines()[-1])  # the SDK logs on standard output
        assert found == {
            "heard": ["om_1", "宽带断了三天", LI],
            "pressed": [LI, {"says": "/rate 5"}],
            "status": 200,
            "press": 200,
            "forged": 500,
            "made": "om_sent1",
            "said": 0,
            "file": "a file",
            "refused": 230013,
        }
        assert [(one["to"], one["under"]) for one in server.sent] == [("ou_1", ""), ("om_1", "om_1")]
        assert server.sent[1]["reply_in_thread"] is True
