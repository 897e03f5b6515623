"""Long texts and long buttons."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels.base import Choice
from gateway.channels.telegram.wording import arranged, split


def units(text: str) -> int:
    """As Telegram counts."""
    return len(text.encode("utf-16-le")) // 2


@given(st.text(alphabet="好a \n𠮷👩\u200d\u0301", max_size=300), st.integers(20, 60))
def test_no_part_is_too_long_and_nothing_but_line_ends_is_lost(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert all(units(part) <= limit for part in parts)
    assert "".join(parts).replace("\n", "") == text.replace("\n", "")


def test_a_text_that_fits_stays_whole() -> None:
    assert split("好" * 4096) == ["好" * 4096]
    assert [len(part) for part in split("𠮷" * 2049)] == [2048, 1]


def test_it_is_cut_at_a_line_before_it_is_cut_at_a_space() -> None:
    assert split("one two\nthree four", 12) == ["one two", "three four"]
    assert split("one two three", 12) == ["one two ", "three"]


@pytest.mark.parametrize("cluster", ["👩\u200d👧", "e\u0301", "❤\ufe0f", "👍🏽"])
def test_what_people_see_as_one_character_is_not_cut(cluster: str) -> None:
    for before in range(10):
        text = "好" * (20 - before) + cluster + "好" * 40
        assert any(cluster in part for part in split(text, 20))


def test_a_button_that_says_too_much_stands_under_the_text() -> None:
    long = "/add 261120-00000001-7 " + "好" * 20
    text, rows = arranged("请选择", [Choice(label="是", says="/confirm"), Choice(label="补充", says=long)])
    assert text == f"请选择\n补充: {long}"
    assert rows == [[Choice(label="是", says="/confirm")]]


def test_short_buttons_stand_side_by_side() -> None:
    scores = [Choice(label=str(n), says=f"/rate {n}") for n in range(1, 6)]
    wide = Choice(label="不用了,谢谢,以后再说吧,再见", says="/skip")
    _, rows = arranged("请打分", [*scores, wide])
    assert rows == [scores, [wide]]
