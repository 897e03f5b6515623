"""From a message to a draft: who is meant, what is proven, what a machine may answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.keys import Keys
from gateway.mask import mask_phone
from gateway.message import Address, File, InboundMessage, Raw
from gateway.normalize.draft import Reading, to_draft

NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
KEYS = Keys(b"k" * 32)
READING = Reading(profile="generic", ticket_of_token=KEYS.ticket_of_token, area_code="028")
TICKET = 26112000000048


def message(**known: Any) -> InboundMessage:
    raw = Raw(channel="mail", body=b"...", received_at=NOW)
    return InboundMessage(**{"channel": "mail", "external_id": "1", "received_at": NOW, "raw": raw, **known})


def call(**fields: Any) -> tuple[str, ...]:
    return to_draft(message(fields={"text": "断网", **fields}), READING).identities


def test_a_caller_behind_a_switchboard_is_another_person_than_his_neighbour() -> None:
    assert call(caller="028-86111234", extension="801") == ("phone:+862886111234;ext=801",)
    assert call(caller="028-86111234", extension="802") == ("phone:+862886111234;ext=802",)


def test_whoever_calls_back_sees_the_extension() -> None:
    draft = to_draft(message(fields={"text": "断网", "caller": "028-86111234 转 801"}), READING)
    assert (draft.complainant.phones, draft.complainant.mobile) == (("+862886111234;ext=801",), "")
    assert mask_phone(draft.complainant.phones[0]) == mask_phone("+862886111234")


def test_an_extension_written_beside_a_mobile_does_not_make_two_people_of_one() -> None:
    assert call(caller="13800001234", extension="801") == call(caller="138 0000 1234") == ("phone:+8613800001234",)


def test_the_calling_number_and_the_contact_number_both_name_the_person() -> None:
    found = call(caller="86111234", complainant={"phone": "13800001234"})
    assert found == ("phone:+8613800001234", "phone:+862886111234")


@pytest.mark.parametrize("phone", ["138****1234", "保密", "12345", "10086", "4008123123", "106575112345678"])
def test_what_is_masked_or_a_hotline_names_nobody_but_is_kept(phone: str) -> None:
    draft = to_draft(message(fields={"text": "断网", "complainant": {"phone": phone}}), READING)
    assert draft.identities == ()
    assert draft.complainant.masked == (phone,) or draft.complainant.phones


def test_only_an_unforgeable_token_proves_a_ticket() -> None:
    token = KEYS.token(TICKET)
    forged = Keys(b"x" * 32).token(TICKET)
    proven = to_draft(message(text="补充", thread=(f"<n7.{token}@example.com>",)), READING)
    assert (proven.intent, proven.thread) == ("supplement", TICKET)
    assert to_draft(message(text="补充", thread=(f"complaints+{token.upper()}@example.com",)), READING).thread == TICKET
    other = to_draft(message(text="补充", thread=(f"<n7.{forged}@example.com>", "<x@example.com>")), READING)
    assert (other.intent, other.thread) == ("complaint", None)


def test_a_number_in_the_text_is_only_quoted() -> None:
    number = KEYS.token(TICKET).partition(".")[0]
    draft = to_draft(message(subject=f"关于工单 {number}", text="怎么还没结果"), READING)
    assert (draft.intent, draft.thread, draft.quoted) == ("complaint", None, (TICKET,))


@pytest.mark.parametrize(
    "marker", ["bounce", "auto-submitted", "vacation-subject", "precedence", "x-loop", "null-sender"]
)
def test_what_a_machine_wrote_is_no_complaint(marker: str) -> None:
    draft = to_draft(message(text="I am out of office", automatic=marker), READING)
    assert (draft.intent, draft.note) == ("automatic", marker)


@pytest.mark.parametrize("marker", ["list", "auto-response-suppress"])
def test_a_complaint_through_a_group_address_is_one_but_no_machine_answers_it(marker: str) -> None:
    draft = to_draft(message(text="宽带断网", automatic=marker), READING)
    assert (draft.intent, draft.tags) == ("complaint", ("no_automatic_replies",))


def test_what_nobody_can_read_goes_to_a_person_with_its_reason() -> None:
    draft = to_draft(message(readable=False, problem="unreadable: ValueError"), READING)
    assert (draft.intent, draft.note, draft.raw) == ("triage", "unreadable: ValueError", b"...")


def test_a_mail_with_only_a_picture_opens_a_case() -> None:
    file = File(name="a.jpg", media_type="image/jpeg", content=b"\xff\xd8\xff")
    sender = (Address(medium="email", value="Li@Example.com", name="李四"),)
    draft = to_draft(message(sender=sender, attachments=(file,)), READING)
    assert (draft.intent, draft.complainant.name) == ("complaint", "李四")
    assert draft.identities == ("email:li@example.com",)
    assert [one.name for one in draft.attachments] == ["a.jpg"]


def test_quotation_is_a_view_and_the_whole_text_is_kept() -> None:
    draft = to_draft(message(text="好的\n> 您的投诉已受理", reply_text="好的"), READING)
    assert (draft.text, draft.view) == ("好的\n> 您的投诉已受理", "好的")
