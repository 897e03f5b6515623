"""The renderer: what it refuses, where it looks, what it falls back to."""

from __future__ import annotations

from dataclasses import replace

import pytest
from markupsafe import escape

from gateway.errors import RenderError
from gateway.render import Form, NoticeView, Renderer, SmsTemplate
from tests.templates.conftest import Write


@pytest.mark.parametrize(
    "source",
    [
        "{{ nothing }}",
        "{{ ticket.nothing }}",
        "{{ event.nothing }}",
        "{{ ticket.category }}",  # None: as good as undefined
        "{% if ticket.nothing %}x{% endif %}",
        "{{ due.due_at.nothing }}",
        "{{ nothing|when }}",
        "{{ ticket.number|when }}",
        "{{ 1 + ticket.number }}",
        "{% include 'nothing.j2' %}",
        "{{ ticket.number|nothing }}",
        "{{ ticket.number",
        "{# says nothing #}",
    ],
)
@pytest.mark.parametrize("form", ["subject", "text", "short", "html"])
def test_a_template_that_cannot_say_it_all_says_nothing(
    written: Write, view: NoticeView, form: str, source: str
) -> None:
    file = "html.html.j2" if form == "html" else f"{form}.txt.j2"
    renderer = written({f"zh-CN/notice/{file}": source})
    view = replace(view, ticket=replace(view.ticket, category=None))
    with pytest.raises(RenderError) as caught:
        renderer.render("notice", locale="zh-CN", view=view)
    assert (caught.value.notice, caught.value.form) == ("notice", form)


@pytest.mark.parametrize(
    "source",
    [
        "{{ ticket.__class__ }}",
        "{{ ticket.__class__.__mro__ }}",
        "{{ ticket['__class__'] }}",
        "{{ ticket|attr('__class__') }}",
        "{{ ticket.text.__class__ }}",
        "{{ ticket.text['__class__'] }}",
        "{{ event.__class__ }}",
        "{{ event.keys() }}",
        "{{ event.get('kind') }}",
        "{{ '{0.__class__}'.format(ticket) }}",
        "{{ ticket.received_at.__reduce__() }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ self.__init__.__globals__ }}",
        "{{ range(3) }}",
    ],
)
def test_a_template_reaches_nothing_but_the_fields_of_its_views(written: Write, view: NoticeView, source: str) -> None:
    renderer = written({"zh-CN/notice/text.txt.j2": source})
    with pytest.raises(RenderError):
        renderer.render("notice", locale="zh-CN", view=view)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{% if due.label is defined %}due{% else %}nothing due{% endif %}", "nothing due"),
        ("{{ ticket.nothing|default('none') }}", "none"),
        ("{% set ticket = event %}{{ ticket.kind }}", "created"),
        ("{% for link in [organisation] %}{{ link.name }}{% endfor %}", "示例中心"),
        ("{% for link in [organisation] %}{{ link.track|default('none') }}{% endfor %}", "none"),
        ("{% for ticket in ['a'] %}{{ ticket.upper() }}{% endfor %}", "A"),
    ],
)
@pytest.mark.parametrize("form", ["text", "html"])
def test_a_name_means_what_it_is_bound_to(
    written: Write, view: NoticeView, source: str, shown: str, form: Form
) -> None:
    file = "html.html.j2" if form == "html" else "text.txt.j2"
    renderer = written({f"zh-CN/notice/{file}": source, "zh-CN/notice/subject.txt.j2": "x"})
    view = replace(
        view,
        due=None,
        event={"kind": "created"},
        organisation=replace(view.organisation, name="示例中心"),
    )
    done = renderer.render("notice", locale="zh-CN", view=view, forms=(form,))
    assert getattr(done, form) == shown


@pytest.mark.parametrize("autoescape", ["true", "false"])
def test_html_shows_marks_as_they_were_written(written: Write, view: NoticeView, autoescape: str) -> None:
    name = '<b>"O\'Neill" & Co</b>'
    view = replace(view, recipient=replace(view.recipient, name=name))
    source = "{{ recipient.name }}|{{ recipient.name|safe }}|{{ 7 }}|{{ [recipient.name]|length }}"
    source = f"{{% autoescape {autoescape} %}}{source}{{% endautoescape %}}"
    renderer = written({"zh-CN/notice/html.html.j2": source, "zh-CN/notice/subject.txt.j2": "x"})
    first = escape(name) if autoescape == "true" else name
    assert renderer.render("notice", locale="zh-CN", view=view, forms=("html",)).html == f"{first}|{name}|7|1"


def test_an_error_names_the_line_and_the_variable_but_no_value(written: Write, view: NoticeView) -> None:
    renderer = written({"zh-CN/notice/text.txt.j2": "one\n{{ ticket.nothing }}", "zh-CN/other/text.txt.j2": "{{ x }"})
    with pytest.raises(RenderError, match=r"notice/text: line 2: .*TicketView.* has no attribute 'nothing'") as caught:
        renderer.render("notice", locale="zh-CN", view=view)
    assert view.ticket.text not in str(caught.value)
    with pytest.raises(RenderError, match="other/text: line 1"):
        renderer.render("other", locale="zh-CN", view=view)


def test_the_text_of_a_value_never_gets_into_the_error(written: Write, view: NoticeView) -> None:
    renderer = written({"zh-CN/notice/text.txt.j2": "{{ ticket.text|int + ticket.subject }}"})
    with pytest.raises(RenderError) as caught:
        renderer.render("notice", locale="zh-CN", view=view)
    assert caught.value.reason == "line 1: TypeError"


def test_an_unknown_notice_is_an_error(shipped: Renderer, view: NoticeView) -> None:
    with pytest.raises(RenderError, match="no such notice"):
        shipped.render("gossip", locale="zh-CN", view=view)


@pytest.mark.parametrize(
    ("locale", "used"),
    [("zh-CN", "zh-CN"), ("en", "en"), ("en-GB", "en"), ("zh-Hans", "zh-CN"), ("bo", "zh-CN"), ("", "zh-CN")],
)
def test_the_recipients_language_comes_first_and_chinese_next(
    shipped: Renderer, view: NoticeView, locale: str, used: str
) -> None:
    assert shipped.render("acknowledgement", locale=locale, view=view).locale == used


def test_english_serves_where_chinese_lacks_a_notice(written: Write, view: NoticeView) -> None:
    renderer = written({"en/notice/text.txt.j2": "english", "zh-CN/other/text.txt.j2": "中文"})
    assert renderer.render("notice", locale="zh-CN", view=view).text == "english"


def test_a_notice_is_never_mixed_of_two_languages(written: Write, view: NoticeView) -> None:
    renderer = written({"en/notice/text.txt.j2": "english", "zh-CN/notice/short.txt.j2": "中文"})
    assert renderer.render("notice", locale="en", view=view).short == "english"


def test_short_and_html_fall_back_to_the_text(written: Write, view: NoticeView) -> None:
    renderer = written({"zh-CN/notice/text.txt.j2": "1 < 2 & {{ ticket.number }}\nnext\n\nlast"})
    done = renderer.render("notice", locale="zh-CN", view=view)
    assert done.short == done.text
    assert done.html == f"<p>1 &lt; 2 &amp; {view.ticket.number}<br>\nnext</p>\n<p>last</p>"


def test_only_the_forms_asked_for_are_rendered(written: Write, view: NoticeView) -> None:
    renderer = written({"zh-CN/notice/html.html.j2": "{{ nothing }}"})
    done = renderer.render("notice", locale="zh-CN", view=view, forms=("subject", "short"))
    assert done.forms == {"subject": "ordinary", "short": "ordinary"}
    assert (done.text, done.html) == (None, None)


def test_the_template_version_changes_with_every_file_it_is_made_of(written: Write, view: NoticeView) -> None:
    files = {
        "_parts/frame.txt.j2": "frame {% block body %}{% endblock %}",
        "zh-CN/_parts/letter.txt.j2": '{% extends "_parts/frame.txt.j2" %}',
        "zh-CN/_parts/unused.txt.j2": "unused",
        "zh-CN/notice/text.txt.j2": '{% extends "_parts/letter.txt.j2" %}{% block body %}a{% endblock %}',
    }

    def version(changed: dict[str, str]) -> str:
        return written(files | changed).render("notice", locale="zh-CN", view=view).template_version

    first = version({})
    assert version({}) == first
    assert version({"zh-CN/_parts/unused.txt.j2": "changed"}) == first
    for name in ("_parts/frame.txt.j2", "zh-CN/_parts/letter.txt.j2", "zh-CN/notice/text.txt.j2"):
        assert version({name: files[name] + "!"}) != first
    assert version({"zh-CN/notice/meta.toml": '[sms]\ntemplate = "T1"'}) != first


def test_a_version_covers_every_part_when_the_part_is_chosen_while_rendering(written: Write, view: NoticeView) -> None:
    files = {
        "zh-CN/_parts/a.txt.j2": "a",
        "zh-CN/notice/text.txt.j2": '{% extends "_parts/a.txt.j2" if ticket.number else "_parts/b.txt.j2" %}',
    }
    before = written(files).render("notice", locale="zh-CN", view=view)
    after = written(files | {"zh-CN/_parts/a.txt.j2": "b"}).render("notice", locale="zh-CN", view=view)
    assert (before.text, after.text) == ("a", "b")
    assert before.template_version != after.template_version


def test_an_sms_template_gets_its_variables_in_order(written: Write, view: NoticeView) -> None:
    sms = """
        [sms]
        template = "SMS_0001"
        [sms.variables]
        number = "{{ ticket.display_number }}"
        due = "{{ due.due_at|deadline_short }}"
    """
    renderer = written({"zh-CN/notice/meta.toml": sms})
    done = renderer.render("notice", locale="zh-CN", view=view)
    assert done.sms == SmsTemplate(
        template="SMS_0001", variables=(("number", view.ticket.display_number), ("due", "11月23日24时"))
    )
    without_short = renderer.render("notice", locale="zh-CN", view=view, forms=("text",))
    assert without_short.sms is None


@pytest.mark.parametrize("sms", ["[sms", '[sms]\ntemplate="T"\n[sms.variables]\na="{{ x "', "sms = 1"])
def test_a_broken_sms_template_holds_the_notice(written: Write, view: NoticeView, sms: str) -> None:
    renderer = written({"zh-CN/notice/meta.toml": sms})
    with pytest.raises(RenderError, match=r"notice/short: meta\.toml"):
        renderer.render("notice", locale="zh-CN", view=view)
