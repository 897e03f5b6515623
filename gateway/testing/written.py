"""What the author of a channel writes down, and the steps that the rules for channels are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gateway.channels.base import Channel, Listening, Polling, Webhook
from gateway.message import Raw
from gateway.testing.adapter import AdapterConformance
from gateway.testing.captured import Captured, read_folder
from gateway.testing.forgery import Covers
from gateway.testing.house import House
from gateway.testing.sides import Deliver, http_side

_NOTHING = Captured(name="(none)", body=b"", media_type="", headers={}, says=None)


class WrittenChannel(AdapterConformance):
    """What the kit cannot know.

    `covers` says what a webhook's signature proves: the whole body, or only who sends (a shared secret).
    `fresh_for` is how old a signed input may be where the signature holds a time; None where it holds none.
    `own_ids` is False where a person sits in front of each input, so that every arrival is one of its own.
    `opens_as` is the outcome of a payload as it should be: ``triage`` where only a person can say what it means.
    """

    section: ClassVar[str] = "channels"
    #: The folder of captured payloads (see `gateway.testing.captured`).
    fixtures: ClassVar[Path]
    covers: ClassVar[Covers] = "body"
    fresh_for: ClassVar[timedelta | None] = None
    own_ids: ClassVar[bool] = True
    opens_as: ClassVar[str] = "opened"
    #: When the captured payloads arrive.
    received_at: ClassVar[datetime] = datetime(2026, 3, 2, 9, 30, tzinfo=timezone(timedelta(hours=8)))

    # --- What the author says

    def sign(self, raw: Raw, settings: Mapping[str, Any]) -> Raw:
        """The input as the platform sends it: with the signature it makes of these settings at `raw.received_at`."""
        if issubclass(self.adapter, Webhook):
            pytest.fail("sign() is not written: how does the platform prove that an input is its own?")
        return raw

    def other_side(self, house: House, name: str) -> AbstractAsyncContextManager[Deliver]:
        """The sender's view of the running channel; a webhook's is the HTTP door and needs no writing.

        What is delivered says True when the sender was told "taken" and False when it shall come again.
        """
        if not issubclass(self.adapter, Webhook):
            pytest.fail("other_side() is not written: start a provider, run the channel, and deliver through it")
        channel = self.channel(name)
        return http_side(house, channel, lambda raw: self.sign(raw, self.settings))

    # --- What the kit does with it

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run once for each captured payload; where there is none, fail once."""
        if "captured" in metafunc.fixturenames:
            found = read_folder(self.fixtures) if hasattr(type(self), "fixtures") else []
            metafunc.parametrize("captured", found or [_NOTHING], ids=lambda one: one.name)

    def channel(self, name: str, **settings: Any) -> Channel:
        """A configured channel of this kind."""
        built = self.build(name, **settings)
        assert isinstance(built, Channel)
        return built

    def signed(self, body: bytes | Captured, name: str, received_at: datetime | None = None) -> Raw:
        """An authentic input with this body."""
        captured = body if isinstance(body, Captured) else self._like(body)
        return self.sign(captured.raw(name, received_at or self.received_at), self.settings)

    # --- Steps of the above

    def _needs_a_door(self) -> None:
        if not issubclass(self.adapter, Webhook | Polling | Listening):
            pytest.skip(f"{self.kind} has no door of its own: its inputs come by pages and routes of ours")

    def _says(self, captured: Captured) -> Sequence[Mapping[str, Any]]:
        if captured.says is None:
            pytest.fail(f"{captured.name}: nothing captured, or nothing expected of it, so nothing is proven")
        return captured.says

    def _first(self) -> Captured:
        found = [one for one in read_folder(self.fixtures) if self.opens_as in one.outcomes]
        if not found:
            pytest.fail("no captured payload that opens a ticket")
        return found[0]

    def _like(self, body: bytes) -> Captured:
        return replace(self._first(), body=body)

    def _now(self, captured: Captured, name: str) -> Raw:
        return captured.raw(name, self.received_at)

    def _oversized(self, channel: Channel) -> bytes:
        limit = int(getattr(channel.settings, "limit", channel.limit))
        return self._first().body + b" " * (limit + 1)

    def _admitted(self, house: House, name: str) -> Channel:
        channel = self.channel(name)
        house.admit(channel)
        return channel
