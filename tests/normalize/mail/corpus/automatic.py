"""Mails that machines write: bounces, delays, receipts, absence notes, lists, and our own."""

# ruff: noqa: E501 - a sample is one row of a table, read across

from __future__ import annotations

from tests.normalize.mail.corpus.build import Sample, head, multipart, plain, text_part

_COPY = (
    b"Content-Type: message/rfc822\r\n\r\n"
    + head(sender="tousu@example.com", Message_ID="<n1@example.com>")
    + b"\r\nnotice\r\n"
)


def _report(status: str, *, copy: bytes = _COPY, words: str = "delivery report") -> bytes:
    groups = b"Content-Type: message/delivery-status\r\n\r\n" + status.replace("\n", "\r\n").encode()
    return head(
        "Return-Path: <>", sender="MAILER-DAEMON@mx.example.com", subject="Undelivered Mail Returned to Sender"
    ) + multipart("report", text_part(words), groups, copy, more="; report-type=delivery-status")


def _failed(address: str, status: str, original: str | None = "<n1@example.com>") -> list[object]:
    return [address, status.startswith("5"), status, original]


_HUMAN: dict[str, object] = {"automatic": None, "bounced": []}

MAILS: dict[str, Sample] = {
    "dsn-user-unknown": (
        _report("Reporting-MTA: dns; mx.example.com\n\nOriginal-Recipient: rfc822;li@example.com\nFinal-Recipient: rfc822; li@inner.example.com\n"
                "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such user\n"),
        {"automatic": "bounce", "bounced": [_failed("li@example.com", "5.1.1")]},
    ),
    "dsn-two-recipients": (
        _report("Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.2.2 (mailbox full)\n\n"
                "Final-Recipient: rfc822; b@example.com\nAction: delivered\nStatus: 2.0.0\n\nFinal-Recipient: rfc822;<c@example.com>\nAction: failed\nStatus: 4.4.7\n"),
        {"bounced": [_failed("a@example.com", "5.2.2"), _failed("c@example.com", "4.4.7")]},
    ),
    "dsn-delayed-is-no-bounce": (
        _report("Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; a@example.com\nAction: delayed\nStatus: 4.4.1\nWill-Retry-Until: x\n"),
        {"automatic": "bounce", "bounced": []},
    ),
    "dsn-with-headers-only": (
        _report("Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.7.1\n",
                copy=b"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <n7@example.com>\r\nSubject: x\r\n"),
        {"bounced": [_failed("a@example.com", "5.7.1", "<n7@example.com>")]},
    ),
    "dsn-without-status-code": (
        _report("Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; a@example.com\nAction: failed\nDiagnostic-Code: smtp; 552 mailbox too large\n"),
        {"bounced": [_failed("a@example.com", "5.0.0")]},
    ),
    "qq-bounce": (
        plain("抱歉，您的邮件被退回来了……\n原邮件信息：\n时间 2026-11-20 09:00:00\n主题 受理通知\n收件人 1380000@qq.com\n退信原因：\n"
              "收件人邮件地址（1380000@qq.com）不存在，邮件无法送达。\nhost mx.example.com said: 550 Mailbox not found",
              "Return-Path: <>", sender="PostMaster@qq.com", subject="来自qq.com的退信", In_Reply_To="<n1@example.com>"),
        {"automatic": "bounce", "bounced": [_failed("1380000@qq.com", "5.1.1")]},
    ),
    "163-bounce": (
        plain("尊敬的用户：\n您发送的邮件未能送达，无法投递到 wang138@163.com\n退信原因：收件人邮箱空间不足 (over quota)\n",
              sender="Postmaster@163.com", subject="系统退信/Systems bounce", charset="gbk"),
        {"automatic": "bounce", "bounced": [_failed("wang138@163.com", "4.2.2", None)]},
    ),
    "aliyun-bounce": (
        plain("无法投递给以下收件人：\nsun@aliyun.com\n550 5.7.1 message rejected as spam\nMessage-ID: <n9@example.com>\n",
              sender="postmaster@aliyun.com", subject="退信通知"),
        {"bounced": [_failed("sun@aliyun.com", "5.7.1", "<n9@example.com>")]},
    ),
    "coremail-delay-is-no-bounce": (
        plain("您的邮件投递延迟，系统将继续尝试投递到 wang@163.com，您无需重发。\n4.4.1 connection timed out\n", sender="postmaster@163.com", subject="退信: 投递延迟通知"),
        {"automatic": "system-sender", "bounced": []},
    ),
    "exim-bounce": (
        plain("A message that you sent could not be delivered.\n\n  li@example.com\n    host mx [192.0.2.1]: 550 unknown user\n", "X-Failed-Recipients: li@example.com",
              sender="Mailer-Daemon@mx.example.com", subject="Mail delivery failed: returning message to sender"),
        {"bounced": [_failed("li@example.com", "5.1.1", None)]},
    ),
    "qmail-bounce": (
        plain("Hi. This is the qmail-send program.\n\n<li@example.com>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 user unknown\n",
              "Return-Path: <>", sender="MAILER-DAEMON@mx.example.com", subject="failure notice"),
        {"bounced": [_failed("li@example.com", "5.1.1", None)]},
    ),
    "person-writing-about-a-bounce": (
        plain("我给 13800@example.com 发信被退信，550 用户不存在，我要投诉你们的邮箱。", subject="投诉：收到系统退信"),
        _HUMAN,
    ),
    "read-receipt": (
        head(subject="已读：受理通知") + multipart("report", text_part("已读"), b"Content-Type: message/disposition-notification\r\n\r\nDisposition: x",
                                              more="; report-type=disposition-notification"),
        {"automatic": "read-receipt", "bounced": []},
    ),
    "null-sender": (plain("x", "Return-Path: <>"), {"automatic": "null-sender"}),
    "system-sender": (plain("x", sender="postmaster@example.com"), {"automatic": "system-sender"}),
    "auto-submitted": (plain("x", "Auto-Submitted: auto-replied (vacation)"), {"automatic": "auto-submitted"}),
    "auto-submitted-no": (plain("x", "Auto-Submitted: no"), _HUMAN),
    "autoreply-header": (plain("x", "X-Autoreply: yes"), {"automatic": "autoreply-header"}),
    "exchange-out-of-office": (
        plain("我外出了", "X-MS-Exchange-Inbox-Rules-Loop: li@example.com", "X-Auto-Response-Suppress: All", subject="自动答复: 受理通知"),
        {"automatic": "autoreply-header"},
    ),
    "auto-response-suppress": (plain("x", "X-Auto-Response-Suppress: DR, OOF, AutoReply"), {"automatic": "auto-response-suppress"}),
    "precedence-bulk": (plain("x", "Precedence: Bulk"), {"automatic": "precedence"}),
    "precedence-junk": (plain("x", "Precedence: junk"), {"automatic": "precedence"}),
    "precedence-list": (plain("x", "Precedence: list"), {"automatic": "precedence"}),
    "precedence-normal": (plain("x", "Precedence: normal"), _HUMAN),
    "list-id": (plain("x", "List-Id: <a.example.com>"), {"automatic": "list"}),
    "list-unsubscribe": (plain("x", "List-Unsubscribe: <mailto:a@example.com>"), {"automatic": "list"}),
    "x-loop": (plain("x", "X-Loop: tousu@example.org"), {"automatic": "x-loop"}),
    "own-loop-marker": (plain("x", "X-Complaint-Gateway-Loop: abc"), {"automatic": "own-marker", "own_loop_marker": "abc"}),
    "vacation-subject-with-thread": (plain("我在休假", subject="自动回复: 受理通知", In_Reply_To="<n1@example.com>"), {"automatic": "vacation-subject"}),
    "vacation-subject-of-a-person": (plain("你们的自动回复没有用", subject="自动回复太慢了"), _HUMAN),
    "answer-to-a-vacation-note": (plain("好的", subject="回复: 自动回复: 受理通知", In_Reply_To="<n1@example.com>"), _HUMAN),
}  # fmt: skip
