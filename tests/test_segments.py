"""What a text message costs, by the rules of the carriers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.segments import MAINLAND_LIMIT, segments, signed, split

SIGNATURE = "【某某市12345】"


@pytest.mark.parametrize(
    ("characters", "messages"), [(10, 1), (70, 1), (71, 2), (134, 2), (135, 3), (160, 3), (201, 3), (202, 4)]
)
def test_mainland_messages_are_counted_with_the_signature(characters: int, messages: int) -> None:
    text = "复" * (characters - len(SIGNATURE))
    counted = segments(text, signature=SIGNATURE)
    assert (counted.count, counted.units) == (messages, characters)
    assert counted.per_segment == (70 if messages == 1 else 67)


def test_a_hundred_and_sixty_characters_go_as_67_67_and_26() -> None:
    assert [len(part) for part in split("字" * 160)] == [67, 67, 26]


def test_mainland_carriers_count_latin_letters_like_chinese_ones() -> None:
    assert segments("a" * 71).count == 2
    assert segments("a" * 71, mainland=False).count == 1


def test_a_signature_without_brackets_gets_them() -> None:
    assert signed("您好", "某某市12345") == signed("您好", SIGNATURE) == "【某某市12345】您好"
    assert signed("您好", "") == "您好"


@pytest.mark.parametrize(("characters", "too_long"), [(MAINLAND_LIMIT, False), (MAINLAND_LIMIT + 1, True)])
def test_more_than_five_hundred_characters_are_too_long_in_the_mainland_only(characters: int, too_long: bool) -> None:
    assert segments("字" * characters).too_long is too_long
    assert segments("字" * characters, mainland=False).too_long is False


@pytest.mark.parametrize(
    ("text", "count", "units", "encoding"),
    [
        ("a" * 160, 1, 160, "gsm-7"),
        ("a" * 161, 2, 161, "gsm-7"),
        ("a" * 306, 2, 306, "gsm-7"),
        ("a" * 307, 3, 307, "gsm-7"),
        ("€" * 80, 1, 160, "gsm-7"),
        ("€" * 81, 2, 162, "gsm-7"),
        ("a" * 152 + "€" + "a" * 152, 3, 306, "gsm-7"),  # the escape does not fit at 153: one message more
        ("é", 1, 1, "gsm-7"),
        ("ê", 1, 1, "ucs-2"),
        ("a" * 71 + "字", 2, 72, "ucs-2"),
        ("😀" * 35, 1, 70, "ucs-2"),
        ("😀" * 36, 2, 72, "ucs-2"),
        ("😀" * 67, 3, 134, "ucs-2"),  # 33 pairs fit into 67 units
        ("", 0, 0, "gsm-7"),
    ],
)
def test_messages_abroad_are_counted_by_ts_23_038(text: str, count: int, units: int, encoding: str) -> None:
    counted = segments(text, mainland=False)
    assert (counted.count, counted.units, counted.encoding) == (count, units, encoding)


@given(st.text(alphabet=st.sampled_from("a€[字😀é"), max_size=400), st.booleans())
def test_parts_join_to_the_text_and_each_fits(text: str, mainland: bool) -> None:
    counted = segments(text, mainland=mainland)
    parts = split(text, mainland=mainland)
    assert "".join(parts) == text
    assert len(parts) == counted.count
    for part in parts:
        units = (
            sum(1 + (c in "€[") for c in part) if counted.encoding == "gsm-7" else len(part.encode("utf-16-le")) // 2
        )
        assert 0 < units <= counted.per_segment
