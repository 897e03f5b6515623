"""The wiring: everything that is configured, put together once and run together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog
from aiohttp import web

from gateway.alarm import Alarm
from gateway.almanac import Almanac
from gateway.channels.base import Channel, Fetching, Hosted, Tabular, Transport, Watched, Webhook
from gateway.compose import letterhead_of
from gateway.config import Settings
from gateway.configured import channel_tables, gathered, make_channels, make_transports, profile_of, read_policy
from gateway.dispatch import Dispatcher
from gateway.documents import Documents, Writer
from gateway.errors import ConfigError
from gateway.fetcher import Fetcher
from gateway.importing import Imports
from gateway.inbox import Inbox
from gateway.keys import Keys
from gateway.loops import Health, keep_running, run_channel, take
from gateway.mailed import Mailed
from gateway.memory import StoreMemory
from gateway.message import Accepted, Raw
from gateway.normalize.contact import Phone, phone_key, read_phone
from gateway.normalize.draft import Reading
from gateway.reception import Reception
from gateway.render import Renderer
from gateway.replays import Replays
from gateway.replies import Replies
from gateway.sweeper import Sweeper
from gateway.web.api import add_api
from gateway.web.auth import SIGN_IN, SignIn
from gateway.web.chat.visits import VISITS, Visits
from gateway.web.keys import (
    ACCEPT,
    DOORS,
    IDENTITY_OF_PHONE,
    IMPORTING,
    LIMITS,
    NOTES,
    PARTS,
    PROFILES,
    RECEPTION,
    REPLAYS,
    REPLIES,
    SERVICE_NUMBER_OF,
    WRITING,
    Part,
)
from gateway.web.limits import Limits
from gateway.web.meters import METERS, Meters
from gateway.web.pages.site import SITE, Site, setup_pages
from gateway.web.patience import LONGEST_SILENCE
from gateway.web.problems import problems
from ticket_core.policy import Policy
from ticket_core.store.store import Store

log = structlog.get_logger(__name__)

_CLEAN_STOP = 6.0  # seconds that loops may take to finish what they are doing
_WEB_CLEAN_STOP = 2.0  # seconds for requests under way


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """One gateway, put together and not yet running."""

    settings: Settings
    keys: Keys
    store: Store
    renderer: Renderer
    reception: Reception
    mailed: Mailed
    dispatcher: Dispatcher
    sweeper: Sweeper
    fetcher: Fetcher
    inbox: Inbox
    imports: Imports
    replays: Replays
    alarm: Alarm
    sign_in: SignIn
    meters: Meters
    visits: Visits
    readings: Mapping[str, Reading]
    channels: dict[str, Channel]
    transports: dict[str, Transport]
    health: dict[str, Health] = field(default_factory=dict)

    @property
    def replies(self) -> Replies:
        """The steps of forwarding bodies that no interface takes."""
        return Replies(self.store, self.reception.policy, self.dispatcher.ladder, self.dispatcher.wake)


def assemble(settings: Settings) -> Parts:
    """Put a gateway together; nothing is opened or listened to yet.

    Raises:
        ConfigError: with every problem found.
    """
    problems: list[str] = []
    policy: Policy | None = None
    channels: dict[str, Channel] = {}
    transports: dict[str, Transport] = {}
    almanac = Almanac(settings)
    with gathered(problems):
        policy = read_policy(settings)
    with gathered(problems):
        channels = make_channels(settings)
    with gathered(problems):
        transports = make_transports(settings, channels)
    if problems or policy is None:
        raise ConfigError(problems)
    keys = Keys(settings.signing_secret())
    store = Store(settings.database.url)
    renderer = Renderer(settings.templates_folder)
    ways_out = [_part_of(one) for one in transports.values() if not isinstance(one, Channel)]
    visits = Visits({name: one for name, one in channels.items() if isinstance(one, Hosted)})
    watched = ["visits"] if visits.channels else []
    own = ("database", "dispatcher", "clock", "files", "folders", *watched)
    health = {name: Health() for name in (*own, *channels, *ways_out)}
    meters = Meters()
    dispatcher = Dispatcher(
        store=store,
        policy=policy,
        renderer=renderer,
        keys=keys,
        transports=transports,
        settings=settings,
        health=health["dispatcher"],
        notice_counted=meters.count_notice,
        input_counted=meters.count_input,
        lane_told=partial(_tell_of_sending, transports, health),
        recorded=visits.wake,
    )
    tables = channel_tables(settings)
    readings = {
        name: Reading(
            profile=profile_of(settings, tables[name], policy.sources),
            ticket_of_token=keys.ticket_of_token,
            area_code=settings.area_code,
        )
        for name in channels
    }
    for name, channel in channels.items():
        channel.memory = StoreMemory(store, name)
        if isinstance(channel, Hosted):
            channel.adopt(keys.of_channel(name))
    reception = Reception(store, policy, keys, readings, dispatcher.wake, meters.count_input)
    sheets = [one for one in channels.values() if isinstance(one, Tabular)]
    mailed = Mailed(reception, {one.name: one for one in sheets})
    return Parts(
        settings=settings,
        keys=keys,
        store=store,
        renderer=renderer,
        reception=reception,
        mailed=mailed,
        dispatcher=dispatcher,
        sweeper=Sweeper(
            store,
            policy,
            health["clock"],
            dispatcher.wake,
            almanac=almanac,
            adopt=reception.go_by,  # the dispatcher looks at no day
            waits={medium: one.fetched_within for medium, one in transports.items() if one.fetched_within},
        ),
        fetcher=Fetcher(
            reception, {name: one for name, one in channels.items() if isinstance(one, Fetching)}, health["files"]
        ),
        alarm=Alarm(
            store,
            settings.people,
            health,
            partial(_unwell_media, transports, health),
            dispatcher.wake,
            after=settings.alarms.after,
        ),
        inbox=Inbox(
            reception,
            [one for one in channels.values() if isinstance(one, Watched)],
            health["folders"],
            dispatcher.record_receipt,
        ),
        imports=Imports(reception, sheets),
        replays=Replays(reception, mailed, channels, readings, dispatcher.wake),
        sign_in=SignIn(store, secure=settings.http.base_url.startswith("https:")),
        meters=meters,
        visits=visits,
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
            if (part := _part_of(transport)) in parts.health:
                parts.health[part].well()
        yield parts
    finally:
        await parts.imports.close()
        for transport in parts.transports.values():
            await transport.close()
        await asyncio.to_thread(parts.store.close)


@contextlib.asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[Parts]:
    """Everything that is configured, running; stops cleanly on the way out."""
    async with opened(parts):
        receive, record = parts.mailed.receive, parts.dispatcher.record_receipt
        jobs = [
            keep_running("clock", parts.health["clock"], parts.sweeper.run),
            keep_running("files", parts.health["files"], parts.fetcher.run),
            keep_running("folders", parts.health["folders"], parts.inbox.run),
            *(run_channel(channel, receive, record, parts.health[name]) for name, channel in parts.channels.items()),
        ]
        if "visits" in parts.health:
            health = parts.health["visits"]
            jobs.append(keep_running("visits", health, partial(parts.visits.watch, parts.store, health.well)))
        if parts.settings.alarms.enabled:
            jobs.append(keep_running("alarm", Health(), parts.alarm.run))
        if parts.settings.dispatch.enabled:
            jobs.append(keep_running("dispatcher", parts.health["dispatcher"], parts.dispatcher.run))
        else:
            parts.health["dispatcher"].well()
        tasks = [asyncio.create_task(job) for job in jobs]
        try:
            yield parts
        finally:
            for task in tasks:
                task.cancel()
            _, late = await asyncio.wait(tasks, timeout=_CLEAN_STOP)
            if late:
                log.warning("stopped_late", tasks=len(late))


def web_application(parts: Parts) -> web.Application:
    """All pages and interfaces over HTTP."""
    settings = parts.settings
    limits = Limits(
        body_bytes=settings.http.body_limit,
        intakes_per_minute=settings.http.intakes_per_minute,
        requests_per_minute=settings.http.requests_per_minute,
        unlimited=settings.http.unlimited,
        watchers=settings.http.watchers,
        trusted_proxies=settings.http.trusted_proxies,
    )

    async def accept(channel: Channel, raw: Raw) -> Sequence[Accepted]:
        return await take(channel, raw, parts.mailed.receive, parts.dispatcher.record_receipt)

    application = web.Application(middlewares=[problems], client_max_size=limits.body_bytes)
    application[RECEPTION] = parts.reception
    application[METERS] = parts.meters
    application[SIGN_IN] = parts.sign_in
    application[LIMITS] = limits
    application[DOORS] = {name: one for name, one in parts.channels.items() if isinstance(one, Webhook)}
    application[ACCEPT] = accept
    application[PROFILES] = {name: reading.profile for name, reading in parts.readings.items()}
    application[VISITS] = parts.visits
    asks: dict[str, Part] = {name: partial(_what_is_wrong, health) for name, health in parts.health.items()}
    application[IMPORTING] = parts.imports
    application.on_shutdown.append(lambda _: parts.imports.close())
    application[REPLAYS] = parts.replays
    application[REPLIES] = parts.replies
    letterhead = letterhead_of(settings, parts.renderer, parts.keys)
    papers = Documents(settings.templates_folder, settings.documents.font)
    application[WRITING] = Writer(papers, parts.reception.policy, letterhead)
    application[PARTS] = asks
    application[NOTES] = {"clock": lambda: parts.sweeper.note}
    application[IDENTITY_OF_PHONE] = lambda written: phone_key(_phone(written, settings))
    application[SERVICE_NUMBER_OF] = lambda written: (
        (_phone(written, settings).e164 or "").removeprefix("+86") or written
    )
    application[SITE] = Site(
        name=settings.organisation.name,
        hotline=settings.organisation.hotline,
        signature=settings.organisation.signature,
        profile=settings.profile,
        templates=settings.templates_folder,
        has_chat=bool(parts.visits.channels),
    )
    add_api(application)
    setup_pages(application)
    return application


@contextlib.asynccontextmanager
async def serving(parts: Parts) -> AsyncIterator[str]:
    """The web application, listening as configured; yields its address on this machine.

    Raises:
        OSError: the port is taken or may not be used.
    """
    http = parts.settings.http
    runner = web.AppRunner(
        web_application(parts),
        access_log=None,
        shutdown_timeout=_WEB_CLEAN_STOP,
        keepalive_timeout=LONGEST_SILENCE,
        auto_decompress=False,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, http.host, http.port)
        await site.start()
        yield http.public_url.rstrip("/") or site.name.replace("0.0.0.0", "127.0.0.1")  # noqa: S104  only shown
    finally:
        await runner.cleanup()


def _part_of(transport: Transport) -> str:
    """What a way out is called among the parts: a channel may have its name."""
    return f"transports.{transport.name}"


def _tell_of_sending(
    transports: Mapping[str, Transport], health: Mapping[str, Health], medium: str, reason: str
) -> None:
    """Show what is wrong with the provider of a way out; a chat shows it beside what is wrong with its way in."""
    one = transports[medium]
    if isinstance(one, Channel):
        if reason:
            one.trouble["sending"] = reason
        else:
            one.trouble.pop("sending", None)
    elif reason:
        health[_part_of(one)].ill(reason)
    else:
        health[_part_of(one)].well()


def _unwell_media(transports: Mapping[str, Transport], health: Mapping[str, Health]) -> frozenset[str]:
    """By which media nothing gets out now."""
    parts = {medium: one.name if isinstance(one, Channel) else _part_of(one) for medium, one in transports.items()}
    return frozenset(medium for medium, part in parts.items() if part in health and not health[part].ok)


def _what_is_wrong(health: Health) -> str | None:
    return health.why or None


def _phone(written: str, settings: Settings) -> Phone:
    return read_phone(written, area_code=settings.area_code or None)
