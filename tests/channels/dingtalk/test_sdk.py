"""Our cloud, and what we answer to it, beside dingtalk-stream, the platform's own SDK."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import pytest

from tests.channels.dingtalk.at_hand import robot_at, written
from tests.channels.dingtalk.test_stream import Reader
from tests.servers.dingtalk import dingtalk_server


@pytest.mark.slow
async def test_the_sdk_talks_with_our_cloud_and_says_what_we_say() -> None:
    async with dingtalk_server() as server:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.channels.dingtalk.sdk"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "DINGTALK_OPENAPI_ENDPOINT": server.url},
        )
        async with asyncio.timeout(30):
            while not server.open:  # noqa: ASYNC110  it tells nobody
                await asyncio.sleep(0.05)
            frame = server.frame(json.dumps(written("1", "宽带断了三天"), ensure_ascii=False))
            theirs = await server.push(frame)
            told, _ = await child.communicate()
        assert json.loads(told.splitlines()[-1]) == {"text": "宽带断了三天", "token": "TOKEN-1"}
        asked = server.opened[0]
        while server.open:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.01)
        server.acks.clear()
        async with robot_at(server, mode="stream") as robot:
            task = asyncio.create_task(Reader(robot).run())
            ours = await server.push(frame)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert theirs is not None
        assert ours is not None
        assert (ours["code"], ours["headers"]) == (theirs["code"], theirs["headers"])
        assert ours.keys() == theirs.keys()
        assert server.opened[1]["subscriptions"] == asked["subscriptions"]
