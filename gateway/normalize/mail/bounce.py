"""Who could not be reached: delivery status notifications (RFC 3464) and letters in plain words."""

from __future__ import annotations

import re

from gateway.normalize.mail import headers as fields
from gateway.normalize.mail.addresses import message_ids
from gateway.normalize.mail.model import Bounce, MailLimits, Problems
from gateway.normalize.mail.structure import Part
from gateway.normalize.mail.words import header_text

_RECIPIENTS = 100
_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_ADDRESS = re.compile(r"[\w.+=~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}", re.ASCII)
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY_CODE = re.compile(r"(?<![\d.])([45])\d\d(?![\d.])[ -]")
_ORIGINAL_ID = re.compile(r"Message-I[dD]\s{0,4}[:：]\s{0,4}(<[^<>\s]{1,900}>)")
_TEXT_LIMIT = 20_000

_LETTER_SUBJECT = re.compile(
    r"退信|退回|投递失败|发送失败|无法送达|未送达|无法投递|undeliver|delivery (?:status|failure|has failed)|"
    r"returned mail|"
    r"failure notice|mail delivery failed|returned to sender|bounce",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"(?:投递|送达|发送).{0,6}(?:延迟|延时)|延迟.{0,4}(?:投递|送达)|(?:继续|再次|稍后).{0,8}(?:尝试|重试)|"
    r"无需重(?:新)?发|"
    r"will (?:be retried|retry|keep trying|continue to)|still (?:being retried|trying)|"
    r"delivery (?:is |has been |temporarily )?delayed|"
    r"warning: (?:message|could not send)",
    re.IGNORECASE,
)
# What such a letter says of the recipient, and the status it would have said in a machine's words.
_CAUSES = {
    "5.1.1": r"不存在|查无此|无此用户|用户名?错误|未找到|unknown user|"
    r"user (?:unknown|not found|doesn't exist)|no such (?:user|recipient)|"
    r"mailbox (?:not found|unavailable)|does not exist|invalid (?:recipient|mailbox)|address rejected",
    "5.1.2": r"域名.{0,10}(?:错误|无法|不正确)|host (?:unknown|not found)|domain (?:not found|does not exist)",
    "5.2.1": r"被(?:禁用|停用|冻结|锁定|注销)|已(?:停用|注销|冻结)|account (?:is )?(?:disabled|locked|inactive)",
    "4.2.2": r"(?:邮箱|空间|容量).{0,6}(?:已?满|不足|超)|over ?quota|mailbox (?:is )?full|quota exceeded",
    "5.7.1": r"拒收|拒绝|垃圾|黑名单|spam|blocked|rejected|denied|blacklist",
}
_NEAR_RECIPIENT = re.compile(
    r"(?:收件人|收信人|recipient|无法(?:投递|发送|送达|递送)(?:到|至|给)?|"
    r"to the following|following address|失败的?(?:收件)?(?:地址|邮箱))",
    re.IGNORECASE,
)


def find_bounces(root: Part, subject: str, sender: str, text: str, limits: MailLimits) -> tuple[Bounce, ...]:
    """The recipients a mail reports as failed; a delay (action `delayed`, 4.4.1) is none.

    A letter in plain words counts only from a system sender, or under a telling subject with a null return path.
    """
    if root.media_type == "text/plain" and not _is_letter(root, subject, sender):
        return ()
    reports = [part for part in root.walk() if part.media_type in _STATUS_TYPES]
    if reports:
        original = _original_id(root, text)
        found = (each for part in reports for each in _status_report(part, original, limits))
        return tuple({each.address.lower(): each for each in found}.values())
    if not _is_letter(root, subject, sender):
        return ()
    return _letter(root, text[:_TEXT_LIMIT], _original_id(root, text))


def _is_letter(root: Part, subject: str, sender: str) -> bool:
    system = re.match(r"(?:mailer-?daemon|postmaster)\b", sender, re.IGNORECASE) is not None
    null = fields.first(root.headers, b"return-path") == b"<>" or b"x-failed-recipients" in root.headers
    says_so = _LETTER_SUBJECT.search(subject) is not None
    return (system and (says_so or null)) or (null and says_so)


def _status_report(part: Part, original: str | None, limits: MailLimits) -> list[Bounce]:
    problems = Problems(0)
    body = part.content(problems).replace(b"\r\n", b"\n").strip(b"\n")
    bounces: list[Bounce] = []
    for block in body.split(b"\n\n", _RECIPIENTS + 1)[: _RECIPIENTS + 1]:
        group, _ = fields.split(block.strip(b"\n"), 0, len(block.strip(b"\n")), limits, problems)
        recipient = fields.first(group, b"original-recipient") or fields.first(group, b"final-recipient")
        if not recipient:
            continue
        address = _ADDRESS.search(header_text(recipient)[0].partition(";")[2] or header_text(recipient)[0])
        action = fields.first(group, b"action").lower()
        status = _STATUS.search(fields.first(group, b"status").decode("latin-1"))
        diagnostic = header_text(fields.first(group, b"diagnostic-code"))[0]
        code = status[0] if status else _status_in(diagnostic) or ""
        failed = action.startswith(b"fail") or (not action and code.startswith("5"))
        if address and failed:
            code = code or "5.0.0"
            bounces.append(_bounce(address[0], code, original))
    return bounces


def _letter(root: Part, text: str, original: str | None) -> tuple[Bounce, ...]:
    if _DELAYED.search(text):
        return ()
    status = _status_in(text)
    cause = next((code for code, words in _CAUSES.items() if re.search(words, text, re.IGNORECASE)), None)
    code = status if status and not status.endswith(".0.0") else cause or status
    named = header_text(fields.first(root.headers, b"x-failed-recipients"))[0]
    addresses = _ADDRESS.findall(named) or _recipients_in(text)
    if code is None or code.startswith("2"):
        return ()
    return tuple(_bounce(each, code, original) for each in dict.fromkeys(addresses[:_RECIPIENTS]))


def _recipients_in(text: str) -> list[str]:
    """The address a letter is about: the first one after a word like 收件人, else the first one in the letter."""
    for found in _NEAR_RECIPIENT.finditer(text):
        address = _ADDRESS.search(text, found.end(), found.end() + 200)
        if address and not _is_system(address[0]):
            return [address[0]]
    return [each for each in _ADDRESS.findall(text[:4000]) if not _is_system(each)][:1]


def _is_system(address: str) -> bool:
    return address.lower().startswith(("postmaster@", "mailer-daemon@"))


def _status_in(text: str) -> str | None:
    enhanced = _STATUS.search(text)
    if enhanced:
        return enhanced[0]
    code = _REPLY_CODE.search(text)
    return f"{code[1]}.0.0" if code else None


def _bounce(address: str, status: str, original: str | None) -> Bounce:
    return Bounce(address=address, permanent=status.startswith("5"), status=status, original_message_id=original)


def _original_id(root: Part, text: str) -> str | None:
    """The Message-ID of the mail that failed: from the copy inside, else as quoted, else the one that is answered."""
    problems = Problems(0)
    for part in root.walk():
        headers = None
        if part.media_type in ("message/rfc822", "message/global") and part.children:
            headers = part.children[0].headers
        elif part.media_type in ("text/rfc822-headers", "message/global-headers", "message/rfc822-headers"):
            body = part.content(problems)
            headers, _ = fields.split(body, 0, len(body), MailLimits(), problems)
        if headers and (ids := message_ids(fields.first(headers, b"message-id"), 1)):
            return ids[0]
    quoted = _ORIGINAL_ID.search(text[:_TEXT_LIMIT])
    if quoted:
        return quoted[1]
    for name in (b"in-reply-to", b"references", b"x-original-message-id"):
        if ids := message_ids(fields.first(root.headers, name), 1):
            return ids[0]
    return None
