"""Providers that misbehave on request: what a transport is proven against."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, Protocol

from aiohttp import web

from gateway.testing.loopback import Loopback, hang_up, listening

#: What a provider does to the next notice: says "later" or "never", keeps silent, or takes it and breaks off.
Fault = Literal["busy", "refused", "silent", "dropped"]
#: How long a busy provider asks to be left alone, where its protocol can say so.
BUSY_FOR = timedelta(seconds=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One notice as the provider read it: `to` is every recipient it would serve."""

    reference: str
    to: tuple[str, ...]
    text: str
    subject: str = ""


class Provider(Protocol):
    """The other end of a transport. `settings` point the transport at it; `arrived` is all that it took."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What stands over the settings of the test class: host, port, a short timeout."""

    @property
    def arrived(self) -> list[Arrived]:
        """Every notice taken so far, also those whose sender was never told."""

    @property
    def connections(self) -> int:
        """How many are open now."""

    @property
    def most_at_once(self) -> int:
        """How many sends it had in hand at the same time at most."""

    def behave(self, fault: Fault | None) -> None:
        """Do this to all notices from now on; None: be well again."""


@dataclass(slots=True, kw_only=True)
class HttpProvider(Loopback):
    """A provider that is called by HTTP. `read` finds the notice in a request, `answers` are its replies by fault."""

    read: Callable[[web.Request, bytes], Arrived]
    answers: Mapping[Fault | None, Callable[[Arrived], web.Response]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    arrived: list[Arrived] = field(default_factory=list)
    _fault: Fault | None = None

    def behave(self, fault: Fault | None) -> None:
        """Do this to all notices from now on."""
        self._fault = fault

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Take one notice."""
        with self.in_hand():
            one = self.read(request, await request.read())
            if self._fault == "silent":
                await asyncio.sleep(60)
            if self._fault in (None, "dropped"):
                self.arrived.append(one)
            if self._fault == "dropped":
                return hang_up(request)
            await asyncio.sleep(0.01)  # so that several are in hand at a time
            return self.answers[self._fault](one)


@contextlib.asynccontextmanager
async def http_provider(
    read: Callable[[web.Request, bytes], Arrived],
    answers: Mapping[Fault | None, Callable[[Arrived], web.Response]],
    settings: Callable[[str], Mapping[str, Any]],
) -> AsyncIterator[HttpProvider]:
    """An HTTP provider on a free port; `settings` of the transport are made from its URL."""
    async with listening(HttpProvider(read=read, answers=answers)) as provider:
        provider.settings = settings(provider.url)
        yield provider
