"""What everybody may read of what was reported, and how a report is followed and added to."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.channels.open311.city import KEY
from tests.channels.open311.house import LAMP, City, city, valid_json
from ticket_core.store.queries import load_file

PERSONAL = ("13800001234", "li@example.com", "李四", "+86")


async def test_nothing_is_listed_unless_the_operator_wants_it(tmp_path: Path) -> None:
    async with city(tmp_path) as house:
        number = await house.report()
        for path in ("/v2/requests", f"/v2/requests/{number}", "/v2/servicerequestupdates"):
            await house.get(path, "errors", expect=403)
        (own,) = await house.get(f"/v2/requests/{number}", "service_requests", api_key=KEY)
        assert own["status"] == "open"
        await house.get("/v2/requests", "errors", expect=403, api_key="a-wrong-key-of-somebody")


async def test_a_list_shows_service_status_and_times_and_no_person(tmp_path: Path) -> None:
    async with city(tmp_path, listed=True) as house:
        number = await house.report()
        told = await house.get("/v2/requests", "service_requests")
        assert [(one["service_request_id"], one["service_code"], one["status"]) for one in told] == [
            (number, "lamp", "open")
        ]
        shown = json.dumps(told, ensure_ascii=False)
        assert not [one for one in (*PERSONAL, "红星路", "路灯不亮三天") if one in shown]
        assert told[0]["lat"] is told[0]["description"] is None


async def test_what_the_operator_shows_is_masked(tmp_path: Path) -> None:
    async with city(tmp_path, listed=True, shows=["description", "location", "answer"], agency="市政公司") as house:
        number = await house.report(address_id="JJ-7")
        await house.act(number, "answer", text="已修好, 有事请打 13900005678")
        (told,) = await house.get(f"/v2/requests/{number}", "service_requests")
        assert "138****1234" in told["description"]
        assert "139****5678" in told["status_notes"]
        assert (told["address"], told["address_id"], told["lat"], told["long"]) == (
            "红星路二段",
            "JJ-7",
            30.657,
            104.082,
        )
        assert told["agency_responsible"] == "市政公司"
        assert not [one for one in PERSONAL if one in json.dumps(told, ensure_ascii=False)]


async def test_confidential_and_anonymous_tickets_are_never_shown_even_with_a_key(tmp_path: Path) -> None:
    async with city(tmp_path, listed=True) as house:
        secret = {"service_code": "corruption", "address_string": "某局", "description": "收钱办事"}
        (posted,) = await valid_json(await house.post("requests.json", secret), "posted")
        number = posted["token"].partition(".")[0]
        for key in ("", KEY):
            assert await house.get("/v2/requests", "service_requests", api_key=key) == []
            assert await house.get("/v2/requests", "service_requests", service_request_id=number, api_key=key) == []
            await house.get(f"/v2/requests/{number}", "errors", expect=404, api_key=key)
            assert await house.get("/v2/servicerequestupdates", "service_request_updates", api_key=key) == []


async def test_of_a_report_of_wrongdoing_neither_words_nor_place_are_shown(tmp_path: Path) -> None:
    """They tell those who know the place who made it, also where he did not ask for secrecy."""
    services = [{"code": "bribe", "name": "举报", "kind": "report"}]
    async with city(tmp_path, listed=True, services=services, shows=["description", "location", "answer"]) as house:
        number = await house.report(service_code="bribe", **{"attribute[pole]": ""})
        await house.act(number, "answer", text="已查实")
        (told,) = await house.get(f"/v2/requests/{number}", "service_requests")
        (update,) = await house.get("/v2/servicerequestupdates", "service_request_updates")
        assert (told["status"], told["description"], told["address"], told["lat"]) == ("open", None, None, None)
        assert "已查实" not in json.dumps([told, update], ensure_ascii=False)


async def test_tickets_of_other_channels_are_not_listed(tmp_path: Path) -> None:
    async with city(tmp_path, listed=True) as house:
        response = await house.client.post("/api/v1/complaints", json={"text": "宽带断了三天"})
        number = (await response.json())["number"]
        assert await house.get("/v2/requests", "service_requests") == []
        await house.get(f"/v2/requests/{number}", "errors", expect=404)


async def test_what_joined_a_ticket_of_another_channel_is_followed_and_tells_no_word_of_it(
    tmp_path: Path,
) -> None:
    """Its program was told this number; that nothing is under it would be an odd answer."""
    async with city(tmp_path, listed=True, shows=["description", "location", "answer"]) as house:
        who = {"name": "李四", "phone": "13800001234"}
        body = {"text": LAMP["description"], "kind": "complaint", "category": ["市政", "路灯"], "complainant": who}
        response = await house.client.post("/api/v1/complaints", json=body)
        number = (await response.json())["number"]
        assert await house.report() == number
        await house.act(number, "accept")
        (told,) = await house.get(f"/v2/requests/{number}", "service_requests")
        assert (told["status"], told["description"], told["address"]) == ("open", None, None)
        (update,) = await house.get("/v2/servicerequestupdates", "service_request_updates")
        assert update["service_request_id"] == number
        assert await add(house, number) == 200
        assert (await statements(house, number))[-1] == "还是不亮"


async def test_lists_are_filtered_by_number_service_status_and_time(tmp_path: Path) -> None:
    async with city(tmp_path, listed=True) as house:
        lamp = await house.report()
        hole = await house.report(service_code="001", phone="13800009999", email="", description="大坑")
        await house.act(lamp, "answer", text="好了")
        await house.act(lamp, "close")
        now = datetime.now(UTC)

        async def numbers(**query: str) -> list[str]:
            told = await house.get("/v2/requests", "service_requests", **query)
            return [one["service_request_id"] for one in told]

        assert await numbers() == [hole, lamp]
        assert await numbers(status="closed") == [lamp]
        assert await numbers(status="open,closed") == [hole, lamp]
        assert await numbers(service_code="001") == [hole]
        assert await numbers(service_request_id=f"{lamp},261122000000019", status="open") == [lamp]
        assert await numbers(start_date=(now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")) == []
        assert await numbers(end_date=(now - timedelta(hours=1)).isoformat(timespec="seconds")) == []
        assert await numbers(page="2", page_size="1") == [lamp]


WRONG: list[tuple[dict[str, str], str]] = [
    ({"status": "fixed"}, "status"),
    ({"start_date": "2026-01-01"}, "start_date"),
    ({"start_date": "2026-01-01T00:00:00"}, "start_date"),
    ({"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-04-02T00:00:00Z"}, "start_date, end_date"),
    ({"service_code": "moon"}, "service_code"),
    ({"page_size": "1001"}, "page_size"),
    ({"page": "0"}, "page"),
]


async def test_a_filter_that_cannot_be_is_told(tmp_path: Path) -> None:
    async with city(tmp_path, listed=True) as house:
        for query, names in WRONG:
            expect = 404 if names == "service_code" else 400
            (error,) = await house.get("/v2/requests", "errors", expect=expect, **query)
            assert error["description"].startswith(names)


async def test_a_closed_request_was_last_changed_when_it_was_closed(tmp_path: Path) -> None:
    async with city(tmp_path, listed=True) as house:
        number = await house.report()
        await house.act(number, "answer", text="好了")
        await house.act(number, "close")
        closed = (await house.ticket(number)).updated_at
        await house.act(number, "comment", text="内部说明")
        (told,) = await house.get(f"/v2/requests/{number}", "service_requests")
        assert datetime.fromisoformat(told["updated_datetime"]) == closed.replace(microsecond=0)


# --- Updates


async def test_updates_tell_what_happened_and_not_what_is_internal(tmp_path: Path) -> None:
    async with city(tmp_path, listed=True, shows=["answer"]) as house:
        number = await house.report()
        await house.act(number, "accept")
        await house.act(number, "comment", text="内部说明")
        before = datetime.now(UTC)
        await house.act(number, "answer", text="已换灯泡")
        await house.act(number, "close")
        told = await house.get("/v2/servicerequestupdates", "service_request_updates")
        assert [(one["status"], one["description"]) for one in told] == [
            ("in_progress", "已开始办理"),
            ("in_progress", "已答复: 已换灯泡"),
            ("closed", "已办结"),
        ]
        assert len({one["update_id"] for one in told}) == 3
        since = before.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        later = await house.get("/v2/servicerequestupdates", "service_request_updates", start_date=since)
        assert [one["status"] for one in later] == ["in_progress", "closed"]
        ever = "1970-01-01T00:00:00Z"
        assert await house.get("/v2/servicerequestupdates", "service_request_updates", start_date=ever) == told


async def add(house: City, number: str, **changes: str) -> int:
    form = {"service_request_id": number, "update_id": "u1", "status": "OPEN", "description": "还是不亮", **changes}
    response = await house.post("servicerequestupdates.json", {**form, "updated_datetime": "2026-11-26T09:00:00Z"})
    await valid_json(response, "errors" if response.status >= 400 else "service_request_updates")
    return response.status


async def statements(house: City, number: str) -> list[str]:
    ticket = await house.ticket(number)
    file = await house.parts.store.read(lambda connection: load_file(connection, ticket.id))
    return [one.text for one in file.complaints][1:]


async def test_an_update_of_who_reported_joins_the_report_once(tmp_path: Path) -> None:
    async with city(tmp_path) as house:
        number = await house.report()
        assert await add(house, number) == await add(house, number) == 200
        assert await add(house, number, update_id="u2", email="LI@example.com", description="仍未修") == 200
        assert await statements(house, number) == ["还是不亮", "仍未修"]


async def test_a_strangers_words_never_enter_somebodys_report(tmp_path: Path) -> None:
    async with city(tmp_path) as house:
        number = await house.report()
        assert await add(house, number, email="eve@example.com") == 200
        assert await statements(house, number) == []


async def test_an_update_of_a_report_that_has_ended_is_a_report_of_its_own(tmp_path: Path) -> None:
    """Refused it would be lost: nobody at the other end reads the answer."""
    async with city(tmp_path, listed=True) as house:
        number = await house.report()
        await house.act(number, "answer", text="好了")
        await house.act(number, "close")
        assert await add(house, number, phone="13800001234") == await add(house, number, phone="13800001234") == 200
        assert await statements(house, number) == []
        told = await house.get("/v2/requests", "service_requests")
        assert len(told) == 2
        assert "还是不亮" in (await house.ticket(told[0]["service_request_id"])).text


async def test_an_update_that_cannot_be_taken_is_told(tmp_path: Path) -> None:
    async with city(tmp_path) as house:
        number = await house.report()
        assert await add(house, "261122000000019") == 404
        assert await add(house, number, description="") == 400
        assert await add(house, number, update_id="") == 400
        assert await add(house, number) == 200
        assert await add(house, number, description="别的话") == 400, "another text under a used id would be lost"
