"""The wiring: everything that is configured, put together once and run together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import structlog

from gateway.channels.base import Channel, Transport
from gateway.config import Settings
from gateway.configured import channel_tables, gathered, make_channels, make_transports, read_policy
from gateway.dispatch import Dispatcher
from gateway.errors import ConfigError
from gateway.keys import Keys
from gateway.loops import Health, keep_running, run_channel
from gateway.memory import StoreMemory
from gateway.normalize.draft import Reading
from gateway.reception import Reception
from gateway.render import Renderer
from gateway.sweeper import Sweeper
from gateway.web.auth import SignIn
from ticket_core.policy import Policy
from ticket_core.store.store import Store

log = structlog.get_logger(__name__)

_CLEAN_STOP = 8.0  # seconds that loops may take to finish what they are doing


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """One gateway, put together and not yet running."""

    settings: Settings
    policy: Policy
    keys: Keys
    store: Store
    renderer: Renderer
    reception: Reception
    dispatcher: Dispatcher
    sweeper: Sweeper
    sign_in: SignIn
    readings: Mapping[str, Reading]
    channels: dict[str, Channel]
    transports: dict[str, Transport]
    health: dict[str, Health] = field(default_factory=dict)


def assemble(settings: Settings) -> Parts:
    """Put a gateway together; nothing is opened or listened to yet.

    Raises:
        ConfigError: with every problem found.
    """
    problems: list[str] = []
    policy: Policy | None = None
    channels: dict[str, Channel] = {}
    transports: dict[str, Transport] = {}
    with gathered(problems):
        policy = read_policy(settings)
    with gathered(problems):
        channels = make_channels(settings)
    with gathered(problems):
        transports = make_transports(settings)
    if problems or policy is None:
        raise ConfigError(problems)
    keys = Keys(settings.signing_secret())
    store = Store(settings.database.url)
    renderer = Renderer(settings.templates_folder)
    health = {name: Health() for name in ("database", "dispatcher", "clock", *channels)}
    dispatcher = Dispatcher(
        store=store,
        policy=policy,
        renderer=renderer,
        keys=keys,
        transports=transports,
        settings=settings,
        health=health["dispatcher"],
    )
    tables = channel_tables(settings)
    readings = {
        name: Reading(
            profile=str(tables[name].get("profile", settings.profile)),
            ticket_of_token=keys.ticket_of_token,
            area_code=settings.area_code,
        )
        for name in channels
    }
    for name, channel in channels.items():
        channel.memory = StoreMemory(store, name)
    return Parts(
        settings=settings,
        policy=policy,
        keys=keys,
        store=store,
        renderer=renderer,
        reception=Reception(store, policy, keys, readings, dispatcher.wake),
        dispatcher=dispatcher,
        sweeper=Sweeper(store, policy, health["clock"], dispatcher.wake),
        sign_in=SignIn(store, secure=settings.http.base_url.startswith("https:")),
        readings=readings,
        channels=channels,
        transports=transports,
        health=health,
    )


@contextlib.asynccontextmanager
async def opened(parts: Parts) -> AsyncIterator[Parts]:
    """The store open and the transports ready; nothing runs by itself yet.

    Raises:
        StoreLocked: when another process holds the SQLite file.
    """
    try:
        parts.store.open()
        parts.health["database"].well()
        for transport in parts.transports.values():
            await transport.open()
        yield parts
    finally:
        for transport in parts.transports.values():
            await transport.close()
        await asyncio.to_thread(parts.store.close)


@contextlib.asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[Parts]:
    """Everything that is configured, running; stops cleanly on the way out."""
    async with opened(parts):
        receive, record = parts.reception.receive, parts.dispatcher.record_receipt
        jobs = [
            keep_running("dispatcher", parts.health["dispatcher"], parts.dispatcher.run),
            keep_running("clock", parts.health["clock"], parts.sweeper.run),
            *(run_channel(channel, receive, record, parts.health[name]) for name, channel in parts.channels.items()),
        ]
        tasks = [asyncio.create_task(job) for job in jobs]
        try:
            yield parts
        finally:
            for task in tasks:
                task.cancel()
            _, late = await asyncio.wait(tasks, timeout=_CLEAN_STOP)
            if late:
                log.warning("stopped_late", tasks=len(late))
