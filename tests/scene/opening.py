"""All providers of the scene, and the gateway serving between them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import ClientSession

from gateway.app import assemble, running, serving
from gateway.channels.dingtalk import DingTalk
from gateway.channels.feishu import Feishu
from gateway.channels.rooms import Room
from gateway.channels.telegram import Telegram
from gateway.testing.loopback import Loopback, listening
from tests.channels.slow_motion import slow_motion
from tests.channels.telegram.at_hand import FastPace
from tests.channels.transfer.body import body_of_the_state
from tests.channels.transfer.interface import interface
from tests.scene.layout import ACCOUNT, settings_of
from tests.scene.town import Teller, Town
from tests.servers.dingtalk import dingtalk_server
from tests.servers.dovecot import Dovecot
from tests.servers.feishu import feishu_server
from tests.servers.line import line_to
from tests.servers.open311 import open311_server
from tests.servers.smtp import smtp_server
from tests.servers.telegram import telegram_server
from tests.servers.wecom import wecom_server


@contextlib.asynccontextmanager
async def town(folder: Path, mailbox: Dovecot) -> AsyncIterator[Town]:
    """All providers, and the gateway serving, until the end of the block."""
    async with contextlib.AsyncExitStack() as stack:
        bot = await stack.enter_async_context(telegram_server())
        desk, kf = [await stack.enter_async_context(wecom_server()) for _ in range(2)]
        corp, stream = [await stack.enter_async_context(dingtalk_server()) for _ in range(2)]
        lark = await stack.enter_async_context(feishu_server())
        east = await stack.enter_async_context(open311_server())
        city = await stack.enter_async_context(body_of_the_state())
        pull = await stack.enter_async_context(interface())
        post = await stack.enter_async_context(smtp_server(account=ACCOUNT))
        texts, room = [await stack.enter_async_context(listening(Teller())) for _ in range(2)]
        servers: Mapping[str, Loopback] = {
            "bot": bot,
            "desk": desk,
            "kf": kf,
            "corp": corp,
            "stream": stream,
            "lark": lark,
            "east": east,
            "city": city,
            "pull": pull,
            "transports.texts": texts,
            "transports.room": room,
        }
        ports = {part: urlsplit(server.url).port or 0 for part, server in servers.items()}
        ports |= {"mailbox": mailbox.port, "transports.post": post.port}
        lines = {part: await stack.enter_async_context(line_to(port)) for part, port in ports.items()}
        stream.url = f"http://127.0.0.1:{lines['stream'].port}"  # it tells where connections go
        parts = assemble(settings_of(folder, lines))
        for one in (*parts.channels.values(), *parts.transports.values()):
            _hurry(one)
        await stack.enter_async_context(serving(parts))
        await stack.enter_async_context(running(parts))
        place = Town(
            gateway=parts,
            web=await stack.enter_async_context(ClientSession(parts.settings.http.public_url)),
            bot=bot,
            desk=desk,
            kf=kf,
            corp=corp,
            stream=stream,
            lark=lark,
            east=east,
            city=city,
            pull=pull,
            post=post,
            texts=texts,
            room=room,
            mailbox=mailbox,
            lines=lines,
        )
        try:
            yield place
        finally:
            for task in place.waiting:
                task.cancel()
            await asyncio.gather(*place.waiting, return_exceptions=True)


def _hurry(one: object) -> None:
    """Let its turns take no time, and its pauses little."""
    match one:
        case Telegram():
            one.pace = FastPace()
        case DingTalk():
            slow_motion(one.pace)
            one.stream.sleep = lambda seconds: asyncio.sleep(min(seconds, 0.3))
        case Feishu() | Room():
            slow_motion(one.pace)
