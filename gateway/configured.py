"""What the operator's file names, read and made: policy, channels, transports; each with all its problems at once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gateway.channels.base import Channel, Tabular, Transport, Watched
from gateway.config import Settings
from gateway.errors import ConfigError
from gateway.registry import build
from ticket_core.calendar import Calendar, load_calendar, read_year_files
from ticket_core.directory import Directory
from ticket_core.errors import ProfileError
from ticket_core.policy import Policy
from ticket_core.profile import Profile, load_profile
from ticket_core.source import Source, load_source, with_clocks

#: Ways in and out that every installation has, unless its file says otherwise.
_CHANNELS = {"web": {"kind": "web"}, "phone": {"kind": "phone"}}
_TRANSPORTS = {"preview-email": {"kind": "preview-email"}, "preview-sms": {"kind": "preview-sms"}}
_CHANNEL_KEYS = frozenset({"kind", "profile"})
_TRANSPORT_KEYS = frozenset({"kind"})


@contextlib.contextmanager
def gathered(problems: list[str]) -> Iterator[None]:
    """Put the problems of a `ConfigError` or `ProfileError` into the list, and go on after the block."""
    try:
        yield
    except (ConfigError, ProfileError) as error:
        problems += error.problems


def read_calendar(settings: Settings) -> Calendar:
    """The calendar with the operator's own days.

    Raises:
        ConfigError: with every problem of every file.
    """
    folder = settings.calendar_folder
    try:
        return load_calendar(read_year_files(folder) if folder else ())
    except (OSError, ValueError) as error:
        raise ConfigError([f"calendar_folder: {line}" for line in str(error).splitlines()]) from error


def read_policy(settings: Settings) -> Policy:
    """Profiles, calendar and directory as configured.

    Raises:
        ConfigError: with every problem of every file.
    """
    problems: list[str] = []
    sources = _read_sources(settings, problems)
    profiles: dict[str, Profile] = {}
    folders = [settings.profiles_folder] if settings.profiles_folder else []
    named = {settings.profile} | {str(table["profile"]) for table in settings.channels.values() if "profile" in table}
    for name in sorted(named):
        with gathered(problems):
            profiles[name] = load_profile(name, *folders)
    for source in sources.values():
        if source.profile and source.profile not in named:
            wrong: list[str] = []
            with gathered(wrong):
                profiles[source.profile] = load_profile(source.profile, *folders)
            problems += [f"{source.name}.toml: profile: {problem}" for problem in wrong]
    calendar: Calendar | None = None
    with gathered(problems):
        calendar = read_calendar(settings)
    if problems or calendar is None:
        raise ConfigError(problems)
    return Policy(
        profiles={name: with_clocks(profile, sources) for name, profile in profiles.items()},
        calendar=calendar,
        directory=Directory(settings.people),
        sources=sources,
    )


def profile_of(settings: Settings, table: Mapping[str, Any], sources: Mapping[str, Source]) -> str:
    """The process of the tickets of a channel: the one that it names, else that of its source, else the usual one."""
    source = sources.get(str(table.get("source", "")))
    return str(table.get("profile") or (source.profile if source else "") or settings.profile)


def _read_sources(settings: Settings, problems: list[str]) -> dict[str, Source]:
    """The forwarding bodies of all channels, each from where its channel reads it."""
    sources: dict[str, Source] = {}
    for table in settings.channels.values():
        name, own = str(table.get("source") or ""), table.get("sources_folder")
        if name and name not in sources:
            with gathered(problems):
                sources[name] = load_source(name, *([Path(str(own))] if own else source_folders(settings)))
    return sources


def source_folders(settings: Settings) -> list[Path]:
    """Where the operator keeps sources of his own."""
    return [settings.sources_folder] if settings.sources_folder else []


def channel_tables(settings: Settings) -> Mapping[str, Mapping[str, Any]]:
    """The configuration of every channel, those included that every installation has."""
    return {**_CHANNELS, **settings.channels}


def make_channels(settings: Settings) -> dict[str, Channel]:
    """The channels by name, not yet running.

    Raises:
        ConfigError: with every problem of the section.
    """
    defaults = {"public_url": settings.http.public_url, "sources_folder": settings.sources_folder}
    made: dict[str, Channel] = build("channels", channel_tables(settings), common=_CHANNEL_KEYS, defaults=defaults)
    if problems := [*_watched_twice(made), *_unread_sheets(made)]:
        raise ConfigError(problems)
    return made


def _watched_twice(channels: Mapping[str, Channel]) -> Iterator[str]:
    """Folders that two channels look into."""
    watched: dict[Path, str] = {}
    for name, channel in channels.items():
        if isinstance(channel, Watched) and channel.folder is not None:
            other = watched.setdefault(channel.folder.absolute(), name)
            if other != name:
                yield f"channels.{name}.folder: belongs to channels.{other} already"


def _unread_sheets(channels: Mapping[str, Channel]) -> Iterator[str]:
    """Mailboxes whose sheets nobody reads."""
    readers = sorted(name for name, one in channels.items() if isinstance(one, Tabular))
    for name, channel in channels.items():
        for place, one in enumerate(getattr(channel.settings, "forwarders", ())):
            if one.channel not in readers:
                where = f"channels.{name}.forwarders.{place}.channel"
                yield f"{where}: {one.channel} reads no sheets; those that do: {', '.join(readers) or 'none'}"


def make_transports(settings: Settings, channels: Mapping[str, Channel] = MappingProxyType({})) -> dict[str, Transport]:
    """The transport of each medium: what is configured, else the preview outbox, and the `channels` that answer too.

    Raises:
        ConfigError: with every problem of the section.
    """
    tables = {**_TRANSPORTS, **settings.transports}
    defaults = {"signature": settings.organisation.signature}
    made = build("transports", tables, common=_TRANSPORT_KEYS, defaults=defaults)
    answering = [channel for channel in channels.values() if isinstance(channel, Transport)]
    if doubled := sorted({one.name for one in answering} & {one.medium for one in made.values()}):
        raise ConfigError([f"transports.{name}: a channel of this name answers by itself" for name in doubled])
    return {transport.medium: transport for transport in (*made.values(), *answering)}
