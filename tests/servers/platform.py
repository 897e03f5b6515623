"""What the clouds of chat platforms have in common: messages taken, tokens given out, a clock of ours, bad days."""

from __future__ import annotations

import asyncio
import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from gateway.testing.loopback import Loopback, hang_up
from gateway.testing.provider import Arrived

JSON = dict[str, Any]
#: What sending does from now on instead of its work. `dropped` takes it and breaks off before the answer.
Fault = Literal["busy", "too fast", "refused", "silent", "dropped", "broken"]


@dataclass(slots=True, kw_only=True)
class Platform(Loopback):
    """One platform: `sent` are the messages taken, `tokens` how many were given out, `now` its clock in seconds.

    `stale` tokens are given out and have expired at once. `refusal` is the code of a `fault` that is ``refused``.
    """

    secret: str = "synthetic-secret"
    now: float = 0.0
    sent: list[JSON] = field(default_factory=list)
    tokens: int = 0
    stale: bool = False
    fault: Fault | None = None
    refusal: Any = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """What points a channel at it."""
        return {"api_url": self.url}

    @property
    def arrived(self) -> list[Arrived]:
        """Every message taken."""
        return [self.read(one) for one in self.sent]

    def behave(self, fault: Fault | None) -> None:
        """Do this to all messages from now on."""
        self.fault = fault

    @abstractmethod
    def read(self, sent: JSON) -> Arrived:
        """A message as who gets it reads it."""

    @abstractmethod
    def refused(self, fault: Fault) -> web.Response:
        """The answer of a platform that is ``busy``, says ``too fast``, or does not take it."""

    async def send(self, request: web.Request, take: Callable[[bytes, JSON], web.Response]) -> web.StreamResponse:
        """One message; `take` answers on a good day."""
        with self.in_hand():
            body = await request.read()
            said: JSON = {**json.loads(body), "reference": request.headers.get("X-Request-Id", "")}
            match self.fault:
                case "silent":
                    await asyncio.sleep(60)
                    return web.Response()
                case "broken":
                    return web.Response(status=502)
                case "dropped":
                    take(body, said)
                    return hang_up(request)
                case None:
                    await asyncio.sleep(0.01)  # so that several are in hand at a time
                    return take(body, said)
                case fault:
                    return self.refused(fault)
