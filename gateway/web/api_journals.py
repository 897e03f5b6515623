"""What came in and what went out, by JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, cast

from aiohttp import web
from pydantic import ConfigDict, Field, TypeAdapter
from sqlalchemy import Connection

from gateway.mask import mask_text
from gateway.message import Replayed
from gateway.web.auth import DESK, Account, require
from gateway.web.keys import RECEPTION, REPLAYS
from gateway.web.privacy import check_may_act, handles, masked_notice
from gateway.web.problems import Problem, wrong_field
from gateway.web.routes import Route, answer, id_in, id_shape, read_query
from gateway.web.schema import InboundQuery, NoticeQuery
from ticket_core.model import NoticeState, Outcome, Ticket
from ticket_core.number import number_of, ticket_id_of
from ticket_core.store.journals import Input, SentNotice, list_inbound, list_notices, load_input
from ticket_core.store.queries import BadCursor
from ticket_core.store.tickets import load_tickets
from ticket_core.ticket_shape import Number

_INBOUND: TypeAdapter[InboundQuery] = TypeAdapter(InboundQuery)
_NOTICES: TypeAdapter[NoticeQuery] = TypeAdapter(NoticeQuery)
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRow:
    """One input and its one outcome; `size` is that of its raw bytes."""

    __pydantic_config__ = _STRICT
    id: int
    channel: str
    external_id: str | None
    sha256: str
    received_at: datetime
    outcome: Outcome
    number: Number | None
    note: str
    actor: str
    raw_type: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InputList:
    """A page of the journal; `cursor` leads to the next, null on the last."""

    __pydantic_config__ = _STRICT
    inbound: tuple[InputRow, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRow:
    """What an input was, and what it is after it was read again."""

    __pydantic_config__ = _STRICT
    id: int
    channel: str
    was: Outcome
    outcome: Annotated[Outcome, Field(description="`duplicate` where nothing changed")]
    number: Number | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """One `try` of ours, one that was `held` because it could not be rendered, or one `receipt` 回执."""

    __pydantic_config__ = _STRICT
    kind: Literal["try", "held", "receipt", "again"]
    at: datetime
    status: str
    provider_id: str
    detail: str
    part: Annotated[str, Field(description="the SMS segment it is about; empty for the whole")]
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """One notice 通知 with everything that happened to it."""

    __pydantic_config__ = _STRICT
    id: int
    number: Annotated[Number | None, Field(description="null for a reply in a conversation that is about no ticket")]
    event_seq: int
    event: Annotated[str, Field(description="the kind of the event it tells of; empty for a reply in a conversation")]
    notice: str
    role: str
    medium: str
    address: Annotated[str, Field(description="masked for those who do not handle the ticket")]
    name: str
    locale: str
    state: NoticeState
    created_at: datetime
    send_at: datetime
    attempts: int
    transport: str
    provider_id: str
    cause: str
    template_version: str
    deliveries: tuple[DeliveryRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeList:
    """A page of notices; `cursor` leads to the next, null on the last."""

    __pydantic_config__ = _STRICT
    notices: tuple[NoticeRow, ...]
    cursor: str | None


async def get_inbound(request: web.Request) -> web.Response:
    """A page of the journal of inputs."""
    await require(request, *DESK)
    query = read_query(request, _INBOUND)
    ticket_id = _ticket(query.get("number"))
    try:
        page = await request.app[RECEPTION].store.read(
            lambda connection: list_inbound(
                connection,
                channel=query.get("channel", ""),
                outcome=query.get("outcome", ""),
                ticket_id=ticket_id,
                cursor=query.get("cursor"),
                limit=query.get("limit", 50),
            )
        )
    except BadCursor:
        raise wrong_field("cursor", "bad_cursor") from None
    return answer(InputList(inbound=tuple(map(_input, page.rows)), cursor=page.cursor))


async def post_replay(request: web.Request) -> web.Response:
    """Read an input of the journal again."""
    done = await replayed(request, await require(request, *DESK), id_in(request, "id"))
    return answer(
        ReplayRow(
            id=done.inbound_id,
            channel=done.channel,
            was=cast(Outcome, done.was),
            outcome=cast(Outcome, done.outcome),
            number=done.ticket,
        )
    )


async def replayed(request: web.Request, account: Account, inbound_id: int) -> Replayed:
    """An input, read again by this account, which must be one that may act on its ticket.

    Raises:
        Problem: 404 where there is none, 403 for others.
    """
    reception = request.app[RECEPTION]

    def look(connection: Connection) -> tuple[bool, Ticket | None]:
        found = load_input(connection, inbound_id)
        ticket_id = found and found[0].ticket_id
        return found is not None, load_tickets(connection, [ticket_id]).get(ticket_id) if ticket_id else None

    known, ticket = await reception.store.read(look)
    if not known:
        raise Problem(404, "not-found")
    if ticket is not None:
        check_may_act(account, ticket, reception.policy.directory)
    return await request.app[REPLAYS].replay(inbound_id, account.name)


async def get_notices(request: web.Request) -> web.Response:
    """A page of notices, each with every delivery."""
    account = await require(request)
    reception = request.app[RECEPTION]
    query = read_query(request, _NOTICES)
    ticket_id = _ticket(query.get("number"))
    try:
        page = await reception.store.read(
            lambda connection: list_notices(
                connection,
                ticket_id=ticket_id,
                state=query.get("state", ""),
                notice_name=query.get("notice", ""),
                cursor=query.get("cursor"),
                limit=query.get("limit", 50),
            )
        )
    except BadCursor:
        raise wrong_field("cursor", "bad_cursor") from None
    ids = {one.ticket_id for one in page.rows}
    tickets = await reception.store.read(lambda connection: load_tickets(connection, ids))

    def clear(ticket: Ticket | None) -> bool:
        return ticket is not None and handles(account, ticket, reception.policy.directory)

    rows = tuple(
        _notice(one if clear(ticket := tickets.get(one.ticket_id)) else masked_notice(one, ticket)) for one in page.rows
    )
    return answer(NoticeList(notices=rows, cursor=page.cursor))


def _ticket(number: str | None) -> int | None:
    if not number:
        return None
    ticket_id = ticket_id_of(number)
    if ticket_id is None:
        raise wrong_field("number", "bad_number")
    return ticket_id


def _input(one: Input) -> InputRow:
    return InputRow(
        id=one.id,
        channel=one.channel,
        external_id=one.external_id,
        sha256=one.sha256,
        received_at=one.received_at,
        outcome=cast(Outcome, one.outcome),
        number=None if one.ticket_id is None else number_of(one.ticket_id),
        note=mask_text(one.note),
        actor=one.actor,
        raw_type=one.raw_type,
        size=one.size,
    )


def _notice(one: SentNotice) -> NoticeRow:
    return NoticeRow(
        id=one.id,
        number=number_of(one.ticket_id) if one.ticket_id else None,
        event_seq=one.event_seq,
        event=one.event_kind,
        notice=one.notice,
        role=one.role,
        medium=one.medium,
        address=one.address,
        name=one.name,
        locale=one.locale,
        state=cast(NoticeState, one.state),
        created_at=one.created_at,
        send_at=one.send_at,
        attempts=one.attempts,
        transport=one.transport,
        provider_id=one.provider_id,
        cause=one.cause,
        template_version=one.template_version,
        deliveries=tuple(
            DeliveryRow(
                kind=cast(Any, each.kind),
                at=each.at,
                status=each.status,
                provider_id=each.provider_id,
                detail=each.detail,
                part=each.part,
                parts=each.parts,
            )
            for each in one.deliveries
        ),
    )


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/inbound",
        run=get_inbound,
        who="staff",
        summary="收件日志 The journal of inputs, each with its one outcome",
        query=InboundQuery,
        gives=InputList,
        problems=(422,),
    ),
    Route(
        method="POST",
        path="/api/v1/inbound/{id}/replay",
        run=post_replay,
        who="staff",
        summary="重读一条收件 Read an input again, with what the gateway knows today; idempotent",
        parameters={"id": id_shape("收件序号 an input's id")},
        gives=ReplayRow,
        problems=(404, 503),
    ),
    Route(
        method="GET",
        path="/api/v1/notices",
        run=get_notices,
        who="staff",
        summary="通知日志 Notices with every delivery event",
        query=NoticeQuery,
        gives=NoticeList,
        problems=(422,),
    ),
)
