"""Cases that we ask for: every one is taken in once, whatever the interface, the store or a crash does in between."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter

from gateway.channels.transfer.growth import Ids, Times
from gateway.channels.transfer.pages import Pull, PullFailed
from gateway.channels.transfer.pull import PullSettings, TransferPull
from gateway.errors import ConfigError
from gateway.memory import StoreMemory
from gateway.message import Raw
from gateway.testing.house import House, opened_house
from gateway.testing.kit import ChannelConformance, Deliver, running_channel
from gateway.testing.steps import play
from tests.channels.transfer.at_hand import SECRET
from tests.channels.transfer.interface import TOKEN, Interface, interface

CASE = json.loads((Path(__file__).parent / "fixtures" / "one_case.json").read_bytes())
BY_ID = {"by": "id", "grows": "id", "since": "since", "start": "0", "items": "data.rows", "code": "code"}
BY_TIME = {**BY_ID, "by": "time", "grows": "updated", "start": "2026-11-01 00:00:00"}


def case(number: int, **more: Any) -> dict[str, Any]:
    return {**CASE, "工单编号": f"CD{number:06}", "联系电话": f"138000{number:05}", "id": number, **more}


def channel(server: Interface, name: str = "city", signing: Any = None, **pull: Any) -> TransferPull:
    table = {**BY_ID, "url": server.url, "token": TOKEN, "size": "size", "page_size": 5, "every": 1, **pull}
    secret = {"secret": SECRET} if server.signed else {}
    patience = 0.5 if server.fault == "silent" else 10  # seconds; a busy machine takes one for an endless answer
    settings = {"source": "12345", "timeout": patience, "pull": table, "signing": signing or {}, **secret}
    return TransferPull(name, TypeAdapter(PullSettings).validate_python(settings))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened_house(tmp_path) as opened:
        yield opened


async def look(house: House, one: TransferPull, *, crash_after: int = 10**9) -> int:
    """One look of a process that starts with it, and dies after so many cases; how many cases it took in hand."""
    house.admit(one)
    one.memory = StoreMemory(house.store, one.name)
    taken = 0
    try:
        async for raw, done in one.poll():
            if raw.body == b"[]" or taken == crash_after:
                break
            await house.accept(one, raw)
            await done()
            taken += 1
    finally:
        await one.close()
    return taken


@pytest.mark.parametrize(
    "paging",
    [
        {"paging": "page"},
        {"paging": "offset", "page": "offset"},
        {"paging": "token", "page": "token", "next": "data.next"},
        {"paging": "cursor", "overlap_ids": 0},
        {"paging": "page", "method": "POST"},
    ],
    ids=lambda one: "-".join(map(str, one.values())),
)
async def test_all_pages_are_read_and_the_next_look_begins_where_they_end(house: House, paging: dict[str, Any]) -> None:
    async with interface(cases=[case(number) for number in range(1, 18)]) as server:
        assert await look(house, channel(server, **paging)) == 17
        assert await house.tickets() == 17
        before = len(server.asked)
        server.cases += [case(18), case(19)]
        assert await look(house, channel(server, **{"overlap_ids": 1, **paging})) <= 3
        assert await house.tickets() == 19
        assert int(server.asked[before]["since"]) >= 16


async def test_a_look_that_dies_is_done_again_and_nothing_is_lost_or_doubled(house: House) -> None:
    async with interface(cases=[case(number) for number in range(1, 18)], ascending=False) as server:
        for died_after in (3, 7, 12):
            await look(house, channel(server), crash_after=died_after)
            assert await StoreMemory(house.store, "city").get("place") is None
        await look(house, channel(server))
        assert await house.tickets() == 17
        assert await StoreMemory(house.store, "city").get("place") == "17"


async def test_by_cursor_the_place_moves_with_every_page(house: House) -> None:
    async with interface(cases=[case(number) for number in range(1, 18)]) as server:
        await look(house, channel(server, paging="cursor", overlap_ids=0), crash_after=12)
        assert await StoreMemory(house.store, "city").get("place") == "10"
        assert await look(house, channel(server, paging="cursor", overlap_ids=0)) == 7
        assert await house.tickets() == 17


async def test_what_comes_late_within_the_overlap_is_found(house: House) -> None:
    """Committed there after what has a higher number or a later time."""
    async with interface(cases=[case(10), case(12)]) as server:
        await look(house, channel(server))
        server.cases.append(case(11))
        await look(house, channel(server))
        assert await house.tickets() == 3
    async with interface(grows="updated", cases=[case(21, updated="2026-11-20 10:00:00")]) as server:
        await look(house, channel(server, "by-time", **BY_TIME))
        server.cases.append(case(22, updated="2026-11-20 09:15:00"))
        await look(house, channel(server, "by-time", **BY_TIME))
        assert server.asked[-1]["since"] == "2026-11-20 09:00:00"
        assert await house.tickets() == 5


async def test_a_changed_case_finds_its_ticket_and_the_same_again_has_no_effect(house: House) -> None:
    async with interface(cases=[case(1)]) as server:
        await look(house, channel(server))
        server.cases.append({**case(1, 标题="停水两天"), "id": 2})
        await look(house, channel(server))
        await look(house, channel(server))
    assert [line.entry.outcome for line in await house.journal()] == ["opened", "appended"]


async def test_a_time_ahead_of_our_clock_does_not_hide_what_comes_until_then(house: House) -> None:
    cases = [case(1, updated="2099-01-01 00:00:00"), case(2, updated="2026-11-20 10:00:00"), case(3, updated="soon")]
    async with interface(grows="updated", cases=cases) as server:
        await look(house, channel(server, **BY_TIME))
        assert await house.tickets() == 3
        assert await StoreMemory(house.store, "city").get("place") == "2026-11-20 10:00:00"


async def test_cases_without_what_grows_are_taken_in_and_told(house: House) -> None:
    async with interface(grows="id", cases=[case(1), case(2)]) as server:
        one = channel(server, grows="serial")
        assert await look(house, one) == 2
        assert "serial: no case has one" in one.trouble["place"]
        server.cases = [case(3, serial="9")]
        await look(house, one)
        assert not one.trouble


async def test_a_case_that_is_none_is_for_a_person_and_does_not_hold_up_the_others(house: House) -> None:
    async with interface(cases=[case(1), {"id": 2, "标题": "?"}, case(3)]) as server:
        await look(house, channel(server))
    assert sorted(line.entry.outcome for line in await house.journal()) == ["opened", "opened", "triage"]


async def test_requests_are_signed_where_there_is_a_key(house: House) -> None:
    async with interface(cases=[case(1)], signed=True) as server:
        assert await look(house, channel(server)) == 1
        assert await look(house, channel(server, method="POST", overlap_ids=5)) == 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("busy", "HTTP 429"),
        ("broken", "HTTP 502"),
        ("locked", "HTTP 403: our credentials are not taken"),
        ("silent", "TimeoutError"),
        ("page", "the answer is not JSON"),
        ("endless", "larger than 16777216 bytes"),
        ("refuses", "code: e17"),
    ],
)
async def test_what_the_interface_does_instead_of_answering_is_told_and_keeps_the_place(
    house: House, fault: Any, reason: str
) -> None:
    """On the second page of three: what was taken in stays, and all of it is asked for again."""
    async with interface(cases=[case(number) for number in range(1, 14)], fault=fault, faults_after=1) as server:
        with pytest.raises(PullFailed, match=reason):
            await look(house, channel(server))
        assert await house.tickets() == 5
        server.fault = None
        await look(house, channel(server))
        assert await house.tickets() == 13


async def test_a_wrong_token_makes_the_channel_unwell_by_name_and_heals(house: House) -> None:
    async with interface(cases=[case(1)]) as server:
        one = channel(server, token="not-the-token")
        async with running_channel(house, one) as health, asyncio.timeout(10):
            while "credentials" not in health.why:  # noqa: ASYNC110  health tells nobody that it changed
                await asyncio.sleep(0.01)
            one._pages._pull = replace(one._pages._pull, token=TOKEN)
            while not health.ok:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await one.close()
    assert await house.tickets() == 1


async def test_who_asks_for_patience_is_left_alone_for_so_long(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async with interface(fault="busy") as server:
        one = channel(server)
        with pytest.raises(PullFailed):
            await look(house, one)
        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        monkeypatch.setattr("gateway.channels.transfer.pull.asyncio.sleep", sleep)
        with pytest.raises(PullFailed):
            await look(house, one)
        assert 2 < waits[0] <= 3


async def test_the_next_page_is_asked_for_on_the_same_machine_only(house: House) -> None:
    async with interface(cases=[case(number) for number in range(1, 14)]) as server:
        server.cases[0]["more"] = "http://127.0.0.1:1/cases?page=2"
        with pytest.raises(PullFailed, match="leads to another machine"):
            await look(house, channel(server, paging="token", next="data.rows.0.more"))


async def test_a_page_full_of_one_time_is_told_rather_than_asked_for_ever(house: House) -> None:
    cases = [case(number, updated="2026-11-20 10:00:00") for number in range(1, 14)]
    async with interface(grows="updated", cases=cases) as server:
        with pytest.raises(PullFailed, match="page_size must be larger"):
            await look(house, channel(server, **BY_TIME, paging="cursor"))


def _pull(**more: Any) -> Pull:
    return TypeAdapter(Pull).validate_python({**BY_TIME, "url": "http://127.0.0.1/", **more})


NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("form", "places", "latest", "before"),
    [
        ("%Y-%m-%d %H:%M:%S", ["2026-11-20 11:00:00", "2026-11-19T12:00:00+08:00"], "2026-11-20 11:00:00",
         "2026-11-20 10:00:00"),
        ("unix", ["1763000000", "1763000001000"], "1763000001", "1762996401"),
        ("unix-ms", ["2026-11-20T03:00:00Z", "1763000000"], "1795143600000", "1795140000000"),
        ("%Y%m%d%H%M%S", ["20261120110000", "2026-11-20 11:30"], "20261120113000", "20261120103000"),
    ],
)  # fmt: skip
def test_times_are_read_in_every_way_and_asked_for_in_one(
    form: str, places: Sequence[str], latest: str, before: str
) -> None:
    times = Times(_pull(time_format=form), ZoneInfo("Asia/Shanghai"))
    assert times.latest([*places, "", "?"], NOW) == latest
    assert times.before(latest) == before


def test_numbers_grow_by_size_and_not_by_letters() -> None:
    ids = Ids(_pull(overlap_ids=10))
    assert ids.latest(["9", "10", ""], NOW) == "10"
    assert (ids.before("100"), ids.before("5"), ids.before("x7")) == ("90", "0", "x7")


@pytest.mark.parametrize(
    ("pull", "problem"),
    [
        ({"start": "yesterday", "by": "time"}, "pull.start"),
        ({"paging": "token"}, "pull.next: required"),
        ({"method": "GET", "signing": {"place": "body", "text": "{sorted}"}}, "pull.method: must be POST"),
    ],
)
def test_an_interface_that_cannot_be_asked_is_named_at_the_start(pull: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        channel(Interface(url="http://127.0.0.1/", signed=True), signing=pull.pop("signing", {}), **pull)
    assert problem in caught.value.problems[0]


class TestTransferPull(ChannelConformance):
    """What is asked for, against the conformance kit."""

    kind = "transfer-pull"
    settings: ClassVar = {
        "source": "12345",
        "pull": {**BY_ID, "url": "http://127.0.0.1:9/", "token": TOKEN, "overlap_ids": 0, "every": 1},
    }
    secrets = ("pull.token",)
    fixtures = Path(__file__).parent / "fixtures"

    @contextlib.asynccontextmanager
    async def other_side(self, house: House, name: str) -> AsyncIterator[Deliver]:
        """An interface was told "taken" when it is asked for what is newer."""
        async with interface() as server:
            one = self.channel(name, pull={**self.settings["pull"], "url": server.url})
            assert isinstance(one, TransferPull)

            async def deliver(raw: Raw) -> bool:
                row = json.loads(raw.body)
                if not any(row.items() <= known.items() for known in server.cases):
                    server.cases.append({**row, "id": len(server.cases) + 1})
                asks, behind = len(server.asked), str(len(server.cases))
                async with asyncio.timeout(30):
                    while len(server.asked) < asks + 2:  # noqa: ASYNC110  a request tells nobody that it came
                        await asyncio.sleep(0.02)
                return server.asked[-1]["since"] == behind

            async with running_channel(house, one):
                yield deliver
            await one.close()

    def test_what_is_too_large_is_stopped_at_the_door(self, tmp_path: Path) -> None:
        """A longer answer is not read to its end, and the place stays."""

        async def scene(house: House) -> None:
            async with interface(fault="endless", cases=[case(1)]) as server:
                with pytest.raises(PullFailed, match="larger than"):
                    await look(house, channel(server))
                assert await StoreMemory(house.store, "city").get("place") is None
            assert await house.journal() == []

        play(tmp_path, scene)
