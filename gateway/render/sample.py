"""One sample view per notice: what tests, `gateway preview` and `gateway check` render.

`samples/_common.toml` and then `samples/<notice>.toml` are laid over each other. Each has a table `all` and one table
per locale; inside stand the fields of `NoticeView`. Spans are written as minutes in `due.remaining_minutes` and
``event.<name>_minutes``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias, TypeVar

from gateway.errors import RenderError
from gateway.render.views import (
    VIEW_FIELDS,
    DueView,
    LinkView,
    NoticeView,
    OrganisationView,
    RecipientView,
    TicketView,
)

_Table: TypeAlias = dict[str, object]
_View = TypeVar("_View")
_SPAN = "_minutes"
COMMON = "_common.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    notice: str
    tables: _Table

    def view(self, kind: type[_View], name: str) -> _View:
        table = self.table(name)
        # A field left out is None, which holds the notice when it is printed; a field too many is a slip of the pen.
        unknown = table.keys() - VIEW_FIELDS[kind]
        if unknown:
            raise RenderError(self.notice, "sample", f"{name} has no {', '.join(sorted(unknown))}")
        return kind(**{field: table.get(field) for field in VIEW_FIELDS[kind]})

    def table(self, name: str) -> _Table:
        table = self.tables.get(name, {})
        if not isinstance(table, dict):
            raise RenderError(self.notice, "sample", f"{name} is not a table")
        return {
            key.removesuffix(_SPAN): timedelta(minutes=value)
            if key.endswith(_SPAN) and isinstance(value, int)
            else value
            for key, value in table.items()
        }


def sample_view(folder: Path, notice: str, locale: str) -> NoticeView:
    """The sample of `notice` in `locale`, read from `folder` (``templates/samples``).

    Raises RenderError when the notice has no sample or the sample does not fit the views.
    """
    tables: _Table = {}
    for path in (folder / COMMON, folder / f"{notice}.toml"):
        try:
            document: _Table = tomllib.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise RenderError(notice, "sample", f"{path.name}: {error}") from error
        for section in ("all", locale):
            tables = _laid_over(tables, document.get(section))
    sample = _Sample(notice=notice, tables=tables)
    return NoticeView(
        ticket=sample.view(TicketView, "ticket"),
        due=sample.view(DueView, "due") if "due" in tables else None,
        event=sample.table("event"),
        link=sample.view(LinkView, "link"),
        organisation=sample.view(OrganisationView, "organisation"),
        recipient=sample.view(RecipientView, "recipient"),
    )


def _laid_over(below: _Table, above: object) -> _Table:
    if not isinstance(above, Mapping):
        return below
    merged = dict(below)
    for key, value in above.items():
        lower = merged.get(key)
        merged[key] = _laid_over(lower, value) if isinstance(lower, dict) and isinstance(value, dict) else value
    return merged
