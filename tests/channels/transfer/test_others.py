"""Books of other programs than Excel, and archives made to harm: read beside the gateway, or not opened."""

from __future__ import annotations

import io
import zipfile

import pytest

from gateway.channels.transfer import others
from gateway.channels.transfer import xlsx as reader
from gateway.channels.transfer.sheets import rows_in
from gateway.channels.transfer.tables import NoSheet
from tests.channels.transfer.test_cells import CASE, HEAD, SOURCE, book, cases


def ods(rows: str) -> bytes:
    """A book of OpenDocument with these rows."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        made.writestr("META-INF/manifest.xml", "<m/>")
        made.writestr(
            "content.xml",
            '<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x"><office:body><office:spreadsheet>'
            f'<table:table table:name="A">{rows}</table:table>'
            '<table:table table:name="B"><table:table-row/></table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return out.getvalue()


def ods_row(*cells: str, more: str = "") -> str:
    inner = "".join(f"<table:table-cell {one}</table:table-cell>" for one in cells)
    return f"<table:table-row {more}>{inner}</table:table-row>"


def ods_text(text: str, more: str = "") -> str:
    return f'office:value-type="string"{more}><text:p>{text}</text:p>'


def test_a_book_of_another_program_is_read_beside_the_gateway() -> None:
    date = 'office:value-type="date" office:date-value="2026-11-20T08:30:00"><text:p>x</text:p>'
    number = 'office:value-type="float" office:value="13800000001"><text:p>x</text:p>'
    body = ods(ods_row(*map(ods_text, HEAD)) + ods_row(*map(ods_text, CASE[:2]), number, date))
    assert cases(body) == [dict(zip(HEAD, CASE, strict=True))]
    first, *_ = rows_in(body, SOURCE)
    assert (first.sheet, first.number, first.share) == ("A", 2, 0.5)


def test_a_book_that_would_take_all_memory_ends_its_reader_and_not_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(others, "_MEMORY", 256 << 20)
    repeated = ods_text("y" * 99, ' table:number-columns-repeated="99"')
    bomb = ods(ods_row(repeated, more='table:number-rows-repeated="1000000"'))
    assert len(bomb) < 1024
    with pytest.raises(NoSheet, match="memory"):
        list(rows_in(bomb, SOURCE))


@pytest.mark.parametrize("way", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_is_packed_so_that_one_read_becomes_gigabytes_is_not_read(way: int) -> None:
    for good in (book([HEAD, CASE]), ods(ods_row(*map(ods_text, HEAD)))):
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(good)) as parts, zipfile.ZipFile(out, "w", way) as made:
            for name in parts.namelist():
                made.writestr(name, parts.read(name))
        with pytest.raises(NoSheet, match="packed"):
            list(rows_in(out.getvalue(), SOURCE))


def test_an_archive_of_very_many_parts_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_MOST_PARTS", 3)
    with pytest.raises(NoSheet, match="more than 3 parts"):
        list(rows_in(book([HEAD, CASE]), SOURCE))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_web_page_that_calls_itself_a_sheet_is_read_as_excel_shows_it(encoding: str) -> None:
    page = (
        '<html xmlns:x="urn:schemas-microsoft-com:office:excel"><head><style>td{}</style></head><body>'
        '<table><tr><td colspan="4">诉求件汇总表</td></tr><tr><th>工单编号<th>诉求内容<th>联系电话<th>受理时间</tr>'
        "<tr><td style='mso-number-format:\"\\@\"'>202611200012345678</td>"
        '<td rowspan="2">停水<br>三天&nbsp;&lt;急&gt;</td>'
        "<td>013800000001</td><td>2026-11-20 08:30</td></tr>"
        "<tr><td>CD000002</td><td>13800000002</td><td>2026-11-20</td></tr></table></body></html>"
    )
    assert cases(page.encode(encoding)) == [
        dict(zip(HEAD, ("202611200012345678", "停水\n三天<急>", "013800000001", "2026-11-20 08:30"), strict=True)),
        dict(zip(HEAD, ("CD000002", "停水\n三天<急>", "13800000002", "2026-11-20"), strict=True)),
    ]


@pytest.mark.parametrize("page", ["<table>", '<table><tr><td colspan="99999">x' * 3, "<table><tr>" + "<td>x" * 600])
def test_a_page_without_cases_says_so(page: str) -> None:
    with pytest.raises(NoSheet, match="no header row"):
        list(rows_in(page.encode(), SOURCE))
