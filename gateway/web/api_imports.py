"""Files of cases 转办表格 that agents bring: taken in row by row, with a report for each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from gateway.web.auth import DESK, require
from gateway.web.keys import IMPORTING, RECEPTION, Importing
from gateway.web.problems import Problem, request_locale, wrong_field
from gateway.web.routes import Route, answer, id_in, id_shape, read_query
from gateway.web.uploads import read_upload
from gateway.web.words import Locale
from ticket_core.model import Outcome
from ticket_core.number import number_of
from ticket_core.store.imports import (
    PROBLEMS,
    ImportedFile,
    ImportedRow,
    ImportState,
    list_imports,
    list_rows,
    load_import,
    rows_of_import,
)
from ticket_core.store.queries import MOST_PER_PAGE, BadCursor, Page
from ticket_core.ticket_shape import Number

_STRICT = ConfigDict(extra="forbid")
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMS = {"csv": "text/csv", "xlsx": _XLSX}
_ID = id_shape("导入编号 an import's id")
_FILE = {"type": "string", "contentMediaType": "application/octet-stream"}
_TAKES = {
    "multipart/form-data": {"type": "object", "required": ["file"], "properties": {"file": _FILE}},
    "text/csv": {"type": "string"},
    _XLSX: _FILE,
}
RowOutcome = Literal[Outcome, "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """One file with how many of its rows had which outcome so far."""

    __pydantic_config__ = _STRICT
    id: int
    channel: str
    source: str
    name: str
    sha256: str
    actor: str
    state: Annotated[
        ImportState,
        Field(description="broken: unreadable in its middle; stopped: broken off, the same file again finishes it"),
    ]
    problem: Annotated[str, Field(description="why it is broken")]
    same_as: Annotated[int | None, Field(description="an earlier import of the very same file")]
    started_at: datetime
    finished_at: datetime | None
    share: Annotated[float, Field(ge=0, le=1, description="how much of the file is done")]
    rows: int
    outcomes: dict[str, int]
    report: Annotated[str, Field(description="path of the row-by-row report; .xlsx serves the same as a sheet")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportList:
    """A page of files, newest first; `cursor` leads to the next, null on the last."""

    __pydantic_config__ = _STRICT
    imports: tuple[ImportReport, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportLine:
    """What became of one row, and why in the caller's language."""

    __pydantic_config__ = _STRICT
    row: Annotated[int, Field(description="counted over the whole file")]
    sheet: Annotated[str, Field(description="sheet and row as people count them")]
    case_number: str
    outcome: RowOutcome
    number: Number | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPage(ImportReport):
    """One file with a page of its rows; `cursor` leads to the next, null on the last."""

    __pydantic_config__ = _STRICT
    lines: tuple[ImportLine, ...]
    cursor: str | None


class ImportsQuery(TypedDict, total=False):
    """A page of files."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    cursor: Annotated[str, Field(max_length=100, description="from the page before")]
    limit: Annotated[int, Field(ge=1, le=MOST_PER_PAGE)]


class ImportQuery(ImportsQuery, total=False):
    """Which rows of a file."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    outcome: RowOutcome
    problems: Annotated[bool, Field(description="only what a person should look at")]


_IMPORTS: TypeAdapter[ImportsQuery] = TypeAdapter(ImportsQuery)
_IMPORT: TypeAdapter[ImportQuery] = TypeAdapter(ImportQuery)


async def post_import(request: web.Request) -> web.Response:
    """A file as a form's part or as the body; answers when all of it is committed."""
    account = await require(request, *DESK)
    importing = request.app[IMPORTING]
    upload = await read_upload(request, importing.largest)
    if not upload.content:
        raise wrong_field("file", "missing")
    try:
        made = await importing.take(
            request.match_info["source"], upload.content, name=upload.name or "upload", actor=account.name
        )
    except LookupError as error:
        raise Problem(404, "not-found") from error
    except ValueError as error:
        raise Problem(422, "invalid", detail=importing.problem(str(error), request_locale(request))[:500]) from error
    return answer(ImportReport(**_report(made, request)))


async def get_imports(request: web.Request) -> web.Response:
    """A page of files."""
    await require(request, *DESK)
    query = read_query(request, _IMPORTS)

    def look(connection: Any) -> Page[ImportedFile]:
        return list_imports(connection, cursor=query.get("cursor"), limit=query.get("limit", 50))

    try:
        page = await request.app[RECEPTION].store.read(look)
    except BadCursor:
        raise wrong_field("cursor", "bad_cursor") from None
    return answer(
        ImportList(imports=tuple(ImportReport(**_report(one, request)) for one in page.rows), cursor=page.cursor)
    )


async def get_import(request: web.Request) -> web.Response:
    """One file with a page of its rows."""
    await require(request, *DESK)
    query, import_id = read_query(request, _IMPORT), id_in(request, "source")
    outcome = query.get("outcome")
    outcomes = (outcome,) if outcome else PROBLEMS if query.get("problems") else ()

    def look(connection: Any) -> tuple[ImportedFile | None, Page[ImportedRow]]:
        limit = query.get("limit", 50)
        rows = list_rows(connection, import_id, outcomes=outcomes, cursor=query.get("cursor"), limit=limit)
        return load_import(connection, import_id), rows

    try:
        found, page = await request.app[RECEPTION].store.read(look)
    except BadCursor:
        raise wrong_field("cursor", "bad_cursor") from None
    if found is None:
        raise Problem(404, "not-found")
    importing, locale = request.app[IMPORTING], request_locale(request)
    lines = tuple(_line(one, importing, locale) for one in page.rows)
    return answer(ImportPage(**_report(found, request), lines=lines, cursor=page.cursor))


async def get_report(request: web.Request) -> web.StreamResponse:
    """``GET /api/v1/imports/{id}/report.csv`` and ``.xlsx``: what became of each row and why."""
    await require(request, *DESK)
    form = request.path.rpartition(".")[2]
    content = await report_of(request, id_in(request, "source"), form, request_locale(request))
    name = f"import-{request.match_info['source']}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return web.Response(body=content, content_type=_FORMS[form], headers=headers)


async def report_of(request: web.Request, import_id: int, form: str, locale: Locale) -> bytes:
    """The report of an import as bytes.

    Raises:
        Problem: 404 when there is none.
    """
    importing = request.app[IMPORTING]

    def made(connection: Any) -> bytes | None:
        if load_import(connection, import_id) is None:
            return None
        return b"".join(importing.report(rows_of_import(connection, import_id), form, locale))

    content = await request.app[RECEPTION].store.read(made)
    if content is None:
        raise Problem(404, "not-found")
    return content


def _line(one: ImportedRow, importing: Importing, locale: Locale) -> ImportLine:
    return ImportLine(
        row=one.row,
        sheet=one.sheet,
        case_number=one.case_number,
        outcome=one.outcome,  # type: ignore[arg-type]  # one of those
        number=number_of(one.ticket_id) if one.ticket_id else None,
        why=importing.why(one, locale),
    )


def _report(one: ImportedFile, request: web.Request) -> dict[str, Any]:
    return {
        "id": one.id,
        "channel": one.channel,
        "source": one.source,
        "name": one.name,
        "sha256": one.sha256,
        "actor": one.actor,
        "state": one.state(datetime.now(UTC)),
        "problem": request.app[IMPORTING].problem(one.progress.problem, request_locale(request)),
        "same_as": one.same_as,
        "started_at": one.started_at,
        "finished_at": one.finished_at,
        "share": one.progress.share,
        "rows": one.rows,
        "outcomes": dict(one.progress.outcomes),
        "report": f"/api/v1/imports/{one.id}/report.csv",
    }


ROUTES = (
    Route(
        method="POST",
        path="/api/v1/imports/{source}",
        run=post_import,
        who="staff",
        summary="导入转办表格 A file of a forwarding body's cases (XLSX or CSV), as a form's part or as the body",
        takes=_TAKES,
        gives=ImportReport,
        problems=(404, 413, 422, 503),
    ),
    Route(
        method="GET",
        path="/api/v1/imports",
        run=get_imports,
        who="staff",
        summary="导入记录 Files that were taken in or are on their way, newest first",
        query=ImportsQuery,
        gives=ImportList,
        problems=(422,),
    ),
    Route(
        # In OpenAPI two paths that differ in a name only are the same path: here `source` is an import's id.
        method="GET",
        path="/api/v1/imports/{source}",
        run=get_import,
        who="staff",
        summary="导入进度与逐行结果 One file by its id, how far it is, and what became of its rows",
        parameters={"source": _ID},
        query=ImportQuery,
        gives=ImportPage,
        problems=(404, 422),
    ),
    *(
        Route(
            method="GET",
            path=f"/api/v1/imports/{{source}}/report.{form}",
            run=get_report,
            who="staff",
            summary=f"逐行报告 What became of each row and why, as {form.upper()}",
            parameters={"source": _ID},
            gives=str,
            media_type=media_type,
            problems=(404,),
        )
        for form, media_type in _FORMS.items()
    ),
)
