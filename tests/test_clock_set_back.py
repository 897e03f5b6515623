"""The clock went hours ahead and is set back while the gateway runs: nothing waits until it is there again."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.app import assemble, opened
from gateway.config import Database, Settings
from gateway.errors import TransientDelivery
from gateway.message import DeliveryReceipt, InboundMessage, OutboundMessage, Raw
from tests.dispatch.desk import NOW, SECRET, Desk, taken_by_provider
from tests.dispatch.desk import desk as open_desk
from ticket_core.store.outbox import claim
from ticket_core.store.set_back import due_again
from ticket_core.store.store import Store

AHEAD = NOW + timedelta(hours=5)
MINUTE = timedelta(minutes=1)


async def set_right(desk: Desk, store: Store) -> int:
    """The clock is set back, and somebody heeds it."""
    desk.now = NOW + MINUTE
    return await store.run(partial(due_again, now=desk.now))


@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
async def test_what_was_owed_by_a_clock_ahead_is_sent_at_once(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/g.db" if where == "sqlite" else request.getfixturevalue("postgres_url")
    async with open_desk(url) as desk:
        desk.now = AHEAD
        await desk.complain()
        assert await set_right(desk, desk.store) == 2
        assert await desk.step() == 2
        assert {row.state for row in await desk.notices()} == {"accepted"}


async def test_what_somebody_sends_is_left_to_him(tmp_path: Path) -> None:
    async with open_desk(f"sqlite:///{tmp_path}/g.db") as desk:
        desk.now = AHEAD
        await desk.complain()
        assert len(await desk.store.run(partial(claim, now=AHEAD, most={"email": 10}, lease=2 * MINUTE))) == 2
        assert await set_right(desk, desk.store) == 0


async def test_what_was_tried_by_a_clock_ahead_is_tried_again_at_once_and_then_as_ever(tmp_path: Path) -> None:
    def busy(_message: OutboundMessage) -> DeliveryReceipt:
        raise TransientDelivery("451 4.3.0 later")

    async with open_desk(f"sqlite:///{tmp_path}/g.db") as desk:
        await desk.complain()
        desk.now, desk.post.answer = AHEAD, busy
        assert await desk.step() == 2
        assert await set_right(desk, desk.store) == 2
        assert await desk.step() == 2
        assert await desk.step(timedelta(seconds=5)) == 0
        desk.post.answer = taken_by_provider
        assert await desk.step(MINUTE * 2) == 2


async def test_a_pause_that_a_provider_asked_for_outlasts_a_start(tmp_path: Path) -> None:
    def full(_message: OutboundMessage) -> DeliveryReceipt:
        raise TransientDelivery("429", retry_after=timedelta(seconds=12_966))

    async with open_desk(f"sqlite:///{tmp_path}/g.db") as desk:
        desk.post.answer = full
        await desk.complain()
        await desk.step()
        assert await set_right(desk, desk.store) == 0
        assert await desk.step(timedelta(hours=3)) == 0


async def test_the_clock_of_the_house_sees_it_and_says_so(tmp_path: Path) -> None:
    settings = Settings(secret=SECRET, database=Database(url=f"sqlite:///{tmp_path}/g.db"))
    async with opened(assemble(settings)) as parts:
        with capture_logs() as logs:
            await parts.sweeper.step(AHEAD)
            raw = Raw(channel="web", body=b"{}", received_at=AHEAD)
            fields = {"text": "断网", "complainant": {"email": "li@example.com"}}
            message = InboundMessage(channel="web", external_id=None, received_at=AHEAD, raw=raw, fields=fields)
            await parts.reception.receive(message)
            await parts.sweeper.step(AHEAD)
            assert not [one for one in logs if one["event"] == "clock_set_back"]
            await parts.sweeper.step(NOW)
        (told,) = [one for one in logs if one["event"] == "clock_set_back"]
        assert (told["seconds"], told["due_again"]) == (5 * 3600, 1)
