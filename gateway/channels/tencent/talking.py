"""What all chats of the family share: addresses, pieces of a notice, and how many the platform lets us send."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from gateway.channels.api import with_choices
from gateway.channels.base import Chat, choices_in
from gateway.channels.tencent.wording import pieces
from gateway.errors import PermanentDelivery
from gateway.message import DeliveryReceipt, OutboundMessage

_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_@.-]{0,63}")
#: How long we may answer somebody, and how often, where the platform counts: 5 in 48 hours.
ANSWERS_KEEP = timedelta(hours=48)
ANSWERS = 5
_MOST_UNFINISHED = 1000


class Talking(Chat):
    """A chat whose notices are cut into pieces; what went out of one is remembered while the process lives."""

    #: The largest piece in bytes, and how many of them.
    longest: ClassVar[int] = 2048
    most: ClassVar[int] = 5
    #: Whether the platform counts our answers.
    counted: ClassVar[bool] = False

    def __init__(self, name: str, settings: Any) -> None:
        super().__init__(name, settings)
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._unfinished: OrderedDict[str, int] = OrderedDict()  # reference -> pieces that went out

    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """One notice, in as many messages as it takes.

        The platform would refuse an answer after its time; we do not ask it, so that the next medium is tried at once.
        """
        if not _ACCOUNT.fullmatch(message.to):
            raise PermanentDelivery("no account of this platform")
        parts = self._parts(message)
        last = ""
        for number in range(self._unfinished.get(message.reference, 0), len(parts)):
            last = await self.say(message, parts[number], number, final=number == len(parts) - 1)
            self._remember(message.reference, 0 if number == len(parts) - 1 else number + 1)
        return DeliveryReceipt(
            status="accepted", at=self.clock(), reference=message.reference, provider_id=last, parts=len(parts)
        )

    @abstractmethod
    async def say(self, message: OutboundMessage, text: str, number: int, *, final: bool) -> str:
        """Hand over one piece of the notice; the platform's id of it, empty where it tells none."""

    def written(self, message: OutboundMessage) -> str:
        """The notice as one text: its buttons are lines to be typed."""
        return with_choices(message.forms["text"], choices_in(message.forms.get("choices", "")))

    def _parts(self, message: OutboundMessage) -> list[str]:
        return pieces(self.written(message), self.longest, self._allowed(message))

    def _allowed(self, message: OutboundMessage) -> int:
        if not self.counted or message.heard_at is None:  # who never wrote is the platform's question
            return self.most
        if self.clock() - message.heard_at > ANSWERS_KEEP:
            raise PermanentDelivery("48 hours since the person wrote", status="48h")
        left = ANSWERS - message.sent_since
        if left < 1:
            raise PermanentDelivery("5 messages since the person wrote", status="5 messages")
        return min(self.most, left)

    def _remember(self, reference: str, parts: int) -> None:
        self._unfinished.pop(reference, None)
        if parts:
            self._unfinished[reference] = parts
            if len(self._unfinished) > _MOST_UNFINISHED:
                self._unfinished.popitem(last=False)
