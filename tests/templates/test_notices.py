"""What every shipped notice owes its reader, in every locale."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from gateway.channels.base import choices_in
from gateway.errors import RenderError
from gateway.keys import Keys
from gateway.render import FORMS, LinkView, NoticeView, Rendered, Renderer, check, sample_view
from gateway.render.renderer import OF_A_PART, OF_AN_IMPORT, SPOKEN
from gateway.segments import segments
from tests.templates.conftest import TEMPLATES
from ticket_core.number import display, ticket_id_of

RENDERER = Renderer(TEMPLATES)
LOCALES = ("zh-CN", "en")
SAYINGS = tuple(name for name in RENDERER.notices() if name.startswith(SPOKEN))
NOTICES = tuple(name for name in RENDERER.notices() if not name.startswith((SPOKEN, OF_A_PART, OF_AN_IMPORT)))
TO_COMPLAINANT = ("acknowledgement", "answer", "closing", "refused", "extension_granted")
TO_BOTH = ("supplement_received", "withdrawn", "extension_granted")
TO_STAFF = tuple(sorted({*NOTICES} - {*TO_COMPLAINANT} - {*TO_BOTH}))
BY_MAIL_TOO = ("acknowledgement", "answer", "closing")

every_notice = pytest.mark.parametrize("notice", NOTICES)
every_locale = pytest.mark.parametrize("locale", LOCALES)


def sample(notice: str, locale: str) -> NoticeView:
    return sample_view(TEMPLATES / "samples", notice, locale)


def rendered(notice: str, locale: str, view: NoticeView | None = None) -> Rendered:
    return RENDERER.render(notice, locale=locale, view=view or sample(notice, locale))


def as_staff(view: NoticeView) -> NoticeView:
    return replace(view, recipient=replace(view.recipient, role="agent"))


def test_the_shipped_templates_have_no_problem() -> None:
    assert check(RENDERER) == []


def test_the_process_has_a_notice_for_each_of_its_turns() -> None:
    assert {*NOTICES} == {
        *("acknowledgement", "answer", "closing", "refused", "extension_granted", "supplement_received", "withdrawn"),
        *("assignment", "returned", "reminder", "overdue", "urged", "step_failed"),
        *("repeat_escalation", "escalated_to_supervisor", "case_corrected", "reported_back"),
        *("extension_requested", "extension_decided"),
    }


def test_both_locales_have_the_same_notices_and_forms() -> None:
    chinese, english = ({name for name in RENDERER.files(locale) if name.endswith(".j2")} for locale in LOCALES)
    assert chinese == english


@every_locale
@pytest.mark.parametrize("saying", SAYINGS)
def test_a_reply_in_a_conversation_is_short_and_its_buttons_say_commands(saying: str, locale: str) -> None:
    said = RENDERER.render(saying, locale=locale, view=sample(saying, locale), forms=("text", "choices"))
    assert 0 < len(said.text or "") < 400
    for choice in choices_in(said.choices or ""):
        assert choice.says.startswith("/"), choice
        assert len(choice.says.encode()) <= 64  # what Telegram takes as the data of a button
        assert len(choice.label) <= 20


@every_locale
@every_notice
def test_every_form_names_the_ticket(notice: str, locale: str) -> None:
    forms = rendered(notice, locale).forms
    assert tuple(forms) == FORMS
    number = sample(notice, locale).ticket.display_number
    assert [form for form, text in forms.items() if number not in text] == []


@every_locale
@every_notice
def test_a_sample_is_as_long_as_a_real_notice(notice: str, locale: str) -> None:
    view = sample(notice, locale)
    ticket_id = ticket_id_of(view.ticket.number)
    assert ticket_id is not None
    assert view.ticket.display_number == display(view.ticket.number)
    key = Keys(b"any secret of at least 32 bytes...").key(ticket_id)
    for link in (view.link.track, view.link.rate):
        assert link is not None
        assert len(link.partition("#")[0]) == len(f"https://tousu.example.com/track/{view.ticket.number}?key={key}")
    assert view.link.console == f"https://tousu.example.com/console/tickets/{view.ticket.number}"
    earlier = view.event.get("earlier_number")
    assert earlier is None or ticket_id_of(str(earlier)) is not None


@every_locale
@every_notice
def test_a_subject_is_one_short_line(notice: str, locale: str) -> None:
    subject = rendered(notice, locale).subject
    assert subject is not None
    assert "\n" not in subject
    assert len(subject) <= 78


@every_locale
@pytest.mark.parametrize("notice", [*TO_COMPLAINANT, *TO_BOTH])
def test_the_complainant_gets_the_link_to_the_case_and_never_to_the_console(notice: str, locale: str) -> None:
    view = sample(notice, locale)
    done = rendered(notice, locale)
    assert view.link.track is not None
    assert view.link.track in str(done.text)
    assert "/console/" not in "".join(done.forms.values())


@every_locale
@pytest.mark.parametrize("notice", [*TO_STAFF, *TO_BOTH])
def test_staff_get_the_link_to_the_console_and_never_the_complainants_key(notice: str, locale: str) -> None:
    view = as_staff(sample(notice, locale))
    done = rendered(notice, locale, view)
    assert str(view.link.console) in str(done.text)
    assert "key=" not in "".join(done.forms.values())


@every_locale
@pytest.mark.parametrize("notice", [*TO_STAFF, *TO_BOTH])
def test_a_notice_without_the_link_its_reader_needs_is_held(notice: str, locale: str) -> None:
    view = replace(as_staff(sample(notice, locale)), link=LinkView(track=None, rate=None, console=None))
    with pytest.raises(RenderError):
        rendered(notice, locale, view)


@every_locale
@every_notice
def test_a_short_form_fits_into_the_sms_it_is_paid_for(notice: str, locale: str) -> None:
    view = sample(notice, locale)
    short = str(rendered(notice, locale).short)
    has_link = "https://" in short
    allowed = 2 if has_link or locale == "en" else 1
    assert segments(short, mainland=True, signature=view.organisation.signature).count <= allowed
    assert "【" not in short
    assert "\n" not in short


@every_locale
@pytest.mark.parametrize("notice", [*TO_STAFF, *TO_BOTH])
def test_the_short_form_for_staff_tells_nothing_of_the_complainant(notice: str, locale: str) -> None:
    view = as_staff(sample(notice, locale))
    ticket = replace(
        view.ticket,
        subject="SECRET-SUBJECT",
        text="SECRET-TEXT",
        complainant_name="SECRET-NAME",
        complainant_masked="SECRET-MASK",
        service_number="SECRET-NUMBER",
    )
    done = rendered(notice, locale, replace(view, ticket=ticket))
    assert "SECRET" not in f"{done.subject}{done.short}"


@every_locale
@pytest.mark.parametrize("notice", [*TO_STAFF, *TO_BOTH])
def test_a_confidential_case_is_read_in_the_console_and_not_in_the_mail(notice: str, locale: str) -> None:
    view = as_staff(sample(notice, locale))
    ticket = replace(
        view.ticket,
        confidential=True,
        subject="SECRET-SUBJECT",
        text="SECRET-TEXT",
        complainant_name=None,
        complainant_masked=None,
    )
    # What the complainant added or urged is the complainant's text too; an order of staff is not.
    told = {"supplement_received", "urged", "case_corrected", "reported_back"}
    event = {**view.event, "text": "SECRET-WORDS"} if notice in told else view.event
    done = rendered(notice, locale, replace(view, ticket=ticket, event=event))
    assert "SECRET" not in "".join(done.forms.values())
    assert str(view.link.console) in str(done.text)


@every_locale
@every_notice
def test_a_ticket_of_which_little_is_known_still_has_its_notice(notice: str, locale: str) -> None:
    view = sample(notice, locale)
    ticket = replace(
        view.ticket,
        priority_label=None,
        category=None,
        service_number=None,
        group_label=None,
        complainant_name=None,
        complainant_masked=None,
    )
    bare = replace(
        view,
        ticket=ticket,
        organisation=replace(view.organisation, hotline=None),
        recipient=replace(view.recipient, name=None),
    )
    done = rendered(notice, locale, bare)
    for text in done.forms.values():
        assert "None" not in text
    assert "\n\n\n" not in str(done.text)


@every_locale
def test_an_acknowledgement_says_when_the_answer_is_due(locale: str) -> None:
    done = rendered("acknowledgement", locale)
    expected = {
        "zh-CN": ("2026年11月23日24时前", "11月23日24时前答复"),
        "en": ("the end of 23 November 2026", "23 Nov"),
    }
    long, short = expected[locale]
    assert long in str(done.text)
    assert long in str(done.html)
    assert short in str(done.short)


@every_locale
def test_an_acknowledgement_without_a_deadline_promises_none(locale: str) -> None:
    done = rendered("acknowledgement", locale, replace(sample("acknowledgement", locale), due=None))
    assert not re.search("时限|[Dd]eadline|24时|by end", "".join(done.forms.values()))


@every_locale
def test_an_acknowledgement_says_so_when_the_complaint_was_escalated(locale: str) -> None:
    view = sample("acknowledgement", locale)
    label = {"zh-CN": "申告", "en": "grievance"}[locale]
    plain = rendered("acknowledgement", locale)
    escalated = rendered(
        "acknowledgement", locale, replace(view, ticket=replace(view.ticket, grade="grievance", grade_label=label))
    )
    for form in ("text", "short", "html"):
        assert label not in plain.forms[form]
        assert label in escalated.forms[form]
    assert segments(str(escalated.short), signature=view.organisation.signature).count <= 2


@every_locale
def test_an_acknowledgement_repeats_none_of_the_complainants_words(locale: str) -> None:
    """It goes out unasked to an unverified address: with foreign text in it we would send anybody's advertising."""
    view = sample("acknowledgement", locale)
    done = rendered(
        "acknowledgement", locale, replace(view, ticket=replace(view.ticket, subject="BUY-NOW", text="BUY-NOW"))
    )
    assert "BUY-NOW" not in "".join(done.forms.values())


def test_a_repeated_complaint_is_told_with_its_window_and_its_new_grade() -> None:
    done = rendered("repeat_escalation", "zh-CN")
    assert "4小时内重复投诉" in str(done.short)
    assert "已升级为申告" in str(done.short)
    assert "261120-00000017-1" in str(done.text)


@pytest.mark.parametrize(
    ("locale", "reason", "told"),
    [
        ("zh-CN", "walk_in", "用户到营业场所投诉"),
        ("zh-CN", "special_number", "用户拨打升级专线投诉"),
        ("zh-CN", "媒体关注", "媒体关注"),
        ("en", "walk_in", "complaint made in person"),
        ("en", "in the press", "in the press"),
    ],
)
def test_an_escalation_for_another_cause_tells_that_cause(locale: str, reason: str, told: str) -> None:
    view = sample("repeat_escalation", locale)
    event = {"kind": "escalated", "at": view.event["at"], "actor_label": "x", "reason": reason}
    assert told in str(rendered("repeat_escalation", locale, replace(view, event=event)).text)


@every_locale
def test_a_second_complaint_in_the_same_case_is_acknowledged_as_the_second(locale: str) -> None:
    view = sample("acknowledgement", locale)
    again = rendered("acknowledgement", locale, replace(view, event={**view.event, "kind": "complained_again"}))
    for form in ("text", "html"):
        assert {"zh-CN": "再次提交", "en": "lodged again"}[locale] in again.forms[form]
        assert "10:05" in again.forms[form]  # when this one came, not the first


@every_locale
def test_a_case_that_goes_to_the_default_group_is_not_said_to_be_assigned_by_the_complainant(locale: str) -> None:
    view = sample("assignment", locale)
    event = {"kind": "received", "at": view.event["at"], "actor_label": "COMPLAINANT", "text": "WORDS"}
    text = str(rendered("assignment", locale, replace(view, event=event)).text)
    assert "COMPLAINANT" not in text
    assert "WORDS" not in text


@every_locale
def test_public_criticism_is_called_so(locale: str) -> None:
    view = sample("escalated_to_supervisor", locale)
    done = rendered("escalated_to_supervisor", locale, replace(view, event={**view.event, "kind": "criticised"}))
    for form in ("subject", "text", "short"):
        assert re.search("通报批评|critici", done.forms[form])
    assert segments(str(done.short), signature=view.organisation.signature).count == 1


@every_locale
@pytest.mark.parametrize("notice", ["refused", "extension_granted", "returned"])
def test_a_decision_without_its_reason_is_held(notice: str, locale: str) -> None:
    view = sample(notice, locale)
    event = {key: value for key, value in view.event.items() if key != "reason"}
    with pytest.raises(RenderError, match="reason"):
        rendered(notice, locale, replace(view, event=event))


@every_locale
@pytest.mark.parametrize("notice", ["reminder", "overdue", "extension_granted"])
def test_a_notice_about_a_deadline_is_held_without_one(notice: str, locale: str) -> None:
    with pytest.raises(RenderError, match="None"):
        rendered(notice, locale, replace(sample(notice, locale), due=None))


@every_locale
def test_a_closed_case_can_be_rated_from_1_to_5(locale: str) -> None:
    view = sample("closing", locale)
    done = rendered("closing", locale)
    for form in ("text", "short", "html"):
        assert str(view.link.rate) in done.forms[form]
        assert re.search("1.*5", done.forms[form])


class _Mail(HTMLParser):
    """Collects what a mail program would fetch or run, and the tags left open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.forbidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"img", "script", "link", "iframe", "style", "form", "video"}:
            self.forbidden.append(tag)
        self.forbidden += [
            f"{tag} {name}" for name, _ in attrs if name.startswith("on") or name in {"src", "background"}
        ]
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@every_locale
@pytest.mark.parametrize("notice", BY_MAIL_TOO)
def test_an_html_mail_is_well_formed_and_loads_nothing(notice: str, locale: str) -> None:
    parser = _Mail()
    html = str(rendered(notice, locale).html)
    parser.feed(html)
    assert (parser.open, parser.forbidden) == ([], [])
    assert f'<html lang="{locale}">' in html
    assert "url(" not in html


@every_locale
@every_notice
def test_html_escapes_whatever_citizens_and_staff_wrote(notice: str, locale: str) -> None:
    attack = "<script>alert(1)</script>\"'"
    view = sample(notice, locale)
    hostile = replace(
        view,
        ticket=replace(view.ticket, subject=attack, text=attack, category=attack, group_label=attack),
        recipient=replace(view.recipient, name=attack),
        event={**view.event, "text": attack, "reason": attack, "actor_label": attack},
    )
    html = str(rendered(notice, locale, hostile).html)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


@every_locale
@every_notice
def test_a_line_break_from_outside_never_reaches_the_subject_or_the_short_form(notice: str, locale: str) -> None:
    view = sample(notice, locale)
    hostile = replace(
        view,
        ticket=replace(view.ticket, display_number="X\r\nBcc: a@example.com", priority_label="p\n", kind_label="k\r"),
        event={**view.event, "actor_label": "王\n班长"},
    )
    done = rendered(notice, locale, hostile)
    assert not re.search(r"[\r\n]", f"{done.subject}{done.short}")
