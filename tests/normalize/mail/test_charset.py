"""Text arrives as it was written, whatever the mail says of its charset."""

from __future__ import annotations

import pytest

from gateway.normalize.mail.charset import codec_of, decode

SIMPLE = "用户投诉宽带断网三天没有人处理"
TRADITIONAL = "客戶投訴寬帶斷網三天沒有人處理，請回覆"


@pytest.mark.parametrize(
    ("text", "written_in", "label"),
    [
        (SIMPLE, "gbk", "gb2312"),
        (SIMPLE, "gbk", "GB18030"),
        (SIMPLE, "gbk", "iso-8859-1"),
        (SIMPLE, "gbk", "us-ascii"),
        (SIMPLE, "gbk", "windows-1252"),
        (SIMPLE, "gbk", None),
        (SIMPLE, "gbk", "utf-8"),
        (SIMPLE, "gbk", "x-unknown"),
        (SIMPLE, "gbk", "big5"),
        (SIMPLE, "utf-8", "gbk"),
        (SIMPLE, "utf-8", "big5"),
        (SIMPLE, "utf-8", "iso-8859-1"),
        (SIMPLE, "utf-8-sig", None),
        (SIMPLE, "utf-16", None),
        (SIMPLE, "utf-16", "gbk"),
        (SIMPLE, "utf-16-le", "utf-16le"),
        (SIMPLE, "hz", "hz-gb-2312"),
        (SIMPLE, "utf-7", "utf-7"),
        (TRADITIONAL, "big5", "big5"),
        (TRADITIONAL, "big5", None),
        (TRADITIONAL, "big5", "gb2312"),
        (TRADITIONAL, "big5hkscs", "cp950"),
        ("投诉", "gbk", None),
        ("联通", "gbk", None),
        ("联通", "gbk", "gb2312"),
        ("浴室", "gbk", "gbk"),
        ("王磊", "gbk", None),
        ("陳小明", "big5", None),
        ("朱镕喆㐀", "gb18030", "gb2312"),
        ("電話が通じない", "iso-2022-jp", "iso-2022-jp"),
        ("電話が通じない", "iso-2022-jp", None),
        ("電話が通じない", "cp932", "shift_jis"),
        ("인터넷", "cp949", "ks_c_5601-1987"),
        ("café", "cp1252", "iso-8859-1"),
        ("Straße für Größe", "latin-1", None),
        ("жалоба", "koi8-r", "koi8-r"),
        ("plain", "ascii", "gb2312"),
    ],
)
def test_a_text_is_read_whatever_its_label(text: str, written_in: str, label: str | None) -> None:
    assert decode(text.encode(written_in), label)[0] == text


@pytest.mark.parametrize(
    ("raw", "label", "read", "problem"),
    [
        (SIMPLE.encode("gbk")[:-1], "gbk", SIMPLE[:-1], "1 unreadable bytes in text with charset gbk"),
        (SIMPLE.encode()[:-2], "utf-8", SIMPLE[:-1], "1 unreadable bytes in text with charset utf-8"),
        (SIMPLE.encode()[:-2], None, SIMPLE[:-1], "1 unreadable bytes in text with charset none"),
        (SIMPLE.encode("gbk"), "utf-8", SIMPLE, "charset label utf-8 is wrong, read as gb18030"),
        (SIMPLE.encode(), "gbk", SIMPLE, "charset label gbk is wrong, read as utf-8"),
    ],
)
def test_what_cannot_be_read_or_believed_is_reported(raw: bytes, label: str | None, read: str, problem: str) -> None:
    text, odd = decode(raw, label)
    assert text.startswith(read)
    assert odd == problem


@pytest.mark.parametrize(
    "label", ["zlib", "punycode", "rot13", "unicode_escape", "idna", "mbcs", "undefined", "", "💥", "a" * 9999]
)
def test_a_label_that_is_no_charset_is_no_codec(label: str) -> None:
    assert codec_of(label) is None
    assert decode("投诉".encode(), label)[0] == "投诉"


def test_half_a_surrogate_pair_in_utf_7_is_no_text() -> None:
    text, _ = decode(b"a+2AA-b", "utf-7")
    assert text == "a\ufffdb"
