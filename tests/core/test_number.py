"""Ticket numbers that survive a telephone, a keyboard and a mail program."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticket_core.number import FOUND_AT_MOST, display, find_numbers, number_of, ticket_id_at, ticket_id_of

IDS = st.builds(ticket_id_at, st.dates(date(2010, 1, 1), date(2099, 12, 31)), st.integers(0, 10**8 - 1))
SAMPLES = [number_of(ticket_id_at(date(2026, 11, 22), serial)) for serial in (0, 1, 9, 10, 483, 99_999, 12_345_678)]


def test_damm_digit_of_the_published_example() -> None:
    """572 has the check digit 4 in every description of the algorithm."""
    assert number_of(572)[-1] == "4"


def test_a_number_is_the_day_the_serial_and_a_check_digit() -> None:
    ticket_id = ticket_id_at(date(2026, 11, 22), 483)
    number = number_of(ticket_id)
    assert ticket_id == 26112200000483
    assert number[:-1] == "26112200000483"
    assert len(number) == 15
    assert display(number) == f"261122-00000483-{number[-1]}"


@given(IDS)
def test_every_number_leads_back_to_its_ticket(ticket_id: int) -> None:
    number = number_of(ticket_id)
    assert ticket_id_of(number) == ticket_id
    assert ticket_id_of(display(number)) == ticket_id
    assert find_numbers(f"关于工单{display(number)}的投诉") == (ticket_id,)


@pytest.mark.parametrize("number", SAMPLES)
def test_no_single_wrong_digit_leads_to_another_ticket(number: str) -> None:
    for place, right in enumerate(number):
        for wrong in "0123456789".replace(right, ""):
            assert ticket_id_of(number[:place] + wrong + number[place + 1 :]) is None


@pytest.mark.parametrize("number", SAMPLES)
def test_no_swap_of_neighbouring_digits_leads_to_another_ticket(number: str) -> None:
    for place in range(len(number) - 1):
        left, right = number[place], number[place + 1]
        if left != right:
            assert ticket_id_of(number[:place] + right + left + number[place + 2 :]) is None


def _in_full_width(text: str) -> str:
    return text.translate(str.maketrans("0123456789-", "０１２３４５６７８９－"))


def test_a_number_is_read_however_people_write_it() -> None:
    number = SAMPLES[4]
    grouped = display(number)
    spellings = [f" {number} ", grouped.replace("-", " "), grouped.replace("-", "—"), _in_full_width(grouped)]
    assert [ticket_id_of(text) for text in spellings] == [26112200000483] * 4


@pytest.mark.parametrize(
    "text", ["", "261122", "2611220000048361", "abc", "²61122000004836", "9" * 500, "١٢٣٤٥٦٧٨٩٠١٢٣٤٥"]
)
def test_what_has_not_the_shape_of_a_number_is_none(text: str) -> None:
    assert ticket_id_of(text) is None


def test_a_right_check_digit_on_an_impossible_day_is_none() -> None:
    assert ticket_id_of(number_of(26_13_40_00000001)) is None


@pytest.mark.parametrize("ticket_id", [-1, 10**14])
def test_an_id_out_of_range_has_no_number(ticket_id: int) -> None:
    with pytest.raises(ValueError, match="not a ticket id"):
        number_of(ticket_id)


def test_a_serial_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="serial"):
        ticket_id_at(date(2026, 11, 22), 10**8)


def test_numbers_quoted_in_a_reply_are_found_in_order_and_once() -> None:
    first, second = SAMPLES[4], SAMPLES[5]
    text = f"Re: [工单 {display(second)}] 请看{first},以及{_in_full_width(second)}。"
    assert find_numbers(text) == (int(second[:-1]), int(first[:-1]))


@pytest.mark.parametrize("around", ["1{}", "{}1", "1-{}", "{}-1", "9999{}9999"])
def test_a_number_inside_a_longer_run_of_digits_is_not_found(around: str) -> None:
    assert find_numbers(around.format(SAMPLES[4])) == ()


def test_a_wrong_number_in_a_text_is_not_found() -> None:
    right = SAMPLES[4]
    assert find_numbers(right[:-1] + str((int(right[-1]) + 1) % 10)) == ()


def test_a_flood_of_numbers_is_bounded() -> None:
    flood = " ".join(number_of(ticket_id_at(date(2026, 11, 22), serial)) for serial in range(1000))
    assert len(find_numbers(flood)) == FOUND_AT_MOST
