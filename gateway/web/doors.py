"""The doors of the webhook channels: read, limit, verify, commit, and only then answer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial

from aiohttp import web

from gateway.channels.base import Answer, Hosted, Webhook
from gateway.errors import Refused
from gateway.message import Raw
from gateway.web.auth import check_origin
from gateway.web.callers import forgive, throttle
from gateway.web.chat.stream import visitor_of
from gateway.web.chat.visits import VISITS
from gateway.web.keys import ACCEPT, DOORS
from gateway.web.meters import METERS
from gateway.web.patience import in_time
from gateway.web.problems import Problem

PATH = "/channels/{name}"
_LARGE = 256 << 10  # bytes beyond which their digest takes long enough to leave the event loop


def add_doors(app: web.Application) -> None:
    """Serve ``/channels/{name}`` for the channels under `DOORS`."""
    app.router.add_route("GET", PATH, knock)
    app.router.add_route("POST", PATH, knock)


async def knock(request: web.Request) -> web.Response:
    """One push of a platform, or its check of our address."""
    throttle(request, "request")
    channel = request.app[DOORS].get(request.match_info["name"])
    if channel is None:
        raise Problem(404, "not-found")
    if isinstance(channel, Hosted) and request.method == "POST":
        return await _heard(request, channel)
    raw = await _raw(request, channel)
    try:
        challenge = channel.challenge(raw)
        if challenge is not None:
            return _answered(challenge)
        if request.method == "GET" and not channel.by_get:
            raise Problem(405, "method-not-allowed", headers={"Allow": "POST"})
        await _prove(channel, raw)
        forgive(request, "request")
        accepted = await request.app[ACCEPT](channel, raw)
    except Refused as refused:
        request.app[METERS].count_input(channel.name, "refused")
        told = channel.refusal(refused)
        if told is None:
            raise
        return _answered(told)
    return _answered(channel.answer_to(raw, accepted))


async def _heard(request: web.Request, channel: Hosted) -> web.Response:
    """What a page of ours pushes: nothing of it is read before its visitor is known, and has not said too much.

    The visitor's other pages hear of it after the commit.
    """
    visits, refused = request.app[VISITS], partial(request.app[METERS].count_input, channel.name, "refused")
    try:
        check_origin(request)
        account = visitor_of(request, channel).account
        visits.count(channel, account)
        if request.content_length is None or request.content_length > _LARGE:
            throttle(request, "intake")  # it brings a file
    except Problem:
        refused()
        raise
    raw = await _raw(request, channel)
    try:
        await _prove(channel, raw)
        accepted = await request.app[ACCEPT](channel, raw)
    except Refused:
        refused()
        raise
    visits.wake(channel.name, account)
    return _answered(channel.answer_to(raw, accepted))


async def _raw(request: web.Request, channel: Webhook) -> Raw:
    return Raw(
        channel=channel.name,
        body=await in_time(read_body(request, channel)),
        received_at=datetime.now(UTC),
        headers={name.lower(): _text(value) for name, value in request.headers.items()},
        query={name: _text(value) for name, value in request.query.items()},
        query_string=request.rel_url.raw_query_string,
        media_type=request.content_type,
    )


async def _prove(channel: Webhook, raw: Raw) -> None:
    """See that an input is authentic.

    Raises:
        Refused: it is not.
    """
    if channel.laborious or len(raw.body) > _LARGE:
        await asyncio.to_thread(channel.verify, raw)
    else:
        channel.verify(raw)


async def read_body(request: web.Request, channel: Webhook, limit: int = 0) -> bytes:
    """The body, up to the channel's own limit or a lower one.

    Raises:
        Problem: 413.
    """
    limit = limit or channel.limit
    body = bytearray()
    if (request.content_length or 0) <= limit:
        async for chunk in request.content.iter_chunked(64 << 10):
            body += chunk
            if len(body) > limit:
                break
        else:
            return bytes(body)
    request.app[METERS].count_input(channel.name, "refused")
    raise Problem(413, "too-large", limit=limit)


def _answered(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status, body=answer.body, content_type=answer.media_type, headers=dict(answer.headers)
    )


def _text(value: str) -> str:
    """What no header may hold is a question mark: half characters would stop whoever compares or keeps them."""
    return value.encode(errors="replace").decode()
