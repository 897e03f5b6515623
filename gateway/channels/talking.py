"""What chats share that cannot say everything at once: pieces of a notice, and how many the platform lets us send."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from gateway.channels.api import cut, with_choices
from gateway.channels.base import Chat, choices_in
from gateway.errors import PermanentDelivery, TransientDelivery
from gateway.message import DeliveryReceipt, OutboundMessage

_SEND_AT_MOST = timedelta(seconds=15)  # after which no further piece is begun; the dispatcher waits 30 seconds
_MOST_UNFINISHED = 1000
_MARK = "…"


class Talking(Chat):
    """A chat whose notices are cut into pieces; what went out of one is remembered while the process lives."""

    #: Whom it can write to.
    account: ClassVar[re.Pattern[str]]
    #: The largest piece in bytes, and how many of them.
    longest: ClassVar[int]
    most: ClassVar[int] = 5
    #: How long after somebody wrote we may answer, and how often, where the platform counts.
    window: ClassVar[timedelta | None] = None
    answers: ClassVar[int] = 0

    def __init__(self, name: str, settings: Any) -> None:
        super().__init__(name, settings)
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._unfinished: OrderedDict[str, int] = OrderedDict()  # reference -> pieces that went out

    async def send(self, message: OutboundMessage) -> DeliveryReceipt:
        """One notice, in as many messages as it takes.

        The platform would refuse an answer after its time; we do not ask it, so that the next medium is tried at once.
        """
        if not self.account.fullmatch(message.to):
            raise PermanentDelivery("no account of this platform")
        parts = pieces(self.written(message), self.longest, self._allowed(message))
        began = self.clock()
        last = ""
        start = self._unfinished.get(message.reference, 0)
        for number in range(start if start < len(parts) else 0, len(parts)):  # it may be worded anew, and shorter
            if self.clock() - began > _SEND_AT_MOST:
                raise TransientDelivery("a long notice; the rest follows", retry_after=timedelta(seconds=1))
            final = number == len(parts) - 1
            last = await self.say(message, parts[number], number, final=final)
            self._remember(message.reference, 0 if final else number + 1)
        return DeliveryReceipt(
            status="accepted", at=self.clock(), reference=message.reference, provider_id=last, parts=len(parts)
        )

    @abstractmethod
    async def say(self, message: OutboundMessage, text: str, number: int, *, final: bool) -> str:
        """Hand over one piece of the notice; the platform's id of it, empty where it tells none."""

    def written(self, message: OutboundMessage) -> str:
        """The notice as one text: its buttons are lines to be typed."""
        return with_choices(message.forms["text"], choices_in(message.forms.get("choices", "")))

    def _allowed(self, message: OutboundMessage) -> int:
        if self.window is None or message.heard_at is None:  # who never wrote is the platform's question
            return self.most
        if self.clock() - message.heard_at > self.window:
            hours = f"{self.window.total_seconds() / 3600:.0f}"
            raise PermanentDelivery(f"{hours} hours since the person wrote", status=f"{hours}h")
        left = self.answers - message.sent_since
        if left < 1:
            said = f"{self.answers} messages"
            raise PermanentDelivery(f"{said} since the person wrote", status=said)
        return min(self.most, left)

    def _remember(self, reference: str, parts: int) -> None:
        self._unfinished.pop(reference, None)
        if parts:
            self._unfinished[reference] = parts
            if len(self._unfinished) > _MOST_UNFINISHED:
                self._unfinished.popitem(last=False)


def pieces(text: str, limit: int, most: int) -> list[str]:
    """The text in at most `most` pieces of at most `limit` bytes of UTF-8, broken at lines where that wastes little.

    What does not fit is cut off, and … shows it.
    """
    found: list[str] = []
    rest = text
    while len(rest.encode()) > limit and len(found) < most - 1:
        head = rest.encode()[:limit].decode(errors="ignore")
        at = head.rfind("\n")
        if len(head[: at + 1].encode()) < limit // 2:
            at = len(head) - 1
        found.append(head[: at + 1].rstrip("\n"))
        rest = rest[at + 1 :]
    return [*filter(None, found), cut(rest, limit, mark=_MARK)]
