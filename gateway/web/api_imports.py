"""Files of cases 转办表格 that agents bring: taken in row by row, with a report for each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import unquote

from aiohttp import web
from pydantic import ConfigDict, Field

from gateway.web.auth import require
from gateway.web.callers import throttle
from gateway.web.keys import IMPORTING, RECEPTION
from gateway.web.patience import in_time
from gateway.web.problems import Problem, wrong_field
from gateway.web.routes import Route, answer
from ticket_core.store.imports import ImportedFile, list_imports, load_import, rows_of_import

_STRICT = ConfigDict(extra="forbid")
_FORMS = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """One file with how many of its rows had which outcome; unfinished while `finished_at` is null."""

    __pydantic_config__ = _STRICT
    id: int
    channel: str
    source: str
    name: str
    sha256: str
    actor: str
    started_at: datetime
    finished_at: datetime | None
    rows: int
    outcomes: dict[str, int]
    report: Annotated[str, Field(description="path of the row-by-row report; .xlsx serves the same as a sheet")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportList:
    """The newest files, newest first."""

    __pydantic_config__ = _STRICT
    imports: tuple[ImportReport, ...]


async def post_import(request: web.Request) -> web.Response:
    """The body is the file; its name may stand in ``X-File-Name``, percent-encoded."""
    account = await require(request)
    source = request.match_info["source"]
    body = await in_time(request.read())
    if not body:
        raise wrong_field("body", "missing")
    name = unquote(request.headers.get("X-File-Name", ""))[:200] or "upload"
    try:
        made = await request.app[IMPORTING].take(source, body, name=name, actor=account.name)
    except LookupError as error:
        raise Problem(404, "not-found") from error
    except ValueError as error:
        raise Problem(422, "invalid", detail=str(error)[:500]) from error
    return answer(_report(made))


async def get_imports(request: web.Request) -> web.Response:
    """The newest files."""
    found = await request.app[RECEPTION].store.read(list_imports)
    return answer(ImportList(imports=tuple(_report(one) for one in found)))


async def get_report(request: web.Request) -> web.Response:
    """``GET /api/v1/imports/{id}/report.csv`` and ``.xlsx``: what became of each row and why."""
    throttle(request, "request")
    await require(request)
    import_id, form = int(request.match_info["id"][:18]), request.match_info["form"]
    importing, store = request.app[IMPORTING], request.app[RECEPTION].store

    def made(connection: Any) -> bytes | None:
        known = load_import(connection, import_id)
        return None if known is None else importing.report(form, rows_of_import(connection, import_id))

    content = await store.read(made)
    if content is None:
        raise Problem(404, "not-found")
    headers = {"Content-Disposition": f'attachment; filename="import-{import_id}.{form}"', "Cache-Control": "no-store"}
    return web.Response(body=content, content_type=_FORMS[form], headers=headers)


def add_reports(app: web.Application) -> None:
    """Serve the reports, which are no JSON."""
    app.router.add_get(r"/api/v1/imports/{id:[0-9]+}/report.{form:csv|xlsx}", get_report)


def _report(one: ImportedFile) -> ImportReport:
    return ImportReport(
        id=one.id,
        channel=one.channel,
        source=one.source,
        name=one.name,
        sha256=one.sha256,
        actor=one.actor,
        started_at=one.started_at,
        finished_at=one.finished_at,
        rows=sum(one.outcomes.values()),
        outcomes=dict(one.outcomes),
        report=f"/api/v1/imports/{one.id}/report.csv",
    )


ROUTES = (
    Route(
        method="POST",
        path="/api/v1/imports/{source}",
        run=post_import,
        who="staff",
        summary="导入转办表格 A file of a forwarding body's cases (XLSX or CSV), as the body",
        gives=ImportReport,
        problems=(404, 413, 422),
    ),
    Route(
        method="GET",
        path="/api/v1/imports",
        run=get_imports,
        who="staff",
        summary="导入记录 Files that were taken in, newest first",
        gives=ImportList,
    ),
)
