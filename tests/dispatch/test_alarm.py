"""With one part dead the others go on, and somebody is told of it by another way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.alarm import Alarm
from gateway.loops import Health
from tests.dispatch.desk import Desk
from tests.dispatch.desk import desk as open_desk
from ticket_core.directory import Person

MINUTE = timedelta(minutes=1)
SUN = Person(name="sun", label="孙班长", roles=("supervisor",), email="sun@example.com", phone="+8613800000002")
QIAN = Person(name="qian", roles=("admin",), email="qian@example.com", phone="+8613800000009", chats=("bot:ops",))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(f"sqlite:///{tmp_path}/x.db") as opened:
        yield opened


def alarm(desk: Desk, health: dict[str, Health], *people: Person, unwell: frozenset[str] = frozenset()) -> Alarm:
    return Alarm(desk.store, people, health, lambda: unwell, lambda: None, after=2 * MINUTE)


def well() -> Health:
    one = Health()
    one.well()
    return one


async def test_a_part_that_is_unwell_for_a_while_is_told_of_once_and_again_when_it_is_well(desk: Desk) -> None:
    health = {"telegram": well(), "mail": well()}
    watch = alarm(desk, health, SUN)
    assert await watch.step(desk.now) == 0
    health["telegram"].ill("InvalidToken")
    assert [await watch.step(desk.now + n * MINUTE) for n in range(5)] == [0, 0, 1, 0, 0]
    desk.now += 5 * MINUTE
    await desk.step()
    by = {message.to: message.forms for message in desk.post.sent}
    assert set(by) == {"sun@example.com", "+8613800000002"}
    assert "telegram" in by["sun@example.com"]["subject"]
    assert "InvalidToken" in by["sun@example.com"]["text"]
    assert "/console/" in by["sun@example.com"]["text"]
    health["telegram"].well()
    assert [await watch.step(desk.now + n * MINUTE) for n in range(5)] == [0, 0, 1, 0, 0]
    await desk.step(3 * MINUTE)
    assert "恢复" in desk.post.sent[-1].forms["short"]


async def test_the_broken_way_is_not_the_one_by_which_it_is_told(desk: Desk) -> None:
    health = {"transports.mail": well()}
    watch = alarm(desk, health, SUN, QIAN, unwell=frozenset({"email"}))
    health["transports.mail"].ill("ConnectionRefusedError")
    for n in range(4):
        await watch.step(desk.now + n * MINUTE)
    await desk.step(4 * MINUTE)
    assert sorted(message.to for message in desk.post.sent) == ["+8613800000009", "ops"]


async def test_what_is_only_unwell_for_a_moment_wakes_nobody(desk: Desk) -> None:
    health = {"mail": well()}
    watch = alarm(desk, health, SUN)
    for n in range(20):
        if n % 2:
            health["mail"].ill("timeout")
        else:
            health["mail"].well()
        assert await watch.step(desk.now + n * MINUTE) == 0


async def test_a_part_that_stays_unwell_is_told_of_once_a_day(desk: Desk) -> None:
    health = {"mail": well()}
    watch = alarm(desk, health, SUN)
    health["mail"].ill("timeout")
    told = sum([await watch.step(desk.now + hour * timedelta(hours=1)) for hour in range(72)])
    assert told == 3


async def test_when_no_way_works_it_is_owed_by_all_of_them(desk: Desk) -> None:
    health = {"mail": well()}
    watch = alarm(desk, health, SUN, unwell=frozenset({"email", "sms"}))
    health["mail"].ill("timeout")
    for n in range(4):
        await watch.step(desk.now + n * MINUTE)
    assert {row.medium for row in await desk.notices(role="operator")} == {"email", "sms"}


async def test_of_two_processes_one_tells(postgres_url: str) -> None:
    health = {"mail": well()}
    async with open_desk(postgres_url) as one, open_desk(postgres_url) as other:
        both = [alarm(desk, health, SUN) for desk in (one, other)]
        for state in (health["mail"].ill, lambda _: health["mail"].well()):
            state("timeout")
            told = [
                sum(await asyncio.gather(*(watch.step(one.now + n * MINUTE) for watch in both)))
                for n in range(4)
            ]  # fmt: skip
            assert sum(told) == 1
            one.now += 5 * MINUTE
        rows = await one.notices(role="operator")
        assert sorted((row.notice, row.medium) for row in rows) == [
            ("part_unwell", "email"),
            ("part_unwell", "sms"),
            ("part_well", "email"),
            ("part_well", "sms"),
        ]


async def test_a_new_start_tells_nothing_twice_and_tells_that_it_is_well(desk: Desk) -> None:
    health = {"mail": well()}
    health["mail"].ill("timeout")
    assert sum([await alarm_at(desk, health, n) for n in range(4)]) == 0, "each start begins to watch anew"
    watch = alarm(desk, health, SUN)
    assert sum([await watch.step(desk.now + n * MINUTE) for n in range(4)]) == 1
    again = alarm(desk, health, SUN)
    assert sum([await again.step(desk.now + n * MINUTE) for n in range(4, 60)]) == 0
    health["mail"].well()
    mended = alarm(desk, health, SUN)
    assert sum([await mended.step(desk.now + n * MINUTE) for n in range(60, 70)]) == 1


async def alarm_at(desk: Desk, health: dict[str, Health], minute: int) -> int:
    return await alarm(desk, health, SUN).step(desk.now + minute * MINUTE)


async def test_a_clock_that_is_set_back_silences_no_alarm(desk: Desk) -> None:
    health = {"mail": well(), "bot": well()}
    watch, ahead = alarm(desk, health, SUN), desk.now + timedelta(days=400)
    health["mail"].ill("timeout")
    assert sum([await watch.step(ahead + n * MINUTE) for n in range(3)]) == 1, "told, more than a year too early"
    health["bot"].ill("InvalidToken")
    await watch.step(ahead + 3 * MINUTE)
    assert sum([await watch.step(desk.now + n * MINUTE) for n in range(4)]) == 2, "the one again, the other at last"
    new = alarm(desk, health, SUN)
    assert sum([await new.step(desk.now + n * MINUTE) for n in range(4, 9)]) == 0
