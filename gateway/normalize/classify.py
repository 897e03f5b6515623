"""What a statement is about in one word, by the words people put first. Only clear ones: the rest is a complaint.

A wrong guess is costly one way only: what is not a complaint never counts as a repeat. So a text that says 投诉
stays one.
"""

from __future__ import annotations

import re

from ticket_core.model import Kind

DEFAULT_KIND: Kind = "complaint"
_LONGEST_REMARK = 40
_LONGEST_REST_OF_URGE = 16
_LOOKED_AT = 300

# Kind → the words that name it. "请问" and "建议你们" open many a complaint, so a bare question is not an inquiry.
_WORDS: tuple[tuple[Kind, str], ...] = (
    ("complaint", "投诉|complaint"),
    ("report", "举报|检举|whistleblow"),
    ("inquiry", "咨询|inquiry|enquiry"),
    ("suggestion", "建议|提个建议|提建议|意见建议|suggestion"),
    ("help", "求助|求救|寻求帮助|请求帮助"),
    ("repair", "报修|报障|申请维修|repair request"),
    ("situation", "情况反映|反映情况"),
    ("lost_property", "寻物|失物|寻找失物|丢失物品|物品遗失|lost property|lost and found"),
    ("praise", "表扬|感谢信|致谢|送锦旗|praise"),
    ("order", "订购|purchase order"),
)
_KIND_OF = {word: kind for kind, words in _WORDS for word in words.split("|")}
# Longest first, so that a word is not taken for its own beginning.
_ANY_WORD = "|".join(sorted(map(re.escape, _KIND_OF), key=len, reverse=True))
_WISH = r"(?:(?:我们?|本人)?(?:要|想要?|来|需要|欲)?(?:进行|做)?(?:实名|匿名|紧急)?)"
_GREETED = r"\W*(?:(?:您好|你们?好|hello|hi)\W*)?"
_SUBJECT_START = re.compile(rf"\W*{_WISH}({_ANY_WORD})", re.I)
_SUBJECT_END = re.compile(rf"的({_ANY_WORD})(?:信|件)?\W*$", re.I)
_TEXT_START = re.compile(rf"{_GREETED}{_WISH}({_ANY_WORD})(?=一下|个|一个|\W|$)", re.I)
_OTHER_CLAIM = re.compile("投诉|举报|complain", re.I)

_URGE = re.compile(
    rf"{_GREETED}(?:(?:我们?|麻烦|请问?|再|帮我?|要|想|再次|第.次)\s*){{0,4}}"
    r"(?:催单|催办|催促|催一下|催一催|催催|催个单|加急处理|(?:any (?:news|update|progress))"
    r"|(?:处理|工单)?(?:进度|进展)(?:如何|怎么样|怎样|到哪)"
    r"|(?:什么时候|何时|多久)(?:才)?(?:能|可以|会)?(?:处理|解决|回复|办好|修好)"
    r"|(?:到底)?(?:有|出)(?:结果|进展|消息)了?(?:吗|么|没))",
    re.I,
)
_WITHDRAWAL = re.compile(
    rf"{_GREETED}(?:(?:我们?|本人|要|想|请|申请|麻烦|帮我?|要求|同意|现在?|决定)\s*){{0,5}}"
    r"(?:撤诉|撤单|(?:撤销|撤回|取消)(?:上述|上面的?|之前的?|该|本|这个|我的)?(?:投诉|工单|举报|诉求|申请)"
    r"|不(?:再|想)?(?:要)?投诉了|(?:please )?(?:withdraw|cancel) (?:my|this|the) complaint)"
    r"(?:了|吧|啦)?(?:\W+(?:谢谢.{0,6}|问题已?经?.{0,4}解决了?|已经?.{0,4}解决了?|thanks?(?: you)?))*\W*",
    re.I,
)


def guess_kind(subject: str, text: str) -> Kind:
    """Return the kind a statement names at the start or end of its subject, else at the start of its text.

    One of the kinds of the contract, section 2; ``complaint`` whenever there is doubt. Case and width of letters count
    for nothing; the first 300 characters are looked at.
    """
    subject, text = subject[:_LOOKED_AT], text[:_LOOKED_AT]
    named = _SUBJECT_START.match(subject) or _SUBJECT_END.search(subject)
    if named:
        return _KIND_OF[named[1].lower()]
    opening = _TEXT_START.match(text)
    if opening is None or _OTHER_CLAIM.search(text, opening.end()):
        return DEFAULT_KIND
    return _KIND_OF[opening[1].lower()]


def is_urge(text: str) -> bool:
    """Tell whether a short message (up to 40 characters) only asks "when at last?" 催单 and brings nothing new."""
    urge = _URGE.match(text) if len(text) <= _LONGEST_REMARK else None
    return urge is not None and len(text) - urge.end() <= _LONGEST_REST_OF_URGE


def is_withdrawal(text: str) -> bool:
    """Tell whether a short message (up to 40 characters) says nothing but that the complaint is withdrawn 撤诉."""
    return len(text) <= _LONGEST_REMARK and _WITHDRAWAL.fullmatch(text) is not None
