"""Files of cases 转办表格: brought by an agent, taken in while one looks, and reported row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection

from gateway.web.api_imports import report_of
from gateway.web.auth import check_form, require
from gateway.web.keys import IMPORTING, RECEPTION
from gateway.web.pages.citizen_form import profile_of
from gateway.web.pages.forms import Problems
from gateway.web.pages.show import OPEN_TO, download, see, show, words_of
from gateway.web.problems import Problem, wrong_field
from gateway.web.routes import id_in
from gateway.web.uploads import read_upload
from ticket_core.number import display, number_of
from ticket_core.store.imports import (
    PROBLEMS,
    ImportedFile,
    ImportedRow,
    list_imports,
    list_rows,
    load_import,
)
from ticket_core.store.queries import BadCursor, Page

_HERE = "/console/imports"
_LOOKS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("opened", "appended", "finished"), "good"),
    **dict.fromkeys(("triage", "repeated", "stopped"), "warn"),
    **dict.fromkeys(("refused", "broken"), "bad"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """One file as it is shown; `troubled` are its rows that a person should look at."""

    id: int
    source: str
    name: str
    actor: str
    started_at: datetime
    finished_at: datetime | None
    state: str
    look: str
    share: float
    rows: int
    outcomes: Mapping[str, int]
    troubled: int
    problem: str
    same_as: int | None
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of a file as it is shown; `why` it had its outcome where that needs to be said."""

    row: int
    sheet: str
    case_number: str
    outcome: str
    look: str
    number: str
    display_number: str
    why: str


async def imports(request: web.Request) -> web.Response:
    """``GET /console/imports``: the form, and the newest files."""
    await require(request, *OPEN_TO[_HERE])
    return await _list(request)


async def upload(request: web.Request) -> web.Response:
    """``POST /console/imports``: begin to take a file in, and on to its page; or the form with what is wrong."""
    account = await require(request, *OPEN_TO[_HERE])
    importing, words = request.app[IMPORTING], words_of(request)
    sent = await read_upload(request, importing.largest)
    check_form(request, sent["csrf"])
    problems = Problems()
    if sent["source"] not in importing.sources:
        problems["source"] = words("import.no_source")
    if not sent.content:
        problems["file"] = words("import.no_file")
    if problems:
        return await _list(request, sent["source"], problems, 422)
    try:
        begun = await importing.start(sent["source"], sent.content, name=sent.name, actor=account.name)
    except ValueError as error:
        problems["file"] = importing.problem(str(error), words.locale)
        return await _list(request, sent["source"], problems, 422)
    return see(f"{_HERE}/{begun.id}")


async def one_import(request: web.Request) -> web.Response:
    """``GET /console/imports/{id}``: how far it is, and what became of its rows."""
    await require(request, *OPEN_TO[_HERE])
    import_id, shown = id_in(request, "id"), request.query.get("show", "")
    outcomes = PROBLEMS if shown == "problems" else (shown,) if shown else ()

    def look(connection: Connection) -> tuple[ImportedFile | None, Page[ImportedRow]]:
        rows = list_rows(connection, import_id, outcomes=outcomes, cursor=request.query.get("cursor"))
        return load_import(connection, import_id), rows

    try:
        found, page = await request.app[RECEPTION].store.read(look)
    except BadCursor:
        raise wrong_field("cursor", "bad_cursor") from None
    if found is None:
        raise Problem(404, "not-found")
    here = f"{_HERE}/{import_id}"
    file = _file(request, found, profile_of(request.app).tz)
    tabs = [("", here, file.rows), ("problems", f"{here}?show=problems", file.troubled)]
    tabs += [(name, f"{here}?{urlencode({'show': name})}", count) for name, count in sorted(file.outcomes.items())]
    query = {**({"show": shown} if shown else {}), "cursor": page.cursor or ""}
    return await show(
        request,
        "console/import",
        here=_HERE,
        file=file,
        tabs=tabs,
        chosen=shown,
        rows=[_line(request, one) for one in page.rows],
        next=f"{here}?{urlencode(query)}" if page.cursor else "",
    )


async def report(request: web.Request) -> web.Response:
    """``GET /console/imports/{id}/report.csv`` and ``.xlsx``."""
    await require(request, *OPEN_TO[_HERE])
    import_id, form = id_in(request, "id"), request.match_info["form"]
    content = await report_of(request, import_id, form, words_of(request).locale)
    return download(content, f"import-{import_id}.{form}")


async def _list(
    request: web.Request, source: str = "", problems: Problems | None = None, status: int = 200
) -> web.Response:
    reception, locale = request.app[RECEPTION], words_of(request).locale
    try:
        page = await reception.store.read(lambda c: list_imports(c, cursor=request.query.get("cursor")))
    except BadCursor:
        raise wrong_field("cursor", "bad_cursor") from None
    known = reception.policy.sources
    sources = [(name, known[name].label[locale] if name in known else name) for name in request.app[IMPORTING].sources]
    return await show(
        request,
        "console/imports",
        here=_HERE,
        back=_HERE,
        status=status,
        problems=problems or Problems(),
        sources=sources,
        source=source,
        most=request.app[IMPORTING].largest >> 20,
        rows=[_file(request, one, profile_of(request.app).tz) for one in page.rows],
        next=f"{_HERE}?{urlencode({'cursor': page.cursor})}" if page.cursor else "",
    )


def _file(request: web.Request, one: ImportedFile, zone: tzinfo) -> FileRow:
    source = request.app[RECEPTION].policy.sources.get(one.source)
    state, words = one.state(datetime.now(UTC)), words_of(request)
    return FileRow(
        id=one.id,
        source=source.label[words.locale] if source else one.source,
        name=one.name,
        actor=one.actor,
        started_at=one.started_at.astimezone(zone),
        finished_at=None if one.finished_at is None else one.finished_at.astimezone(zone),
        state=state,
        look=_LOOKS.get(state, "plain"),
        share=one.progress.share,
        rows=one.rows,
        outcomes=one.progress.outcomes,
        troubled=sum(count for name, count in one.progress.outcomes.items() if name in PROBLEMS),
        problem=request.app[IMPORTING].problem(one.progress.problem, words.locale),
        same_as=one.same_as,
        sha256=one.sha256,
    )


def _line(request: web.Request, one: ImportedRow) -> Line:
    number = number_of(one.ticket_id) if one.ticket_id else ""
    return Line(
        row=one.row,
        sheet=one.sheet,
        case_number=one.case_number,
        outcome=one.outcome,
        look=_LOOKS.get(one.outcome, "plain"),
        number=number,
        display_number=display(number) if number else "",
        why=request.app[IMPORTING].why(one, words_of(request).locale) if one.why else "",
    )
