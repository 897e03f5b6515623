"""How a page of a chat begins, listens and fetches files; what it says goes to ``POST /channels/{name}``.

The stream is one of server-sent events that a page reads with a header of its own, so that the token stands in no
address. Where something between us holds it back, the page asks for the lines every few seconds instead.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import orjson
from aiohttp import web
from pydantic import ConfigDict, Field

from gateway.channels.base import Hosted, Visitor
from gateway.message import InboundMessage, Raw
from gateway.web.auth import check_origin
from gateway.web.callers import address_of, throttle
from gateway.web.chat.transcript import Transcript, TranscriptLine
from gateway.web.chat.visits import VISITS
from gateway.web.keys import LIMITS, RECEPTION
from gateway.web.pages.show import download
from gateway.web.problems import Problem
from gateway.web.routes import Route, answer
from ticket_core.errors import StoreError
from ticket_core.store.transcript import load_raw

_STRICT = ConfigDict(extra="forbid")
_BEAT = 15.0  # seconds after which a silent stream shows that it is alive; proxies cut what is silent for 30 or 60
_LOOK_EVERY = 3.0  # seconds after which the place of a page that went away is free again
_LONGEST = 600.0  # seconds of one stream; the page comes again by itself
_WRITE_WITHIN = 20.0  # seconds; who does not read holds a place for nothing
_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",  # nginx hands on what it has
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSession:
    """A visitor's session: the token goes into ``X-Chat-Session``, the account into what is pushed."""

    __pydantic_config__ = _STRICT
    token: Annotated[str, Field(description="the secret; shown only here")]
    account: str
    until: Annotated[datetime, Field(description="when it ends unless it is used; the stream hands out a newer one")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """What was said, the oldest first."""

    __pydantic_config__ = _STRICT
    lines: tuple[TranscriptLine, ...]
    session: OpenedSession | None = None


def hosted(request: web.Request) -> Hosted:
    """The chat of this address; without a name the first there is.

    Raises:
        Problem: 404.
    """
    channels = request.app[VISITS].channels
    name = request.match_info.get("name") or next(iter(channels), "")
    if name not in channels:
        raise Problem(404, "not-found")
    return channels[name]


def visitor_of(request: web.Request, channel: Hosted) -> Visitor:
    """Whose session this request carries.

    Raises:
        Problem: 401.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    visitor = channel.visitor(channel.token_of(headers), datetime.now(UTC))
    if visitor is None:
        raise Problem(401, "session-ended")
    return visitor


async def begin(request: web.Request) -> web.Response:
    """``POST /chat/{name}/sessions``: a session; nothing is stored before something is said."""
    check_origin(request)
    return answer(_opened(hosted(request).new_visitor(datetime.now(UTC))), 201)


async def lines(request: web.Request) -> web.Response:
    """``GET /chat/{name}/lines``: what was said, for a page whose stream is held back."""
    channel = hosted(request)
    visitor = visitor_of(request, channel)
    said = await request.app[RECEPTION].store.read(Transcript(channel, visitor.account).fresh)
    return answer(Lines(lines=tuple(said), session=_opened(visitor) if visitor.is_renewed else None))


async def stream(request: web.Request) -> web.StreamResponse:
    """``GET /chat/{name}/stream``: what was said, and then each line as it comes."""
    throttle(request, "request")
    channel = hosted(request)
    visitor = visitor_of(request, channel)
    visits = request.app[VISITS]
    address = address_of(request)
    if address in request.app[LIMITS].unlimited:
        address = ""
    with visits.listening(channel, visitor.account, address) as news:
        response = web.StreamResponse(headers=_HEADERS)
        await response.prepare(request)
        try:
            if visitor.is_renewed:
                await _write(response, _event("session", _opened(visitor)))
            await _tell(request, response, channel, visitor.account, news)
            await response.write_eof()
        except (ConnectionError, TimeoutError, StoreError):
            pass  # it went away, or comes again: the lines are in the store
    return response


async def _tell(
    request: web.Request, response: web.StreamResponse, channel: Hosted, account: str, news: asyncio.Event
) -> None:
    store, visits, clock = request.app[RECEPTION].store, request.app[VISITS], asyncio.get_running_loop().time
    transcript, end = Transcript(channel, account), clock() + _LONGEST
    await _write(response, _event("lines", await store.read(transcript.fresh)))  # even of none: now it listens
    beat = clock() + _BEAT
    while not visits.is_closing and clock() < end and request.transport is not None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_EVERY):
                await news.wait()
        if news.is_set():
            news.clear()
            if fresh := await store.read(transcript.fresh):
                await _write(response, _event("lines", fresh))
                beat = clock() + _BEAT
        if clock() >= beat:
            await _write(response, b": \n\n")
            beat = clock() + _BEAT


async def file(request: web.Request) -> web.Response:
    """``GET /chat/{name}/files/{id}``: a file that this visitor sent, only ever as a download."""
    throttle(request, "request")
    channel = hosted(request)
    visitor = visitor_of(request, channel)
    key = f"{channel.name}:{channel.external_id(visitor.account, request.match_info['id'])}"
    body = await request.app[RECEPTION].store.read(partial(load_raw, source_key=key))
    if body is None:
        raise Problem(404, "not-found")
    raw = Raw(channel=channel.name, body=body, received_at=datetime.now(UTC))
    try:
        said = await asyncio.to_thread(channel.parse, raw)
    except ValueError:
        raise Problem(404, "not-found") from None
    files = [one for message in said if isinstance(message, InboundMessage) for one in message.attachments]
    if not files:
        raise Problem(404, "not-found")
    return download(files[0].content, files[0].name)


def _opened(visitor: Visitor) -> OpenedSession:
    return OpenedSession(token=visitor.token, account=visitor.account, until=visitor.until)


def _event(name: str, value: OpenedSession | Sequence[TranscriptLine]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(value))


async def _write(response: web.StreamResponse, some: bytes) -> None:
    async with asyncio.timeout(_WRITE_WITHIN):
        await response.write(some)


ROUTES = (
    Route(
        method="POST",
        path="/chat/{name}/sessions",
        run=begin,
        who="anybody",
        summary="开始会话 Begin a web chat",
        gives=OpenedSession,
        status=201,
        limit="intake",
        problems=(403, 404),
    ),
    Route(
        method="GET",
        path="/chat/{name}/lines",
        run=lines,
        who="visitor",
        summary="会话记录 What was said in a web chat",
        gives=Lines,
        problems=(401, 404),
    ),
)
