"""Sending acknowledgements by SMTP, beside a bare aiosmtplib loop that only hands over ready bytes."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import aiosmtplib
import orjson
from sqlalchemy import select

from benchmarks.children import Child, module
from benchmarks.house import open_store, scratch
from benchmarks.measure import Found, Outcome, Sample, Scale, Variant, in_turn
from benchmarks.sending import Outbox
from gateway.channels.smtp import Smtp, SmtpSettings
from gateway.channels.smtp.mail import Sender, mail_bytes
from gateway.message import OutboundMessage
from ticket_core.store.schema import notice
from ticket_core.store.store import Store

_PART = "smtp"
_BOUND = 0.8
_CONNECTIONS = 8
_FROM = "tousu@example.com"
_TO = "p1@example.com"


async def run(scale: Scale) -> Outcome:
    """Both send as many mails of the same size over as many kept connections to the same sink."""
    with scratch() as folder, module("benchmarks.smtp_sink", folder) as sink:
        async with open_store(folder / "smtp.sqlite3") as store:
            own = SmtpSettings(
                host="127.0.0.1", port=sink.port, security="none", address=_FROM, concurrency=_CONNECTIONS
            )
            transport = Smtp("mail", own)
            outbox = Outbox(store, transport)
            await outbox.fill(10)
            await outbox.send_all()
            variants = {
                "bare aiosmtplib": _bare(sink, await _ready_bytes(store), scale.count),
                "gateway": outbox.variant(scale.count),
            }
            found = Found(_PART, await in_turn(variants, scale.rounds, part=_PART))
            await transport.close()
    rate = found.ratio("rate", "gateway", "bare aiosmtplib")
    target = found.at_least("acknowledgements sent, to ready bytes sent by a bare loop", _BOUND, rate)
    return Outcome(figures=found.figures, targets=(target,))


async def _ready_bytes(store: Store) -> bytes:
    """The mail of a notice that the gateway has just sent."""
    query = select(notice.c.rendered).where(notice.c.state == "accepted").limit(1)
    rendered = await store.read(lambda connection: connection.scalar(query))
    message = OutboundMessage(reference="n1", to=_TO, name="李四", forms=orjson.loads(rendered or "{}"))
    return mail_bytes(message, Sender(address=_FROM, domain="example.com"), datetime.now(UTC))


def _bare(sink: Child, mail: bytes, count: int) -> Variant:
    async def once(_number: int) -> Sample:
        left = iter(range(count))

        async def connection() -> None:
            async with aiosmtplib.SMTP(hostname="127.0.0.1", port=sink.port, start_tls=False) as client:
                for _ in left:
                    await client.sendmail(_FROM, [_TO], mail)

        wall, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(connection() for _ in range(_CONNECTIONS)))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {"rate": count / wall, "cpu": cpu / count * 1e6}

    return once
