"""What `/metrics` counts: every input of every channel once, and every state that a notice comes into."""

from __future__ import annotations

import asyncio
import re
import smtplib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from gateway.app import Parts, assemble, running, web_application
from gateway.config import Database, Dispatch, Settings
from gateway.message import DeliveryReceipt
from tests.cli.terminal import free_port
from ticket_core.store.journals import list_notices

Client = TestClient[Any, Any]


@asynccontextmanager
async def gateway(folder: Path, port: int) -> AsyncIterator[tuple[Parts, Client]]:
    """A gateway with a mail door, its dispatcher in the test's hand."""
    settings = Settings(
        secret="a synthetic secret of a test gateway",
        database=Database(url=f"sqlite:///{folder}/gateway.sqlite3"),
        dispatch=Dispatch(enabled=False),
        channels={"mail": {"kind": "email", "address": "complaints@example.com", "door": {"port": port}}},
    )
    async with running(assemble(settings)) as parts, TestClient(TestServer(web_application(parts))) as client:
        yield parts, client


async def counted(client: Client, name: str) -> Mapping[tuple[str, ...], float]:
    """The values of one metric by its labels."""
    text = await (await client.get("/metrics")).text()
    found = re.findall(rf"^{name}{{?([^}} ]*)}}? (\S+)$", text, re.MULTILINE)
    return {tuple(re.findall(r'"([^"]*)"', labels)): float(value) for labels, value in found}


async def mail(port: int, subject: str) -> None:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "li@example.com", "complaints@example.com", subject
    letter["Message-ID"] = f"<{subject}@example.com>"
    letter.set_content("宽带断网三天")

    def hand_in() -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=5) as door:
            door.send_message(letter)

    await asyncio.to_thread(hand_in)


async def test_every_input_is_counted_once_whatever_its_channel(tmp_path: Path) -> None:
    port = free_port()
    async with gateway(tmp_path, port) as (parts, client):
        await until_open(port)
        for subject in ("one", "one", "two"):
            await mail(port, subject)
        body = {"text": "光猫红灯一直亮着", "complainant": {"phone": "13800001234"}}
        answer = await (await client.post("/api/v1/complaints", json=body)).json()
        path = f"/api/v1/complaints/{answer['number']}/supplements"
        for _ in range(2):
            headers = {"X-Complaint-Key": answer["key"], "Idempotency-Key": "s1"}
            await client.post(path, json={"text": "又断了"}, headers=headers)
        report = DeliveryReceipt(status="delivered", at=datetime.now(UTC), provider_id="unknown")
        await parts.dispatcher.record_receipt(report, channel="sms", raw=b"state=1")
        assert await counted(client, "gateway_inputs_total") == {
            ("mail", "opened"): 1,
            ("mail", "duplicate"): 1,
            ("mail", "repeated"): 1,
            ("web", "opened"): 1,
            ("web", "appended"): 1,
            ("web", "duplicate"): 1,
            ("sms", "receipt"): 1,
        }


async def test_every_state_of_a_notice_is_counted_once_and_what_waits_is_shown(tmp_path: Path) -> None:
    async with gateway(tmp_path, free_port()) as (parts, client):
        body = {"text": "宽带断网三天", "complainant": {"phone": "13800001234", "email": "li@example.com"}}
        await client.post("/api/v1/complaints", json=body)
        assert await counted(client, "gateway_notices_total") == {}
        assert await counted(client, "gateway_notices_waiting") == {("queued",): 2}
        while (queue := await counted(client, "gateway_store_queue")) != {(): 0}:
            assert set(queue) == {()}
            await asyncio.sleep(0.01)
        await parts.dispatcher.step()
        assert await counted(client, "gateway_notices_total") == {("delivered",): 2}
        assert await counted(client, "gateway_notices_waiting") == {}
        row = (await parts.store.read(list_notices)).rows[0]
        bounce = DeliveryReceipt(status="failed", at=datetime.now(UTC), reference=f"n{row.id}", detail="5.1.1")
        for _ in range(3):
            await parts.dispatcher.record_receipt(bounce)
        assert await counted(client, "gateway_notices_total") == {("delivered",): 2, ("failed",): 1}


async def until_open(port: int) -> None:
    async with asyncio.timeout(5):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            await writer.wait_closed()
            return
