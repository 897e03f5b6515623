"""The sender's side of a door: delivers an input and says whether it was told "taken"."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime

from aiohttp import ClientSession, web

from gateway.channels.base import Channel, Hosted, Webhook
from gateway.loops import Health, run_channel
from gateway.memory import StoreMemory
from gateway.message import Raw
from gateway.testing.house import House
from gateway.web.callers import BUCKETS, make_buckets
from gateway.web.chat.visits import VISITS, Visits
from gateway.web.doors import add_doors
from gateway.web.keys import ACCEPT, DOORS, LIMITS
from gateway.web.limits import Limits
from gateway.web.meters import METERS, Meters
from gateway.web.problems import problems

#: Delivers once; True when the sender was told "taken", False when told anything else or nothing.
Deliver = Callable[[Raw], Coroutine[None, None, bool]]
#: Sends an input as it is, by this method; the status of the answer.
Knock = Callable[[str, Raw], Coroutine[None, None, int]]


@contextlib.asynccontextmanager
async def http_side(house: House, channel: Channel, sign: Callable[[Raw], Raw]) -> AsyncIterator[Deliver]:
    """The real HTTP door ``/channels/{name}`` on a free port, and a platform that signs each input as it sends it."""
    async with http_door(house, channel) as knock:

        async def deliver(raw: Raw) -> bool:
            return await knock("POST", sign(replace(raw, received_at=datetime.now(UTC)))) < 300

        yield deliver


@contextlib.asynccontextmanager
async def http_door(house: House, channel: Channel) -> AsyncIterator[Knock]:
    """The real HTTP door ``/channels/{name}`` on a free port, open to everybody."""
    assert isinstance(channel, Webhook)
    house.admit(channel)
    app = web.Application(middlewares=[problems])
    app[LIMITS] = Limits(requests_per_minute=0)
    app[BUCKETS] = make_buckets(app[LIMITS])
    app[METERS] = Meters()
    app[DOORS] = {channel.name: channel}
    app[VISITS] = Visits({channel.name: channel} if isinstance(channel, Hosted) else {})
    app[ACCEPT] = house.accept
    add_doors(app)
    runner = web.AppRunner(app, access_log=None, lingering_time=0.5, auto_decompress=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with ClientSession(f"http://127.0.0.1:{port}") as session:

        async def knock(method: str, raw: Raw) -> int:
            headers = {**raw.headers, "content-type": raw.media_type}
            body = io.BytesIO(raw.body) if method == "POST" else None
            async with session.request(
                method, f"/channels/{channel.name}", data=body, headers=headers, params=dict(raw.query)
            ) as response:
                assert not 300 <= response.status < 400, "a door does not send its callers elsewhere"
                assert response.status != web.HTTPServiceUnavailable.status_code or response.headers["Retry-After"]
                return response.status

        try:
            yield knock
        finally:
            await runner.cleanup()


@contextlib.asynccontextmanager
async def running_channel(house: House, channel: Channel) -> AsyncIterator[Health]:
    """A polling or listening channel, running in its loop until the end of the block; gives its health."""
    house.admit(channel)
    channel.memory = StoreMemory(house.store, channel.name)
    health = Health()
    task = asyncio.create_task(run_channel(channel, house.reception.receive, house.record, health))
    try:
        yield health
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
