"""What a message of a conversation says in one word: commands as buttons write them, and words of the trade."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import cast

from gateway.message import Address, Talk
from gateway.normalize.classify import is_urge, is_withdrawal
from gateway.normalize.contact import read_email, read_phone
from gateway.normalize.text import tidy
from ticket_core.model import KINDS, Kind, Spoken
from ticket_core.number import find_numbers

_LONGEST_WORD = 24
_COMMAND = re.compile(r"/([a-z_]{1,16})(?:@\w{1,64})?(?:\s+(.*))?", re.IGNORECASE | re.DOTALL)
_COMMANDS = frozenset(
    {"help", "start", "new", "status", "urge", "add", "rate", "withdraw", "skip", "confirm", "cancel", "kind"}
)
#: Short messages that are nothing but a command, in words; case, width and punctuation around them count for nothing.
_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("我要投诉", "要投诉", "投诉", "新投诉", "新的投诉", "再次投诉", "重新投诉", "我要再投诉"), "new"),
    **dict.fromkeys(("complain", "complaint", "new complaint", "i want to complain"), "new"),
    **dict.fromkeys(("查询", "进度", "查进度", "查询进度", "进度查询", "查单", "status", "my complaints"), "status"),
    **dict.fromkeys(("帮助", "菜单", "help", "menu"), "help"),
    **dict.fromkeys(("跳过", "没有", "无", "不用了", "完成", "好了", "发完了", "skip", "none", "done"), "skip"),
    **dict.fromkeys(
        ("确认", "提交", "确认提交", "是", "是的", "好", "好的", "confirm", "yes", "ok", "submit"), "confirm"
    ),
    # Of our texts; it withdraws nothing. What texts tell people to answer, and what they then write.
    **dict.fromkeys(("td", "t", "r", "退订", "退订短信", "拒收", "拒收短信", "unsubscribe", "stop"), "stop"),
    **dict.fromkeys(("t退订", "td退订", "回t退订", "回td退订", "拒收请回复r", "r拒收"), "stop"),
    **dict.fromkeys(("取消", "否", "不", "不是", "cancel", "no"), "cancel"),
}
_SCORE = re.compile(r"(?:评价|评分|打分|rate)?\s*([1-5])\s*(?:分|星|stars?)?", re.IGNORECASE)
_JUDGED: Mapping[str, int] = {
    **dict.fromkeys(("非常满意", "很满意", "very satisfied"), 5),
    **dict.fromkeys(("满意", "比较满意", "satisfied"), 4),
    **dict.fromkeys(("一般", "基本满意", "neutral"), 3),
    **dict.fromkeys(("不满意", "dissatisfied"), 2),
    **dict.fromkeys(("非常不满意", "很不满意", "very dissatisfied"), 1),
}
_AROUND = " \t\n。.!?,~"
_NUMBERED = re.compile(r"[0-9][0-9-]{13,18}[0-9]")


def spoken_of(talk: Talk, text: str, *, files: bool, contact: bool) -> tuple[Spoken, str]:
    """What a message says, and its words without the command. `contact`: it names a way to reach the person."""
    command, pressed, rest = _command(text)
    named = find_numbers(rest) if command else ()
    words = _NUMBERED.sub("", rest, count=1).strip() if named else rest
    score = _score(words) if command in ("", "rate") else None
    kind: Kind | None = None
    if command == "kind":
        kind, command = (cast(Kind, words) if words in KINDS else None), ""
        words = "" if kind else words
    spoken = Spoken(
        account=talk.account,
        medium=talk.medium,
        command=command,
        pressed=pressed,
        words=bool(words),
        files=files,
        contact=contact,
        ticket_id=named[0] if named else None,
        score=score,
        kind=kind,
        revises=talk.revises,
        deleted=talk.deleted,
        route=talk.route,
        route_until=talk.route_until,
    )
    return spoken, words if pressed else text


def contacts_in(text: str, area_code: str) -> tuple[Address, ...]:
    """The phone number or e-mail address that a whole message is; none where it is anything else."""
    if len(text) > 64:
        return ()
    if read_phone(text, area_code=area_code or None).strong:
        return (Address(medium="phone", value=text),)
    return (Address(medium="email", value=text),) if read_email(text) else ()


def _command(text: str) -> tuple[str, bool, str]:
    """The command, whether it was given as one, and what stands beside it."""
    written = _COMMAND.fullmatch(text)
    if written is not None and written[1].lower() in _COMMANDS:
        return written[1].lower(), True, (written[2] or "").strip()
    short = _plain(tidy(text, _LONGEST_WORD + 20))
    without = _NUMBERED.sub("", short).strip(_AROUND + "：:")
    if len(without) <= _LONGEST_WORD:
        if without in _WORDS and (without == short or _WORDS[without] == "status"):
            return _WORDS[without], False, short if without != short else ""
        if is_withdrawal(without):
            return "withdraw", False, short
        if is_urge(without):
            return "urge", False, short
    return "", False, text


def _plain(words: str) -> str:
    """Without case, width and what stands around them."""
    return unicodedata.normalize("NFKC", words).casefold().strip(_AROUND)


def _score(words: str) -> int | None:
    if len(words) > _LONGEST_WORD:
        return None
    short = _plain(words)
    number = _SCORE.fullmatch(short)
    return int(number[1]) if number is not None else _JUDGED.get(short)
