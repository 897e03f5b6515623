"""Steps back to the body: signed, under one idempotency key, and believed only when it says so."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from defusedxml import ElementTree

from gateway.channels.transfer import Transfer
from gateway.channels.transfer.seal import opened, sealed, sm3
from gateway.channels.transfer.settings import TransferSettings
from gateway.errors import PermanentDelivery, Refused, TransientDelivery
from gateway.message import OutboundMessage, Raw
from tests.channels.transfer.at_hand import SECRET, hmac_of
from tests.channels.transfer.body import Answer, body_of_the_state, says, taken
from ticket_core.errors import ProfileError
from ticket_core.source import read_source

STEP = OutboundMessage(
    reference="n7",
    to="CD1",
    forms={},
    fields={"step": "finish", "case_number": "CD1", "number": "261120000000420", "办理结果": "已修复"},
)


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
    async with body_of_the_state(taken(receipt="R1")) as body:
        one = city(secret=SECRET, callback=body.url)
        receipt = await one.send(STEP)
        await one.close()
    (headers,) = body.headers
    assert (receipt.status, receipt.provider_id) == ("delivered", "R1")
    assert headers["Idempotency-Key"] == "n7"
    assert body.steps == [{**STEP.fields, "id": "n7"}]
    said = f"{headers['x-timestamp']}\n{headers['x-nonce']}\n".encode() + body.raw[0]
    assert headers["x-signature"] == hmac_of("hmac-sha256", SECRET, said).hex()


async def test_a_step_is_sealed_where_the_body_wants_it() -> None:
    key = "0123456789abcdeffedcba9876543210"
    async with body_of_the_state(says("200")) as body:
        one = city(secret=SECRET, callback=body.url, sm4_key=key)
        await one.send(STEP)
        await one.close()
    assert json.loads(opened(bytes.fromhex(key), body.raw[0], "sm4-cbc"))["case_number"] == "CD1"


def html(status: int = 200) -> web.Response:
    return web.Response(status=status, text="<html><body>请登录</body></html>", content_type="text/html")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda: web.Response(status=503), TransientDelivery),
        (lambda: web.Response(status=429, headers={"Retry-After": "30"}), TransientDelivery),
        (says("BUSY"), TransientDelivery),
        (html, TransientDelivery),  # whoever stands between us says yes to everything
        (lambda: html(302), TransientDelivery),
        (lambda: web.Response(status=403), TransientDelivery),  # the key is wrong, not the step
        (lambda: web.json_response([1]), TransientDelivery),
        (says(40012, "工单不存在"), PermanentDelivery),
        (says("", "参数错误", status=400), PermanentDelivery),
        (lambda: web.Response(status=404), TransientDelivery),  # nobody there who could refuse it
        (says(404, "工单不存在", status=404), PermanentDelivery),
    ],
)
async def test_what_the_body_answers_says_whether_to_try_again(answer: Answer, error: type[Exception]) -> None:
    async with body_of_the_state(answer) as body:
        one = city(callback=body.url)
        with pytest.raises(error):
            await one.send(STEP)
        await one.close()


@pytest.mark.parametrize("answer", [lambda: web.Response(status=204), says(True), says("Success")])
async def test_it_is_believed_when_it_says_that_it_took_the_step(answer: Answer) -> None:
    async with body_of_the_state(answer) as body:
        one = city(callback=body.url)
        assert (await one.send(STEP)).status == "delivered"
        await one.close()


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("30", 30), ("999999999", 86400), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("soon", None)],
)
async def test_a_body_that_says_when_is_asked_again_then(said: str, seconds: int | None) -> None:
    async with body_of_the_state(lambda: web.Response(status=503, headers={"Retry-After": said})) as body:
        one = city(callback=body.url)
        with pytest.raises(TransientDelivery) as caught:
            await one.send(STEP)
        await one.close()
    wait = caught.value.retry_after
    assert (None if wait is None else wait.total_seconds()) == seconds


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
    assert (receipt.status, receipt.detail) == ("queued", "reply sheet")


# --- The rules of a source

_RULES = """
name = "carrier"
label = { zh-CN = "运营商" }
case_number = ["SERIALNO"]
[fields]
text = ["CONTENT"]
[[steps]]
event = "answered"
name = "回单"
fields = { DEAL_CONTENT = "text" }
[callback]
form = "xml"
root = "REPLY"
code = ["/Body/RESPONSE/RETURN_CODE"]
message = ["/Body/RESPONSE/RETURN_MSG"]
receipt = ["/Body/RESPONSE/SEQ"]
ok = ["0"]
known = ["9001"]
again = ["-1"]
"""


def soap(code: str, message: str = "") -> Answer:
    text = (
        '<?xml version="1.0" encoding="GBK"?><s:Envelope xmlns:s="urn:soap"><s:Body><RESPONSE>'
        f"<RETURN_CODE>{code}</RETURN_CODE><RETURN_MSG>{message}</RETURN_MSG><SEQ>77</SEQ>"
        "</RESPONSE></s:Body></s:Envelope>"
    )
    return lambda: web.Response(body=text.encode("gbk"), content_type="text/xml")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (soap("0"), "delivered"),
        (soap("9001", "重复提交"), "delivered"),  # it has this step already
        (soap("-1", "系统忙"), TransientDelivery),
        (soap("1203", "工单已归档"), PermanentDelivery),
        (lambda: web.Response(text="<broken", content_type="text/xml"), TransientDelivery),
        (lambda: web.Response(text='<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), TransientDelivery),
    ],
)
async def test_a_body_that_speaks_xml_is_understood_by_its_sources_rules(
    tmp_path: Path, answer: Answer, outcome: str | type[Exception]
) -> None:
    (tmp_path / "carrier.toml").write_text(_RULES, encoding="utf-8")
    async with body_of_the_state(answer) as body:
        one = Transfer("eoms", TransferSettings(source="carrier", callback=body.url, sources_folder=tmp_path))
        step = replace(STEP, fields={"step": "reply", "DEAL_CONTENT": "已修复 <3 & \x00ok"})
        if isinstance(outcome, str):
            receipt = await one.send(step)
            assert (receipt.status, receipt.provider_id) == (outcome, "77")
        else:
            with pytest.raises(outcome):
                await one.send(step)
        await one.close()
    sent = ElementTree.fromstring(body.raw[0])
    assert sent.tag == "REPLY"
    assert {each.tag: each.text for each in sent} == {"step": "reply", "DEAL_CONTENT": "已修复 <3 & ok", "id": "n7"}
    assert body.headers[0]["Content-Type"].startswith("application/xml")


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ('code = ["/Body/RESPONSE/RETURN_CODE"]', 'code = ["RETURN_CODE"]', "a place begins with /"),
        ('root = "REPLY"', 'root = "A B"', "callback.root"),
        ("{ DEAL_CONTENT =", '{ "DEAL CONTENT" =', "steps.fields.DEAL CONTENT"),
    ],
)
def test_rules_that_cannot_work_are_found_at_the_start(old: str, new: str, wrong: str) -> None:
    with pytest.raises(ProfileError, match=wrong):
        read_source(_RULES.replace(old, new), origin="carrier.toml")
