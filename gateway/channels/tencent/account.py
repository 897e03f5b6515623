"""A WeChat 服务号: plain, compatible or safe mode, answered by 客服消息 (5 in 48 hours).

https://developers.weixin.qq.com/doc/service/guide/dev/push/, …/api/customer/message/api_sendcustommessage
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from gateway.channels.base import Answer, Fetching, Parsed, Webhook
from gateway.channels.talking import Talking
from gateway.channels.tencent.app import opened_xml, verify_xml
from gateway.channels.tencent.cloud import ACCOUNT, ANSWERS, ANSWERS_KEEP, TEXT_LIMIT, WECHAT, Cloud, stable
from gateway.channels.tencent.reading import inbound
from gateway.channels.tencent.seal import Seal, echo
from gateway.channels.tencent.settings import AccountSettings
from gateway.errors import Refused
from gateway.message import Accepted, File, OutboundMessage, Raw


class WeChat(Webhook, Talking, Fetching):
    """One account."""

    Settings: ClassVar = AccountSettings
    account = ACCOUNT
    longest = TEXT_LIMIT
    window = ANSWERS_KEEP
    answers = ANSWERS
    settings: AccountSettings

    def __init__(self, name: str, settings: AccountSettings) -> None:
        super().__init__(name, settings)
        self.seal = Seal(settings.token, settings.aes_key, settings.app_id)
        self.cloud = Cloud(
            settings.api_url,
            stable(settings.app_id, settings.secret),
            WECHAT,
            self.trouble,
            timeout=settings.timeout,
            concurrency=self.concurrency,
        )

    async def close(self) -> None:
        """Let go of connections."""
        await self.cloud.close()

    def challenge(self, raw: Raw) -> Answer | None:
        """WeChat checks the address by GET and wants its word back."""
        said = echo(raw.query)
        if said is None:
            return None
        self.seal.check(raw, "signature")
        return Answer(body=said.encode("utf-8", "replace"))

    def verify(self, raw: Raw) -> None:
        """Without a key only who sends is proven; with one, a plain push is not taken."""
        self.seal.check(raw, "signature")
        if self.settings.aes_key:
            if raw.query.get("encrypt_type") != "aes":
                raise Refused(401, "not encrypted")
            verify_xml(self.seal, raw)

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """The one message of a push; in compatible mode the encrypted form counts."""
        return [inbound(self.name, raw, opened_xml(self.seal, raw))]

    def answer(self, accepted: Sequence[Accepted]) -> Answer:
        """Else WeChat pushes again, three times, and tells the person that the account is out of order."""
        return Answer(body=b"success")

    async def fetch(self, reference: str) -> File:
        """The file with this media id."""
        return await self.cloud.file(reference)

    async def say(self, message: OutboundMessage, text: str, number: int, *, final: bool) -> str:
        """One text."""
        said = {"touser": message.to, "msgtype": "text", "text": {"content": text}}
        await self.cloud.call("/cgi-bin/message/custom/send", said, message.reference)
        return ""
