"""With one channel dead all others go on, `/readyz` names it, people are told by another way, and it heals itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import get_args

import pytest

from tests.scene.town import ANSWERED_BY, HEARD_BY, PARTS, WAYS_IN, Town, Way, town
from tests.servers.dovecot import Dovecot

#: Each part in one way and each way at least once; all of them together are the long form.
_SOME: dict[str, Way] = dict(zip(PARTS, (*get_args(Way), "wrong token", "hanging"), strict=True))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.alarm._PAUSE", 0.1)
    monkeypatch.setattr("gateway.loops._FIRST_PAUSE", timedelta(milliseconds=100))
    monkeypatch.setattr("gateway.loops._LONGEST_PAUSE", timedelta(milliseconds=400))


async def until(what: str, true: Callable[[], bool], seconds: float = 40) -> None:
    """Return as soon as it is so."""
    try:
        async with asyncio.timeout(seconds):
            while not true():  # noqa: ASYNC110  providers tell nobody
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"not within {seconds:g} s: {what}")


async def until_unwell(place: Town, parts: set[str], seconds: float = 40) -> dict[str, str]:
    """Return as soon as `/readyz` names these parts and no other."""
    found: dict[str, str] = {}
    for _ in range(int(seconds / 0.05)):
        found = await place.unwell()
        if set(found) == parts:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"/readyz names {found}, not {parts}")


async def dies_and_heals(place: Town, part: str, way: Way) -> None:
    """One part is dead for a while, and all others are not."""
    await place.kill(part, way)
    people = {by: place.person() for by in WAYS_IN}
    for by, person in people.items():
        await place.complain(by, person)
    going_on = [by for by in WAYS_IN if part not in HEARD_BY[by] and ANSWERED_BY[by] != part]
    assert len(going_on) >= 3
    for by in going_on:
        await until(f"{by} is answered while {part} is dead", partial(place.acknowledged, by, people[by]))
    reasons = await until_unwell(place, {part})
    assert reasons[part]
    told = {"email", "sms"} - {{"transports.post": "email", "transports.texts": "sms"}.get(part, "")}
    await until(f"told of {part} by {told}", lambda: place.told_of(part, well=False) == told)
    await place.heal(part)
    await until_unwell(place, set())
    for by, person in people.items():
        await until(
            f"{by} is answered after {part} is well", lambda by=by, person=person: place.acknowledged(by, person)
        )  # type: ignore[misc]
    await until(f"told that {part} is well", lambda: bool(place.told_of(part, well=True)))


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_whichever_channel_is_dead_all_others_go_on_and_it_heals(tmp_path: Path, imap_server: Dovecot) -> None:
    async with town(tmp_path, imap_server) as place:
        await until_unwell(place, set())
        for part, way in _SOME.items():
            await dies_and_heals(place, part, way)


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", get_args(Way))
async def test_in_whichever_way_a_channel_is_dead(tmp_path: Path, imap_server: Dovecot, way: Way) -> None:
    async with town(tmp_path, imap_server) as place:
        await until_unwell(place, set())
        for part in PARTS:
            await dies_and_heals(place, part, way)
