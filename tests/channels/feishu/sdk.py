"""What the platform's own SDK makes of a push of ours and of our cloud; a program of its own, as it loads for seconds.

Reads ``{"url", "app_id", "app_secret", "token", "key", "body", "headers", "press"}`` from standard input.
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
from lark_oapi.event.callback.model.p2_card_action_trigger import P2CardActionTrigger, P2CardActionTriggerResponse

asked = json.load(sys.stdin)
found: dict[str, object] = {}


def heard(event: P2ImMessageReceiveV1) -> None:
    """The SDK believes and understands the push."""
    message = event.event.message
    found["heard"] = [message.message_id, json.loads(message.content)["text"], event.event.sender.sender_id.open_id]


def pressed(press: P2CardActionTrigger) -> P2CardActionTriggerResponse:
    """The SDK believes and understands the press of a button."""
    found["pressed"] = [press.event.operator.open_id, press.event.action.value]
    return P2CardActionTriggerResponse({})


def pushed(body: str, headers: dict[str, str]) -> int:
    """What the SDK answers to the push."""
    dispatcher = lark.EventDispatcherHandler.builder(asked["key"], asked["token"])
    dispatcher.register_p2_im_message_receive_v1(heard).register_p2_card_action_trigger(pressed)
    request = RawRequest()
    request.uri, request.body = "/event", body.encode()
    request.headers = {name.title(): text for name, text in headers.items()}
    return int(dispatcher.build().do(request).status_code)


found["status"] = pushed(asked["body"], asked["headers"])
found["forged"] = pushed(asked["body"], {**asked["headers"], "x-lark-signature": "0" * 64})
found["press"] = pushed(**asked["press"])
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
