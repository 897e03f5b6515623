"""Texts as they arrive and as they are kept."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.normalize.text import SUBJECT_CHARACTERS, detect_locale, subject_from, tidy


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("  断网三天  ", "断网三天"),
        ("一\r\n二\r三\u2028四\x0b五", "一\n二\n三\n四\n五"),
        ("断\x00网\x07三\x9f天", "断网三天"),
        ("断\ud83d网\udc00", "断网"),
        ("\ufeff断\u200b网\u202e三天", "断网三天"),
        ("cafe\u0301", "café"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("a\tb", "a\tb"),
        ("", ""),
    ],
)
def test_a_text_is_kept_without_what_nobody_wrote(raw: str, kept: str) -> None:
    assert tidy(raw, 100) == kept


@given(st.text(st.characters(exclude_categories=())), st.integers(0, 50))
def test_a_tidy_text_is_bounded_storable_and_stays_as_it_is(text: str, limit: int) -> None:
    kept = tidy(text, limit)
    assert len(kept) <= limit
    assert kept.encode("utf-8").find(b"\0") == -1
    assert tidy(kept, limit) == kept


@given(st.text(alphabet="e\u0301\u0316가\u1100\u1161\u11a8a ", max_size=1500))
def test_long_texts_are_composed_like_short_ones(text: str) -> None:
    assert tidy(text, 10_000) == unicodedata.normalize("NFC", text).strip()


def test_a_heap_of_combining_marks_costs_no_more_than_its_length() -> None:
    started = time.perf_counter()
    tidy("a" + "\u0300\u0316" * 100_000, 1_000)
    assert time.perf_counter() - started < 3


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("宽带断网三天。没人处理!", "宽带断网三天"),
        ("您好,宽带断网三天!", "宽带断网三天"),
        ("尊敬的领导,您好:\n我家停水两天", "我家停水两天"),
        ("尊敬的市长，您好！我家停水两天。请处理", "我家停水两天"),
        ("您好", "您好"),
        ("\n\n 停电 \n两天", "停电"),
        ("Hello, my line is dead. Nobody came.", "my line is dead"),
        ("版本 v1.2 有问题", "版本 v1.2 有问题"),
        ("his phone broke", "his phone broke"),
        ("", ""),
    ],
)
def test_the_first_sentence_after_the_greeting_is_the_subject(text: str, subject: str) -> None:
    assert subject_from(text) == subject


@given(st.text())
def test_a_subject_is_one_line_and_bounded(text: str) -> None:
    subject = subject_from(text)
    assert len(subject) <= SUBJECT_CHARACTERS
    assert "\n" not in subject


def test_a_long_sentence_is_cut_with_an_ellipsis() -> None:
    assert subject_from("断" * 61) == "断" * 59 + "…"


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("宽带断网三天", "zh-CN"),
        ("我的 iPhone 15 Pro Max 坏了", "zh-CN"),
        ("My broadband is down", "en"),
        ("My broadband from 中国移动 has been down for days", "en"),
        ("", "zh-CN"),
        ("12345!!", "zh-CN"),
    ],
)
def test_the_language_is_told_by_the_script(text: str, locale: str) -> None:
    assert detect_locale(text) == locale
