"""Steps back to the body: signed, under one idempotency key, and believed only when it says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from gateway.channels.transfer import Transfer
from gateway.channels.transfer.seal import opened, sealed, sm3
from gateway.channels.transfer.settings import TransferSettings
from gateway.errors import PermanentDelivery, Refused, TransientDelivery
from gateway.message import OutboundMessage, Raw
from tests.channels.transfer.at_hand import SECRET, hmac_of

STEP = OutboundMessage(
    reference="n7",
    to="CD1",
    forms={},
    fields={"step": "finish", "case_number": "CD1", "number": "261120000000420", "办理结果": "已修复"},
)


@asynccontextmanager
async def body_of_the_state(answer: Callable[[], web.StreamResponse]) -> AsyncIterator[tuple[str, list[Any]]]:
    """The forwarding body's own interface."""
    heard: list[Any] = []

    async def hear(request: web.Request) -> web.StreamResponse:
        heard.append((dict(request.headers), await request.read()))
        return answer()

    app = web.Application()
    app.router.add_post("/callback", hear)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/callback", heard
    finally:
        await runner.cleanup()


def city(**settings: Any) -> Transfer:
    return Transfer("city", TransferSettings(source="12345", **settings))


def test_sm3_is_that_of_the_standard() -> None:
    """GB/T 32905-2016, example 1."""
    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_a_sealed_body_is_opened_with_its_key_only() -> None:
    key, other = bytes.fromhex("0123456789abcdeffedcba9876543210"), bytes([255] * 16)
    plain = "停水".encode() * 20
    box = sealed(key, plain, "sm4-cbc")
    assert opened(key, box, "sm4-cbc") == plain
    assert sealed(key, plain, "sm4-cbc") != box
    with pytest.raises(ValueError):
        if opened(other, box, "sm4-cbc") != plain:
            raise ValueError


def test_a_source_without_a_secret_takes_no_pushes() -> None:
    with pytest.raises(Refused):
        city().verify(Raw(channel="city", body=b"{}", received_at=datetime.now(UTC)))


async def test_a_step_is_signed_and_carries_its_key_and_values() -> None:
    async with body_of_the_state(lambda: web.json_response({"code": 0, "receipt": "R1"})) as (url, heard):
        one = city(secret=SECRET, callback=url)
        receipt = await one.send(STEP)
        await one.close()
    ((headers, body),) = heard
    assert (receipt.status, receipt.provider_id) == ("delivered", "R1")
    assert headers["Idempotency-Key"] == "n7"
    assert json.loads(body) == {**STEP.fields, "id": "n7"}
    said = f"{headers['x-timestamp']}\n{headers['x-nonce']}\n".encode() + body
    assert headers["x-signature"] == hmac_of("hmac-sha256", SECRET, said).hex()


async def test_a_step_is_sealed_where_the_body_wants_it() -> None:
    key = "0123456789abcdeffedcba9876543210"
    async with body_of_the_state(lambda: web.json_response({"code": "200"})) as (url, heard):
        one = city(secret=SECRET, callback=url, sm4_key=key)
        await one.send(STEP)
        await one.close()
    assert json.loads(opened(bytes.fromhex(key), heard[0][1], "sm4-cbc"))["case_number"] == "CD1"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda: web.Response(status=503), TransientDelivery),
        (lambda: web.Response(status=429, headers={"Retry-After": "30"}), TransientDelivery),
        (lambda: web.json_response({"code": "busy"}), TransientDelivery),
        (lambda: web.json_response({"code": 40012, "msg": "工单不存在"}), PermanentDelivery),
        (lambda: web.Response(status=403), PermanentDelivery),
    ],
)
async def test_what_the_body_answers_says_whether_to_try_again(answer: Any, error: type[Exception]) -> None:
    async with body_of_the_state(answer) as (url, _heard):
        one = city(callback=url)
        with pytest.raises(error):
            await one.send(STEP)
        await one.close()


async def test_a_silent_body_is_worth_another_try() -> None:
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _reader, writer: held.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    one = city(callback=f"http://127.0.0.1:{port}/", timeout=0.2)
    with pytest.raises(TransientDelivery):
        await one.send(STEP)
    await one.close()
    for writer in held:
        writer.close()
        await writer.wait_closed()
    server.close()
    await server.wait_closed()


async def test_without_an_interface_steps_wait_for_the_reply_sheet() -> None:
    receipt = await city().send(STEP)
    assert (receipt.status, receipt.detail) == ("accepted", "reply sheet")
