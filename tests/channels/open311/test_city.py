"""Another city's endpoint: what is told it, what it says, and the days on which it fails."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gateway.channels.base import Channel, Transport
from gateway.channels.open311 import Open311City
from gateway.errors import PermanentDelivery, TransientDelivery
from gateway.message import InboundMessage, OutboundMessage, Raw
from gateway.testing.kit import ChannelConformance, Deliver, House, Provider, TransportConformance, running_channel
from gateway.testing.steps import play
from tests.channels.memory import MemoryAtHand
from tests.servers.open311 import KEY, Open311Server, open311_server

HERE = Path(__file__).parent
SETTINGS: dict[str, Any] = {"url": "http://127.0.0.1:9/v2", "api_key": KEY, "address": "本市"}
ABOUT = {"number": "261126000000015", "token": "261126000000015.aaaaaaaaaaaaaaaa", "code": "lamp"}
NOTICE = OutboundMessage(
    reference="n17",
    to="lamp",
    forms={"short": "新工单 261126-00000001-5"},
    ticket_number="261126000000015",
    token="261126000000015.aaaaaaaaaaaaaaaa",
    reply=False,
    fields={"place": "红星路二段 [JJ-7] (30.657000, 104.082000)", "text": "路灯不亮三天了", "open": True},
)


@contextlib.asynccontextmanager
async def city_at(server: Open311Server, **settings: Any) -> AsyncIterator[Open311City]:
    from gateway.registry import build

    own = {"kind": "open311-city", "address": "本市", "every": "PT1S", **server.settings, **settings}
    city = build("channels", {"east": own}, common=frozenset({"kind"}))["east"]
    city.memory = MemoryAtHand()
    try:
        yield city
    finally:
        await city.close()


async def heard(city: Open311City) -> list[InboundMessage]:
    """What one round of asking brings, taken in."""
    found: list[InboundMessage] = []
    await city._exchange()
    rounds = city._updates() if city.settings.updates else city._states()
    async for raw, done in rounds:
        found += [one for one in city.parse(raw) if isinstance(one, InboundMessage)]
        await done()
    return found


async def test_an_endpoint_that_has_nothing_to_tell_is_known_to_be_well() -> None:
    async with open311_server() as server, city_at(server) as city:
        async for raw, done in city.poll():
            assert city.parse(raw) == []
            await done()
            break


# --- The kit


class TestSending(TransportConformance):
    """Every rule for transports."""

    kind = "open311-city"
    settings: ClassVar = SETTINGS
    secrets = ("api_key",)
    address = "lamp"

    def build(self, name: str, **settings: Any) -> Channel | Transport:
        made = super().build(name, **settings)
        assert isinstance(made, Open311City)
        made.memory = MemoryAtHand()
        return made

    def provider(self) -> AbstractAsyncContextManager[Provider]:
        """The other city."""
        return open311_server()


class TestAsking(ChannelConformance):
    """Every rule for channels; a payload is one update with whom it is about."""

    kind = "open311-city"
    settings: ClassVar = {**SETTINGS, "every": "PT1S"}
    secrets = ("api_key",)
    fixtures = HERE / "heard"

    @contextlib.asynccontextmanager
    async def other_side(self, house: House, name: str) -> AsyncIterator[Deliver]:
        """An endpoint that lists an update; it was taken when it is asked for what came later."""
        async with open311_server() as server:
            city = self.channel(name, **server.settings, every="PT1S")
            assert isinstance(city, Open311City)

            async def deliver(raw: Raw) -> bool:
                update = json.loads(raw.body)
                update_id, before = update["update_id"], server.told[update["update_id"]]
                start, failures = await city.memory.get("since"), health.failures  # success sets the failures to none
                now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                if update_id not in [one["update_id"] for one in server.updates]:
                    server.updates.append({**update, "updated_datetime": now})
                async with asyncio.timeout(60):
                    while server.told[update_id] == before:  # noqa: ASYNC110  it tells nobody
                        await asyncio.sleep(0.02)
                    while await city.memory.get("since") == start and health.failures <= failures:  # noqa: ASYNC110
                        await asyncio.sleep(0.02)
                return await city.memory.get("since") != start

            try:
                async with running_channel(house, city) as health:
                    await city.memory.set("request:638344", json.dumps(ABOUT))
                    while await city.memory.get("since") is None:  # noqa: ASYNC110  it tells nobody
                        await asyncio.sleep(0.02)
                    yield deliver
            finally:
                await city.close()

    def test_what_is_too_large_is_stopped_at_the_door(self, tmp_path: Path) -> None:
        """A list longer than any thousand updates is not read on; the health says so, and nothing is taken in."""

        async def scene(house: House) -> None:
            async with open311_server() as server:
                server.say("1", "closed", "x" * (9 << 20))
                city = self.channel("large", **{**server.settings, "timeout": 20})
                assert isinstance(city, Open311City)
                async with running_channel(house, city) as health, asyncio.timeout(20):
                    while not health.failures:  # noqa: ASYNC110  it tells nobody
                        await asyncio.sleep(0.02)
                    assert "larger than" in health.reason
                await city.close()
            assert await house.journal() == []

        play(tmp_path, scene)


# --- Out


async def test_the_first_notice_is_a_request_with_its_place_and_the_next_an_update() -> None:
    async with open311_server() as server, city_at(server) as city:
        receipt = await city.send(NOTICE)
        ((request_id, request),) = server.requests.items()
        assert (receipt.status, receipt.provider_id) == ("accepted", request_id)
        said = request["said"]
        assert (said["address_string"], said["address_id"]) == ("红星路二段", "JJ-7")
        assert (said["lat"], said["long"]) == ("30.657000", "104.082000")
        assert "路灯不亮三天了" in said["description"]
        await city.send(replace(NOTICE, reference="n18", fields={**NOTICE.fields, "said": "又坏了一盏"}))
        (update,) = request["heard"].values()
        assert (update["update_id"], update["status"]) == ("n18", "OPEN")
        assert "又坏了一盏" in update["description"]


async def test_a_ticket_without_a_place_is_at_the_place_that_the_operator_says() -> None:
    async with open311_server() as server, city_at(server) as city:
        await city.send(replace(NOTICE, fields={}))
        (request,) = server.requests.values()
        assert request["said"]["address_string"] == "本市"


@pytest.mark.parametrize("fault", ["dropped", "silent"])
async def test_an_answer_that_was_lost_is_looked_for_before_anything_is_posted_again(fault: Any) -> None:
    async with open311_server(fault=fault) as server, city_at(server) as city:
        with pytest.raises(TransientDelivery):
            await city.send(NOTICE)
        server.behave(None)
        receipt = await city.send(NOTICE)
        assert len(server.requests) == 1, "a second request would send people out twice"
        assert receipt.provider_id == next(iter(server.requests))
        await city.send(replace(NOTICE, reference="n18"))
        assert len(server.requests) == 1


@pytest.mark.parametrize("loses", [504, 200])
async def test_a_proxy_that_answers_instead_hides_no_request_and_doubles_none(loses: int) -> None:
    """Behind a 504, or a page that says 200, the request may well have been taken."""
    async with open311_server(loses=loses) as server, city_at(server) as city:
        with pytest.raises(TransientDelivery):
            await city.send(NOTICE)
        receipt = await city.send(NOTICE)
        assert list(server.requests) == [receipt.provider_id]


async def test_where_nothing_is_listed_it_is_posted_again_since_twice_is_better_than_never() -> None:
    async with open311_server(fault="dropped", lists=False) as server, city_at(server) as city:
        with pytest.raises(TransientDelivery):
            await city.send(NOTICE)
        server.behave(None)
        assert (await city.send(NOTICE)).provider_id


async def test_an_address_that_is_wrong_waits_for_somebody_to_mend_it() -> None:
    async with open311_server() as server, city_at(server, url=f"{server.url}/elsewhere") as city:
        with pytest.raises(TransientDelivery):
            await city.send(NOTICE)


async def test_what_was_refused_for_a_wrong_key_waits_for_somebody_to_mend_it() -> None:
    async with open311_server() as server, city_at(server, api_key="a-wrong-key") as city:
        with pytest.raises(TransientDelivery, match="Invalid api_key"):
            await city.send(NOTICE)


async def test_an_unknown_service_is_refused_for_good_with_their_words() -> None:
    async with open311_server() as server, city_at(server) as city:
        with pytest.raises(PermanentDelivery, match="service_code not found"):
            await city.send(replace(NOTICE, to="moon"))


async def test_a_token_is_changed_for_the_number() -> None:
    async with open311_server(gives="token") as server, city_at(server) as city:
        assert (await city.send(NOTICE)).provider_id == next(iter(server.requests))


async def test_a_token_that_has_no_number_yet_is_asked_for_it_again_and_updates_wait_for_it() -> None:
    """By the standard a token is for those who take a report at once and number it later."""
    async with open311_server(gives="token", numbered=False) as server, city_at(server) as city:
        assert (await city.send(NOTICE)).provider_id == ""
        (request_id,) = server.requests
        with pytest.raises(TransientDelivery, match="no number"):
            await city.send(replace(NOTICE, reference="n18"))
        server.say(request_id, "closed", "修好了")
        assert await heard(city) == []
        server.numbered = True
        assert [one.thread for one in await heard(city)] == [(NOTICE.token,)]
        assert (await city.send(replace(NOTICE, reference="n18"))).provider_id == request_id
        assert len(server.requests) == 1


async def test_an_endpoint_that_knows_only_xml_is_spoken_to_in_xml() -> None:
    async with open311_server() as server, city_at(server, format="xml") as city:
        request_id = (await city.send(NOTICE)).provider_id
        assert list(server.requests) == [request_id]
        server.say(request_id, "closed", "修好了")
        assert [one.text for one in await heard(city)] == [f"{request_id} closed: 修好了"]
        with pytest.raises(PermanentDelivery, match="service_code not found"):
            await city.send(replace(NOTICE, to="moon"))


@pytest.mark.parametrize("settings", [{"updates": False}, {}])
async def test_where_no_updates_are_taken_the_notice_says_so(settings: dict[str, Any]) -> None:
    gives = "id" if settings else "nothing"
    async with open311_server(gives=gives) as server, city_at(server, **settings) as city:
        await city.send(NOTICE)
        later = await city.send(replace(NOTICE, reference="n18"))
        assert (later.status, len(server.arrived)) == ("suppressed", 1)


# --- In


async def test_their_updates_of_our_requests_come_back_to_the_ticket() -> None:
    async with open311_server() as server, city_at(server) as city:
        await city.send(NOTICE)
        (request_id,) = server.requests
        server.say(request_id, "in_progress", "已派人")
        server.say("999", "closed", "somebody else's")
        (message,) = await heard(city)
        assert message.thread == (NOTICE.token,)
        assert message.sender[0].value == "east:lamp"
        assert message.text == f"{request_id} in_progress: 已派人"
        assert message.external_id == f"{request_id}:1"


async def test_only_what_came_since_is_asked_for_and_nothing_is_left_out() -> None:
    async with open311_server() as server, city_at(server) as city:
        await city.send(NOTICE)
        (request_id,) = server.requests
        await heard(city)
        first = server.asked[-1][1]
        late = datetime.now(UTC) - timedelta(minutes=3)
        server.say(request_id, "closed", "修好了", late)  # written before, shown after we asked
        assert [one.text for one in await heard(city)] == [f"{request_id} closed: 修好了"]
        second = server.asked[-1][1]
        assert first["start_date"] < second["start_date"] < late.strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_more_updates_than_a_list_holds_are_all_heard_in_their_order() -> None:
    """Also when a whole list of them happened within the time that is asked for again because clocks differ."""
    async with open311_server() as server, city_at(server) as city:
        await city.send(NOTICE)
        (request_id,) = server.requests
        start = datetime.now(UTC) - timedelta(minutes=4)
        for number in range(1_500):
            server.say(request_id, "in_progress", f"{number}", start + timedelta(seconds=number // 10))
        found = [one.lodged_at for one in await heard(city)]
        assert len({one.external_id for one in await heard(city)}) == 1_500
        assert found[:1_000] == sorted(found[:1_000], key=str)


async def test_where_there_are_no_updates_the_state_of_each_request_is_asked_for() -> None:
    async with open311_server() as server, city_at(server, updates=False) as city:
        await city.send(NOTICE)
        (request_id,) = server.requests
        assert await heard(city) == []
        server.say(request_id, "in_progress", "已派人")
        (working,) = await heard(city)
        assert working.text == f"{request_id} open: 已派人"
        assert await heard(city) == []
        server.say(request_id, "closed", "修好了")
        (closed,) = await heard(city)
        assert closed.text == f"{request_id} closed: 修好了"
        asked = len(server.asked)
        assert await heard(city) == []
        assert len(server.asked) == asked, "what is closed is not asked for any more"
