"""Phone numbers and e-mail addresses as people, sheets and switchboards write them, and the identity they prove.

Rules and cases: `phonenumbers` for valid numbers, China's numbering plan for what it does not know (hotlines, sender
codes, masks, extensions). What is not `strong` never joins two complaints.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

PhoneKind = Literal[
    "mobile", "fixed", "shared_cost", "toll_free", "short_code", "sender_code", "masked", "foreign", "invalid"
]

_LONGEST_PHONE = 64
_LONGEST_LOCAL, _LONGEST_ADDRESS, _LONGEST_WRITTEN_ADDRESS = 64, 254, 512

# New segments open faster than libraries learn of them, so a mobile is the plan's shape and not a list of prefixes.
_MOBILE = re.compile(r"(?:\+?86|0)?(1[3-9][0-9]{9})")
_SERVICE_LINE = re.compile(r"(?:\+?86)?([48]00[0-9]{7})")
# 110, 12345, 10086, 116114, 95588, 96110: also dialled behind an area code, as in 028-12345.
_SHORT_CODE = re.compile(
    r"(?:0(?:10|2[0-9]|[3-9][0-9]{2}))?(?:1[12][0-9]|1[0-2][0-9]{3}|11[68]114|95[0-9]{3,6}|96[0-9]{3,4})"
)
# 106… are senders of SMS; with +86 a Beijing line 010-6… has ten digits, so only longer ones are senders.
_SENDER_CODE = re.compile(r"106[0-9]{5,17}|\+?86106[0-9]{8,17}")
_LOCAL = re.compile(r"[2-8][0-9]{6,7}")

_WITHHELD = re.compile(r"保密|匿名|隐藏|未公开|不公开|屏蔽|withheld|private|anonymous|restricted|hidden", re.I)
_MASKED = re.compile(r"[*×✱∗●○•■〇]|x{2,}|o{3,}|[0-9]x$", re.I)
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_LABEL = re.compile(r"^(?:tel|phone|mobile|手机号?码?|联系电话|电话号?码?)?[:. ]*", re.I)
_LETTER_O = re.compile(r"(?<=[0-9oO])[oO](?=[0-9oO\s-]|$)")
_EXTENSION = re.compile(
    r"(.*[0-9)])\s*[,;]?\s*(?:转|轉|分机号?|分機|内线|ext(?:ension|n)?|x|#)[\s.:#]*([0-9]{1,6})", re.I
)
_DASHED_EXTENSION = re.compile(r"(.*[0-9])\s*-\s*([0-9]{1,6})")
_DIALLED = re.compile(r"\+?[0-9\s().·/‐‑‒–—―−-]+")
_NOT_DIALLED = re.compile(r"[^0-9+]")

_CONTROL = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
_NAMED_ADDRESS = re.compile(r"([^<>]*)<([^<>]*)>")
# RFC 5321 dot-string, with the letters of RFC 6531; without * because li***@ is a mask.
_LOCAL_PART = re.compile(r"[\w!#$%&'+/=?^`{|}~-]+(?:\.[\w!#$%&'+/=?^`{|}~-]+)*")
# What nearly every address looks like; it needs no tidying.
_PLAIN_ADDRESS = re.compile(r"[a-zA-Z0-9_+-]+(?:\.[a-zA-Z0-9_+-]+)*@(?:[a-z0-9]+\.)+[a-z]{2,20}")
_HOST = re.compile(
    r"(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*\.(?!-)(?![0-9]+$)[a-z0-9-]{2,63}(?<!-)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A number as written (`raw`) and as read; `e164` is None unless it can be dialled from anywhere.

    `strong`: may prove that two complaints are one person's (contract, section 5). `sms_capable`: worth sending SMS to.
    """

    raw: str
    e164: str | None = None
    extension: str | None = None
    kind: PhoneKind
    strong: bool = False
    sms_capable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """A mail address, its domain in ASCII and lower case, and the display `name` it came with."""

    address: str
    name: str = ""

    @property
    def key(self) -> str:
        """Return the identity key, ``email:li@example.com``."""
        return f"email:{self.address.casefold()}"


def read_phone(raw: str, *, area_code: str | None = None) -> Phone:
    """Read one number in any spelling; never raises, what cannot be read has the kind ``invalid``.

    `area_code` (such as ``028``) completes local numbers of seven or eight digits. The first number that needs
    `phonenumbers` loads it (0.1 s).
    """
    mobile = _MOBILE.fullmatch(raw)
    if mobile:
        return Phone(raw=raw, e164="+86" + mobile[1], kind="mobile", strong=True, sms_capable=True)
    if len(raw) > _LONGEST_PHONE:
        return Phone(raw=raw, kind="invalid")
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", raw)).strip().removesuffix(".0")
    text = _LABEL.sub("", text)
    if _MASKED.search(text) or _WITHHELD.search(text):
        return Phone(raw=raw, kind="masked")
    text = _LETTER_O.sub("0", text)
    extension = _EXTENSION.fullmatch(text)
    if extension:
        return _read_dialled(raw, extension[1], extension[2], area_code)
    whole = _read_dialled(raw, text, None, area_code)
    if whole.kind == "invalid" and (dashed := _DASHED_EXTENSION.fullmatch(text)):
        return _read_dialled(raw, dashed[1], dashed[2], area_code)
    return whole


def phone_key(phone: Phone) -> str | None:
    """Return the identity key, ``phone:+862886111234;ext=801``, or None when the number proves nobody."""
    if not phone.strong or phone.e164 is None:
        return None
    return f"phone:{phone.e164};ext={phone.extension}" if phone.extension else f"phone:{phone.e164}"


def identity_of(written: str) -> str | None:
    """Return the identity key of a phone number or an e-mail address; None when it proves nobody."""
    email = read_email(written)
    return email.key if email else phone_key(read_phone(written))


def read_email(raw: str) -> Email | None:
    """Read one address, alone or as ``李四 <li@example.com>``; None if malformed, masked or with a line break.

    Limits of RFC 5321: 64 characters before the @, 254 in all. Quoted local parts, address literals and domains
    without a dot are not read: no complainant can be reached there.
    """
    if len(raw) <= _LONGEST_LOCAL and _PLAIN_ADDRESS.fullmatch(raw):
        return Email(address=raw)
    if len(raw) > _LONGEST_WRITTEN_ADDRESS or _CONTROL.search(raw):
        return None
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", raw)).strip().removeprefix("mailto:")
    named = _NAMED_ADDRESS.fullmatch(text)
    name, address = (named[1].strip().strip("\"'").strip(), named[2]) if named else ("", text)
    local, at, domain = address.strip().rpartition("@")
    host = _ascii_domain(domain.replace("。", "."))
    if not at or host is None or len(local) > _LONGEST_LOCAL or not _LOCAL_PART.fullmatch(local):
        return None
    address = f"{local}@{host}"
    return Email(address=address, name=name) if len(address) <= _LONGEST_ADDRESS else None


def _ascii_domain(domain: str) -> str | None:
    try:
        host = domain.lower() if domain.isascii() else domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    return host if _HOST.fullmatch(host) else None


def _read_dialled(raw: str, text: str, extension: str | None, area_code: str | None) -> Phone:
    """Read a number that has lost its extension; anything but digits and their usual separators is invalid."""
    text = text.strip()
    if not _DIALLED.fullmatch(text):
        return Phone(raw=raw, kind="invalid")
    digits = _NOT_DIALLED.sub("", text.replace("(0)", "") if text.startswith("+") else text)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if mobile := _MOBILE.fullmatch(digits.replace("+860", "+86")):
        # An SMS reaches the switch of a privacy number, not the person behind its extension.
        return Phone(
            raw=raw, e164="+86" + mobile[1], extension=extension, kind="mobile", strong=True, sms_capable=not extension
        )
    if _SENDER_CODE.fullmatch(digits):
        return Phone(raw=raw, kind="sender_code")
    if _SHORT_CODE.fullmatch(digits):
        return Phone(raw=raw, extension=extension, kind="short_code")
    if service := _SERVICE_LINE.fullmatch(digits):
        kind: PhoneKind = "shared_cost" if service[1].startswith("4") else "toll_free"
        return Phone(raw=raw, e164="+86" + service[1], extension=extension, kind=kind)
    if _LOCAL.fullmatch(digits):
        if not area_code:
            return Phone(raw=raw, kind="invalid")
        digits = "0" + area_code.lstrip("0") + digits
    return _read_by_library(raw, digits, extension)


def _read_by_library(raw: str, digits: str, extension: str | None) -> Phone:
    import phonenumbers  # 0.1 s and 20 MB that plain mobile numbers never need

    try:
        number = phonenumbers.parse(digits, "CN")
    except phonenumbers.NumberParseException:
        return Phone(raw=raw, kind="invalid")
    if not phonenumbers.is_valid_number(number):
        return Phone(raw=raw, kind="invalid")
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if number.country_code == 86:
        return Phone(raw=raw, e164=e164, extension=extension, kind="fixed", strong=True)
    types = phonenumbers.PhoneNumberType
    line = phonenumbers.number_type(number)
    return Phone(
        raw=raw,
        e164=e164,
        extension=extension,
        kind="foreign",
        strong=line not in (types.TOLL_FREE, types.SHARED_COST, types.PREMIUM_RATE, types.UAN),
        sms_capable=not extension and line in (types.MOBILE, types.FIXED_LINE_OR_MOBILE),
    )
