"""A year is published while the gateway runs: what was promised moves, what comes next goes by it, and people know."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from gateway import sweeper
from gateway.app import Parts, assemble, opened, web_application
from gateway.cli.findings import of_calendar
from gateway.config import Database, Settings
from gateway.configured import read_policy
from gateway.message import Accepted, InboundMessage, Raw
from ticket_core import profile
from ticket_core.calendar import load_calendar, read_year_files, unpublished_year
from ticket_core.number import ticket_id_of
from ticket_core.store.tickets import load_events, load_timers

CHRISTMAS = datetime(2037, 12, 25, 1, 0, tzinfo=UTC)  # Friday 09:00 in Shanghai
GUESSED = datetime(2038, 1, 11, 16, 0, tzinfo=UTC)  # the end of the tenth working day
PUBLISHED = datetime(2038, 1, 12, 16, 0, tzinfo=UTC)  # with Monday 4 January off
GENERIC = (Path(profile.__file__).parent / "profiles" / "generic.toml").read_text("utf-8")


def publish(folder: Path, year: int, *off: str) -> None:
    days = [{"name": "元旦", "date": day, "isOffDay": True} for day in off]
    (folder / f"{year}.json").write_text(json.dumps({"year": year, "papers": ["a notice"], "days": days}), "utf-8")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """One answer within ten working days; of 2037 all days are known, of 2038 none."""
    days, profiles = tmp_path / "days", tmp_path / "profiles"
    days.mkdir()
    profiles.mkdir()
    publish(days, 2037)
    slow = GENERIC.replace('amount = 24\nunit = "hours"', 'amount = 10\nunit = "working_days"', 1)
    (profiles / "slow.toml").write_text(slow.replace('name = "generic"', 'name = "slow"', 1), "utf-8")
    return Settings(
        profile="slow",
        profiles_folder=profiles,
        calendar_folder=days,
        secret="a synthetic secret of a test gateway",
        database=Database(url=f"sqlite:///{tmp_path}/gateway.sqlite3"),
    )


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    async with opened(assemble(settings)) as made:
        yield made


async def complain(parts: Parts) -> Accepted:
    raw = Raw(channel="web", body=b"{}", received_at=CHRISTMAS)
    message = InboundMessage(channel="web", external_id=None, received_at=CHRISTMAS, raw=raw, fields={"text": "断网"})
    return await parts.reception.receive(message)


async def answer_due(parts: Parts, accepted: Accepted) -> tuple[datetime, bool]:
    ticket_id = ticket_id_of(accepted.ticket or "")
    assert ticket_id is not None
    timer = (await parts.store.read(partial(load_timers, ids=[ticket_id])))[ticket_id]["answer"]
    return timer.due_at, timer.provisional


async def test_a_year_published_while_the_gateway_runs_counts_for_what_was_and_what_comes(
    settings: Settings, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "_LOOK_AGAIN", 0.0)
    first = await complain(parts)
    await parts.sweeper.step(CHRISTMAS)
    assert await answer_due(parts, first) == (GUESSED, True)
    assert settings.calendar_folder is not None
    publish(settings.calendar_folder, 2038, "2038-01-04")
    await parts.sweeper.step(CHRISTMAS)
    assert await answer_due(parts, first) == (PUBLISHED, False)
    assert await answer_due(parts, await complain(parts)) == (PUBLISHED, False)
    events = await parts.store.read(partial(load_events, ticket_id=ticket_id_of(first.ticket or "") or 0))
    assert [event.kind for event in events] == ["received", "deadline_recomputed"]


async def test_a_year_published_between_two_runs_counts_from_the_start(settings: Settings) -> None:
    async with opened(assemble(settings)) as before:
        first = await complain(before)
    assert settings.calendar_folder is not None
    publish(settings.calendar_folder, 2038, "2038-01-04")
    async with opened(assemble(settings)) as after:
        await after.sweeper.step(CHRISTMAS)
        assert await answer_due(after, first) == (PUBLISHED, False)


async def test_the_folder_is_not_looked_at_more_than_once_a_minute(settings: Settings, parts: Parts) -> None:
    first = await complain(parts)
    await parts.sweeper.step(CHRISTMAS)
    assert settings.calendar_folder is not None
    publish(settings.calendar_folder, 2038, "2038-01-04")
    await parts.sweeper.step(CHRISTMAS)
    assert await answer_due(parts, first) == (GUESSED, True)


async def test_a_broken_year_file_leaves_the_calendar_as_it_was_and_is_told(
    settings: Settings, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "_LOOK_AGAIN", 0.0)
    assert settings.calendar_folder is not None
    (settings.calendar_folder / "2038.json").write_text('{"year": 2038, "papers": ["half a no')
    for _ in range(2):
        await parts.sweeper.step(CHRISTMAS)
        assert "2038.json" in parts.sweeper.note
    publish(settings.calendar_folder, 2038)
    await parts.sweeper.step(CHRISTMAS)
    assert parts.sweeper.note == ""


async def test_from_december_on_the_missing_year_is_told_and_nothing_fails(parts: Parts) -> None:
    for health in parts.health.values():
        health.well()
    async with TestClient(TestServer(web_application(parts))) as client:
        for now, told in ((datetime(2037, 11, 30, 15, 59, tzinfo=UTC), False), (CHRISTMAS, True)):
            await parts.sweeper.step(now)
            response = await client.get("/readyz")
            clock = (await response.json())["parts"]["clock"]
            assert (response.status, clock["ok"], "2038" in clock.get("note", "")) == (200, True, told)


async def test_the_log_says_so_once_a_day(parts: Parts) -> None:
    with capture_logs() as lines:
        for hours in (-24 * 30, 0, 1, 24):
            await parts.sweeper.step(CHRISTMAS + timedelta(hours=hours))
    warned = [line["year"] for line in lines if line["event"] == "calendar_unpublished"]
    assert warned == [2038, 2038]  # not in November; once on the first day, once on the second


def test_gateway_check_warns_of_it(settings: Settings) -> None:
    policy = read_policy(settings)
    assert list(of_calendar(policy, CHRISTMAS - timedelta(days=30))) == []
    (warning,) = of_calendar(policy, CHRISTMAS)
    assert warning.startswith("calendar_folder: the days of 2038")


@pytest.mark.parametrize(
    ("today", "missing"),
    [
        (date(2037, 11, 30), None),
        (date(2037, 12, 1), 2038),
        (date(2038, 1, 5), 2038),
        (date(2036, 12, 31), 2036),  # even the running year is not known
    ],
)
def test_a_year_is_missed_from_the_december_before_it(settings: Settings, today: date, missing: int | None) -> None:
    assert settings.calendar_folder is not None
    assert unpublished_year(load_calendar(read_year_files(settings.calendar_folder)), today) == missing
