"""Personal data with most of it hidden, for lists, logs and group chats.

China has no single standard of masks; these are the usual ones: phone first 3 and last 4, surname, ID card first and
last character, plate 京A***45. Masking what is masked already changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# Surnames of two characters that are still in use.
_COMPOUND_SURNAMES = frozenset(
    re.findall(
        "..",
        "欧阳太史端木上官司马东方独孤南宫万俟闻人夏侯诸葛尉迟公羊赫连澹台皇甫宗政濮阳公冶太叔申屠公孙慕容仲孙钟离长孙"
        "宇文司徒鲜于司空闾丘亓官司寇巫马公西颛孙壤驷公良漆雕乐正宰父拓跋夹谷轩辕令狐百里呼延东郭南门羊舌梁丘左丘西门达奚",
    )
)
_SHORTEST_PERSONAL_NUMBER = 7
_MOST_STARS = 3

# Province codes of GB/T 2260 begin an ID card (GB 11643, and the 15 digits it replaced), with a month and day of birth.
_REGION = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|9[0-9])[0-9]{4}"
_BIRTHDAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
# Each alternative starts where no letter or digit stands before it, so every run of characters is tried once only.
_PERSONAL = re.compile(
    r"(?P<email>(?<![a-z0-9._%+*-])[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,})"
    rf"|(?P<id_card>(?<![a-z0-9]){_REGION}(?:(?:19|20)[0-9]{{2}}{_BIRTHDAY}[0-9]{{3}}[0-9x]|[0-9]{{2}}{_BIRTHDAY}[0-9]{{3}})(?![a-z0-9]))"
    r"|(?P<card>(?<![0-9])62[0-9]{14,17}(?![0-9]))"
    r"|(?P<phone>(?<![0-9])(?:\+?86[ -]?)?1[3-9][0-9](?:[ -]?[0-9]{4}){2}(?![0-9])"
    r"|(?<![0-9])(?:\(0[0-9]{2,3}\)|0[0-9]{2,3})[ -]?[2-8][0-9]{2,3}[ -]?[0-9]{4}(?![0-9]))"
    r"|(?P<plate>[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][a-hj-np-z][·• -]?"
    r"[a-hj-np-z0-9]{4}(?:[a-hj-np-z0-9]{1,2}|[学警港澳挂使领])(?![a-z0-9]))",
    re.IGNORECASE | re.ASCII,
)
_FULL_WIDTH = {
    ord(wide): ord(wide) - 0xFEE0 for wide in map(chr, range(0xFF01, 0xFF5F)) if wide not in "，！：；？（）"
}
_SEPARATORS = re.compile(r"[\s()+.-]")
_CHINA = re.compile(r"^(?:\+|00)86")


def mask_phone(number: str) -> str:
    """Return ``138****1234``; numbers of up to 6 digits are services, not people, and stay."""
    digits = _SEPARATORS.sub("", _CHINA.sub("", number.partition(";")[0].strip()))
    if len(digits) < _SHORTEST_PERSONAL_NUMBER:
        return digits
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) > 9 else f"{digits[:2]}****{digits[-2:]}"


def mask_email(address: str) -> str:
    """Return ``l***@example.com``, of a one-letter name nothing but the domain."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1] if len(local) > 1 else ''}***@{domain}"


def mask_name(name: str) -> str:
    """Return the surname and a star per further character, three at most: ``李**``, ``欧阳*``."""
    name = name.strip()
    shown = 2 if len(name) > 2 and name[:2] in _COMPOUND_SURNAMES else 1
    return name[:shown] + "*" * min(len(name) - shown, _MOST_STARS)


def mask_id_card(number: str) -> str:
    """Return the first and the last character with stars between, fit for a group chat too."""
    number = number.strip()
    return number[:1] + "*" * (len(number) - 2) + number[-1:] if len(number) > 2 else "*" * len(number)


def mask_plate(plate: str) -> str:
    """Return ``京A***45``: province, letter and the last two characters."""
    return f"{plate[:2]}***{plate[-2:]}"


def mask_text(text: str) -> str:
    """Return `text` with the phones, mail addresses, ID cards, bank cards and plates in it masked; linear in the text.

    Full-width digits and letters become half-width ones. Names and addresses in free text are not found.
    """
    return _PERSONAL.sub(_mask_found, text if text.isascii() else text.translate(_FULL_WIDTH))


def _mask_card(number: str) -> str:
    return f"****{number[-4:]}"


_MASKS: dict[str, Callable[[str], str]] = {
    "email": mask_email,
    "id_card": mask_id_card,
    "card": _mask_card,
    "phone": mask_phone,
    "plate": mask_plate,
}


def _mask_found(found: re.Match[str]) -> str:
    kind, text = str(found.lastgroup), found[0]
    # 阿里云ECSXYZ is a product; a plate has a digit.
    if kind == "plate" and not any(map(str.isdigit, text)):
        return text
    return _MASKS[kind](text)
