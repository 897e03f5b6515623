"""Steps back to the body: signed, under one idempotency key, and believed only when it says so."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import hashes

from gateway.channels.transfer import Transfer
from gateway.channels.transfer.seal import opened, sealed, signature, skew
from gateway.channels.transfer.settings import TransferSettings
from gateway.errors import PermanentDelivery, Refused, TransientDelivery
from gateway.message import OutboundMessage, Raw

SECRET = "synthetic-secret-of-12345"
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


def test_a_signature_is_the_digest_of_time_nonce_and_body() -> None:
    said = b"1700000000\nabc\n{}"
    assert signature("hmac-sha256", b"key", "1700000000", "abc", b"{}") == hmac.new(b"key", said, "sha256").hexdigest()


def test_sm3_is_that_of_the_standard() -> None:
    digest = hashes.Hash(hashes.SM3())
    digest.update(b"abc")  # GB/T 32905-2016, example 1
    assert digest.finalize().hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    block = b"k" * 64  # HMAC (RFC 2104) by hand
    inner, outer = hashes.Hash(hashes.SM3()), hashes.Hash(hashes.SM3())
    inner.update(bytes(byte ^ 0x36 for byte in block) + b"1\n2\n3")
    outer.update(bytes(byte ^ 0x5C for byte in block) + inner.finalize())
    assert signature("hmac-sm3", block, "1", "2", b"3") == outer.finalize().hex()


def test_a_sealed_body_is_opened_with_its_key_only() -> None:
    key, other = "0123456789abcdeffedcba9876543210", "f" * 32
    plain = "停水".encode() * 20
    box = sealed(key, plain)
    assert opened(key, box) == plain
    assert sealed(key, plain) != box
    with pytest.raises(ValueError):
        if opened(other, box) != plain:
            raise ValueError


def test_a_wrong_clock_is_told_clearly() -> None:
    now = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
    assert skew(now + timedelta(minutes=7), now, timedelta(minutes=5)) == (
        "the time of the request is 7 minutes ahead of ours"
    )
    assert skew(now, now, timedelta(minutes=5)) == ""


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
    good = signature("hmac-sha256", SECRET.encode(), headers["x-timestamp"], headers["x-nonce"], body)
    assert headers["x-signature"] == good


async def test_a_step_is_sealed_where_the_body_wants_it() -> None:
    key = "0123456789abcdeffedcba9876543210"
    async with body_of_the_state(lambda: web.json_response({"code": "200"})) as (url, heard):
        one = city(secret=SECRET, callback=url, sm4_key=key)
        await one.send(STEP)
        await one.close()
    assert json.loads(opened(key, heard[0][1]))["case_number"] == "CD1"


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
