"""What every input goes through between its door and the journal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.channels.base import Parsed, Polling
from gateway.channels.sms import SmsReports, SmsReportsSettings
from gateway.loops import Health, run_channel
from gateway.message import Accepted, DeliveryReceipt, InboundMessage, Raw
from gateway.testing.house import opened_house

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)


async def test_a_push_by_get_is_kept_without_the_secret_in_its_address(tmp_path: Path) -> None:
    reports = SmsReports("kannel", SmsReportsSettings(secret="synthetic-secret", preset="kannel"))
    proofs = dict.fromkeys(("token", "access_token", "Key", "password", "sign", "signature"), "synthetic-proof")
    query = {"secret": "synthetic-secret", "reference": "n17", **proofs, "state": "1"}
    async with opened_house(tmp_path) as house:
        house.admit(reports)
        await house.accept(reports, Raw(channel="kannel", body=b"", received_at=NOW, query=query))
        (line,) = await house.journal()
    assert (line.entry.outcome, line.raw) == ("receipt", b"reference=n17&state=1")


async def test_garbage_that_comes_again_is_known_by_its_bytes(tmp_path: Path) -> None:
    reports = SmsReports("cloud", SmsReportsSettings(secret="synthetic-secret"))
    async with opened_house(tmp_path) as house:
        house.admit(reports)
        outcomes = []
        for body in (b"{", b"{", b"["):
            accepted = await house.accept(reports, Raw(channel="cloud", body=body, received_at=NOW))
            outcomes += [one.outcome for one in accepted]
        assert outcomes == ["triage", "duplicate", "triage"]


async def test_a_report_with_an_absurd_number_of_parts_is_recorded(tmp_path: Path) -> None:
    reports = SmsReports("cloud", SmsReportsSettings(secret="synthetic-secret"))
    body = b'{"id": "p-1\\u0000", "status": "delivered", "parts": 9223372036854775808}'
    async with opened_house(tmp_path) as house:
        house.admit(reports)
        await house.accept(reports, Raw(channel="cloud", body=body, received_at=NOW))
        (line,) = await house.journal()
    assert line.entry.outcome == "receipt"


class Box(Polling):
    """A place with one input in it; `order` is what happens to it."""

    def __init__(self) -> None:
        super().__init__("box", None)
        self.order: list[str] = []

    def parse(self, raw: Raw) -> Sequence[Parsed]:
        return [InboundMessage(channel="box", external_id="1", received_at=NOW, raw=raw)]

    async def poll(self) -> AsyncIterator[tuple[Raw, Callable[[], Awaitable[None]]]]:
        async def done() -> None:
            self.order.append("marked")

        yield Raw(channel="box", body=b"{}", received_at=NOW), done
        self.order.append("over")
        await asyncio.Event().wait()


@pytest.mark.parametrize("works", [True, False])
async def test_what_is_polled_is_marked_after_its_commit_and_never_without(works: bool) -> None:
    box, health = Box(), Health()

    async def receive(_message: InboundMessage) -> Accepted:
        box.order.append("handed over")
        if not works:
            raise ConnectionError
        return Accepted(outcome="opened", inbound_id=1)

    async def record(_receipt: DeliveryReceipt, *, channel: str = "", raw: bytes = b"") -> None:
        raise AssertionError

    running = asyncio.create_task(run_channel(box, receive, record, health))
    async with asyncio.timeout(5):
        while health.reason == "not started" or (works and "over" not in box.order):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert box.order == (["handed over", "marked", "over"] if works else ["handed over"])
