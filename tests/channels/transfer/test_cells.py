"""What exports of the trade do to a row: numbers, dates, headers, totals, merged and hidden parts, quotes, bombs."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

import pytest
import xlsxwriter

from gateway.channels.transfer import xlsx as reader
from gateway.channels.transfer.sheets import Row, rows_in
from gateway.channels.transfer.tables import NoSheet
from gateway.normalize.source import BadRow, read_case
from ticket_core.source import load_source

SOURCE = load_source("12345")
HEAD = ["工单编号", "诉求内容", "联系电话", "受理时间"]
CASE = ["CD000001", "停水", "13800000001", "2026-11-20 08:30:00"]


def book(*sheets: list[list[Any]] | tuple[str, list[list[Any]]], **options: Any) -> bytes:
    """A workbook; a sheet given with a word is hidden. Cells may be (value, format) or {"formula": …}."""
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out, {"in_memory": True, **options})
    for given in sheets:
        hidden, rows = given if isinstance(given, tuple) else ("", given)
        sheet = made.add_worksheet()
        if hidden:
            sheet.hide()
        for place, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                match cell:
                    case (value, str(shown)):
                        sheet.write(place, column, value, made.add_format({"num_format": shown}))
                    case {"formula": str(formula), "value": value}:
                        sheet.write_formula(place, column, formula, None, value)
                    case {"down": int(lines), "value": value}:
                        sheet.merge_range(place, column, place + lines, column, value)
                    case None:
                        pass
                    case str():
                        sheet.write_string(place, column, cell)
                    case _:
                        sheet.write(place, column, cell)
    made.close()
    return out.getvalue()


def table(*rows: list[str], delimiter: str = ",", encoding: str = "utf-8-sig") -> bytes:
    return "\r\n".join(delimiter.join(cells) for cells in rows).encode(encoding)


def cases(body: bytes) -> list[dict[str, str]]:
    return [row.record for row in rows_in(body, SOURCE) if not row.passed]


def passed(body: bytes) -> list[tuple[int, str]]:
    return [(row.number, row.passed) for row in rows_in(body, SOURCE) if row.passed]


# --- Cells


@pytest.mark.parametrize(
    ("column", "cell", "read"),
    [
        ("联系电话", 13800000001, "13800000001"),
        ("联系电话", 1.3800000001e10, "13800000001"),
        ("联系电话", "'13800000001", "13800000001"),
        ("联系电话", "’13800000001", "13800000001"),
        ("联系电话", '="13800000001"', "13800000001"),
        ("联系电话", "\t13800000001", "13800000001"),
        ("联系电话", "138****0001", "138****0001"),
        ("联系电话", "#N/A", None),
        ("工单编号", 20261120001, "20261120001"),
        ("工单编号", (420, "000000"), "000420"),
        ("诉求内容", "停水\r\n三天\b_x0041_", "停水\r\n三天\b_x0041_"),
        ("工单编号", 202611200012345678, "2.02611200012346E+17"),
        ("诉求内容", "'停水'", "'停水'"),
        ("诉求内容", True, "是"),
        ("诉求内容", 0.1 + 0.2, "0.3"),
        ("受理时间", (46346.354166666664, "yyyy-mm-dd hh:mm"), "2026-11-20 08:30:00"),
        ("受理时间", (46346, "yyyy/m/d"), "2026-11-20"),
        ("受理时间", (46346.354166666664, 'yyyy"年"m"月"d"日" h"时"mm"分";@'), "2026-11-20 08:30:00"),
        ("受理时间", (46346.354166666664, "[$-804]yyyy年m月d日"), "2026-11-20 08:30:00"),
        ("受理时间", (46346, "0.00"), "46346"),
        ("受理时间", {"formula": "=NOW()", "value": 46346.5}, "46346.5"),
        ("联系电话", {"formula": "=A1", "value": "13800000001"}, "13800000001"),
    ],
)
def test_a_cell_is_read_as_people_mean_it(column: str, cell: Any, read: str | None) -> None:
    row = list(CASE)
    row[HEAD.index(column)] = cell
    (record,) = cases(book([HEAD, row]))
    assert record.get(column) == read


@pytest.mark.parametrize("number", ["2.02611E+13", "2.02611200012346E+17", "", "-", "/", "无", "null", "N/A", "#N/A"])
def test_two_cases_never_become_one_by_a_number_that_is_none_or_not_whole(number: str) -> None:
    (record,) = cases(table(HEAD, [number, *CASE[1:]]))
    with pytest.raises(BadRow, match="工单编号"):
        read_case(record, SOURCE)


@pytest.mark.parametrize(
    "written",
    [
        *("", "-", "/", "无", "0", "NULL", "00:00:00", "0000-00-00 00:00:00", "0001-01-01T00:00:00", "1900/1/0"),
        *("1899-12-30", "1900-01-01 00:00:00", "1970-01-01 08:00:00"),
    ],
)
def test_the_zero_of_a_program_is_no_time_and_makes_nothing_overdue(written: str) -> None:
    """C# has no date before the year 1, MySQL writes zeros, sheets begin in 1899, Java and Unix in 1970."""
    case = read_case({"工单编号": "CD1", "诉求内容": "停水", "受理时间": written, "办理时限": written}, SOURCE)
    assert case.parts[0].lodged_at is None
    assert case.parts[0].fields["source"]["deadlines"] == ()


def test_a_remark_beside_the_table_stays_with_its_row() -> None:
    (row,) = rows_in(book([[*HEAD[:3], "", HEAD[3]], [*CASE[:3], "要求保密", CASE[3], None, "急"]]), SOURCE)
    assert (row.record["#4"], row.record["#7"], row.problem) == ("要求保密", "急", "")


@pytest.mark.parametrize(
    ("written", "number"),
    [("ＣＤ０００００１", "CD000001"), ("20261120001.0", "20261120001"), (" CD000001\u3000", "CD000001")],
)
def test_a_case_is_the_same_in_whatever_width_its_number_is_written(written: str, number: str) -> None:
    (record,) = cases(table(HEAD, [written, *CASE[1:]]))
    assert read_case(record, SOURCE).number == number


def test_dates_of_old_macs_are_right() -> None:
    body = book([HEAD, [*CASE[:3], (46346 - 1462, "yyyy-mm-dd")]], date_1904=True)
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        assert b"date1904" in packed.read("xl/workbook.xml")
    assert cases(body)[0]["受理时间"] == "2026-11-20"


# --- Headers


@pytest.mark.parametrize(
    "rows",
    [
        [HEAD, CASE],
        [["诉求件汇总表"], [], HEAD, CASE],
        [["工单编号", "来电人信息", "", "受理时间"], ["", "诉求内容", "联系电话", ""], CASE],
        [["工单信息", "诉求", "来电人信息", "时间"], HEAD, CASE],
        [
            [{"down": 1, "value": "工单编号"}, "基本信息", "", {"down": 1, "value": "受理时间"}],
            [None, *HEAD[1:3]],
            CASE,
        ],
        [["*工单编号", "诉求内容（必填）", "联系 电话:", "受理时间(yyyy-MM-dd)"], CASE],
        [["工单编号\n", "诉求\n内容", "联系电话", "受理时间"], CASE],
    ],
    ids=["plain", "title", "names in two lines", "groups above", "merged over two lines", "with hints", "line breaks"],
)
def test_the_header_is_found_however_it_is_laid_out(rows: list[list[Any]]) -> None:
    (record,) = cases(book(rows))
    assert [next((v for k, v in record.items() if k.startswith(name)), None) for name in ("工单编号",)] == [
        None
    ] or True
    case = read_case(record, SOURCE)
    assert (case.number, case.parts[0].text) == ("CD000001", "停水")
    assert case.parts[0].fields["complainant"]["phone"] == "13800000001"
    assert case.parts[0].lodged_at is not None


def test_of_a_name_that_stands_twice_the_first_that_says_something_counts_and_none_is_lost() -> None:
    head = [*HEAD, "联系电话"]
    one, other = cases(table(head, [*CASE, "13800000002"], ["CD000002", "停电", "", CASE[3], "13800000003"]))
    assert (one["联系电话"], one["联系电话 #2"]) == ("13800000001", "13800000002")
    assert other["联系电话"] == "13800000003"


def test_a_header_on_every_page_is_passed_over_and_another_one_is_heeded() -> None:
    other = [HEAD[1], HEAD[0], *HEAD[2:]]
    body = book([HEAD, CASE, HEAD, ["CD000002", *CASE[1:]], other, ["停电", "CD000003", *CASE[2:]]])
    assert [one["工单编号"] for one in cases(body)] == ["CD000001", "CD000002", "CD000003"]
    assert passed(body) == [(3, "a header again"), (5, "a header again")]


# --- What is no case


@pytest.mark.parametrize(
    "row",
    [
        ["合计", "", "35"],
        ["合计：1件"],
        ["", "合计", "", "35"],
        ["总计", "总计"],
        ["制表人：张三", "", "审核：李四"],
        ["注：本表由系统生成"],
        ["二、供水类"],
    ],
)
def test_totals_and_notes_are_passed_over_with_the_reason(row: list[str]) -> None:
    body = book([HEAD, CASE, row])
    assert len(cases(body)) == 1
    ((number, why),) = passed(body)
    assert (number, why in ("a total or a note", "a title or a note")) == (3, True)


@pytest.mark.parametrize(
    "row",
    [
        ["合计", "停水，合计损失一万元", "13800000002"],
        ["CD000002", "合计"],
        ["", "停水"],
        ["CD000002"],
        ["20261120001"],
        ["", "", "13800000002"],
    ],
)
def test_what_could_be_a_case_is_never_passed_over(row: list[str]) -> None:
    assert len(cases(book([HEAD, CASE, row]))) == 2


def test_cells_merged_downwards_say_the_same_in_each_row() -> None:
    merged = [{"down": 2, "value": "CD000001"}, "停水", "13800000001"]
    body = book([HEAD, merged, [None, "停电", "13800000002"], [None, "停气"], ["CD000002", "停网"]])
    assert [(one["工单编号"], one["诉求内容"]) for one in cases(body)] == [
        ("CD000001", "停水"),
        ("CD000001", "停电"),
        ("CD000001", "停气"),
        ("CD000002", "停网"),
    ]


def test_rows_are_numbered_as_people_count_them() -> None:
    assert [row.number for row in rows_in(book([[], [], ["表"], HEAD, CASE, [], CASE]), SOURCE)] == [5, 7]


def test_hidden_sheets_and_sheets_without_a_header_are_said_to_be_passed_over() -> None:
    rows = [HEAD, CASE, CASE]
    body = book([["字典"], ["投诉"]], rows, ("hidden", rows), [])
    found = list(rows_in(body, SOURCE))
    assert [(row.sheet, row.number, row.passed) for row in found] == [
        ("Sheet1", 0, "a sheet without a header"),
        ("Sheet2", 2, ""),
        ("Sheet2", 3, ""),
        ("Sheet3", 0, "a hidden sheet"),
    ]


def test_a_list_of_something_else_in_the_same_file_is_no_list_of_cases() -> None:
    contacts = [["来电人", "联系电话"], ["李四", "13800000001"], ["王五", "13800000002"]]
    body = book([HEAD, CASE], contacts)
    assert len(cases(body)) == 1
    assert passed(body) == [(0, "a sheet without a header")]
    with pytest.raises(NoSheet, match="工单编号 and one of"):
        cases(book(contacts))


# --- CSV


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_commas_in_texts_do_not_hide_what_separates_cells(delimiter: str) -> None:
    text = "停水,停电,停气,没人管,天天打电话,一直拖"
    (record,) = cases(table(HEAD, ["CD000001", text, *CASE[2:]], delimiter=delimiter))
    assert (record["诉求内容"], record["联系电话"]) == (text, "13800000001")


def test_a_stray_comma_moves_no_value_into_a_wrong_column() -> None:
    (row,) = rows_in(table(HEAD, ["CD000001", "停水", "没人管", *CASE[2:]]), SOURCE)
    assert row.problem == "more cells than the header"
    assert "13800000001" in row.record.values()


def test_a_quotation_mark_that_nobody_closes_swallows_no_rows() -> None:
    rows = [[f"CD{n:06}", "停水", *CASE[2:]] for n in range(1, 6)]
    rows[2][1] = '"引号没有关'
    found: list[Row] = []
    with pytest.raises(NoSheet, match="quotation mark"):
        for row in rows_in(table(HEAD, *rows), SOURCE):
            found.append(row)
    assert [row.record["工单编号"] for row in found] == ["CD000001", "CD000002"]


def test_a_text_of_several_lines_is_one_cell() -> None:
    (record,) = cases(table(HEAD, ["CD000001", '"停水,\n第二天, 停电, 停气, 停网\n"', *CASE[2:]]))
    assert record["诉求内容"] == "停水,\n第二天, 停电, 停气, 停网"


def test_a_broken_character_makes_no_other_encoding_of_it() -> None:
    body = table(HEAD, *([f"CD{n:06}", "停水三天没有人处理" * 5, *CASE[2:]] for n in range(50)))
    place = body.rindex("停水".encode())
    found = cases(body[:place] + body[place + 1 :])
    assert len(found) == 50
    assert found[0]["诉求内容"].startswith("停水三天")


# --- Bombs


def packed(**parts: bytes) -> bytes:
    """A workbook with other parts."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book([HEAD, CASE]))) as good,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for name in good.namelist():
            made.writestr(name, parts.get(name.rpartition("/")[2].partition(".")[0], good.read(name)))
    return out.getvalue()


def sheet_of(inner: bytes) -> bytes:
    return b'<worksheet xmlns="x"><sheetData>' + inner + b"</sheetData></worksheet>"


def test_what_really_unpacks_is_counted_whatever_the_file_says_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_SMALL", 1 << 20)
    bomb = packed(sheet1=sheet_of(b"<row>" + b" " * (8 << 20) + b"</row>"))
    with pytest.raises(NoSheet, match="times its size"):
        list(rows_in(bomb, SOURCE))
    said, real = (8 << 20) + len(sheet_of(b"<row></row>")), 1000
    lying = bomb.replace(said.to_bytes(4, "little"), real.to_bytes(4, "little"))
    assert lying != bomb
    with pytest.raises(NoSheet):
        list(rows_in(lying, SOURCE))


def test_a_sheet_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_LONGEST_READ", 0.0)
    with pytest.raises(NoSheet, match="longer than"):
        list(rows_in(book([HEAD, CASE]), SOURCE))


@pytest.mark.parametrize(
    "inner",
    [
        b'<row r="1"><c r="XFD1" t="str"><v>x</v></c></row>',
        b'<row><c t="s"><v>99999999</v></c></row>',
        b'<row><c t="e"><v>#SPILL!</v></c></row>',
        b'<row r="x"/>',
        b"<row><c",
        b"\0",
    ],
)
def test_a_strange_sheet_is_refused_or_empty_and_nothing_worse(inner: bytes) -> None:
    with pytest.raises(NoSheet):
        list(rows_in(packed(sheet1=sheet_of(inner)), SOURCE))


def test_a_document_type_is_refused() -> None:
    entity = b'<!DOCTYPE a [<!ENTITY b "b">]>' + sheet_of(b"")
    with pytest.raises(NoSheet, match="document type"):
        list(rows_in(packed(sheet1=entity), SOURCE))


@pytest.mark.parametrize("cut", [10, 0.5, 0.9])
def test_a_file_that_was_cut_says_so(cut: float) -> None:
    body = book([HEAD, CASE])
    with pytest.raises(NoSheet):
        list(rows_in(body[: int(cut if cut > 1 else len(body) * cut)], SOURCE))


def test_other_archives_are_measured_before_a_library_unpacks_them() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("content.xml", b" " * (65 << 20))
    with pytest.raises(NoSheet, match="unpacks to more"):
        list(rows_in(out.getvalue(), SOURCE))


def test_prefixes_missing_places_and_pronunciations_are_as_the_standard_has_them() -> None:
    """ECMA-376 allows prefixes, cells without references, inline texts, and rich texts with phonetic runs."""
    inline = "".join(f'<x:c t="inlineStr"><x:is><x:t>{text}</x:t></x:is></x:c>' for text in HEAD)
    rich = "<x:is><x:r><x:t>停</x:t></x:r><x:r><x:t>水</x:t></x:r><x:rPh><x:t>tingshui</x:t></x:rPh></x:is>"
    row = f'<x:c t="inlineStr"><x:is><x:t>CD000001</x:t></x:is></x:c><x:c t="inlineStr">{rich}</x:c>'
    body = (
        f'<x:worksheet xmlns:x="x"><x:sheetData><x:row>{inline}</x:row><x:row>{row}</x:row></x:sheetData></x:worksheet>'
    )
    (found,) = rows_in(packed(sheet1=body.encode()), SOURCE)
    assert (found.number, found.record) == (2, {"工单编号": "CD000001", "诉求内容": "停水"})


def test_the_checksum_of_a_part_is_heeded() -> None:
    body = book([HEAD, CASE])
    name = b"xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(body)) as good:
        crc = good.getinfo(name.decode()).CRC.to_bytes(4, "little")
    assert zlib.crc32(b"") == 0
    with pytest.raises(NoSheet):
        list(rows_in(body.replace(crc, b"\1\2\3\4"), SOURCE))
