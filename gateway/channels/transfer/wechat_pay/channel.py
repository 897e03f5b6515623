"""Complaints of WeChat Pay: notices wake us, and we ask for what they are about; replies and ends go back.

A notice names a complaint and what happened to it; the complaint is asked for after the commit, again and again. One
that cannot be had within the operator's patience is a ticket with its number alone, and is asked for all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import orjson
import structlog

from gateway.channels.base import Answer, Chat, Fetching, Parsed, Polling, Webhook
from gateway.channels.transfer.channel import Cases
from gateway.channels.transfer.settings import TransferSettings
from gateway.channels.transfer.wechat_pay.cloud import Cloud
from gateway.channels.transfer.wechat_pay.owed import Owed, OwedNotices
from gateway.channels.transfer.wechat_pay.reading import files_of, identity_of, record_of
from gateway.channels.transfer.wechat_pay.seal import NotProven, Seal
from gateway.channels.transfer.wechat_pay.settings import WeChatPaySettings
from gateway.errors import PermanentDelivery, Refused, TransientDelivery
from gateway.message import Accepted, DeliveryReceipt, File, InboundMessage, OutboundMessage, Raw

log = structlog.get_logger(__name__)

_BEIJING = ZoneInfo("Asia/Shanghai")  # their days
_LONGEST_WAIT = timedelta(hours=1)
_LONGEST_REPLY = 500  # characters
_AGAIN = 20.0  # seconds until what could not be had is asked for again
#: A look that found nothing: a sign of life.
_QUIET = b"[]"
#: Notices of what we did ourselves: they tell nothing new.
_OURS = ("MERCHANT_", "SELLER_")
_FAILURES = 3  # in a row, of calls for one complaint each: then the interface itself is unwell
_DONE = "PROCESSED"
_STEPS = frozenset({"response", "complete"})
Done = Callable[[], Awaitable[None]]


class WeChatPay(Webhook, Polling, Fetching, Chat):
    """The complaints about one merchant; their rules are those of its source, as of any forwarding body."""

    Settings: ClassVar = WeChatPaySettings
    forms: ClassVar[tuple[str, ...]] = ("text",)
    settings: WeChatPaySettings

    def __init__(self, name: str, settings: WeChatPaySettings) -> None:
        super().__init__(name, settings)
        own = TransferSettings(source=settings.source, sources_folder=settings.sources_folder)
        self._cases = Cases(name, own)
        self._seal = Seal(settings)
        self.cloud = Cloud(settings, self._seal, self.trouble, concurrency=self.concurrency)
        self._owed = OwedNotices()
        self._looked_at: set[str] = set()  # in the look at all open complaints that goes on
        self._woken = asyncio.Event()
        self._not_before = 0.0  # by the loop's clock: when the interface wants to be asked again

    async def close(self) -> None:
        """Let go of connections."""
        await self.cloud.close()

    # --- In

    def verify(self, raw: Raw) -> None:
        """Signed by the platform, unaltered, and from now."""
        try:
            self._seal.check(raw.headers, raw.body, raw.received_at)
        except NotProven as error:
            raise Refused(401, str(error)) from error

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """A notice, or a complaint that we asked for."""
        if raw.body == _QUIET:
            return []
        document = orjson.loads(raw.body)
        if "resource" in document:
            return [self._noticed(raw, document)]
        if "complaint" not in document:
            return self._cases.messages({name: said for name, said in document.items() if isinstance(said, str)}, raw)
        record = record_of(document, self._seal.phone)
        if record["action_type"] not in self._cases.source.values["act"]:
            record["action_type"] = ""  # their list grows; the state says enough
        external_id = identity_of(record)
        files = files_of(document)
        return [
            replace(one, external_id=external_id if one.readable else one.external_id, attachments=files)
            for one in self._cases.messages(record, raw)
        ]

    def answer_to(self, raw: Raw, accepted: Sequence[Accepted]) -> Answer:
        """Go and ask for what it is about."""
        document = orjson.loads(raw.body) if accepted and accepted[0].outcome != "triage" else {}
        if "resource" in document:
            told = orjson.loads(self._seal.opened(document["resource"]))
            action = str(told.get("action_type") or "")
            if not action.startswith(_OURS):
                self._owed.add(told["complaint_id"], action, document["create_time"])
                self._woken.set()
        return Answer(status=204)

    def refusal(self, refused: Refused) -> Answer:
        """As their rules for notices want it: they try again, for up to a week."""
        body = orjson.dumps({"code": "FAIL", "message": refused.reason})
        return Answer(status=refused.status, body=body, media_type="application/json")

    def _noticed(self, raw: Raw, document: dict[str, Any]) -> InboundMessage:
        """An urge is told at once; of anything else the complaint itself tells more."""
        told = orjson.loads(self._seal.opened(document["resource"]))
        number, action, notice = told["complaint_id"], told.get("action_type") or "", document["id"]
        if not (isinstance(number, str) and number and isinstance(action, str) and isinstance(notice, str)):
            raise ValueError("no complaint")
        record = {"complaint_id": number, "action_type": action, "create_time": document["create_time"]}
        (message,) = self._cases.messages(record, raw)
        if not message.readable or message.fields["source"]["act"] == "urge":
            return replace(message, external_id=f"notice:{notice}")
        return InboundMessage(
            channel=self.name,
            external_id=f"notice:{notice}",
            received_at=raw.received_at,
            raw=raw,
            automatic=f"event:{action[:48]}",
        )

    # --- Asking

    async def poll(self) -> AsyncIterator[tuple[Raw, Done]]:
        """Ask for what notices named, and now and then for all that is open; until something fails."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._not_before - loop.time()))
        await self._owed.recall(self.memory)
        try:
            async for one in self._looks():
                yield one
        except TransientDelivery as error:
            if error.retry_after is not None:
                self._not_before = loop.time() + min(error.retry_after, _LONGEST_WAIT).total_seconds()
            raise

    async def _looks(self) -> AsyncIterator[tuple[Raw, Done]]:
        loop = asyncio.get_running_loop()
        look_at = loop.time()
        while True:
            self._woken.clear()
            await self._owed.remember(self.memory)
            async for one in self._named():
                yield one
            if loop.time() >= look_at:
                async for one in self._open():
                    yield one
                look_at = loop.time() + self.settings.every
            yield self._raw([]), _nothing
            pause = min(look_at - loop.time(), _AGAIN if self._owed.all else self.settings.every)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(pause, 0)):
                    await self._woken.wait()

    async def _named(self) -> AsyncIterator[tuple[Raw, Done]]:
        failures = 0
        for owed in self._owed.all:
            settle = self._settling(owed)
            try:
                pulled = await self._pulled(owed.number, action_type=owed.action, create_time=owed.noticed_at)
            except PermanentDelivery as error:
                log.warning("complaint_not_told", channel=self.name, complaint=owed.number, error=str(error))
                yield self._raw(owed.stub()), settle
            except TransientDelivery as error:
                failures += 1
                if datetime.now(UTC) - owed.since >= self.settings.patience:
                    yield self._raw(owed.stub()), _nothing
                if error.retry_after is not None or failures >= _FAILURES:
                    raise
            else:
                failures = 0
                yield self._raw(pulled), settle

    async def _open(self) -> AsyncIterator[tuple[Raw, Done]]:
        """All that is not finished there: notices may be lost, and we may have been away."""
        today = datetime.now(_BEIJING).date()
        async for one in self.cloud.complaints(today - self.settings.look_back, today):
            number = one.get("complaint_id")
            if one.get("complaint_state") == _DONE or not isinstance(number, str) or number in self._looked_at:
                continue
            yield self._raw({"complaint": one, "history": await self.cloud.history(number)}), _nothing
            self._looked_at.add(number)  # so that a look that is broken off, by their limits for calls, gets on
        self._looked_at.clear()

    async def _pulled(self, number: str, **notice: str) -> dict[str, Any]:
        complaint = await self.cloud.complaint(number)
        return {"complaint": complaint, "history": await self.cloud.history(number), **notice}

    def _settling(self, owed: Owed) -> Done:
        async def settle() -> None:
            self._owed.settle(owed)
            await self._owed.remember(self.memory)

        return settle

    def _raw(self, document: object) -> Raw:
        body = orjson.dumps(document)
        return Raw(channel=self.name, body=body, received_at=datetime.now(UTC), media_type="application/json")

    async def fetch(self, reference: str) -> File:
        """The picture at this address."""
        return await self.cloud.file(reference)

    # --- Back

    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """A reply to the complainant, or that all is done.

        They know no idempotency key: what they have already, as their history and state show, is not told again.
        """
        step, number = str(message.fields.get("step", "")), message.to
        if step not in _STEPS:
            raise PermanentDelivery(f"no step {step[:40]}")
        known = await self.cloud.complaint(number)
        said: dict[str, Any] = {"complainted_mchid": known.get("complainted_mchid") or self.settings.merchant}
        if step == "response":
            said["response_content"] = str(message.fields.get("response_content", ""))[:_LONGEST_REPLY]
            if not said["response_content"].strip():
                raise PermanentDelivery("nothing to say")
            there = await self._replied(number, said["response_content"])
        else:
            there = known.get("complaint_state") == _DONE
        if not there:
            await self.cloud.tell(number, step, said)
        return DeliveryReceipt(
            status="delivered", at=datetime.now(UTC), reference=message.reference, detail="known" if there else step
        )

    async def _replied(self, number: str, text: str) -> bool:
        """Whether the last thing that the merchant said is this."""
        replies = [one for one in await self.cloud.history(number) if one.get("operate_type") == "MERCHANT_RESPONSE"]
        return bool(replies) and replies[-1].get("operate_details") == text


async def _nothing() -> None:
    """What is open is asked for again anyway."""
