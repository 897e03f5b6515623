"""What the platform's own SDK makes of a push of ours and of our cloud; a program of its own, as it loads for seconds.

Reads ``{"url", "app_id", "app_secret", "token", "key", "body", "headers"}`` from standard input.
"""

from __future__ import annotations

import json
import sys

import lark_oapi as lark
from lark_oapi.api.im.v1 import (
    CreateMessageRequest,
    CreateMessageRequestBody,
    GetMessageResourceRequest,
    P2ImMessageReceiveV1,
    ReplyMessageRequest,
    ReplyMessageRequestBody,
)
from lark_oapi.core.model import RawRequest

asked = json.load(sys.stdin)
found: dict[str, object] = {}


def heard(event: P2ImMessageReceiveV1) -> None:
    """The SDK believes and understands the push."""
    message = event.event.message
    found["heard"] = [message.message_id, json.loads(message.content)["text"], event.event.sender.sender_id.open_id]


def pushed(headers: dict[str, str]) -> int:
    """What the SDK answers to the push."""
    dispatcher = lark.EventDispatcherHandler.builder(asked["key"], asked["token"])
    request = RawRequest()
    request.uri, request.body, request.headers = "/event", asked["body"].encode(), headers
    return int(dispatcher.register_p2_im_message_receive_v1(heard).build().do(request).status_code)


names = {
    name.title().replace("Request-Timestamp", "Request-Timestamp"): text for name, text in asked["headers"].items()
}
found["status"] = pushed(names)
found["forged"] = pushed({**names, "X-Lark-Signature": "0" * 64})
client = lark.Client.builder().app_id(asked["app_id"]).app_secret(asked["app_secret"]).domain(asked["url"]).build()
text = json.dumps({"text": "由 SDK 发出"})
body = CreateMessageRequestBody.builder().receive_id("ou_1").msg_type("text").content(text).uuid("u-1").build()
made = client.im.v1.message.create(CreateMessageRequest.builder().receive_id_type("open_id").request_body(body).build())
under = ReplyMessageRequestBody.builder().msg_type("text").content(text).reply_in_thread(True).uuid("u-2").build()
said = client.im.v1.message.reply(ReplyMessageRequest.builder().message_id("om_1").request_body(under).build())
file = client.im.v1.message_resource.get(
    GetMessageResourceRequest.builder().message_id("om_1").file_key("file_1").type("file").build()
)
refused = client.im.v1.message.create(
    CreateMessageRequest.builder()
    .receive_id_type("open_id")
    .request_body(CreateMessageRequestBody.builder().receive_id("ou_stranger").msg_type("text").content(text).build())
    .build()
)
found |= {"made": made.data.message_id, "said": said.code, "file": file.file.read().decode(), "refused": refused.code}
sys.stdout.write(json.dumps(found))
