"""Webhook doors, health, metrics, and the errors of the router itself."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.web.limits import Limits
from tests.web.api_house import House, open_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(f"sqlite:///{tmp_path / 'gateway.sqlite3'}") as opened:
        yield opened


def signed(body: bytes) -> dict[str, str]:
    return {"X-Signature": hmac.digest(b"word", body, hashlib.sha256).hex()}


async def test_a_push_is_answered_after_the_commit_and_has_one_effect(house: House) -> None:
    for outcome in ("opened", "duplicate"):
        response = await house.client.post("/channels/push", data=b"no light", headers=signed(b"no light"))
        assert (response.status, await response.text()) == (200, outcome)
    assert len((await (await house.get("/api/v1/tickets?channel=push", by="wang")).json())["tickets"]) == 1


async def test_a_push_with_a_wrong_signature_is_refused_and_nothing_of_it_is_kept(house: House) -> None:
    response = await house.client.post("/channels/push", data=b"no light", headers=signed(b"other"))
    assert (response.status, response.content_type) == (401, "application/problem+json")
    assert (await (await house.get("/api/v1/inbound", by="wang")).json())["inbound"] == []


async def test_a_push_that_cannot_be_parsed_is_a_triage_ticket_and_answered_as_taken(house: House) -> None:
    body = b"\xff not ascii"
    response = await house.client.post("/channels/push", data=body, headers=signed(body))
    assert (response.status, await response.text()) == (200, "triage")
    assert len((await (await house.get("/api/v1/tickets?triage=true", by="wang")).json())["tickets"]) == 1


async def test_a_platform_that_checks_the_address_by_get_gets_its_answer(house: House) -> None:
    response = await house.client.get("/channels/push", params={"echo": "hello"})
    assert (response.status, await response.text()) == (200, "hello")
    plain = await house.client.get("/channels/push")
    assert (plain.status, plain.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_push_over_the_channels_limit_is_refused_however_it_is_sent(house: House, chunked: bool) -> None:
    body = b"a" * 1001

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 100):
            yield body[start : start + 100]

    response = await house.client.post("/channels/push", data=pieces() if chunked else body, headers=signed(body))
    assert response.status == 413
    fits = b"a" * 1000
    assert (await house.client.post("/channels/push", data=fits, headers=signed(fits))).status == 200


async def test_half_characters_in_a_header_or_an_address_are_no_fault_of_ours(house: House) -> None:
    port = house.client.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"POST /channels/push?at=%ff%ed%a0%80 HTTP/1.1\r\nHost: x\r\nX-Signature: \xff\xfe\xed\xa0\x80\r\n"
        b"Content-Length: 1\r\nConnection: close\r\n\r\nx"
    )
    assert (await reader.readline()).split()[1] == b"401"
    writer.close()


async def test_an_unknown_door_does_not_exist(house: House) -> None:
    assert (await house.client.post("/channels/nobody", data=b"x")).status == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/v1/nothing", 404), ("DELETE", "/api/v1/complaints", 405), ("GET", "/api/v1/calls", 405)],
)
async def test_the_routers_own_errors_are_problems_too(house: House, method: str, path: str, status: int) -> None:
    response = await house.client.request(method, path)
    problem = await response.json()
    assert (response.status, problem["status"], response.content_type) == (status, status, "application/problem+json")
    assert ("Allow" in response.headers) is (status == 405)


async def test_a_fault_of_ours_is_a_problem_that_tells_nothing_of_our_inside(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_message: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(house.reception, "receive", fails)
    response = await house.post("/api/v1/complaints", {"text": "a"})
    text = await response.text()
    assert (response.status, response.content_type) == (500, "application/problem+json")
    assert "secret" not in text and "ZeroDivision" not in text


async def test_readiness_names_the_part_that_is_not_well(house: House) -> None:
    assert (await house.client.get("/healthz")).status == 200
    assert (await house.client.get("/readyz")).status == 200
    house.parts["push"] = "no signature configured"
    response = await house.client.get("/readyz")
    parts = (await response.json())["parts"]
    assert response.status == 503 and parts["dispatcher"]["ok"]
    assert parts["push"] == {"ok": False, "reason": "no signature configured"}
    assert (await house.client.get("/healthz")).status == 200


async def test_what_is_wrong_is_told_to_watchers_alone(tmp_path: Path) -> None:
    limits = Limits(watchers=frozenset({"127.0.0.1"}))
    async with open_house(f"sqlite:///{tmp_path / 'gateway.sqlite3'}", limits) as house:
        house.parts["push"] = "connection to mail.internal refused"
        outside = {"X-Forwarded-For": "203.0.113.7"}
        assert "mail.internal" in await (await house.client.get("/readyz")).text()
        hidden = await house.client.get("/readyz", headers=outside)
        assert (hidden.status, await hidden.json()) == (503, {"status": "unavailable"})
        assert (await house.client.get("/metrics")).status == 200
        assert (await house.client.get("/metrics", headers=outside)).status == 403
        assert (await house.client.get("/healthz", headers=outside)).status == 200


async def test_metrics_count_inputs_and_what_waits_without_personal_data(house: House) -> None:
    await house.complain(complainant={"phone": "13800001234", "email": "li@example.com"})
    await house.client.post("/channels/push", data=b"x", headers=signed(b"y"))
    text = await (await house.client.get("/metrics")).text()
    assert 'gateway_inputs_total{channel="web",outcome="opened"} 1.0' in text
    assert 'gateway_inputs_total{channel="push",outcome="refused"} 1.0' in text
    assert 'gateway_notices_waiting{state="queued"} ' in text and 'gateway_part_up{part="push"} 1.0' in text
    assert "13800001234" not in text and "example.com" not in text


async def test_who_proves_to_be_the_platform_may_push_as_often_as_people_complain_and_others_may_not(
    tmp_path: Path,
) -> None:
    limits = Limits(requests_per_minute=2)
    async with open_house(f"sqlite:///{tmp_path / 'gateway.sqlite3'}", limits) as house:
        for number in range(5):
            body = b"no light %d" % number
            assert (await house.client.post("/channels/push", data=body, headers=signed(body))).status == 200
        forged = [(await house.client.post("/channels/push", data=b"x", headers=signed(b"y"))).status for _ in range(3)]
        assert forged == [401, 401, 429]
