"""One robot: the door for pushes or the connection for them, the fetching of files, and the way out.

DingTalk knows no idempotency key: a message whose answer was lost is sent again and may arrive twice.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import ClassVar
from urllib.parse import urlsplit

from gateway.channels.base import Fetching, Parsed, Polling, Webhook
from gateway.channels.dingtalk.cloud import Cloud, SessionOver
from gateway.channels.dingtalk.reading import read
from gateway.channels.dingtalk.seal import check
from gateway.channels.dingtalk.settings import ABROAD, DingTalkSettings
from gateway.channels.dingtalk.stream import QUIET, Stream
from gateway.channels.pace import Pace, Rate
from gateway.channels.talking import Talking
from gateway.errors import PermanentDelivery, Refused, TransientDelivery
from gateway.message import File, OutboundMessage, Raw

#: Never more than 20 in a minute where a push wants answers, else nothing is taken for ten.
_SESSION = Rate(every=4.0, burst=5)
_PERSON = Rate(every=1.0, burst=5)
_ALL = Rate(every=1 / 20, burst=20)
#: Where sessions are.
_PLACES = (".dingtalk.com", ABROAD)
#: Somebody who is not one of the organisation's people has only a number that changes nothing but words.
_GUEST = "$:"
_MOST_SPENT = 1000

Done = Callable[[], Awaitable[None]]


class DingTalk(Webhook, Polling, Talking, Fetching):
    """A robot, in one of two modes; with pushes by HTTP it has nothing to ask."""

    Settings: ClassVar = DingTalkSettings
    account = re.compile(r"[A-Za-z0-9][A-Za-z0-9_@.-]{0,63}|\$:[A-Za-z0-9_]{1,32}:\$[A-Za-z0-9+/=_-]{1,200}")
    longest = 6_000  # of 15,000 for what it is wrapped in, where a sign can take two bytes
    settings: DingTalkSettings

    def __init__(self, name: str, settings: DingTalkSettings) -> None:
        super().__init__(name, settings)
        #: Whose servers abroad see what is written here: `gateway check` warns of it.
        self.overseas = "DingTalk" if (urlsplit(settings.api_url).hostname or "").endswith(ABROAD) else ""
        self.cloud = Cloud(settings, self.trouble, concurrency=self.concurrency)
        self.stream = Stream(settings, self.cloud.api, self.trouble, self.limit)
        self.pace = Pace("DingTalk", lambda key: _SESSION if "://" in key else _PERSON, _ALL)
        self._spent: OrderedDict[str, None] = OrderedDict()  # sessions that take nothing any more

    async def close(self) -> None:
        """Let go of connections."""
        await self.stream.close()
        await self.cloud.close()

    # --- In

    def verify(self, raw: Raw) -> None:
        """The signature proves who sends and when; that nothing was changed on the way is TLS's to prove."""
        if self.settings.mode != "http":
            raise Refused(404, "this robot is asked for over a connection")
        check(raw, self.settings.app_secret)

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        """The one message of a push."""
        return [] if raw.body == QUIET else [read(self.name, raw, self.settings.groups)]

    async def poll(self) -> AsyncIterator[tuple[Raw, Done]]:
        """What comes over the connection, for ever; nothing where DingTalk pushes."""
        if self.settings.mode == "stream":
            async for body, done in self.stream.frames():
                yield (
                    Raw(channel=self.name, body=body, received_at=self.clock(), media_type="application/json"),
                    done,
                )

    async def fetch(self, reference: str) -> File:
        """The file behind this code."""
        return await self.cloud.file(reference)

    # --- Out

    async def say(self, message: OutboundMessage, text: str, number: int, *, final: bool) -> str:
        """One text: where the push wants answers, as long as it does, else to the person."""
        guest = message.to.startswith(_GUEST)
        route, _, called = message.route.partition("#")
        if route and self._trusts(route) and (guest or route not in self._spent):
            await self.pace.turn(route)
            try:
                await self.cloud.tell_there(route, text, "" if guest else called, message.reference)
                return ""
            except SessionOver as error:
                if guest:
                    raise PermanentDelivery(str(error), status="session over") from error
                self._spend(route)
            except TransientDelivery as error:
                if error.retry_after is not None:
                    self.pace.hold(route, error.retry_after)
                elif not guest:  # a session that is over may also answer 500: the next try goes to the person
                    self._spend(route)
                raise
        if guest:
            raise PermanentDelivery("a guest can be answered only while the session lasts", status="no session")
        await self.pace.turn(message.to)
        try:
            return await self.cloud.tell(message.to, text, message.reference)
        except TransientDelivery as error:
            if error.retry_after is not None:
                self.pace.hold(message.to, error.retry_after)
            raise

    def _trusts(self, route: str) -> bool:
        """Whether it is a place of the platform: nobody signed what a push says."""
        try:
            place = urlsplit(route)
            ours = place.scheme == "https" and (place.hostname or "").endswith(_PLACES) and place.port in (None, 443)
        except ValueError:  # no port, or no address at all
            return False
        return ours or self.cloud.is_ours(route)

    def _spend(self, route: str) -> None:
        self._spent[route] = None
        if len(self._spent) > _MOST_SPENT:
            self._spent.popitem(last=False)
