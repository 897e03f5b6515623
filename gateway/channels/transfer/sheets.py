"""The rows of a file of cases: below its header, whatever stands above, between and under them.

Exports of the trade have titles, headers of several lines, names that stand twice, totals, notes and empty sheets. What
is passed over is said, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from gateway.channels.transfer.tables import Line, NoSheet, Table, tables_in
from ticket_core.source import Source, plain

HEADER_WITHIN = 20  # rows
_LEAST_NAMES = 2  # known names that make a row the header
_HEADER_LINES = 3
_MOST_ROWS = 1_000_000
_HIDDEN, _UNKNOWN = "a hidden sheet", "a sheet without a header"
_QUIET = frozenset({_HIDDEN, _UNKNOWN})
_LONGEST_FOOTER = 20
_HINT = re.compile(r"\s*[(（][^()（）]*[)）]\s*$")
#: Somewhere in a case's own number there are so many letters or digits in a row.
_LIKE_A_NUMBER = re.compile(r"[0-9A-Za-z]{4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row with where it stands: the sheet's name and the row as people count it; `share` of the file is read.

    `problem`: why it cannot be a case as it is. `passed`: why it is none, and nothing is done about it.
    """

    sheet: str
    number: int
    record: dict[str, str] = field(default_factory=dict)
    share: float = 0.0
    problem: str = ""
    passed: str = ""


def rows_in(body: bytes, source: Source) -> Iterator[Row]:
    """The rows of a file, one after the other.

    Raises:
        NoSheet: it cannot be read, or no row of it looks like a header of this source; also in the middle.
    """
    try:
        yield from _rows_in(body, source)
    except NoSheet:
        raise
    except Exception as error:  # whatever the libraries make of a broken file
        reason = str(error)[:200] if isinstance(error, ValueError) else type(error).__name__
        raise NoSheet(f"the file cannot be read: {reason}") from error


def _rows_in(body: bytes, source: Source) -> Iterator[Row]:
    found = False
    quiet: list[Row] = []  # sheets without a header: worth a line only beside one that has rows
    for table in tables_in(body, source):
        for row in _rows_of(table, source):
            if row.passed in _QUIET and not found:
                quiet.append(row)
                continue
            found = True
            yield from quiet
            quiet.clear()
            yield row
    if not found:
        number, known = source.case_number[0], "、".join(names[0] for names in source.fields.values())
        raise NoSheet(f"no header row: none of the first {HEADER_WITHIN} rows has {number} and one of {known}")


def _rows_of(table: Table, source: Source) -> Iterator[Row]:
    """The rows of one table; one that has none says so under the number 0."""
    header: _Header | None = None
    above: Line | None = None
    seen = cases = 0
    for line in table.lines:
        if not any(line.cells):
            continue
        seen += 1
        if seen > _MOST_ROWS:
            raise NoSheet(f"more than {_MOST_ROWS} rows")
        if (header is None or header.lines < _HEADER_LINES) and cases == 0 and _is_header(line, header, source):
            found = _Header(line, above if header is None else header, source)
            header = found if found.numbers else header  # a list of something else has names in common with cases
        elif header is not None and table.hidden:
            cases += 1
        elif header is not None and _repeats(line, header, source):
            yield Row(sheet=table.name, number=line.number, share=line.share, passed="a header again")
            header = _Header(line, None, source)
        elif header is not None:
            cases += 1
            yield _row(line, header, table, source)
        elif line.number > HEADER_WITHIN:
            break
        above = line
    if header is not None and table.hidden:
        yield Row(sheet=table.name, number=0, passed=_HIDDEN)
    elif header is None and seen:
        yield Row(sheet=table.name, number=0, passed=_UNKNOWN)
    elif header is not None and not cases:
        yield Row(sheet=table.name, number=0, share=1.0, passed="no row below the header")


class _Header:
    """The names of the columns; `numbers` and `texts` are the columns of the case's number and of what it must say."""

    def __init__(self, line: Line, above: Line | _Header | None, source: Source) -> None:
        """`above` is another line of the same header, or what stands over it."""
        upper: Sequence[str] = ()
        if isinstance(above, _Header):
            upper = above.written
        elif above is not None and _known(above.cells, source):
            upper = above.cells
        self.lines: int = above.lines + 1 if isinstance(above, _Header) else 1
        width = max(len(line.cells), len(upper))
        pairs = zip(_padded(line.cells, width), _padded(upper, width), strict=True)
        #: A name of theirs in either line counts, the lower before the upper.
        self.written: list[str] = [
            next((one for one in pair if _name(one, source)), pair[0] or pair[1]) for pair in pairs
        ]
        self.names: list[str] = []
        for name in (_name(one, source) or one for one in self.written):
            times = sum(before == name or before.startswith(f"{name} #") for before in self.names) if name else 0
            self.names.append(f"{name} #{times + 1}" if times else name)
        columns = {plain(name): place for place, name in reversed(list(enumerate(self.names)))}
        self.numbers = [place for name, place in columns.items() if name in source.numbers]
        self.texts = [place for name, place in columns.items() if name in source.needed]


def _is_header(line: Line, before: _Header | None, source: Source) -> bool:
    """Whether the names of columns stand here; after a line of the header (`before`) one name is enough for another."""
    known = _known(line.cells, source)
    if before is None:
        return known >= _LEAST_NAMES
    number = [line.cells[place] for place in before.numbers if place < len(line.cells) and line.cells[place]]
    return known >= 1 and not any(plain(one) not in source.numbers for one in number)


def _repeats(line: Line, header: _Header, source: Source) -> bool:
    """Whether a header stands here once more, as on every printed page."""
    cells = line.cells
    named = any(place < len(cells) and _name(cells[place], source) for place in header.numbers)
    return named and _is_header(line, None, source)


def _row(line: Line, header: _Header, table: Table, source: Source) -> Row:
    cells = line.cells
    record = {name: value for name, value in zip(header.names, cells, strict=False) if name and value}
    unnamed = [
        (place, one) for place, one in enumerate(cells, 1) if one and not "".join(header.names[place - 1 : place])
    ]
    record.update({f"#{place}": one for place, one in unnamed})  # a remark beside the table is kept, too
    for name in [name for name in record if " #" in name]:  # a name that stands twice: the first that says something
        record.setdefault(name.rpartition(" #")[0], record[name])
    row = Row(sheet=table.name, number=line.number, share=line.share, record=record)
    if passed := _passed(cells, header, source):
        return replace(row, passed=passed)
    if table.loose and any(cells[len(header.names) :]):
        return replace(row, problem="more cells than the header")
    return row


def _passed(cells: Sequence[str], header: _Header, source: Source) -> str:
    """Why a row is no case: a total, a note, a title; empty for everything that could be one."""
    said = [one for one in cells if one]
    number = next((cells[place] for place in header.numbers if place < len(cells) and cells[place]), "")
    text = next((cells[place] for place in header.texts if place < len(cells) and cells[place]), "")
    if _is_footer(said[0], source) and (not number or number == said[0]) and (not text or text == said[0]):
        return "a total or a note"
    if len(said) == 1 and (cells[0] or number) and not text and not _LIKE_A_NUMBER.search(said[0]):
        return "a title or a note"
    return ""


def _is_footer(text: str, source: Source) -> bool:
    return plain(text[:_LONGEST_FOOTER]).startswith(tuple(map(plain, source.footers)))


def _known(cells: Sequence[str], source: Source) -> int:
    return sum(bool(_name(one, source)) for one in cells)


def _name(written: str, source: Source) -> str:
    """The name of theirs that this is, also with a hint behind it such as 受理时间(必填); empty where it is none."""
    if not written or len(written) > 100:
        return ""
    for one in (written, _HINT.sub("", written)):
        if plain(one) in source.headers:
            return one
    return ""


def _padded(cells: Sequence[str], width: int) -> list[str]:
    return [*cells, *[""] * (width - len(cells))]
