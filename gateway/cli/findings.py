"""What can be wrong with a configuration although every value of it is valid: pure functions, one problem a line."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from gateway.almanac import missing_year
from gateway.channels.base import Channel, Transport
from gateway.config import Settings
from gateway.configured import gathered, source_folders
from gateway.documents import Documents
from gateway.documents import check as check_documents
from gateway.render import Renderer
from gateway.render import check as check_templates
from gateway.web.open311 import Open311
from ticket_core.directory import Person
from ticket_core.policy import Policy
from ticket_core.profile import Profile
from ticket_core.source import load_source, source_names

#: Values of a setting `security` that leave a connection in the clear.
_IN_THE_CLEAR = frozenset({"none", "plain", "", "False"})
_ROLES_OF_DIRECTORY = frozenset({"agent", "handler", "supervisor", "admin"})


def of_templates(renderer: Renderer) -> Iterator[str]:
    """Everything wrong with the templates."""
    for problem in check_templates(renderer):
        yield f"templates/{problem.file}: {problem.reason}"


def of_documents(settings: Settings) -> Iterator[str]:
    """Everything wrong with the templates of documents."""
    for problem in check_documents(Documents(settings.templates_folder)):
        yield f"templates/{problem}"


def of_sources(settings: Settings, known: Sequence[str]) -> Iterator[str]:
    """Everything wrong with the sources that could be used, also those that no channel names; not what is known."""
    folders = source_folders(settings)
    found: list[str] = []
    for name in source_names(*folders):
        with gathered(found):
            load_source(name, *folders)
    yield from (problem for problem in found if problem not in known)


def of_notices(policy: Policy, renderer: Renderer) -> Iterator[str]:
    """Notices that a profile names and nobody has written."""
    known = set(renderer.notices("zh-CN"))
    for profile in policy.profiles.values():
        for name in sorted({rule.notice for rule in profile.notify} - known):
            yield f"{profile.name}.toml: notify: there is no notice {name} in templates/notices/zh-CN"


def of_directory(people: tuple[Person, ...], policy: Policy) -> Iterator[str]:
    """Groups that nobody handles, people in groups or roles that do not exist, people twice."""
    for name, count in Counter(person.name for person in people).items():
        if count > 1:
            yield f"people.{name}: named {count} times"
    groups = {group.name for profile in policy.profiles.values() for group in profile.groups}
    roles = _ROLES_OF_DIRECTORY | {
        role for profile in policy.profiles.values() for action in profile.actions for role in action.by
    }
    for person in people:
        for group in person.groups:
            if group not in groups:
                yield f"people.{person.name}.groups: no profile has a group {group}; there are {_listed(groups)}"
        for role in person.roles:
            if role not in roles:
                yield f"people.{person.name}.roles: no role {role}; there are {_listed(roles)}"
    for profile in policy.profiles.values():
        yield from _unhandled(profile, people)


def _unhandled(profile: Profile, people: tuple[Person, ...]) -> Iterator[str]:
    handled = {group for person in people if "handler" in person.roles for group in person.groups}
    for group in profile.groups:
        if group.name not in handled:
            yield f"people: nobody handles the group {group.name} of the profile {profile.name}"
    if any(rule.to == "supervisor" for rule in profile.notify) and not any("supervisor" in one.roles for one in people):
        yield f"people: nobody is a supervisor, whom the profile {profile.name} wants to tell"


def of_mailboxes(settings: Settings, channels: Mapping[str, Channel]) -> Iterator[str]:
    """Mailboxes that are read and written, or read twice; our own addresses among the people we write to."""
    read: dict[tuple[str, str], str] = {}
    own: dict[str, str] = {}
    for name, channel in channels.items():
        for address in getattr(channel.settings, "own", ()):
            if address in own:
                yield f"channels.{name}.address: {address} belongs to channels.{own[address]} already"
            own[address] = name
        box = getattr(channel.settings, "imap", None)
        if box is not None:
            place = (box.host.casefold(), box.user.casefold())
            if place in read:
                yield f"channels.{name}.imap: this mailbox is read by channels.{read[place]} already"
            read[place] = name
    users = {user: name for (_, user), name in read.items()}
    for name, table in settings.transports.items():
        user = str(table.get("user", "")).casefold()
        if user in users:
            yield (
                f"transports.{name}.user: the mailbox that channels.{users[user]} reads; "
                "mail that is sent from it would come in again, use another one"
            )
    for person in settings.people:
        if person.email.casefold() in own:
            yield (
                f"people.{person.name}.email: the address of channels.{own[person.email.casefold()]}; "
                "what is sent there would come in again as a complaint"
            )


def of_jurisdictions(channels: Mapping[str, Channel]) -> Iterator[str]:
    """Open311 endpoints of ours that no program can tell apart."""
    named: dict[str, list[str]] = {}
    for name, channel in channels.items():
        if isinstance(channel, Open311):
            named.setdefault(channel.settings.jurisdiction_id.casefold(), []).append(name)
    several = sum(map(len, named.values())) > 1
    for jurisdiction, names in named.items():
        if len(names) > 1 or (several and not jurisdiction):
            yield f"channels.{names[-1]}.jurisdiction_id: each of several Open311 endpoints needs one of its own"


def of_transports(transports: Iterable[Transport]) -> Iterator[str]:
    """Warnings: SMS that operators will refuse, and bounces that nobody will recognise."""
    for one in transports:
        settings = one.settings
        if getattr(settings, "signature", None) == "" and not getattr(settings, "signs_itself", False):
            yield f"transports.{one.name}.signature: empty; operators in the mainland refuse SMS without 【…】"
        bounce = getattr(settings, "bounce_address", "")
        if bounce and bounce.rpartition("@")[0].casefold() != "bounce":
            yield (
                f"transports.{one.name}.bounce_address: {bounce} is not bounce@…; "
                "of bounces to any other address it is not known which notice they are about"
            )


def of_borders(channels: Mapping[str, Channel]) -> Iterator[str]:
    """Warnings: ways in whose providers take personal data out of the mainland (PIPL, articles 38 to 40)."""
    for name, channel in channels.items():
        if provider := getattr(channel, "overseas", ""):
            yield (
                f"channels.{name}: {provider} takes what people write out of the mainland; "
                "that needs their separate consent and one of the grounds of PIPL article 38"
            )


def of_proof(channels: Mapping[str, Channel]) -> Iterator[str]:
    """Warnings: pushes that carry a word of proof and no signature of what they say."""
    for name, channel in channels.items():
        for key in ("aes_key", "encrypt_key"):
            if getattr(channel.settings, key, None) == "":
                yield f"channels.{name}.{key}: empty; nothing proves that what is pushed was not changed on its way"


def of_forwarders(channels: Mapping[str, Channel]) -> Iterator[str]:
    """Warnings: doors open to everybody whose mails are believed by a header that anybody can write."""
    for name, channel in channels.items():
        door = getattr(channel.settings, "door", None)
        believed = any(one.authserv for one in getattr(channel.settings, "forwarders", ()))
        if believed and door is not None and not _is_local(door.host):
            yield (
                f"channels.{name}.forwarders: believes Authentication-Results although its door is open to other "
                "machines; only a mail server in front of it that takes away such headers of others makes them true"
            )


def in_the_clear(settings: Settings, places: Iterable[tuple[str, Any]]) -> Iterator[str]:
    """Warnings: connections to other machines, and pages for other machines, without TLS."""
    http = settings.http
    if http.public_url.startswith("http://") and not _is_local(urlsplit(http.public_url).hostname or ""):
        yield f"http.public_url: {http.public_url} is not https; keys and passwords travel in the clear"
    if not http.public_url and not _is_local(http.host):
        yield f"http.host: {http.host} is open to other machines without TLS; set http.public_url to its https address"
    for path, place in places:
        url = str(getattr(place, "url", ""))
        if _is_local(str(getattr(place, "host", "") or urlsplit(url).hostname or "")):
            continue
        if str(getattr(place, "security", "tls")) in _IN_THE_CLEAR or url.startswith("http://"):
            yield f"{path}: no TLS"


def of_calendar(policy: Policy, now: datetime) -> Iterator[str]:
    """Warnings: the year whose days are wanted by now and not published."""
    year = missing_year(policy, now)
    if year is not None:
        yield f"calendar_folder: the days of {year} are not published here; deadlines that reach it are provisional"


def unknown_variables(environment: Mapping[str, str]) -> Iterator[str]:
    """Warnings: variables of the environment that look like settings and are none."""
    known = set(Settings.model_fields)
    for name in sorted(environment):
        if name.startswith("GATEWAY_") and name.removeprefix("GATEWAY_").partition("__")[0].lower() not in known:
            yield f"{name}: no such setting"


def endpoints(channels: Mapping[str, Channel], transports: Mapping[str, Transport]) -> Iterator[tuple[str, Any]]:
    """The places of other machines that are configured, with their path; doors of our own are not among them."""
    for section, made in (("channels", channels.items()), ("transports", transports.items())):
        for _, adapter in made:
            yield from _endpoints(f"{section}.{adapter.name}", adapter.settings)


def _endpoints(path: str, part: Any) -> Iterator[tuple[str, Any]]:
    if getattr(part, "url", "") or (hasattr(part, "host") and not path.endswith(".door")):
        yield path, part
    if dataclasses.is_dataclass(part):
        for one in dataclasses.fields(part):
            value = getattr(part, one.name)
            if dataclasses.is_dataclass(value):
                yield from _endpoints(f"{path}.{one.name}", value)


def _is_local(host: str) -> bool:
    try:
        return host in {"", "localhost"} or ip_address(host).is_loopback
    except ValueError:
        return False


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
