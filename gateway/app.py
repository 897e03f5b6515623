"""The wiring: everything that is configured, put together once and run together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import structlog

from gateway.channels.base import Channel, Transport
from gateway.config import Settings
from gateway.dispatch import Dispatcher
from gateway.errors import ConfigError
from gateway.keys import Keys
from gateway.loops import Health, keep_running, run_channel
from gateway.memory import StoreMemory
from gateway.normalize.draft import Reading
from gateway.reception import Reception
from gateway.registry import build
from gateway.render import Renderer
from gateway.sweeper import Sweeper
from ticket_core.calendar import load_calendar, read_year_files
from ticket_core.directory import Directory
from ticket_core.errors import ProfileError
from ticket_core.policy import Policy
from ticket_core.profile import Profile, load_profile
from ticket_core.store.store import Store

log = structlog.get_logger(__name__)

#: Ways in and out that every installation has, unless its file says otherwise.
_CHANNELS = {"web": {"kind": "web"}, "phone": {"kind": "phone"}}
_TRANSPORTS = {"preview-email": {"kind": "preview-email"}, "preview-sms": {"kind": "preview-sms"}}
_CHANNEL_KEYS = frozenset({"kind", "profile"})
_TRANSPORT_KEYS = frozenset({"kind"})


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
    channels: dict[str, Channel]
    transports: dict[str, Transport]
    health: dict[str, Health] = field(default_factory=dict)


def read_policy(settings: Settings) -> Policy:
    """Profiles, calendar and directory as configured.

    Raises:
        ConfigError: with every problem of every file.
    """
    problems: list[str] = []
    profiles: dict[str, Profile] = {}
    folders = [settings.profiles_folder] if settings.profiles_folder else []
    names = {settings.profile} | {str(table.get("profile", settings.profile)) for table in settings.channels.values()}
    for name in sorted(names):
        try:
            profiles[name] = load_profile(name, *folders)
        except ProfileError as error:
            problems += error.problems
    calendar = None
    try:
        calendar = load_calendar(read_year_files(settings.calendar_folder) if settings.calendar_folder else ())
    except ProfileError as error:
        problems += error.problems
    if problems or calendar is None:
        raise ConfigError(problems)
    return Policy(profiles=profiles, calendar=calendar, directory=Directory(settings.people))


def assemble(settings: Settings) -> Parts:
    """Put a gateway together; nothing is opened or listened to yet.

    Raises:
        ConfigError: with every problem found.
    """
    problems: list[str] = []
    policy: Policy | None = None
    channels: dict[str, Channel] = {}
    transports: dict[str, Transport] = {}
    tables = {
        **{name: table for name, table in _CHANNELS.items() if name not in settings.channels},
        **settings.channels,
    }
    try:
        policy = read_policy(settings)
    except ConfigError as error:
        problems += error.problems
    try:
        channels = build("channels", tables, common=_CHANNEL_KEYS)
    except ConfigError as error:
        problems += error.problems
    try:
        transports = _by_medium(build("transports", {**_TRANSPORTS, **settings.transports}, common=_TRANSPORT_KEYS))
    except ConfigError as error:
        problems += error.problems
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
    readings = {
        name: Reading(
            profile=str(tables.get(name, {}).get("profile", settings.profile)),
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
        channels=channels,
        transports=transports,
        health=health,
    )


def _by_medium(made: dict[str, Transport]) -> dict[str, Transport]:
    """The transport of each medium: the last one named wins, so what is configured stands before the preview."""
    return {transport.medium: transport for transport in made.values()}


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
            await asyncio.gather(*tasks, return_exceptions=True)
