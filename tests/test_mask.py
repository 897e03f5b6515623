"""What a list, a log or a group chat may show of a person."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.logs import mask
from gateway.mask import mask_email, mask_id_card, mask_name, mask_phone, mask_text
from ticket_core.number import number_of

ID_CARD = "110101199003070000"  # synthetic: the check digit is wrong on purpose


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13800001234", "138****1234"),
        ("+8613800001234", "138****1234"),
        ("+86 138-0000-1234", "138****1234"),
        ("028-86111234", "028****1234"),
        ("+85291234567", "852****4567"),
        ("86111234", "86****34"),
        ("12345", "12345"),
        ("138****1234", "138****1234"),
        ("", ""),
    ],
)
def test_a_phone_shows_its_first_three_and_last_four_digits(number: str, shown: str) -> None:
    assert mask_phone(number) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("li@example.com", "l***@example.com"),
        ("l@example.com", "***@example.com"),
        ("l***@example.com", "l***@example.com"),
    ],
)
def test_an_address_shows_one_letter_and_its_domain(address: str, shown: str) -> None:
    assert mask_email(address) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("李四", "李*"),
        ("李小明", "李**"),
        ("欧阳修", "欧阳*"),
        ("司马相如", "司马**"),
        ("欧阳", "欧*"),
        ("阿卜杜拉·买买提", "阿***"),
        ("John Smith", "J***"),
        ("李", "李"),
        ("李**", "李**"),
        ("", ""),
    ],
)
def test_a_name_shows_its_surname(name: str, shown: str) -> None:
    assert mask_name(name) == shown


def test_an_id_card_shows_its_first_and_last_character() -> None:
    assert mask_id_card(ID_CARD) == "1****************0"
    assert mask_id_card("") == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("我电话13800001234,请回电", "我电话138****1234,请回电"),
        ("打+86 138-0000-1234找我", "打138****1234找我"),
        ("１３８００００１２３４", "138****1234"),
        ("座机(028)86111234或010-66551234", "座机028****1234或010****1234"),
        ("邮箱li.si@example.com。", "邮箱l***@example.com。"),
        (f"身份证{ID_CARD}号", "身份证1****************0号"),
        ("身份证11010119900307001x", "身份证1****************x"),
        ("卡号6222000000000001234", "卡号****1234"),
        ("车牌京A12345,川A·D12345", "车牌京A***45,川A***45"),
        ("粤B1234学", "粤B***4学"),
        ("拨打12345、10086或400-812-3123", "拨打12345、10086或400-812-3123"),
        ("阿里云ECSXYZ 很慢", "阿里云ECSXYZ 很慢"),
        ("订单号20261120000113800001234", "订单号20261120000113800001234"),
        ("2026-11-22 09:00:00 扣费35元", "2026-11-22 09:00:00 扣费35元"),
        ("", ""),
    ],
)
def test_personal_data_in_a_free_text_is_masked_and_the_rest_stays(text: str, shown: str) -> None:
    assert mask_text(text) == shown


def test_a_row_that_a_database_did_not_take_is_not_logged() -> None:
    traceback = "IntegrityError: null value\nDETAIL:  Failing row contains (1, 李小明, 锦江区一环路).\n[SQL: INSERT]"
    line = mask(None, "error", {"event": "intake_failed", "exception": traceback})
    assert line["exception"] == "IntegrityError: null value\nDETAIL: …\n[SQL: INSERT]"


def test_a_ticket_number_is_no_personal_data() -> None:
    number = number_of(26112200000483)
    assert mask_text(f"工单{number}已受理") == f"工单{number}已受理"


PERSONAL = ["13800001234", "+86 138-0000-1234", "li@example.com", ID_CARD, "京A12345", "028-86111234"]
AROUND = ["", " ", "宽带", ",", "。", "\n", "(", "电话:"]


@given(st.lists(st.tuples(st.sampled_from(AROUND), st.sampled_from(PERSONAL), st.sampled_from(["宽带", "。", " 和"]))))
def test_masking_leaves_nothing_personal_and_masking_twice_changes_nothing(words: list[tuple[str, str, str]]) -> None:
    masked = mask_text("".join(map("".join, words)))
    assert not any(personal in masked for personal in PERSONAL)
    assert mask_text(masked) == masked


@pytest.mark.parametrize("heap", ["a.", "1", "a@", "京A1", "(028)", "+86 ", "138 0000 ", "a@a.", "0", "62"])
def test_masking_is_linear_in_the_text(heap: str) -> None:
    started = time.perf_counter()
    mask_text(heap * (200_000 // len(heap)))
    assert time.perf_counter() - started < 2
