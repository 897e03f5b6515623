"""The platform's own SDK at our cloud: it takes one message over a connection, asks for a token, and tells what it saw.

A program of its own, as the SDK reads where the platform is (``DINGTALK_OPENAPI_ENDPOINT``) when it is imported.
"""

from __future__ import annotations

import asyncio
import json
import sys

from dingtalk_stream import (
    AckMessage,
    CallbackMessage,
    ChatbotHandler,
    ChatbotMessage,
    Credential,
    DingTalkStreamClient,
)

from tests.servers.dingtalk import APP_KEY, SECRET

heard: asyncio.Queue[str] = asyncio.Queue()


class Hearing(ChatbotHandler):
    """Keeps what it hears and says that it has it."""

    async def process(self, callback: CallbackMessage) -> tuple[int, str]:
        """One message."""
        message = ChatbotMessage.from_dict(callback.data)
        heard.put_nowait(message.text.content)
        return AckMessage.STATUS_OK, "OK"


async def main() -> None:
    """Until one message was heard and answered."""
    client = DingTalkStreamClient(Credential(APP_KEY, SECRET))
    client.register_callback_handler(ChatbotMessage.TOPIC, Hearing())
    running = asyncio.create_task(client.start())
    text = await heard.get()
    await asyncio.sleep(0.2)  # the answer goes out after the message was heard
    token = await asyncio.to_thread(client.get_access_token)
    running.cancel()
    sys.stdout.write("\n" + json.dumps({"text": text, "token": token}))
    sys.stdout.flush()


loop = asyncio.new_event_loop()
loop.run_until_complete(asyncio.wait_for(main(), 20))
sys.exit(0)
