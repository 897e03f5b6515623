"""The endpoint over HTTP, as civic programs use it; every answer is held against the schemas."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

import pytest

from gateway.loops import take
from gateway.message import Raw
from gateway.web.open311.channel import OCCASION
from tests.channels.open311.city import KEY, SERVICES
from tests.channels.open311.house import LAMP, City, city, valid_json, valid_xml
from ticket_core.store.journals import list_inbound, load_input
from ticket_core.store.queries import TicketFilter, list_tickets


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[City]:
    async with city(tmp_path, listed=True, service_notice="We look at it within a day.") as opened:
        yield opened


async def tickets(house: City) -> int:
    page = await house.parts.store.read(lambda connection: list_tickets(connection, TicketFilter(), datetime.now(UTC)))
    return len(page.rows)


# --- What is offered


async def test_discovery_names_the_endpoint_and_both_forms(house: City) -> None:
    for path in ("/discovery", "/v2/discovery"):
        told = await house.get(path, "discovery")
        assert told["endpoints"][0]["url"] == "https://city.example.com/open311/v2"
        assert told["endpoints"][0]["formats"] == ["text/xml", "application/json"]


async def test_the_services_are_those_configured_with_what_they_ask(house: City) -> None:
    told = await house.get("/v2/services", "services", jurisdiction_id="city.gov")
    assert [(one["service_code"], one["metadata"], one["type"]) for one in told] == [
        ("001", True, "realtime"),
        ("lamp", True, "realtime"),
        ("corruption", False, "batch"),
        ("idea", False, "blackbox"),
    ]
    asked = (await house.get("/v2/services/lamp", "service_definition"))["attributes"]
    assert [(one["code"], one["datatype"], one["required"], one["order"]) for one in asked] == [
        ("pole", "string", True, 1),
        ("fault", "multivaluelist", False, 2),
        ("seen", "datetime", False, 3),
        ("count", "number", False, 4),
    ]
    assert asked[1]["values"][0] == {"key": "dark", "name": "不亮"}


async def test_without_services_the_kinds_and_types_of_the_process_are_offered(tmp_path: Path) -> None:
    async with city(
        tmp_path, channels={"city": {"kind": "open311", "api_keys": {"app": KEY}, "profile": "telecom-10086"}}
    ) as house:
        told = await house.get("/v2/services", "services")
        assert {"complaint", "repair"} <= {one["service_code"] for one in told}
        asked = (await house.get("/v2/services/complaint", "service_definition"))["attributes"]
        category = next(one for one in asked if one["code"] == "category")
        assert {"key": "话费类", "name": "话费类"} in category["values"]
        answers = {"attribute[category]": "话费类", "attribute[service_number]": "13800005678"}
        number = await house.report(service_code="complaint", **answers)
        ticket = await house.ticket(number)
        assert (ticket.category, ticket.service_number) == (("话费类",), "13800005678")


# --- Reporting


async def test_a_report_is_a_ticket_with_place_person_and_answers(house: City) -> None:
    response = await house.post("requests.json", {**LAMP, "account_id": "u-9"})
    (told,) = await valid_json(response, "posted")
    assert (response.status, told["account_id"]) == (201, "u-9")
    ticket = await house.ticket(told["service_request_id"])
    assert (ticket.kind, ticket.category, ticket.subject) == ("complaint", ("市政", "路灯"), "路灯不亮")
    assert ticket.place == "红星路二段 (30.657000, 104.082000)"
    assert (ticket.complainant.name, ticket.complainant.mobile) == ("李四", "+8613800001234")
    assert "灯杆编号: A17" in ticket.text
    notice, link = told["service_notice"].split("\n")
    assert notice == "We look at it within a day."
    page = await house.client.get(link.removeprefix("https://city.example.com"))
    assert page.status == 200


async def test_the_key_of_the_program_is_not_kept_in_the_journal(house: City) -> None:
    await house.report()
    page = await house.parts.store.read(list_inbound)
    found = await house.parts.store.read(lambda connection: load_input(connection, page.rows[0].id))
    assert found is not None
    assert KEY.encode() not in found[1]
    assert b"service_code=lamp" in found[1]


async def test_a_form_whose_characters_are_not_escaped_is_read(house: City) -> None:
    """As ``curl -d`` sends it."""
    body = "&".join(f"{name}={value}" for name, value in {**LAMP, "api_key": KEY}.items()).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response = await house.client.post("/open311/v2/requests.json", data=body, headers=headers)
    (told,) = await valid_json(response, "posted")
    assert "路灯不亮三天了" in (await house.ticket(told["service_request_id"])).text


async def test_xml_is_answered_as_xml(house: City) -> None:
    response = await house.post("requests.xml", LAMP)
    assert response.status == 201
    document = valid_xml(await response.read(), "service_requests")
    assert (await house.ticket(document.findtext("request/service_request_id"))).open


async def test_a_token_gives_the_number_later_and_a_made_up_one_gives_nothing(house: City) -> None:
    secret = {"service_code": "corruption", "address_string": "某局", "description": "收钱办事"}
    (told,) = await valid_json(await house.post("requests.json", secret), "posted")
    assert "service_request_id" not in told
    (again,) = await valid_json(await house.post("requests.json", secret), "posted")
    assert again["token"] == told["token"], "whoever lost the answer asks again"
    (known,) = await house.get(f"/v2/tokens/{told['token']}", "token")
    assert (await house.ticket(known["service_request_id"])).complainant.confidential
    await house.get(f"/v2/tokens/{known['service_request_id']}.aaaa", "errors", expect=404)


async def test_a_blackbox_tells_no_number(house: City) -> None:
    idea = {"service_code": "idea", "address_string": "全市", "description": "多种树"}
    (told,) = await valid_json(await house.post("requests.json", idea), "posted")
    assert "token" not in told
    assert "service_request_id" not in told
    assert await tickets(house) == 1


async def test_the_second_complaint_of_a_person_within_four_hours_is_a_grievance(house: City) -> None:
    await house.report()
    number = await house.report(description="又坏了一盏", **{"attribute[pole]": "B2"})
    assert (await house.ticket(number)).grade == "grievance"


# --- The same report


async def test_a_report_delivered_again_has_one_effect_and_the_same_answer(house: City) -> None:
    first = await house.report()
    again = await house.post("requests.json", LAMP)
    (told,) = await valid_json(again, "posted")
    assert (again.status, told["service_request_id"], await tickets(house)) == (200, first, 1)


async def test_five_deliveries_at_once_are_one_report(house: City) -> None:
    answers = await asyncio.gather(*(house.post("requests.json", LAMP) for _ in range(5)))
    assert len({(await one.json())[0]["service_request_id"] for one in answers}) == await tickets(house) == 1


async def test_two_honest_reports_with_the_same_words_are_two_when_named_or_later(tmp_path: Path) -> None:
    async with city(tmp_path) as house:
        plain = {**LAMP, "phone": "", "email": ""}
        named = [await house.post("requests.json", plain, headers={"Idempotency-Key": one}) for one in ("a", "b", "a")]
        assert [one.status for one in named] == [201, 201, 200]
        assert await tickets(house) == 2
        other = await house.post("requests.json", {**plain, "description": "别的事"}, headers={"Idempotency-Key": "a"})
        assert (other.status, await valid_json(other, "errors") != []) == (400, True), "it would be lost"
    (tmp_path / "later").mkdir()
    async with city(tmp_path / "later", same_within="PT0S") as house:
        assert {await house.report(phone="", email="") for _ in range(2)}
        assert await tickets(house) == 2


@pytest.mark.parametrize(("ago", "same"), [(timedelta(seconds=1), True), (timedelta(days=1), False)])
async def test_what_counts_is_how_long_ago_the_same_form_came(tmp_path: Path, ago: timedelta, same: bool) -> None:
    """Occasions begin at midnight here; the first delivery came in the one before."""
    async with city(tmp_path, same_within="P1D") as house:
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        channel = house.parts.channels["city"]
        body, occasion = urlencode(LAMP).encode(), f"{int(midnight.timestamp()) // 86400 - 1}"
        raw = Raw(channel="city", body=body, received_at=midnight - ago, headers={OCCASION: occasion})
        (first,) = await take(channel, raw, house.parts.reception.receive, house.parts.dispatcher.record_receipt)
        again = await house.post("requests.json", LAMP)
        assert again.status == (200 if same else 201)
        assert ((await again.json())[0]["service_request_id"] == first.ticket) is same


# --- What is wrong


WRONG: list[tuple[dict[str, str], int, str]] = [
    ({"service_code": ""}, 400, "service_code"),
    ({"service_code": "moon"}, 404, "service_code"),
    ({"lat": "", "long": "", "address_string": ""}, 400, "address_id"),
    ({"lat": "91"}, 400, "lat, long"),
    ({"lat": "north"}, 400, "lat, long"),
    ({"lat": "nan"}, 400, "lat, long"),
    ({"long": ""}, 400, "lat, long"),
    ({"description": "x" * 4001}, 400, "description"),
    ({"attribute[pole]": ""}, 400, "attribute[pole]"),
    ({"attribute[fault]": "purple"}, 400, "attribute[fault]"),
    ({"attribute[seen]": "yesterday"}, 400, "attribute[seen]"),
    ({"attribute[count]": "many"}, 400, "attribute[count]"),
    ({"jurisdiction_id": "elsewhere.gov"}, 404, "jurisdiction_id"),
]


async def test_what_is_wrong_is_told_by_field_in_the_form_asked_for(house: City) -> None:
    for changes, status, names in WRONG:
        as_json = await house.post("requests.json", {**LAMP, **changes})
        errors = await valid_json(as_json, "errors")
        assert as_json.status == status, changes
        assert [one["code"] for one in errors] == [status]
        assert names in errors[0]["description"]
        as_xml = await house.post("requests.xml", {**LAMP, **changes})
        assert as_xml.status == status
        assert names in str(valid_xml(await as_xml.read(), "errors").findtext("error/description"))
    assert await tickets(house) == 0


async def test_nobody_reports_without_a_key(house: City) -> None:
    for key in ("", "wrong-key-of-somebody", "é"):
        response = await house.post("requests.xml", LAMP, key=key)
        assert response.status == 403
        assert valid_xml(await response.read(), "errors").findtext("error/code") == "403"
    assert await tickets(house) == 0


async def test_what_is_no_form_or_too_large_or_not_there_is_told_as_the_standard_tells_it(house: City) -> None:
    bad = await house.client.post("/open311/v2/requests.json", data=b"\xff\xfe=1", headers={"X-Api-Key": KEY})
    assert bad.status == 400
    await valid_json(bad, "errors")
    large = await house.client.post("/open311/v2/requests.json", data=BytesIO(b"a" * (1025 << 10)))
    assert large.status == 413
    await valid_json(large, "errors")
    away = await house.client.get("/open311/v2/nothing.json")
    assert away.status == 404
    await valid_json(away, "errors")
    method = await house.client.delete("/open311/v2/requests.xml")
    assert method.status == 405
    valid_xml(await method.read(), "errors")


async def test_of_several_jurisdictions_one_must_be_named(tmp_path: Path) -> None:
    one = {"kind": "open311", "api_keys": {"app": KEY}, "services": SERVICES, "listed": True}
    channels = {"east": {**one, "jurisdiction_id": "east.gov"}, "west": {**one, "jurisdiction_id": "west.gov"}}
    async with city(tmp_path, channels=channels) as house:
        await house.get("/v2/services", "errors", expect=400)
        await house.get("/v2/services", "errors", expect=404, jurisdiction_id="north.gov")
        number = await house.report(jurisdiction_id="west.gov")
        assert (await house.ticket(number)).channel == "west"
        assert await house.get("/v2/requests", "service_requests", jurisdiction_id="east.gov") == []
        await house.get(f"/v2/requests/{number}", "errors", expect=404, jurisdiction_id="east.gov")


async def test_without_an_endpoint_there_is_nothing(tmp_path: Path) -> None:
    async with city(tmp_path, channels={"web": {"kind": "web"}}) as house:
        await house.get("/v2/services", "errors", expect=404)
        response = await house.post("requests.json", LAMP)
        assert response.status == 404
