"""Sending acknowledgements as SMS over HTTP, beside a bare aiohttp client loop that only posts ready bytes."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import orjson

from benchmarks.children import Child, module
from benchmarks.house import open_store, scratch
from benchmarks.measure import Found, Outcome, Sample, Scale, Variant, in_turn
from benchmarks.sending import Outbox
from gateway.channels.sms import Sms, SmsSettings

_PART = "sms"
_CONNECTIONS = 8
_READY = orjson.dumps(
    {
        "to": "+8613800000001",
        "text": "【投诉受理】您的投诉已受理，编号261120-00000001-7，我们将在24小时内答复。查询：https://tousu.example.com/t/1",
        "reference": "n1",
        "template": "",
        "variables": {},
    }
)


async def run(scale: Scale) -> Outcome:
    """Both post as many messages over as many kept connections to the same sink, the bare handler."""
    with scratch() as folder, module("benchmarks.bare", folder) as sink:
        transport = Sms(
            "sms", SmsSettings(url=_url(sink), signature="投诉受理", concurrency=_CONNECTIONS, mainland=True)
        )
        async with open_store(folder / "sms.sqlite3") as store:
            outbox = Outbox(store, transport)
            await outbox.fill(10)
            await outbox.send_all()
            variants = {"bare aiohttp": _bare(sink, scale.count), "gateway": outbox.variant(scale.count)}
            found = Found(_PART, await in_turn(variants, scale.rounds, part=_PART))
            await transport.close()
    return Outcome(figures=found.figures)


def _url(sink: Child) -> str:
    return f"http://127.0.0.1:{sink.port}/"


def _bare(sink: Child, count: int) -> Variant:
    async def once(_number: int) -> Sample:
        left = iter(range(count))
        url = _url(sink)

        async def connection(session: aiohttp.ClientSession) -> None:
            for _ in left:
                async with session.post(url, data=_READY, headers={"Content-Type": "application/json"}) as response:
                    await response.read()

        wall, cpu = time.perf_counter(), time.process_time()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_CONNECTIONS)) as session:
            await asyncio.gather(*(connection(session) for _ in range(_CONNECTIONS)))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {"rate": count / wall, "cpu": cpu / count * 1e6}

    return once
