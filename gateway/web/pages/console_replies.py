"""What forwarding bodies have not heard of 待反馈, and the sheets in which it is reported."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from aiohttp import web

from gateway.web.api_exports import kept_sheet, make_sheet, tell_again
from gateway.web.auth import check_form, require
from gateway.web.keys import RECEPTION, REPLIES
from gateway.web.pages.citizen_form import profile_of
from gateway.web.pages.forms import read_form
from gateway.web.pages.language import Words
from gateway.web.pages.show import OPEN_TO, download, see, show, words_of
from gateway.web.problems import Problem
from ticket_core.number import display, number_of
from ticket_core.policy import Policy
from ticket_core.source import Source
from ticket_core.store.reporting import Unreported

_HERE = "/console/replies"
_SOON = timedelta(days=1)
_SHOWN = 200  # steps of one body on the page; a sheet has them all


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A step that waits; `look` says how near its limit is."""

    number: str
    display_number: str
    case_number: str
    step: str
    at: datetime
    due_at: datetime | None
    look: str
    refused: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyRow:
    """A forwarding body with what it has not heard of."""

    source: str
    label: str
    count: int
    late: int
    soon: int
    steps: tuple[StepRow, ...]
    columns: bool
    refused: int


async def replies(request: web.Request) -> web.Response:
    """``GET /console/replies``."""
    await require(request, *OPEN_TO[_HERE])
    return await _page(request)


async def _page(request: web.Request, *, refused: str = "", status: int = 200) -> web.Response:
    reception, words, now = request.app[RECEPTION], words_of(request), datetime.now(UTC)
    waiting = await request.app[REPLIES].waiting()
    sheets = await request.app[REPLIES].sheets()
    zone = profile_of(request.app).tz
    made = request.query.get("made", "")
    return await show(
        request,
        "console/replies",
        here=_HERE,
        status=status,
        bodies=_bodies(waiting, reception.policy, words, zone, now),
        sheets=[replace(one, made_at=one.made_at.astimezone(zone)) for one in sheets],
        labels={name: label_of(one, words.locale) for name, one in reception.policy.sources.items()},
        made=next((one for one in sheets if str(one.id) == made), None),
        refused=refused,
    )


async def make(request: web.Request) -> web.Response:
    """``POST /console/replies/{source}``: a sheet, then back to the page with its link."""
    account = await require(request, *OPEN_TO[_HERE])
    sent = await read_form(request)
    check_form(request, sent["csrf"])
    try:
        kept = await make_sheet(request, account)
    except Problem as error:
        if error.status != 409:
            raise
        return await _page(request, refused=words_of(request)("reply.nothing"), status=409)
    return see(f"{_HERE}?made={kept.id}")


async def again(request: web.Request) -> web.Response:
    """``POST /console/replies/{source}/again``: what the body's interface did not take, once more."""
    account = await require(request, *OPEN_TO[_HERE])
    sent = await read_form(request)
    check_form(request, sent["csrf"])
    with contextlib.suppress(Problem):  # somebody else was faster; the page shows it
        await tell_again(request, account)
    return see(_HERE)


async def sheet(request: web.Request) -> web.Response:
    """``GET /console/replies/{id}/file``: the same bytes every time."""
    kept, content = await kept_sheet(request, await require(request, *OPEN_TO[_HERE]))
    return download(content, kept.name)


def _bodies(waiting: list[Unreported], policy: Policy, words: Words, zone: tzinfo, now: datetime) -> list[BodyRow]:
    by_source: dict[str, list[Unreported]] = {}
    for one in waiting:
        by_source.setdefault(one.step.source, []).append(one)
    return [_body(source, steps, policy, words, zone, now) for source, steps in by_source.items()]


def _body(source: str, steps: list[Unreported], policy: Policy, words: Words, zone: tzinfo, now: datetime) -> BodyRow:
    known = policy.sources.get(source)
    rows = tuple(_row(one, zone, now) for one in steps)
    return BodyRow(
        source=source,
        label=label_of(known, words.locale) if known else source,
        count=len(rows),
        late=sum(row.look == "bad" for row in rows),
        soon=sum(row.look == "warn" for row in rows),
        steps=rows[:_SHOWN],
        columns=bool(known and known.reply),
        refused=sum(bool(row.refused) for row in rows),
    )


def label_of(source: Source, locale: str) -> str:
    """What a body is called."""
    return source.label.get(locale) or source.label["zh-CN"]


def _row(one: Unreported, zone: tzinfo, now: datetime) -> StepRow:
    number = number_of(one.ticket.id)
    look = "plain"
    if one.due_at is not None and one.due_at - now < _SOON:
        look = "bad" if one.due_at < now else "warn"
    return StepRow(
        number=number,
        display_number=display(number),
        case_number=one.step.case_number,
        step=one.name,
        at=one.step.event.at.astimezone(zone),
        due_at=None if one.due_at is None else one.due_at.astimezone(zone),
        look=look,
        refused=one.step.cause,
    )
