"""A machine that answers each of our mails and carries no marker of one: it gets few answers, and they end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import pytest

from gateway.app import Parts, assemble, opened
from gateway.channels.smtp import Smtp
from gateway.config import Database, Dispatch, Settings
from gateway.loops import take
from gateway.message import DeliveryReceipt, OutboundMessage, Raw
from tests.channels.email.desk import US, mail

ROBOT = "robot@example.org"
_MOST = 4


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    settings = Settings(
        secret="a synthetic secret of a test gateway",
        database=Database(url=f"sqlite:///{tmp_path}/gateway.sqlite3"),
        dispatch=Dispatch(per_address_per_hour=_MOST),
        channels={"mail": {"kind": "email", "address": US, "door": {"port": 0}}},
        transports={"out": {"kind": "smtp", "host": "127.0.0.1", "address": "notices@example.com"}},
    )
    async with opened(assemble(settings)) as made:
        yield made


async def talk(parts: Parts, thread: str) -> tuple[int, list[str]]:
    """How many answers the robot got until we fell silent, and what became of what it said."""
    got: list[OutboundMessage] = []

    async def send(_transport: Smtp, message: OutboundMessage) -> DeliveryReceipt:
        got.append(message)
        return DeliveryReceipt(status="accepted", at=datetime.now(UTC), reference=message.reference)

    outcomes, answered = [], 0
    headers = {}
    with patch.object(Smtp, "send", send):
        for number in range(20):
            said = mail(f"We have received your message, case {number}.", sender=ROBOT, subject="Hello", **headers)
            raw = Raw(channel="mail", body=said, received_at=datetime.now(UTC), media_type="message/rfc822")
            (taken,) = await take(parts.channels["mail"], raw, parts.reception.receive, parts.dispatcher.record_receipt)
            outcomes.append(taken.outcome)
            await parts.dispatcher.step()
            if len(got) == answered:
                break
            answered = len(got)
            headers = {"In_Reply_To": f"<{got[-1].reference}.{got[-1].token}@example.com>"} if thread else {}
    return len(got), outcomes


async def test_in_the_thread_of_our_acknowledgement_it_gets_no_second_one(parts: Parts) -> None:
    assert await talk(parts, "kept") == (1, ["opened", "appended"])


async def test_without_a_thread_the_cap_ends_it(parts: Parts) -> None:
    answers, outcomes = await talk(parts, "")
    assert answers == _MOST
    assert len(outcomes) == _MOST + 1
