"""Bytes of an uncertain character set to text: the declared one when it is believable, else the likeliest.

Chinese mail lies about its character set in a few well-known ways, and each has its answer here: `gb2312` with
characters outside it (read as GB18030), `iso-8859-1` or nothing at all over GBK or Big5, `utf-8` over GBK, the reverse.
"""

from __future__ import annotations

import re
from functools import cache

# Labels are looked up in tables and never handed to `codecs.lookup` as they come: it caches every unknown name,
# for ever, and knows "encodings" that are none (zlib, punycode, unicode_escape).
_ALIASES = {
    "utf8": "utf-8", "unicode11utf8": "utf-8", "utf8mb4": "utf-8", "xutf8": "utf-8", "utf7": "utf-7",
    "unicode11utf7": "utf-7", "utf16": "utf-16", "utf16le": "utf-16-le", "utf16be": "utf-16-be", "unicode": "utf-16",
    "utf32": "utf-32", "utf32le": "utf-32-le", "utf32be": "utf-32-be",
    "gb2312": "gb18030", "gb231280": "gb18030", "gbk": "gb18030", "xgbk": "gb18030", "gb": "gb18030", "xgb": "gb18030",
    "gb18030": "gb18030", "gb180302000": "gb18030", "gb180302005": "gb18030", "gb180302022": "gb18030",
    "cp936": "gb18030", "ms936": "gb18030", "936": "gb18030", "windows936": "gb18030", "euccn": "gb18030",
    "xeuccn": "gb18030", "chinese": "gb18030", "csgb2312": "gb18030", "csiso58gb231280": "gb18030",
    "isoir58": "gb18030", "xmacchinesesimp": "gb18030",
    "hzgb2312": "hz", "hz": "hz", "hzgb": "hz",
    "big5": "big5hkscs", "xbig5": "big5hkscs", "big5hkscs": "big5hkscs", "cnbig5": "big5hkscs", "csbig5": "big5hkscs",
    "cp950": "big5hkscs", "950": "big5hkscs", "windows950": "big5hkscs", "xmacchinesetrad": "big5hkscs",
    "iso2022jp": "iso2022_jp_ext", "csiso2022jp": "iso2022_jp_ext", "iso2022jp1": "iso2022_jp_ext",
    "iso2022jp2": "iso2022_jp_2", "iso2022jp3": "iso2022_jp_3", "iso2022jp2004": "iso2022_jp_2004",
    "iso2022kr": "iso2022_kr",
    "shiftjis": "cp932", "sjis": "cp932", "xsjis": "cp932", "mskanji": "cp932", "cp932": "cp932", "windows31j": "cp932",
    "eucjp": "euc_jp", "xeucjp": "euc_jp",
    "euckr": "cp949", "ksc56011987": "cp949", "ksc5601": "cp949", "cp949": "cp949", "windows949": "cp949",
    "uhc": "cp949",
    "koi8r": "koi8_r", "koi8u": "koi8_u", "macintosh": "mac_roman", "mac": "mac_roman", "xmacroman": "mac_roman",
    "tis620": "tis_620", "windows874": "cp874", "cp874": "cp874",
}  # fmt: skip
_NUMBERED = {
    **{f"{brand}125{n}": f"cp125{n}" for brand in ("windows", "cp") for n in (0, 1, 3, 4, 5, 6, 7, 8)},
    **{f"iso8859{n}": f"iso8859_{n}" for n in (*range(2, 12), *range(13, 17))},
    **{f"cp{n}": f"cp{n}" for n in (437, 737, 775, 850, 852, 855, 857, 858, 860, 861, 862, 863, 865, 866)},
}
# Written by software that never asked what it was sending, so they say nothing.
_VOID = frozenset(
    {
        "usascii", "ascii", "iso88591", "iso885915", "latin1", "l1", "cp1252", "windows1252", "ansi", "ansix341968",
        "iso646us", "unknown", "unknown8bit", "xunknown", "8bit", "binary", "default", "none",
    }
)  # fmt: skip
_STATEFUL = frozenset(
    {
        "utf-7", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "hz",
        "iso2022_jp_ext", "iso2022_jp_2", "iso2022_jp_3", "iso2022_jp_2004", "iso2022_kr",
    }
)  # fmt: skip

_COMMON = frozenset(
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法"
    "所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四"
    "日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想"
    "已通并提直题程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几"
    "九区强放决西被干做必战先回则任取据处队南给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思术极交受联什认六共权收"
    "证改清己美再采转更单风切打白教速花带安场身车例真务具万每目至达走积示议声报斗完类八离华名确才科张信马节话米整空元况今集温"
    "传土许步群广石记需段研界拉林律叫且究观越织装影算低持音众书布复容儿须际商非验连断深难近矿千周委素技备半办青省列习响约支般"
    "史感劳便团往酸历市克何除消构府称太准精值号率族维划选标写存候毛亲快效斯院查江型眼王按格养易置派层片始却专状育厂京识适属圆"
    "包火住调满县局照参红细引听该铁价严投诉举您请谢贵司尊敬先生女士客服电话号码订单退款宽带断网络欠费套餐维修噪音物业小区街道"
    "邮件附件回复原始发送收件主题抄送你好测试中文李刘陈杨赵黄吴徐孙朱胡郭何罗梁宋郑谢韩唐冯董萧程曹袁邓傅沈曾彭吕"
    "這個為來時們說會過對發經動電現實體機當點業開還從後無與間樣關線內數問題結進種產長頭資邊員認總區強決氣條設論運組單風場車務"
    "萬達議聲報類離華確學張馬節話況傳許廣記斷難響約書復兒須驗連親選標寫屬歷構標號稱維劃團辦勞際專狀廠識圓滿縣調參紅細聽該鐵價嚴"
    "訴舉請謝貴訂寬帶網絡費維護附件覆發送測試臺灣香港您好處理投訴郵箱陳劉楊趙黃吳徐孫馬羅鄭韓馮蕭鄧許沈曾"
    "、。，！？：；（）《》“”…—　１２３４５６７８９０"
)


@cache
def _everyday() -> tuple[frozenset[str], frozenset[str]]:
    """The level-one characters of GB 2312 and of Big5: what people write, against what mere chance produces."""
    simplified = b"".join(bytes((row, cell)) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF))
    cells = (*range(0x40, 0x7F), *range(0xA1, 0xFF))
    traditional = b"".join(bytes((row, cell)) for row in range(0xA4, 0xC7) for cell in cells)
    return (
        frozenset(simplified.decode("gb2312", "ignore")),
        frozenset(traditional.decode("big5", "ignore")),
    )


def _believable(text: str, everyday: frozenset[str]) -> float:
    """How much a text looks like Chinese that somebody wrote, from about -3 (noise) to 3, per non-ASCII character."""
    score = count = 0
    for char in text:
        if char < "\x80":
            continue
        count += 1
        if char in _COMMON:
            score += 3
        elif char in everyday:
            score += 1
        elif "\u3040" <= char <= "\u30ff" or "\uff00" <= char <= "\uffef":
            score += 1  # kana and full-width forms stand in both sets
        elif "\u4e00" <= char <= "\u9fff":
            score -= 1
        else:
            score -= 3
    return score / count if count else 0.0


def codec_of(label: str | None) -> str | None:
    """The Python codec a charset label stands for; None for no label, an unknown one, or one that says nothing."""
    if not label:
        return None
    plain = re.sub(r"[^a-z0-9]", "", label[:64].lower())
    return _ALIASES.get(plain) or _NUMBERED.get(plain)


def _strict(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except (UnicodeError, ValueError):
        return None


def _guess(raw: bytes) -> tuple[str, str] | None:
    """The likeliest Chinese reading of bytes that are not UTF-8, as (text, codec); None when none is believable."""
    simplified, traditional = _everyday()
    best: tuple[float, str] | None = None
    for codec, everyday in (("gb18030", simplified), ("big5hkscs", traditional)):
        score = _believable(raw[:4096].decode(codec, "replace"), everyday)
        if best is None or score > best[0]:
            best = (score, codec)
    if best is None or best[0] < 0.5:
        return None
    return raw.decode(best[1], "replace"), best[1]


def _all_han(text: str) -> bool:
    """Whether what is not ASCII lies mostly beyond U+2000, as in Chinese UTF-8 and not in GBK that passes for it."""
    high = sum(1 for char in text[:2000] if char >= "\x80")
    return high > 0 and sum(1 for char in text[:2000] if char >= "\u2000") * 10 >= high * 8


def _mended(text: str) -> str:
    """Without half surrogate pairs (UTF-7 can spell them), which no database takes."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def decode(raw: bytes, label: str | None = None) -> tuple[str, str | None]:
    """Text of `raw`, and a sentence when the label could not be followed or a byte not be read; never raises.

    A byte that no candidate reads becomes U+FFFD and is reported.
    """
    codec = codec_of(label)
    if codec in _STATEFUL:
        text = _strict(raw, codec)
        if text is not None:
            return (_mended(text) if codec == "utf-7" else text), None
        codec = None
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") and len(raw) % 2 == 0:
        text = _strict(raw, "utf-16")
        if text is not None:
            return text, None
    if raw.startswith(b"\xef\xbb\xbf"):
        raw = raw[3:]
    if raw.isascii():
        if b"\x1b$" in raw and (text := _strict(raw, "iso2022_jp_ext")) is not None:
            return text, None
        return raw.decode("ascii"), None
    return _decode_eight_bit(raw, label, codec)


def _decode_eight_bit(raw: bytes, label: str | None, codec: str | None) -> tuple[str, str | None]:
    utf8 = _strict(raw, "utf-8")
    if codec == "utf-8" and utf8 is not None:
        return utf8, None
    if codec is not None and codec != "utf-8":
        declared = _strict(raw, codec)
        if declared is not None:
            if utf8 is not None and _all_han(utf8):
                return utf8, f"charset label {_shown(label)} is wrong, read as utf-8"
            return _second_thoughts(raw, declared, label, codec)
    if utf8 is not None:
        return utf8, None if codec is None else f"charset label {_shown(label)} is wrong, read as utf-8"
    if codec in (None, "utf-8") and _damaged(raw):
        return _replaced(raw, "utf-8", label)
    guessed = _guess(raw)
    if guessed is not None:
        text, found = guessed
        if codec not in (None, found):
            return text, f"charset label {_shown(label)} is wrong, read as {found}"
        return text, _unreadable(text, label)
    plain = re.sub(r"[^a-z0-9]", "", (label or "")[:64].lower())
    if codec is not None or (label and plain not in _VOID):
        return _replaced(raw, codec or "utf-8", label)
    text = _strict(raw, "cp1252") or raw.decode("latin-1")
    return text, None if plain in _VOID else "text without charset, read as Western European"


def _replaced(raw: bytes, codec: str, label: str | None) -> tuple[str, str | None]:
    text = raw.decode(codec, "replace")
    return text, _unreadable(text, label)


def _unreadable(text: str, label: str | None) -> str | None:
    count = text.count("\ufffd")
    return f"{count} unreadable bytes in text with charset {_shown(label)}" if count else None


def _damaged(raw: bytes) -> bool:
    """Whether the bytes are UTF-8 but for a few: then reading them as another set would ruin all of them."""
    text = raw[:100_000].decode("utf-8", "replace")
    high = sum(1 for char in text if char >= "\x80")
    return text.count("\ufffd") * 4 < high


def _second_thoughts(raw: bytes, declared: str, label: str | None, codec: str) -> tuple[str, str | None]:
    """The declared reading of GBK or Big5, unless it is noise and the other of the two is plain Chinese."""
    if codec not in ("gb18030", "big5hkscs"):
        return declared, None
    simplified, traditional = _everyday()
    own = _believable(declared[:1000], simplified if codec == "gb18030" else traditional)
    if own >= 0:
        return declared, None
    guessed = _guess(raw)
    if guessed is None or guessed[1] == codec:
        return declared, None
    return guessed[0], f"charset label {_shown(label)} is wrong, read as {guessed[1]}"


def _shown(label: str | None) -> str:
    return re.sub(r"[^\w.:+-]", "?", (label or "none")[:40], flags=re.ASCII)
