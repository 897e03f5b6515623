"""Several processes over one PostgreSQL share the outbox."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from tests.dispatch.desk import Post
from tests.dispatch.desk import desk as open_desk
from ticket_core.decide.delivery import Fact, RetryLadder
from ticket_core.store.outbox import Result, claim, record
from ticket_core.store.schema import delivery


async def test_two_dispatchers_never_send_the_same_notice_at_the_same_time(postgres_url: str) -> None:
    post = Post(delay=0.005)
    async with open_desk(postgres_url, post, batch=10) as one, open_desk(postgres_url, post, batch=10) as other:
        one.now = datetime.now(UTC)
        await asyncio.gather(*(one.complain(email=f"li{number}@example.com") for number in range(60)))
        async with one.running(), other.running():
            one.dispatcher.wake()
            other.dispatcher.wake()
            await post.wait_for(120)
        assert Counter(message.reference for message in post.sent).most_common(1)[0][1] == 1
        assert not post.sent_twice_at_once
        assert {row.state for row in await one.notices()} == {"accepted"}
        assert len(post.sent) == 120


async def test_who_lost_the_lease_adds_to_the_history_and_decides_nothing(postgres_url: str) -> None:
    ladder = RetryLadder()
    async with open_desk(postgres_url) as desk:
        await desk.complain()
        lease = timedelta(minutes=2)
        late = desk.now + lease
        first = await desk.store.run(lambda tx: claim(tx, desk.now, {"email": 10}, lease))
        assert await desk.store.run(lambda tx: claim(tx, desk.now, {"email": 10}, lease)) == []
        second = await desk.store.run(lambda tx: claim(tx, late, {"email": 10}, lease))
        assert [one.id for one in second] == [one.id for one in first]
        slow = [Result(owed=one, fact=Fact(at=late, status="failed", detail="slow")) for one in first]
        await desk.store.run(lambda tx: record(tx, slow, ladder))
        assert {row.state for row in await desk.notices()} == {"sending"}
        done = [Result(owed=one, fact=Fact(at=late, status="accepted", provider_id="p")) for one in second]
        await desk.store.run(lambda tx: record(tx, done, ladder))
        assert {row.state for row in await desk.notices()} == {"accepted"}
        rows = await desk.store.read(lambda c: c.execute(select(delivery.c.notice_id, delivery.c.status)).all())
        assert Counter(row.status for row in rows) == {"failed": 2, "accepted": 2}
