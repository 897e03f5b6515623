"""What an Open311 endpoint shows: where it is, what can be reported, and what became of what was reported."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Final

from aiohttp import web

from gateway.web.callers import throttle
from gateway.web.keys import RECEPTION
from gateway.web.open311.asking import (
    Asked,
    answer,
    asked_by,
    check_may_read,
    endpoints,
    listed,
    not_found,
    open_of,
    range_of,
    whole_number,
)
from gateway.web.open311.views import (
    definition_view,
    request_view,
    service_of,
    service_view,
    update_view,
)
from gateway.web.pages.show import SITE, Site
from gateway.web.problems import Problem
from ticket_core.model import Ticket
from ticket_core.number import number_of, ticket_id_of
from ticket_core.store.published import MOST_PUBLISHED, Published, list_changes, list_published, load_published

SPECIFICATION: Final = "http://wiki.open311.org/GeoReport_v2"
_STARTED = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")


async def get_discovery(request: web.Request) -> web.Response:
    """``GET discovery``: what is offered changes with a start."""
    throttle(request, "request")
    known = endpoints(request.app)
    if not known:
        raise Problem(404, "not-found")
    settings = known[0].settings
    site = request.app.get(SITE) or Site()
    contact = " ".join(filter(None, (site.name, site.hotline)))
    base = settings.public_url.rstrip("/") or f"{request.scheme}://{request.host}"
    endpoint = {
        "specification": SPECIFICATION,
        "url": f"{base}/open311/v2",
        "changeset": _STARTED,
        "type": settings.endpoint_type,
        "formats": ["text/xml", "application/json"],
    }
    document = {
        "changeset": _STARTED,
        "contact": settings.contact or contact,
        "key_service": settings.key_service or settings.contact or contact,
        "endpoints": [endpoint],
    }
    return answer(request, "discovery", document)


async def get_services(request: web.Request) -> web.Response:
    """``GET services``."""
    asked = _asked(request)
    return answer(request, "services", [service_view(one) for one in asked.services])


async def get_definition(request: web.Request) -> web.Response:
    """``GET services/{code}``."""
    asked = _asked(request)
    return answer(request, "service_definition", definition_view(asked.service(request.match_info["code"])))


async def get_token(request: web.Request) -> web.Response:
    """``GET tokens/{token}``: whoever holds a token learns the number it stands for."""
    _asked(request)
    token = request.match_info["token"]
    number, _, key = token.partition(".")
    ticket_id = ticket_id_of(number)
    statement = request.app[RECEPTION].keys.statement_of_key(ticket_id or 0, key if key.isascii() else "")
    if ticket_id is None or statement is None:
        raise not_found("token")
    return answer(request, "service_requests", [{"service_request_id": number_of(ticket_id), "token": token}])


async def get_requests(request: web.Request) -> web.Response:
    """``GET requests``: those that are named, or those received in a time, at most 1,000."""
    asked = _asked(request)
    check_may_read(request, asked.channel)
    store = request.app[RECEPTION].store
    if named := listed(request, "service_request_id")[:MOST_PUBLISHED]:
        ids = {ticket_id for one in named if (ticket_id := ticket_id_of(one)) is not None}
        return _shown(request, asked, await store.read(partial(load_published, channel=asked.channel.name, ids=ids)))
    since, until = range_of(request, datetime.now(UTC))
    codes = {asked.service(code).code for code in listed(request, "service_code")}

    def wanted(ticket: Ticket) -> bool:
        service = service_of(ticket, asked.services)
        return not codes or (service is not None and service.code in codes)

    size = whole_number(request, "page_size", MOST_PUBLISHED, MOST_PUBLISHED)
    page = whole_number(request, "page", 1, MOST_PUBLISHED)
    found = await store.read(
        partial(
            list_published,
            channel=asked.channel.name,
            since=since,
            until=until,
            open=open_of(request),
            wanted=wanted,
            limit=size,
            skip=(page - 1) * size,
        )
    )
    return _shown(request, asked, found)


async def get_request(request: web.Request) -> web.Response:
    """``GET requests/{id}``."""
    asked = _asked(request)
    check_may_read(request, asked.channel)
    ticket_id = ticket_id_of(request.match_info["id"])
    ids = [] if ticket_id is None else [ticket_id]
    load = partial(load_published, channel=asked.channel.name, ids=ids)
    found = await request.app[RECEPTION].store.read(load)
    if not found:
        raise not_found("service_request_id")
    return _shown(request, asked, found)


async def get_updates(request: web.Request) -> web.Response:
    """``GET servicerequestupdates``: what happened in a time, the oldest first, at most 1,000."""
    asked = _asked(request)
    check_may_read(request, asked.channel)
    since, until = range_of(request, datetime.now(UTC), most=None)
    load = partial(list_changes, channel=asked.channel.name, since=since, until=until)
    profiles = request.app[RECEPTION].policy.profiles
    told = [
        update_view(ticket, event, asked.channel, profiles[ticket.profile], asked.locale)
        for ticket, event in await request.app[RECEPTION].store.read(load)
    ]
    return answer(request, "service_request_updates", told)


def _asked(request: web.Request) -> Asked:
    throttle(request, "request")
    return asked_by(request, request.query.get("jurisdiction_id", ""))


def _shown(request: web.Request, asked: Asked, found: list[Published]) -> web.Response:
    profiles = request.app[RECEPTION].policy.profiles
    told = [
        request_view(one, asked.channel, asked.services, profiles[one.ticket.profile], asked.locale) for one in found
    ]
    return answer(request, "service_requests", told)
