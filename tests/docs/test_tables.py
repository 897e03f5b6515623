"""The tables of the documentation say what the code says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.registry import load_kind
from tests.docs.pages import TABLED, UNWRITTEN, Table, marked_tables
from tests.docs.tables import all_tables, own_kinds

_MARKED = [(page, name) for page in TABLED for name in marked_tables(page.read_text(encoding="utf-8"))]
_BOOK = Table(name="fruit", head=("fruit", "colour", "taste"), rows=[("apple", "red"), ("plum", "blue")], written=1)


@pytest.fixture(scope="module")
def tables() -> Mapping[str, Table]:
    return all_tables()


@pytest.mark.parametrize(("page", "name"), _MARKED, ids=[f"{page.name}-{name}" for page, name in _MARKED])
def test_a_table_is_that_of_the_code(tables: Mapping[str, Table], page: Path, name: str) -> None:
    now = marked_tables(page.read_text(encoding="utf-8"))[name]
    right = tables[name].text(now)
    assert now == right, f"`python -m tests.docs.tables` writes into {page.name}, or paste:\n\n{right}"
    assert f"| {UNWRITTEN} |" not in right, f"{page.name}: somebody must write what stands for {UNWRITTEN}:\n\n{right}"


def test_every_table_stands_on_one_page(tables: Mapping[str, Table]) -> None:
    assert sorted(name for _, name in _MARKED) == sorted(tables)


def test_every_adapter_with_settings_has_them_explained(tables: Mapping[str, Table]) -> None:
    first: dict[type, str] = {}  # kinds with the same settings are explained once
    for kind in own_kinds():
        if load_kind(kind).Settings.__dataclass_fields__:
            first.setdefault(load_kind(kind).Settings, kind)
    explained = {name.removeprefix("settings-") for name in tables if name.startswith("settings-")}
    assert explained == set(first.values())


def test_what_people_wrote_stays_with_its_row_when_the_code_changes() -> None:
    before = "| fruit | colour | taste |\n| --- | --- | --- |\n| plum | green | sour |\n| pear | yellow | sweet |\n"
    after = _BOOK.text(before)
    assert "| plum | blue | sour |" in after
    assert f"| apple | red | {UNWRITTEN} |" in after
    assert "pear" not in after
