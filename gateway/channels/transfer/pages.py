"""An interface that lists cases, asked page by page: where its list, pages and result code stand is configured."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import orjson
from pydantic import ConfigDict, Field

from gateway.channels.api import Api, Reply
from gateway.channels.paths import found, text_of
from gateway.channels.transfer.seal import Envelope
from gateway.channels.transfer.signing import Signature
from gateway.errors import GatewayError, TransientDelivery

_ANSWER_LIMIT = 16 << 20  # bytes of one page
_MOST_PAGES = 10_000  # of one look; an interface that never ends is broken

Item = dict[str, Any]


class PullFailed(GatewayError):
    """The interface did not answer with cases; `wait` is how long it wants to be left alone, where it said so."""

    def __init__(self, reason: str, *, wait: timedelta | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """``[channels.NAME.pull]``: the interface `url`, asked by `method` with `parameters` and what follows.

    `items` is the path of the list in an answer; empty: it is the answer. `code` is the path of its result code, taken
    where it is one of `code_ok`.

    `by` is what grows from case to case, ``time`` or ``id``; `grows` its path in a case, `since` the parameter that
    asks for what is newer, `start` where the first look begins. Times are asked for as `time_format` says (strptime's,
    ``unix`` or ``unix-ms``), in the zone of the source. Each look asks again for the last `overlap`, or the last
    `overlap_ids` numbers, as cases may come late and out of order. `until`, where it is named, gets the time of asking,
    so that the pages of one look stay as they are.

    `paging`: ``none``, ``page`` and ``offset`` count in the parameter `page`, ``token`` puts there what an answer has
    under `next` (or asks its address), ``cursor`` asks again with what grows, for lists in its order. `size`: the
    parameter for how many, `page_size`.

    `token` goes into `header` behind `prefix`; with a key of the channel requests are signed
    too. Every `every` seconds it is asked; `timeout` of the channel bounds each request.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    url: Annotated[str, Field(pattern=r"^https?://[^#@\s]+$")]
    method: Literal["GET", "POST"] = "GET"
    parameters: Mapping[str, str | int | bool] = field(default_factory=dict)
    token: Annotated[str, Field(min_length=8)] | None = field(default=None, repr=False)
    header: str = "Authorization"
    prefix: str = "Bearer "
    items: str = ""
    code: str = ""
    code_ok: tuple[str, ...] = ("0", "200", "ok", "success", "true")
    by: Literal["time", "id"] = "time"
    grows: Annotated[str, Field(min_length=1)]
    since: Annotated[str, Field(min_length=1)]
    until: str = ""
    start: str
    time_format: str = "%Y-%m-%d %H:%M:%S"
    overlap: Annotated[timedelta, Field(ge=timedelta(0))] = timedelta(hours=1)
    overlap_ids: Annotated[int, Field(ge=0)] = 100
    paging: Literal["none", "page", "offset", "token", "cursor"] = "page"
    page: str = "page"
    first_page: int = 1
    next: str = ""
    size: str = ""
    page_size: Annotated[int, Field(ge=1, le=10_000)] = 100
    every: Annotated[float, Field(ge=1, le=86_400)] = 60.0


class Pages:
    """The pages of one interface."""

    def __init__(self, pull: Pull, api: Api, signature: Signature, envelope: Envelope) -> None:
        self._pull = pull
        self._api = api
        self._signature = signature
        self._envelope = envelope

    async def since(self, asked: str, until: str) -> AsyncIterator[list[Item]]:
        """Page after page of what is newer than `asked`.

        Raises:
            PullFailed: no answer, or one that holds no cases; why is told without what the answer said.
        """
        pull = self._pull
        named = {pull.since: asked, pull.until: until, pull.size: pull.page_size}
        ask: dict[str, Any] = {**pull.parameters, **{name: value for name, value in named.items() if name}}
        url = pull.url
        for number in range(_MOST_PAGES):
            match pull.paging:
                case "page":
                    ask[pull.page] = pull.first_page + number
                case "offset":
                    ask[pull.page] = pull.page_size * number
            document = await self._document(url, ask)
            items = self._items(document)
            yield items
            if pull.paging == "token":
                token = text_of(found(document, pull.next)) if isinstance(document, dict) else ""
                if not token:
                    return
                if token.startswith(("http://", "https://", "/")):
                    url, ask = self._same_place(token), {}
                else:
                    ask[pull.page] = token
            elif pull.paging in ("none", "cursor") or len(items) < pull.page_size:
                return
        raise PullFailed(f"more than {_MOST_PAGES} pages")

    async def _document(self, url: str, ask: Mapping[str, Any]) -> Any:
        pull = self._pull
        query = {name: text_of(value) for name, value in ask.items()} if pull.method == "GET" else {}
        body = b"" if pull.method == "GET" else orjson.dumps(ask)
        marked = self._signature.mark(body, datetime.now(UTC), query=query)
        headers = {"Accept": "application/json", **marked.headers}
        if body:
            headers["Content-Type"] = "application/json; charset=utf-8"
        if pull.token:
            headers[pull.header] = f"{pull.prefix}{pull.token}"
        try:
            reply = await self._api.call(
                pull.method,
                url,
                query={**query, **marked.query},
                body=marked.body or None,
                headers=headers,
                limit=_ANSWER_LIMIT,
            )
        except TransientDelivery as error:
            raise PullFailed(error.reason, wait=error.retry_after) from error
        return self._read(reply)

    def _read(self, reply: Reply) -> Any:
        if reply.status in (401, 403):
            raise PullFailed(f"HTTP {reply.status}: our credentials are not taken")
        if reply.status >= 300:
            raise PullFailed(f"HTTP {reply.status}", wait=reply.wait)
        document: Any = None
        for content in self._envelope.readings(reply.content):
            try:
                document = orjson.loads(content)
                break
            except ValueError:
                continue
        else:
            raise PullFailed("the answer is not JSON")
        code = text_of(found(document, self._pull.code)).casefold()
        if self._pull.code and code not in {one.casefold() for one in self._pull.code_ok}:
            raise PullFailed(f"{self._pull.code}: {code[:40] or 'missing'}")
        return document

    def _items(self, document: Any) -> list[Item]:
        items = found(document, self._pull.items) if self._pull.items else document
        within = self._pull.items.rpartition(".")[0]
        if items is None and (self._pull.code or (within and found(document, within) is not None)):
            items = []  # it says that all is well, and has none
        if not isinstance(items, list):
            raise PullFailed(f"{self._pull.items or 'the answer'}: no list")
        return [one if isinstance(one, dict) else {"": one} for one in items]

    def _same_place(self, address: str) -> str:
        """The next page's address; our credentials go to no other machine."""
        own, other = urlsplit(self._pull.url), urlsplit(address)
        if other.netloc and (other.scheme, other.netloc) != (own.scheme, own.netloc):
            raise PullFailed(f"{self._pull.next}: leads to another machine")
        return f"{own.scheme}://{own.netloc}{other.path}{'?' if other.query else ''}{other.query}"
