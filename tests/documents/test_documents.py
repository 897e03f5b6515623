"""A document says all its template asks for, keeps citizens' words as they are, and never goes out with a hole."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from gateway.documents import DocumentError, Documents, Writer, check, sample_values
from gateway.documents.paper import FONTS, find_font
from gateway.keys import Keys
from gateway.render import OrganisationView
from gateway.view import Letterhead
from tests.core.builders import Desk, at, command, draft
from tests.core.test_act import act
from tests.core.test_extension import policy
from tests.documents.reading import pages_of, text_of
from ticket_core.model import Complainant, Source
from ticket_core.store.queries import TicketFile

TEMPLATES = Path(__file__).parents[2] / "templates"
SHIPPED = Documents(TEMPLATES)
with_font = pytest.mark.skipif(not any(Path(one).is_file() for one in FONTS), reason="no font with Chinese characters")


def test_every_shipped_template_is_whole_in_both_forms_and_languages() -> None:
    assert check(SHIPPED) == []
    assert SHIPPED.locales() == ("zh-CN", "en")
    for event, form in product(SHIPPED.events(), ("docx", "pdf")):
        assert SHIPPED.locale_for("en-GB", event, form) == "en"
    assert set(SHIPPED.events()) == {"accepted", "refused", "answered", "extended", "returned"}
    assert all(SHIPPED.forms(event) == ("docx", "pdf") for event in SHIPPED.events())


@with_font
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
@pytest.mark.parametrize("event", SHIPPED.events())
def test_both_forms_say_the_same_in_words_of_their_language(event: str, locale: str) -> None:
    values = sample_values(SHIPPED, event, locale)
    docx = text_of(SHIPPED.write(event, "docx", values, locale=locale))
    (page,) = pages_of(SHIPPED.write(event, "pdf", values, locale=locale))
    assert page[-1] == "— 1 —"
    assert "".join("".join(page[:-1]).split()) == "".join(docx.split())
    own = docx.replace(str(values["event"].get("code_label") or "—"), "")  # a body's reasons are in its own words
    assert (locale == "en") == (max(own) < "\u2e80")


@with_font
def test_a_long_answer_goes_on_over_pages_and_what_it_says_is_no_mark_of_ours() -> None:
    values = sample_values(SHIPPED, "answered")
    marked = ["# 不是标题", "> 不是落款", "- 不是称谓", "阀门\t120.00 元", "\x0b手工\x00录入"]
    said = [*marked, *(f"第{day}次联系：已致电诉求人。" for day in range(1, 60))]
    values["event"] = {**values["event"], "text": "\u2028".join(said[:2]) + "\n" + "\n".join(said[2:])}
    pages = pages_of(SHIPPED.write("answered", "pdf", values))
    assert [page[-1] for page in pages] == [f"— {number} —" for number in range(1, len(pages) + 1)]
    assert len(pages) > 2
    lines = [line for page in pages for line in page[:-1]]
    shown = ["# 不是标题", "> 不是落款", "- 不是称谓", "阀门    120.00 元", "手工录入", *said[len(marked) :]]
    start = lines.index("\u3000\u3000# 不是标题")  # set as a paragraph, with its indent
    assert lines[start : start + len(shown)] == [f"\u3000\u3000{line}" for line in shown]


@with_font
def test_a_pdf_is_one_and_holds_its_font() -> None:
    page = SHIPPED.write("refused", "pdf", sample_values(SHIPPED, "refused"))
    assert page.startswith(b"%PDF-")
    assert b"/FontFile2" in page
    assert len(page) < 200_000  # a part of the font, not all of it


def test_a_documents_words_are_those_of_the_case() -> None:
    said = text_of(SHIPPED.write("refused", "docx", sample_values(SHIPPED, "refused")))
    assert said.startswith("不予受理告知书\n编号：261120000000420-7\n李四：")
    assert "依据：不属于市场监督管理部门职责" in said
    assert "CD20261120001" in said and said.endswith("2026年11月20日")


@pytest.mark.parametrize(
    "words", ["<b>&amp;</b> ]]> & \"'", "{{ 7 * 7 }} {% raw %}", "{_{ x }_}", "第一行\n第二行", "\x00\x0bx\x1f"]
)
def test_what_somebody_wrote_stays_what_he_wrote(words: str) -> None:
    values = sample_values(SHIPPED, "answered")
    values["event"] = {**values["event"], "text": words}
    said = text_of(SHIPPED.write("answered", "docx", values))
    plain = words.replace("\x00", "").replace("\x0b", "").replace("\x1f", "")
    assert plain.replace("{_{", "{{").replace("}_}", "}}") in said


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The folder of an operator who has copied the templates."""
    shutil.copytree(TEMPLATES / "documents", tmp_path / "documents")
    return tmp_path


@with_font
@pytest.mark.parametrize(
    ("template", "wrong"),
    [
        ("{{ ticket.nickname }}", "nickname"),
        ("{{ event.reason }} {{ event.nothing }}", "nothing"),
        ("{{ ticket.category.__class__ }}", "__class__"),
        ("{{ ticket.number ", "line 1"),
        ("{{ due.label }}{{ source.case_number }}{{ None }}", "None"),
    ],
)
def test_a_template_that_asks_for_what_there_is_not_writes_nothing(own: Path, template: str, wrong: str) -> None:
    (own / "documents/zh-CN/refused.pdf.j2").write_text(template, encoding="utf-8")
    documents = Documents(own)
    with pytest.raises(DocumentError, match=wrong):
        documents.write("refused", "pdf", sample_values(documents, "refused"))
    assert any(one.startswith("documents/zh-CN/refused.pdf.j2") for one in check(documents))


def test_a_body_has_templates_of_its_own(own: Path) -> None:
    folder = own / "documents/zh-CN/12315"
    folder.mkdir()
    shutil.copy(own / "documents/zh-CN/returned.docx", folder / "refused.docx")
    documents = Documents(own)
    values = sample_values(documents, "refused")
    assert text_of(documents.write("refused", "docx", values, source="12315")).startswith("退回函")
    assert text_of(documents.write("refused", "docx", values, source="12345")).startswith("不予受理告知书")
    with pytest.raises(DocumentError, match="no template"):
        documents.write("../refused", "docx", values)


@with_font
def test_a_character_that_the_font_lacks_is_told_and_leaves_no_hole() -> None:
    values = sample_values(SHIPPED, "answered")
    values["event"] = {**values["event"], "text": "住址：\U00030edd\U00030edd面馆"}
    with pytest.raises(DocumentError, match="lacks \U00030edd"):
        SHIPPED.write("answered", "pdf", values)
    assert "\U00030edd" in text_of(SHIPPED.write("answered", "docx", values))


def test_a_font_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match=r"documents\.font"):
        find_font(tmp_path / "none.ttf")


def test_a_ticket_is_written_from_its_last_event_with_the_bodys_own_reason() -> None:
    desk = Desk(policy())
    source = Source(body="12315", case_number="1510000001")
    who = Complainant(name="李四", phones=("+8613800000001",))
    ticket = desk.ticket(
        desk.take(draft(when=at("10:00"), profile="transfer", source=source, complainant=who, subject="买到过期食品"))
    )
    said = {"code": "4", "reason": "已超过三年"}
    act(desk, command(ticket, "refuse", at("11:00"), actor="boss", role="supervisor", **said))
    letterhead = Letterhead(
        organisation=OrganisationView(name="示例市监局", hotline=None, signature="示例"),
        base_url="http://127.0.0.1",
        keys=Keys(b"k" * 32),
        words={"zh-CN": {"kind": {"complaint": "投诉"}}},
    )
    events = [one for change in desk.changes for one in change.events]
    file = TicketFile(
        ticket=desk.tickets[ticket.id],
        complaints=(),
        events=tuple(events),
        timers=tuple(desk.timers[ticket.id].values()),
    )
    writer = Writer(SHIPPED, policy(), letterhead)
    assert [(one.event, one.step, one.locales) for one in writer.writable(file)] == [
        ("refused", "不予受理", ("zh-CN", "en"))
    ]
    assert writer.event_of(file, "不予受理") == writer.event_of(file, "refuse") == "refused"
    name, content = writer.write(file, "refused", "docx", datetime(2026, 11, 20, tzinfo=UTC))
    said_in_it = text_of(content)
    assert name.endswith("-refused.docx")
    assert "自知道或者应当知道权益受到侵害之日起超过三年" in said_in_it and "理由：已超过三年" in said_in_it
    assert "12315 市场监管投诉举报编号：1510000001" in said_in_it and "key=" not in said_in_it
    now = datetime(2026, 11, 20, tzinfo=UTC)
    name, content = writer.write(file, "refused", "docx", now, locale="en")
    assert name.endswith("-refused-en.docx")
    assert "12315 market regulation number 1510000001" in text_of(content)
    foreign = replace(file, ticket=replace(file.ticket, source=None, locale="en-US"))
    assert text_of(writer.write(foreign, "refused", "docx", now)[1]).startswith("Notice of Non-acceptance")
    assert writer.writable(foreign)[0].locales == ("en", "zh-CN")
    assert text_of(writer.write(foreign, "refused", "docx", now, locale="fr")[1]).startswith("不予受理告知书")
    nameless = replace(file, ticket=replace(file.ticket, complainant=replace(who, anonymous=True)))
    assert "李四" not in text_of(writer.write(nameless, "refused", "docx", datetime(2026, 11, 20, tzinfo=UTC))[1])
    with pytest.raises(DocumentError, match="has not happened"):
        writer.write(file, "answered", "docx", datetime(2026, 11, 20, tzinfo=UTC))


def test_what_is_not_installed_is_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "docxtpl", None)
    with pytest.raises(DocumentError, match=r"complaint-gateway\[documents\]"):
        SHIPPED.write("refused", "docx", sample_values(SHIPPED, "refused"))
