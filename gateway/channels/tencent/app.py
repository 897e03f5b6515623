"""A WeCom 自建应用: pushed as encrypted XML, answered by ``message/send`` (…/document/path/90236, limits /90454)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from gateway.channels.base import Answer, Fetching, Parsed, Webhook
from gateway.channels.pace import Pace, Rate
from gateway.channels.talking import Talking
from gateway.channels.tencent.cloud import ACCOUNT, TEXT_LIMIT, WECOM, Cloud, corporate
from gateway.channels.tencent.reading import inbound
from gateway.channels.tencent.seal import Seal, echo
from gateway.channels.tencent.settings import AppSettings
from gateway.channels.tencent.xml import fields_of
from gateway.errors import PermanentDelivery, Refused, TransientDelivery
from gateway.message import Accepted, File, OutboundMessage, Raw

#: 30 a minute and 1000 an hour to a member; what is more is dropped, and nobody told.
_MEMBER = Rate(every=3.7, burst=8)
_ALL = Rate(every=1 / 100, burst=100)


class WeComApp(Webhook, Talking, Fetching):
    """One application of one corporation."""

    Settings: ClassVar = AppSettings
    account = ACCOUNT
    longest = TEXT_LIMIT
    settings: AppSettings

    def __init__(self, name: str, settings: AppSettings) -> None:
        super().__init__(name, settings)
        self.pace = Pace("WeCom", lambda _member: _MEMBER, _ALL)
        self.seal = Seal(settings.token, settings.aes_key, settings.corp_id)
        self.cloud = Cloud(
            settings.api_url,
            corporate(settings.corp_id, settings.secret),
            WECOM,
            self.trouble,
            timeout=settings.timeout,
            concurrency=self.concurrency,
        )

    async def close(self) -> None:
        """Let go of connections."""
        await self.cloud.close()

    def challenge(self, raw: Raw) -> Answer | None:
        """WeCom checks the address by GET and wants to see that we can decrypt."""
        return sealed_echo(self.seal, raw)

    def verify(self, raw: Raw) -> None:
        """The signature covers what is encrypted; who it is for stands inside."""
        verify_xml(self.seal, raw)

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """The one message of a push, encrypted or (recorded) plain."""
        return [inbound(self.name, raw, opened_xml(self.seal, raw))]

    def answer(self, accepted: Sequence[Accepted]) -> Answer:
        """An empty answer: what we have to say is sent."""
        return Answer()

    async def fetch(self, reference: str) -> File:
        """The file with this media id."""
        return await self.cloud.file(reference)

    async def say(self, message: OutboundMessage, text: str, number: int, *, final: bool) -> str:
        """One text."""
        said = {
            "touser": message.to,
            "msgtype": "text",
            "agentid": self.settings.agent_id,
            "text": {"content": text},
        }
        await self.pace.turn(message.to)
        answer = await self.cloud.call("/cgi-bin/message/send", said, message.reference)
        if _listed(message.to, answer.get("invaliduser")):
            raise PermanentDelivery("no such member, or not one of this application", status="invaliduser")
        if _listed(message.to, answer.get("unlicenseduser")):  # the operator can mend that
            raise TransientDelivery("the member has no licence for the interface")
        return str(answer.get("msgid") or "")


def _listed(account: str, listed: object) -> bool:
    """Accounts are told in small letters, however they are written."""
    return account.lower() in str(listed or "").lower().split("|")


def sealed_echo(seal: Seal, raw: Raw) -> Answer | None:
    """The answer to a check of the address."""
    said = echo(raw.query)
    if said is None:
        return None
    seal.check(raw, "msg_signature", said)
    return Answer(body=seal.opened(said))


def verify_xml(seal: Seal, raw: Raw) -> None:
    """Refuse a push whose ``Encrypt`` is not signed, or not for us."""
    try:
        said = fields_of(raw.body)["Encrypt"]
    except (ValueError, KeyError) as error:
        raise Refused(401, "nothing encrypted") from error
    seal.check(raw, "msg_signature", said)
    seal.opened(said)


def opened_xml(seal: Seal, raw: Raw) -> dict[str, str]:
    """The fields of a push; of a recorded one also where it is not encrypted."""
    said = fields_of(raw.body)
    if seal.key and "Encrypt" in said:
        said = fields_of(seal.open(said["Encrypt"]))
    return dict(said)
