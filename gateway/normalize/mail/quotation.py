"""The view of a reply without what it quotes. Only a view: the whole text is always kept and searched."""

from __future__ import annotations

import re
from bisect import bisect_right

_MAX_LINES = 5_000
_MAX_LINE = 1_000

_DASHES = r"\s{0,8}[-—_=─*]{2,60}\s{0,8}"
_SEPARATOR = re.compile(
    _DASHES + r"(?:以下是?|下面是?)?(?:原始邮件|原始郵件|原邮件|原郵件|回复的原?邮件|邮件原件|原始信息|源邮件|"
    r"Original(?: (?:Message|Mail|E-?mail))?|Ursprüngliche Nachricht)(?:信息|内容)?\s{0,8}[-—_=─*:：]{0,60}\s{0,8}",
    re.IGNORECASE,
)
_FORWARD = re.compile(r"转发的?(?:原?邮件|信息)|轉寄|Forwarded (?:message|mail)|Begin forwarded message", re.IGNORECASE)
_WROTE = re.compile(r"(?:写道|寫道|写到|wrote|schrieb|a écrit|来信说)\s{0,4}[:：]?\s{0,4}", re.IGNORECASE)
_EVIDENCE = re.compile(r"(?:19|20)\d\d\s?[-/年.]|\b(?:19|20)\d\d\b|@|\d{1,2}[:：]\d{2}")
_FIELD = re.compile(
    r"[\s>*]{0,8}(发件人|寄件者|寄件人|發件人|From|Von|De|收件人|收件者|To|抄送|副本|Cc|主\s{0,4}[题旨題]|Subject|日\s{0,4}期|时间|時間|"
    r"发送日期|发送时间|發送時間|发送于|已发送|Date|Sent)\*{0,2}\s{0,8}[:：]",
    re.IGNORECASE,
)
_SENDER_FIELDS = frozenset(("发件人", "寄件者", "寄件人", "發件人", "from", "von", "de"))
_SIGNATURE = re.compile(
    r"\s{0,8}(?:-- ?|[发發]自我的.{0,40}|从我的.{0,30}发送|來自我的.{0,40}|Sent from my .{0,60}|"
    r"Get Outlook for .{0,60}|"
    r"获取 ?Outlook.{0,40}|[发来]自.{0,20}(?:手机|邮箱|客户端|iPhone|iPad|Android).{0,20})",
    re.IGNORECASE,
)
_RULE = re.compile(r"[\s_\-—─=*]{0,400}")
_LONE_ADDRESS = re.compile(r"\s{0,8}[<(]?[\w.+-]{1,64}@[\w.-]{1,255}[>)]?\s{0,8}")
# One look at the whole text tells whether any of the above can apply at all; most first mails end here.
_TRIGGERS = (
    ">", "--", "——", "__", "写道", "寫道", "写到", "来信说", "wrote", "schrieb", "a écrit", "原始", "原邮件", "原郵件",
    "邮件原件", "源邮件", "original ", "nachricht", "发件人", "發件人", "寄件", "from", "von", "de:", "发自", "發自",
    "从我的", "來自", "来自", "outlook",
)  # fmt: skip


def without_quotation(text: str) -> str:
    """What the writer added, without quoted mail and signature; the text itself where nothing would be left.

    Text after or between `>` lines is an inline answer: then everything stays. A forwarded mail stays, the complaint is
    in it. Looks at the first 5,000 lines, and never at lines over 1,000 characters.
    """
    folded = text.lower()
    if not any(trigger in folded for trigger in _TRIGGERS):
        return text
    lines = text.split("\n", _MAX_LINES)
    if len(lines) > _MAX_LINES:
        return text
    end = _quotation_start(lines)
    if end is None:
        return text
    kept = _without_signature(lines[:end])
    trimmed = "\n".join(kept).strip()
    return trimmed if trimmed else text


def _quotation_start(lines: list[str]) -> int | None:
    """The line where quotation begins; the number of lines when there is none; None when the text must stay whole."""
    quoted = [index for index, line in enumerate(lines) if line.lstrip().startswith(">")]
    last_own = _last_own_line(lines)
    for index, line in enumerate(lines):
        if len(line) > _MAX_LINE or not line.strip():
            continue
        if _FORWARD.search(line):
            return len(lines)
        if _SEPARATOR.fullmatch(line):
            return index
        if line.lstrip().startswith(">"):
            return None if index < last_own else index
        next_quoted = bisect_right(quoted, index)
        answered_inline = next_quoted < len(quoted) and quoted[next_quoted] < last_own
        if not answered_inline and _ends_in_wrote(line) and _has_evidence(lines, index):
            return _attribution_start(lines, index)
        field = _FIELD.match(line)
        if field and field[1].lower() in _SENDER_FIELDS and _is_header_block(lines, index):
            return index
    return len(lines)


def _last_own_line(lines: list[str]) -> int:
    """The last line that is neither blank, nor quoted, nor a signature; -1 when there is none."""
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index]
        if line.strip() and not line.lstrip().startswith(">") and not _SIGNATURE.fullmatch(line[:_MAX_LINE]):
            return index
    return -1


def _ends_in_wrote(line: str) -> bool:
    tail = line[-40:]
    found = _WROTE.search(tail)
    return found is not None and not tail[found.end() :].strip()


def _has_evidence(lines: list[str], index: int) -> bool:
    """Whether a "… wrote:" is a mail program's: it or the line before has a year, address or time."""
    line = lines[index]
    if _EVIDENCE.search(line):
        return True
    before = lines[index - 1] if index and len(lines[index - 1]) <= _MAX_LINE else ""
    return len(line) < 120 and bool(before.strip()) and bool(_EVIDENCE.search(before))


def _attribution_start(lines: list[str], index: int) -> int:
    """An attribution may be folded over two lines; the first belongs to it when only it has the date or address."""
    if index and not _EVIDENCE.search(lines[index]):
        return index - 1
    before = lines[index - 1].lstrip() if index else ""
    return index - 1 if before.startswith(("On ", "在 ", "在20", "于20")) and len(before) < 200 else index


def _is_header_block(lines: list[str], index: int) -> bool:
    return sum(1 for line in lines[index : index + 8] if len(line) <= _MAX_LINE and _FIELD.match(line)) >= 3


def _without_signature(lines: list[str]) -> list[str]:
    end = len(lines)
    while end and len(lines[end - 1]) <= _MAX_LINE:
        line = lines[end - 1]
        if _RULE.fullmatch(line) or _SIGNATURE.fullmatch(line) or _LONE_ADDRESS.fullmatch(line):
            end -= 1
        else:
            break
    for index in range(max(0, end - 15), end):
        if lines[index].rstrip("\r") in ("-- ", "--") and index:
            return lines[:index]
    return lines[:end]
