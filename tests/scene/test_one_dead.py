"""With one channel dead all others go on, `/readyz` names it, people are told by another way, and it heals itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import get_args

import pytest

from tests.scene.opening import town
from tests.scene.town import ANSWERED_BY, HEARD_BY, PARTS, WAYS_IN, Town, Way
from tests.servers.dovecot import Dovecot

#: Each part once and each way at least once, several at a time; each part by itself in every way is the long form.
_SOME: tuple[dict[str, Way], ...] = (
    {
        "bot": "unreachable",
        "kf": "wrong token",
        "lark": "expired",
        "corp": "wrong token",
        "pull": "expired",
        "city": "unreachable",
    },
    {"desk": "hanging", "stream": "unreachable", "east": "wrong token", "transports.room": "dripping"},
    {"mailbox": "dripping", "transports.texts": "hanging"},
    {"transports.post": "expired"},
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.alarm._PAUSE", 0.1)
    monkeypatch.setattr("gateway.loops._FIRST_PAUSE", timedelta(milliseconds=100))
    monkeypatch.setattr("gateway.loops._LONGEST_PAUSE", timedelta(milliseconds=400))
    monkeypatch.setattr("gateway.channels.dingtalk.stream._HEARTBEAT", 2.0)


async def until(what: str, true: Callable[[], Awaitable[bool]], seconds: float = 90) -> None:
    """Return as soon as it is so."""
    try:
        async with asyncio.timeout(seconds):
            while not await true():  # noqa: ASYNC110  providers tell nobody
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"not within {seconds:g} s: {what}")


async def until_unwell(place: Town, parts: set[str]) -> None:
    """Return as soon as `/readyz` names these parts and no other."""
    found: dict[str, str] = {}

    async def named() -> bool:
        found.clear()
        found.update(await place.unwell())
        return set(found) == parts

    try:
        await until("/readyz", named)
    except pytest.fail.Exception:
        pytest.fail(f"/readyz names {found}, not {parts}")


async def die_and_heal(place: Town, dead: Mapping[str, Way]) -> None:
    """Some parts are dead for a while, and all others are not."""
    for part, way in dead.items():
        await place.kill(part, way)
    people = {by: place.person() for by in WAYS_IN}
    for by, person in people.items():
        await place.complain(by, person)
    going_on = [by for by in WAYS_IN if not (HEARD_BY[by] | {ANSWERED_BY[by]}) & set(dead)]
    assert len(going_on) >= 3
    for by in going_on:
        await until(f"{by} is answered while {dead} are", partial(place.acknowledged, by, people[by]))
    await until_unwell(place, set(dead))
    media = {"email", "sms"} - {{"transports.post": "email", "transports.texts": "sms"}.get(part, "") for part in dead}

    async def told(part: str) -> bool:
        """By one of them: a busy machine may keep the other from answering in time just then."""
        found = place.told_of(part, well=False)
        return bool(found) and found <= media

    for part in dead:
        await until(f"told of {part} by some of {media}", partial(told, part))
    for part in dead:
        await place.heal(part)
    await until_unwell(place, set())
    for by, person in people.items():
        await until(f"{by} is answered after {dead} are well", partial(place.acknowledged, by, person))

    async def told_well(part: str) -> bool:
        return bool(place.told_of(part, well=True))

    for part in dead:
        await until(f"told that {part} is well", partial(told_well, part))


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_whichever_channels_are_dead_all_others_go_on_and_they_heal(tmp_path: Path, imap_server: Dovecot) -> None:
    assert {part for dead in _SOME for part in dead} == set(PARTS)
    assert {way for dead in _SOME for way in dead.values()} == set(get_args(Way))
    async with town(tmp_path, imap_server) as place:
        await until_unwell(place, set())
        for dead in _SOME:
            await die_and_heal(place, dead)


@pytest.mark.nightly
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("way", get_args(Way))
async def test_in_whichever_way_a_channel_is_dead(tmp_path: Path, imap_server: Dovecot, way: Way) -> None:
    async with town(tmp_path, imap_server) as place:
        await until_unwell(place, set())
        for part in PARTS:
            await die_and_heal(place, {part: way})
