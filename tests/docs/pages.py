"""The documentation as it is read: its tables, code blocks, headings and links."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLED = (ROOT / "README.md", ROOT / "docs" / "operate.md")
#: What stands in a cell that only a person can write, until somebody has.
UNWRITTEN = "…"

_MARKED = re.compile(r"^<!-- table ([\w-]+) -->\n(.*?)^<!-- end -->$", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```(\w*)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of the documentation: `rows` come from the code, the last `written` columns from people.

    What people wrote belongs to the first cell of its row and is kept when the rest changes.
    """

    name: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    written: int = 0

    def text(self, now: str) -> str:
        """The table as it must stand where `now` stands."""
        said = {cells[0]: cells[len(cells) - self.written :] for cells in _cells(now)}
        unwritten = (UNWRITTEN,) * self.written
        rows = [(*row, *(said.get(row[0], unwritten) if self.written else ())) for row in self.rows]
        return "".join(f"| {' | '.join(cells)} |\n" for cells in (self.head, ("---",) * len(self.head), *rows))


def _cells(table: str) -> Iterator[tuple[str, ...]]:
    for line in table.splitlines():
        if line.startswith("| "):
            yield tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line[1:-1]))


def marked_tables(text: str) -> Mapping[str, str]:
    """The tables of a page by name, as they stand there."""
    return dict(_MARKED.findall(text))


def with_tables(text: str, tables: Mapping[str, Table]) -> str:
    """The page with each of its tables as it must be."""
    return _MARKED.sub(lambda found: f"<!-- table {found[1]} -->\n{tables[found[1]].text(found[2])}<!-- end -->", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One code block; `title` is the file it is, where it is one."""

    page: Path
    line: int
    language: str
    title: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(*pages: Path) -> list[Block]:
    """All code blocks, in order."""
    found = []
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for match in _BLOCK.finditer(text):
            language, title, inner = match.groups(default="")
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(page=page, line=line, language=language, title=title, text=inner))
    return found


def _prose(page: Path) -> str:
    return _BLOCK.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> frozenset[str]:
    """Where links can point to in a page, named as GitHub names them."""
    headings = (heading.lower() for heading in _HEADING.findall(_prose(page)))
    return frozenset(re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings)


def links(page: Path) -> list[str]:
    """Every link's target."""
    return _LINK.findall(_prose(page))
