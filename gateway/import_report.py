"""The report of an import: each row with what became of it and why, as a table or a sheet, in a reader's language."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from gateway.sheets import csv_of, xlsx_of
from gateway.shipped import shipped_templates
from ticket_core.number import number_of
from ticket_core.store.imports import ImportedRow

_COLUMNS = ("row", "sheet", "case_number", "outcome", "ticket", "why")


def why_of(one: ImportedRow, locale: str) -> str:
    """Why a row had its outcome, in words; what the outcome means where there is no more to say."""
    words = _words(locale)
    if not one.why:
        return words["meaning"].get(one.outcome, "")
    return words["glue"]["between"].join(words["why"][reason].format(about=about) for reason, about in one.why)


def problem_of(problem: str, locale: str) -> str:
    """What is wrong with a file, in words; as its reader says it where there are none."""
    for said, words in _words(locale)["file"].items():
        if (found := re.fullmatch(said, problem)) is not None:
            return found.expand(words)
    return problem


def report_of(rows: Iterable[ImportedRow], form: str, locale: str) -> Iterator[bytes]:
    """The report as ``csv`` (UTF-8 with a mark, no cell a formula) or ``xlsx``, in pieces."""
    table = chain((_head(locale),), (_cells(one, locale) for one in rows))
    return iter((xlsx_of(table, "report"),)) if form == "xlsx" else csv_of(table)


def _head(locale: str) -> tuple[str, ...]:
    return tuple(_words(locale)["column"][name] for name in _COLUMNS)


def _cells(one: ImportedRow, locale: str) -> tuple[str, ...]:
    number = number_of(one.ticket_id) if one.ticket_id else ""
    return str(one.row), one.sheet, one.case_number, one.outcome, number, why_of(one, locale)


@functools.cache
def _words(locale: str) -> Mapping[str, Mapping[str, str]]:
    folder = shipped_templates() / "imports"
    return tomllib.loads((folder / f"{locale}.toml").read_text("utf-8"))
