"""Lists of tickets: by view and filter, those that wait for triage, and those whose deadlines are near or past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection

from gateway.web.auth import Account, require
from gateway.web.keys import IDENTITY_OF_PHONE, RECEPTION
from gateway.web.pages.citizen_form import profile_of
from gateway.web.pages.console_rows import row_of
from gateway.web.pages.language import Words
from gateway.web.pages.show import OPEN_TO, show, words_of
from gateway.web.privacy import shown_person
from gateway.web.problems import wrong_field
from ticket_core.model import GRADES, STAGES
from ticket_core.policy import Policy
from ticket_core.profile import Profile
from ticket_core.store.queries import (
    BadCursor,
    Listed,
    Page,
    TicketFilter,
    count_tickets,
    find_person,
    list_tickets,
)

_PER_PAGE = 50
_SOON = timedelta(days=1)
_CHOICES = ("stage", "grade", "kind", "group")


def views_of(account: Account, policy: Policy) -> Mapping[str, TicketFilter]:
    """The views of the list that somebody has, by name."""
    person = policy.directory.person(account.name)
    views = {"mine": TicketFilter(assignee=(account.name,), open=True)}
    if person is not None and person.groups:
        views["group"] = TicketFilter(group=person.groups, open=True)
    views["transit"] = TicketFilter(open=True)
    views["overdue"] = TicketFilter(open=True, overdue=True)
    if account.role in OPEN_TO["/console/triage"]:
        views["triage"] = TicketFilter(open=True, triage=True)
    views["all"] = TicketFilter()
    return views


async def tickets(request: web.Request) -> web.Response:
    """``GET /console/``."""
    account = await require(request, *OPEN_TO["/console/"])
    first = "mine" if account.role == "handler" else "transit"
    return await _list(request, account, request.query.get("view", first), "/console/")


async def triage(request: web.Request) -> web.Response:
    """``GET /console/triage``."""
    account = await require(request, *OPEN_TO["/console/triage"])
    return await _list(request, account, "triage", "/console/triage")


async def _list(request: web.Request, account: Account, view: str, here: str) -> web.Response:
    reception, words, now = request.app[RECEPTION], words_of(request), datetime.now(UTC)
    policy = reception.policy
    views = views_of(account, policy)
    view = view if view in views else "transit"
    given = {name: request.query.get(name, "").strip()[:200] for name in ("q", *_CHOICES)}
    wanted = _narrowed(views[view], given)
    identity = request.app[IDENTITY_OF_PHONE](given["q"]) if given["q"] else None
    cursor = request.query.get("cursor")

    def look(connection: Connection) -> tuple[Page[Listed], dict[str, int]]:
        # All there ever were would be counted row by row.
        counts = {name: _count(connection, one, now) for name, one in views.items() if name != "all"}
        if identity is not None:
            person = find_person(connection, identities=(identity,), window_from=now, window_to=now)
            person = shown_person(person, account, policy.directory)
            return Page(rows=(*person.in_transit, *person.history)), counts
        return list_tickets(connection, wanted, now, cursor=cursor, limit=_PER_PAGE), counts

    try:
        page, counts = await reception.store.read(look)
    except BadCursor:
        raise wrong_field("cursor", "bad_cursor") from None
    query = {"view": view, **{name: value for name, value in given.items() if value}}
    return await show(
        request,
        "console/tickets",
        here=here,
        view=view,
        views=[(name, f"/console/?{urlencode({'view': name})}", counts.get(name, "")) for name in views],
        given=given,
        filtered=any(given.values()),
        choices=_choices(profile_of(request.app), words),
        rows=[row_of(one.ticket, one.next_due_at, policy, words.locale, now) for one in page.rows],
        total=counts.get(view) if wanted == views[view] else None,
        first=f"/console/?{urlencode(query)}" if cursor else "",
        next=f"/console/?{urlencode({**query, 'cursor': page.cursor})}" if page.cursor else "",
    )


def _narrowed(wanted: TicketFilter, given: Mapping[str, str]) -> TicketFilter:
    """A view with the filters of the form; a filter that the view has already is the view's."""
    chosen = {name: (given[name],) for name in _CHOICES if given[name] and not getattr(wanted, name)}
    return replace(wanted, q=given["q"], **chosen)  # type: ignore[arg-type]  # _CHOICES are the tuples of names


def _count(connection: Connection, wanted: TicketFilter, now: datetime) -> int:
    return sum(count_tickets(connection, "stage", wanted, now).values())


def _choices(profile: Profile, words: Words) -> list[tuple[str, str, list[tuple[str, str]]]]:
    return [
        ("stage", words("list.stage"), [(name, words(f"stage.{name}")) for name in STAGES]),
        ("grade", words("list.grade"), [(name, words(f"grade.{name}")) for name in GRADES]),
        ("kind", words("list.kind"), [(name, words(f"kind.{name}")) for name in profile.kinds]),
        (
            "group",
            words("list.owner_group"),
            [(one.name, profile.label_of("group", one.name, words.locale)) for one in profile.groups],
        ),
    ]


async def deadlines(request: web.Request) -> web.Response:
    """``GET /console/deadlines``: what is past, and what is due within a day."""
    account = await require(request, *OPEN_TO["/console/deadlines"])
    reception, words, now = request.app[RECEPTION], words_of(request), datetime.now(UTC)
    person = reception.policy.directory.person(account.name)
    own = person.groups if account.role == "handler" and person is not None else ()
    cursor = request.query.get("cursor")
    try:
        page = await reception.store.read(
            lambda c: list_tickets(
                c, TicketFilter(open=True, group=own), now, cursor=cursor, limit=_PER_PAGE, order="due"
            )
        )
    except BadCursor:
        raise wrong_field("cursor", "bad_cursor") from None
    rows = [row_of(one.ticket, one.next_due_at, reception.policy, words.locale, now) for one in page.rows]
    near = [row for row in rows if row.due_at is not None and row.due_at < now + _SOON]
    return await show(
        request,
        "console/deadlines",
        here="/console/deadlines",
        overdue=[row for row in near if row.late],
        soon=[row for row in near if not row.late],
        next=f"/console/deadlines?{urlencode({'cursor': page.cursor})}" if page.cursor and near == rows else "",
    )
