"""What leaves in files: the list of tickets, and reply sheets 反馈表 for forwarding bodies that have no interface."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from gateway.sheets import MEDIA_TYPES, table_in
from gateway.web.api_tickets import filter_of
from gateway.web.auth import Account, require
from gateway.web.keys import RECEPTION, REPLIES
from gateway.web.pages.language import Words, page_locale
from gateway.web.privacy import handles
from gateway.web.problems import Problem
from gateway.web.routes import Route, answer, id_in, id_shape, read_json_if_any, read_query
from gateway.web.schema import TicketQuery as Filters
from gateway.web.schema import Time, Word, validated
from gateway.web.ticket_table import head, rows
from ticket_core.errors import NothingToReport
from ticket_core.model import Ticket
from ticket_core.number import number_of
from ticket_core.store.queries import MOST_PER_PAGE, Listed, TicketFilter, list_tickets
from ticket_core.store.replies import SheetKept
from ticket_core.store.reporting import Unreported
from ticket_core.ticket_shape import Number

_STRICT = ConfigDict(extra="forbid")
_DESK = ("agent", "supervisor")
_PATH = "/api/v1/exports"
_PIECE = 256 << 10
_FILTERS: TypeAdapter[Any] = TypeAdapter(Filters)


class ReplyQuery(TypedDict, total=False):
    """Of which forwarding body; of all where it is left out."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]
    source: Annotated[list[Word], Field(max_length=1)]


class SheetWanted(TypedDict, total=False):
    """How a reply sheet is made; the source says what is left out."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    form: Literal["csv", "xlsx"]
    since: Annotated[Time, Field(description="leave out what happened before")]


_QUERY: TypeAdapter[ReplyQuery] = TypeAdapter(ReplyQuery)
_WANTED: TypeAdapter[SheetWanted] = TypeAdapter(SheetWanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A step that its forwarding body has not heard of; `due_at` is by when it should have."""

    __pydantic_config__ = _STRICT
    notice: int
    number: Number
    source: str
    case_number: str
    channel: str
    event: str
    step: Annotated[str, Field(description="what the body calls it")]
    at: datetime
    due_at: datetime | None
    late: bool
    refused: Annotated[str, Field(description="why the body did not take it, where it was told")]


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """A file in which steps were reported."""

    __pydantic_config__ = _STRICT
    id: int
    source: str
    name: str
    form: str
    sha256: str
    actor: str
    made_at: datetime
    cases: int
    steps: int
    file: Annotated[str, Field(description="path of the file itself, the same bytes every time")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyList:
    """What waits to be reported, the most urgent first, and the newest files."""

    __pydantic_config__ = _STRICT
    waiting: tuple[StepRow, ...]
    sheets: tuple[SheetRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """How many steps the body is told once more."""

    __pydantic_config__ = _STRICT
    steps: int


async def get_replies(request: web.Request) -> web.Response:
    """What waits, and what was reported."""
    await require(request, *_DESK)
    source = "".join(read_query(request, _QUERY).get("source", []))
    replies, now = request.app[REPLIES], datetime.now(UTC)
    waiting, sheets = await replies.waiting(source), await replies.sheets(source)
    return answer(
        ReplyList(waiting=tuple(_step(one, now) for one in waiting), sheets=tuple(sheet_row(one) for one in sheets))
    )


async def post_reply_sheet(request: web.Request) -> web.Response:
    """Make a file of all that waits for one body, and mark it as reported."""
    account = await require(request, *_DESK)
    wanted = validated(_WANTED, await read_json_if_any(request))
    kept = await make_sheet(request, account, form=wanted.get("form", ""), since=wanted.get("since"))
    return answer(sheet_row(kept), 201)


async def make_sheet(
    request: web.Request, account: Account, *, form: str = "", since: datetime | None = None
) -> SheetKept:
    """A sheet for the body in the path, without the confidential cases that this account does not handle.

    Raises:
        Problem: 404 where there is no such body, 409 where nothing waits.
    """
    directory = request.app[RECEPTION].policy.directory

    def may(ticket: Ticket) -> bool:
        return not ticket.complainant.confidential or handles(account, ticket, directory)

    with _problems():
        return await request.app[REPLIES].make(
            request.match_info["source"], actor=account.name, at=datetime.now(UTC), form=form, since=since, may=may
        )


async def post_again(request: web.Request) -> web.Response:
    """Tell a body once more by its interface what it did not take."""
    account = await require(request, *_DESK)
    return answer(Again(steps=await tell_again(request, account)))


async def tell_again(request: web.Request, account: Account) -> int:
    """How many steps the body in the path is told once more.

    Raises:
        Problem: 404 where there is no such body, 409 where it took everything.
    """
    with _problems():
        return await request.app[REPLIES].again(request.match_info["source"], actor=account.name, at=datetime.now(UTC))


@contextlib.contextmanager
def _problems() -> Generator[None]:
    """What callers are told where a body is unknown or heard everything."""
    try:
        yield
    except LookupError as error:
        raise Problem(404, "not-found") from error
    except NothingToReport as error:
        raise Problem(409, "nothing-to-report") from error


async def get_sheet(request: web.Request) -> web.Response:
    """A file of the past, for whoever made it and for supervisors."""
    kept, content = await kept_sheet(request, await require(request, *_DESK))
    headers = {"Content-Disposition": f'attachment; filename="{kept.name}"', "Cache-Control": "no-store"}
    return web.Response(body=content, content_type=MEDIA_TYPES[kept.form], headers=headers)


async def kept_sheet(request: web.Request, account: Account) -> tuple[SheetKept, bytes]:
    """The sheet of the path; it may hold confidential cases.

    Raises:
        Problem: 404 where there is none, 403 for others.
    """
    found = await request.app[REPLIES].content(id_in(request, "id"))
    if found is None:
        raise Problem(404, "not-found")
    if account.role != "supervisor" and found[0].actor != account.name:
        raise Problem(403, "forbidden")
    return found


async def get_tickets(request: web.Request) -> web.StreamResponse:
    """The list with its filters, page after page."""
    await require(request, *_DESK)
    query = read_query(request, _FILTERS)
    wanted, order = filter_of(query), query.get("order", "newest")
    form = request.path.rpartition(".")[2]
    now, words, policy = datetime.now(UTC), Words(page_locale(request)), request.app[RECEPTION].policy
    response = web.StreamResponse(
        headers={
            "Content-Type": MEDIA_TYPES[form],
            "Content-Disposition": f'attachment; filename="tickets-{now:%Y%m%d-%H%M}.{form}"',
            "Cache-Control": "no-store",
        }
    )
    with tempfile.TemporaryFile() as file:  # sent when it is whole: half a list looks like all of it
        table = table_in(file, form, words("console.tickets"))
        table.add([head(words)])
        async for page in _pages(request, wanted, order, now):
            await asyncio.to_thread(table.add, list(rows(page, policy, words, now)))
        await asyncio.to_thread(table.close)
        file.seek(0)
        await response.prepare(request)
        while piece := await asyncio.to_thread(file.read, _PIECE):
            await response.write(piece)
    await response.write_eof()
    return response


async def _pages(
    request: web.Request, wanted: TicketFilter, order: Literal["newest", "due"], now: datetime
) -> AsyncIterator[tuple[Listed, ...]]:
    cursor: str | None = None
    while True:
        page = await request.app[RECEPTION].store.read(
            lambda connection, at=cursor: list_tickets(  # type: ignore[misc]
                connection, wanted, now, cursor=at, limit=MOST_PER_PAGE, order=order
            )
        )
        yield page.rows
        cursor = page.cursor
        if cursor is None:
            return


def _step(one: Unreported, now: datetime) -> StepRow:
    return StepRow(
        notice=one.step.notice_id,
        number=number_of(one.ticket.id),
        source=one.step.source,
        case_number=one.step.case_number,
        channel=one.step.channel,
        event=one.step.event.kind,
        step=one.name,
        at=one.step.event.at,
        due_at=one.due_at,
        late=one.due_at is not None and one.due_at < now,
        refused=one.step.cause,
    )


def sheet_row(one: SheetKept) -> SheetRow:
    """A file as callers see it."""
    return SheetRow(
        id=one.id,
        source=one.source,
        name=one.name,
        form=one.form,
        sha256=one.sha256,
        actor=one.actor,
        made_at=one.made_at,
        cases=one.cases,
        steps=one.steps,
        file=f"{_PATH}/replies/{one.id}/file",
    )


ROUTES = (
    Route(
        method="GET",
        path=f"{_PATH}/replies",
        run=get_replies,
        who="staff",
        summary="待反馈步骤与反馈表 Steps that wait to be reported to forwarding bodies, and reply sheets",
        query=ReplyQuery,
        gives=ReplyList,
        problems=(422,),
    ),
    Route(
        method="POST",
        path=f"{_PATH}/replies/{{source}}",
        run=post_reply_sheet,
        who="staff",
        summary="生成反馈表 Make a reply sheet of all that waits for a body, marked as reported with it",
        body=SheetWanted,
        body_required=False,
        gives=SheetRow,
        status=201,
        problems=(400, 404, 409, 413, 415, 422, 503),
    ),
    Route(
        method="POST",
        path=f"{_PATH}/replies/{{source}}/again",
        run=post_again,
        who="staff",
        summary="再次回传 Tell a body once more by its interface what it did not take",
        gives=Again,
        problems=(403, 404, 409),
    ),
    Route(
        method="GET",
        path=f"{_PATH}/replies/{{id}}/file",
        run=get_sheet,
        who="staff",
        summary="反馈表 The file itself, CSV or XLSX, the same bytes every time",
        parameters={"id": id_shape("反馈表编号 a sheet's id")},
        gives=str,
        media_type=MEDIA_TYPES["xlsx"],
        problems=(403, 404),
    ),
    *(
        Route(
            method="GET",
            path=f"{_PATH}/tickets.{form}",
            run=get_tickets,
            who="staff",
            summary=f"导出工单 The list with its filters, personal data masked, as {form.upper()}",
            query=Filters,
            gives=str,
            media_type=media_type,
            problems=(403, 422),
        )
        for form, media_type in MEDIA_TYPES.items()
    ),
)
