"""Phone numbers and addresses as sheets, callers and switchboards write them."""

from __future__ import annotations

import subprocess
import sys

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.normalize.contact import phone_key, read_email, read_phone


@pytest.mark.parametrize(
    "raw",
    [
        "13800001234",
        "+86 138-0000-1234",
        "008613800001234",
        "0086 138 0000 1234",
        "8613800001234",
        "013800001234",
        "+86 (0)138 0000 1234",
        "１３８００００１２３４",
        "＋８６　１３８００００１２３４",
        "138—0000—1234",
        "\u202a13800001234\u202c",
        "电话:13800001234",
        "手机号码：138 0000 1234",
        "tel:+8613800001234",
        "13800001234.0",
        "1380O0O1234",
        "138OO001234",
    ],
)
def test_a_mobile_number_is_the_same_person_in_every_spelling(raw: str) -> None:
    phone = read_phone(raw)
    assert (phone.raw, phone.kind, phone.sms_capable) == (raw, "mobile", True)
    assert phone_key(phone) == "phone:+8613800001234"


def test_a_letter_at_the_end_of_a_mobile_number_is_a_zero() -> None:
    assert read_phone("1380000123O").e164 == "+8613800001230"


@pytest.mark.parametrize(
    ("raw", "kind", "e164"),
    [
        ("010-12345678", "fixed", "+861012345678"),
        ("(010) 6655 1234", "fixed", "+861066551234"),
        ("+86 10 6655 1234", "fixed", "+861066551234"),
        ("0755-8888 8888", "fixed", "+8675588888888"),
        ("0755-8888-8888", "fixed", "+8675588888888"),
        ("0512-65123456", "fixed", "+8651265123456"),
        ("（028）86111234", "fixed", "+862886111234"),
        ("4008123123", "shared_cost", "+864008123123"),
        ("400-812-3123", "shared_cost", "+864008123123"),
        ("8008101234", "toll_free", "+868008101234"),
        ("17012345678", "mobile", "+8617012345678"),
        ("16212345678", "mobile", "+8616212345678"),
        ("+852 9123 4567", "foreign", "+85291234567"),
        ("00852 9123 4567", "foreign", "+85291234567"),
        ("+44 7911 123456", "foreign", "+447911123456"),
        ("95511", "short_code", None),
        ("12345", "short_code", None),
        ("12378", "short_code", None),
        ("10086", "short_code", None),
        ("12315", "short_code", None),
        ("12530", "short_code", None),
        ("110", "short_code", None),
        ("028-12345", "short_code", None),
        ("02896110", "short_code", None),
        ("10657123456789", "sender_code", None),
        ("1069012345678", "sender_code", None),
        ("+8610657123456789", "sender_code", None),
        ("1065712345", "sender_code", None),
        ("8888 8888", "invalid", None),
        ("138000012", "invalid", None),
        ("138000012345", "invalid", None),
        ("138O0001", "invalid", None),
        ("李四", "invalid", None),
        ("无", "invalid", None),
        ("", "invalid", None),
        ("1" * 1000, "invalid", None),
        ("+" * 60, "invalid", None),
    ],
)
def test_a_number_is_read_as_what_it_is(raw: str, kind: str, e164: str | None) -> None:
    phone = read_phone(raw)
    assert (phone.kind, phone.e164, phone.extension) == (kind, e164, None)


@pytest.mark.parametrize(
    "raw",
    [
        "138****1234",
        "138＊＊＊＊1234",
        "138××××1234",
        "138xxxx1234",
        "138XXXX1234",
        "138●●●●1234",
        "138OOOO1234",
        "138****1234转801",
        "1380000123x",
        "028-8611**34",
        "保密",
        "号码保密",
        "匿名",
        "Anonymous",
        "private",
    ],
)
def test_masked_and_withheld_numbers_prove_nobody(raw: str) -> None:
    phone = read_phone(raw)
    assert (phone.kind, phone.e164, phone.strong, phone_key(phone)) == ("masked", None, False, None)


@pytest.mark.parametrize(
    "raw",
    [
        "028-86111234转801",
        "028-86111234 转 801",
        "028-86111234-801",
        "(028)86111234-801",
        "02886111234分机801",
        "02886111234 分机：801",
        "028 86111234 ext. 801",
        "028-86111234 EXT801",
        "028-86111234x801",
        "028-86111234#801",
        "028-86111234,转801",
        "+86 28 8611 1234 转801",
    ],
)
def test_an_extension_is_taken_off_and_kept_in_the_key(raw: str) -> None:
    phone = read_phone(raw)
    assert (phone.kind, phone.e164, phone.extension) == ("fixed", "+862886111234", "801")
    assert phone_key(phone) == "phone:+862886111234;ext=801"
    assert phone.sms_capable is False


def test_a_privacy_number_with_extension_is_another_person_and_takes_no_sms() -> None:
    phone = read_phone("17000001234转5678")
    assert phone_key(phone) == "phone:+8617000001234;ext=5678"
    assert phone.sms_capable is False


@pytest.mark.parametrize("area_code", ["028", "28"])
def test_a_local_number_is_completed_by_the_area_code(area_code: str) -> None:
    assert read_phone("8611 1234", area_code=area_code).e164 == "+862886111234"
    assert phone_key(read_phone("86111234-801", area_code=area_code)) == "phone:+862886111234;ext=801"


@pytest.mark.parametrize(
    "raw", ["12345", "95511", "10657123456789", "4008123123", "8008101234", "8888 8888", "+1 800 253 0000"]
)
def test_lines_of_companies_and_machines_are_no_identity(raw: str) -> None:
    phone = read_phone(raw)
    assert phone.strong is False
    assert phone_key(phone) is None
    assert phone.sms_capable is False


@given(st.integers(13_000_000_000, 19_999_999_999))
def test_every_mobile_number_the_library_knows_is_read_alike(number: int) -> None:
    parsed = phonenumbers.parse(str(number), "CN")
    if phonenumbers.is_valid_number(parsed) and phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.MOBILE:
        assert read_phone(str(number)).e164 == phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


@given(st.one_of(st.text(max_size=80), st.text(alphabet="0123456789+-() 转x*o.０", max_size=30)))
def test_whatever_is_written_is_read_without_an_error_and_as_itself(raw: str) -> None:
    phone = read_phone(raw, area_code="028")
    assert phone.raw == raw
    assert (phone_key(phone) is None) or phone.strong
    assert not (phone.kind in ("masked", "invalid", "short_code", "sender_code") and (phone.strong or phone.e164))


def test_plain_mobile_numbers_do_not_load_the_number_library() -> None:
    code = (
        "import sys; from gateway.normalize.contact import read_phone; read_phone('138 0000 1234');"
        "sys.exit('phonenumbers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("raw", "address", "key", "name"),
    [
        ("li@example.com", "li@example.com", "email:li@example.com", ""),
        (" Li.Si@Example.COM ", "Li.Si@example.com", "email:li.si@example.com", ""),
        ("李四 <li@example.com>", "li@example.com", "email:li@example.com", "李四"),
        ('"Li, Si" <li@example.com>', "li@example.com", "email:li@example.com", "Li, Si"),
        ("<li@example.com>", "li@example.com", "email:li@example.com", ""),
        ("mailto:li@example.com", "li@example.com", "email:li@example.com", ""),
        ("ｌｉ＠ｅｘａｍｐｌｅ．ｃｏｍ", "li@example.com", "email:li@example.com", ""),
        ("li+12345@mail.example.com", "li+12345@mail.example.com", "email:li+12345@mail.example.com", ""),
        ("li@例子.公司", "li@xn--fsqu00a.xn--55qx5d", "email:li@xn--fsqu00a.xn--55qx5d", ""),
        ("李四@example.com", "李四@example.com", "email:李四@example.com", ""),
    ],
)
def test_an_address_is_read_however_it_is_written(raw: str, address: str, key: str, name: str) -> None:
    email = read_email(raw)
    assert email is not None
    assert (email.address, email.key, email.name) == (address, key, name)


def test_an_ascii_and_a_chinese_spelling_of_a_domain_are_one_address() -> None:
    assert read_email("li@例子.公司") == read_email("li@XN--fsqu00a.xn--55qx5d")


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "li",
        "li@",
        "@example.com",
        "li@example",
        "li@@example.com",
        "a b@example.com",
        "li@exa mple.com",
        "li@-example.com",
        "li@example.com\r\nBcc: wang@example.com",
        "li@example.com\n",
        "li\x00@example.com",
        "li@[127.0.0.1]",
        "li@127.0.0.1",
        ".li@example.com",
        "li.@example.com",
        "l..i@example.com",
        "l***@example.com",
        "li@example..com",
        "li@\ud800.com",
        "a" * 65 + "@example.com",
        "li@" + "a" * 64 + ".com",
        "li@" + "a." * 140 + "com",
        "<li@example.com> <b@example.com>",
    ],
)
def test_what_cannot_be_written_to_is_no_address(raw: str) -> None:
    assert read_email(raw) is None


@given(st.text(max_size=100))
def test_no_text_makes_reading_an_address_fail_or_inject_a_line(text: str) -> None:
    for raw in (text, f"{text}@example.com", f"li@{text}.com", f"{text} <li@example.com>"):
        email = read_email(raw)
        assert email is None or not set("\r\n\0") & set(email.address + email.name)
