"""Mails that are odd in their structure, their headers, their files; and mails that are damaged."""

# ruff: noqa: E501 - a sample is one row of a table, read across

from __future__ import annotations

import binascii

from tests.normalize.mail.corpus.build import (
    AT,
    Sample,
    alternative,
    b64,
    file_part,
    head,
    multipart,
    plain,
    rfc2231,
    text_part,
    word,
)
from tests.normalize.mail.corpus.chinese import PDF, PNG, STORY
from tests.normalize.mail.corpus.outlook import winmail

_INNER = head(sender="zhang@example.com", subject="停水", Message_ID="<inner@example.com>") + multipart(
    "mixed", text_part("小区停水两天"), file_part(PNG, "image/png; name=a.png"), boundary="inner"
)
_UU = (
    b"begin 644 "
    + "清单.txt".encode()
    + b"\r\n"
    + binascii.b2a_uu(b"line one\nline two\n").replace(b"\n", b"\r\n")
    + b"`\r\nend\r\n"
)

MAILS: dict[str, Sample] = {
    "apple-mixed-text-file-text": (
        head() + multipart("mixed", text_part("第一段"), file_part(PNG, "image/png; name=a.png", "inline; filename=a.png"), text_part("第二段")),
        {"text": "第一段\n\n第二段", "attachments": [["a.png", "image/png", len(PNG)]]},
    ),
    "forwarded-as-attachment": (
        head() + multipart("mixed", text_part("见转发"), b"Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n" + _INNER),
        {"text": "见转发", "subject": "投诉", "attachments": [["停水.eml", "message/rfc822", len(_INNER.rstrip(b"\r\n"))], ["a.png", "image/png", len(PNG)]]},
    ),
    "forwarded-without-a-word": (
        head() + multipart("mixed", b"Content-Type: message/rfc822\r\n\r\n" + _INNER),
        {"text": "小区停水两天", "sender": ["", "li@example.com"]},
    ),
    "digest": (
        head() + multipart("digest", b"\r\n" + head(subject="one") + b"\r\nfirst\r\n", b"\r\n" + head(subject="two") + b"\r\nsecond\r\n"),
        {"text": "first\n\nsecond", "attachments": [["one.eml", "message/rfc822", None], ["two.eml", "message/rfc822", None]]},
    ),
    "base64-multipart": (
        head("Content-Transfer-Encoding: base64", 'Content-Type: multipart/mixed; boundary="b"')
        + b"\r\n" + b64(b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + STORY.encode() + b"\r\n--b--\r\n"),
        {"text": STORY},
    ),
    "winmail-dat": (
        head() + multipart("mixed", file_part(winmail("家里断网", [("投诉.pdf", PDF)]), "application/ms-tnef; name=winmail.dat")),
        {"text": "家里断网", "attachments": [["投诉.pdf", "application/octet-stream", len(PDF)]], "problems": []},
    ),
    "winmail-dat-without-files": (
        head() + multipart("mixed", text_part("正文"), file_part(winmail("正文", []), "application/ms-tnef; name=winmail.dat")),
        {"text": "正文", "problem": "winmail.dat has a text but no files"},
    ),
    "winmail-dat-truncated": (
        head() + multipart("mixed", text_part("正文"), file_part(winmail("正文", [("a", PDF)])[:80], "application/ms-tnef; name=winmail.dat")),
        {"text": "正文", "attachments": [["winmail.dat", "application/ms-tnef", 80]], "problem": "winmail.dat cannot be opened"},
    ),
    "uuencode-in-text": (
        head() + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + "请看清单\r\n".encode() + _UU + "谢谢".encode(),
        {"text": "请看清单\n谢谢", "attachments": [["清单.txt", "application/octet-stream", 18]]},
    ),
    "uuencode-damaged": (
        head() + b"\r\nbegin 644 a.bin\r\nM!!\xe9\r\nnothing",
        {"text_has": ["begin 644 a.bin"], "attachments": [], "problem": "uuencoded"},
    ),
    "begin-in-prose": (head() + b"\r\nbegin 644 words\r\nplain prose\r\n", {"text": "begin 644 words\nplain prose", "attachments": []}),
    "quoted-printable-left-in-body": (
        head() + b"Content-Type: text/plain; charset=utf-8\r\n\r\n=E5=AE=BD=E5=B8=A6=E6=96=AD=E7=BD=91\r\n",
        {"text": "宽带断网", "problem": "quoted-printable"},
    ),
    "quoted-printable-damaged": (
        head() + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: Quoted-Printable ;\r\n\r\n100=25 =ZZ =E5=AE=BD=\r\n=E5=B8=A6 =\r\nend=",
        {"text_has": ["100% =ZZ 宽带 end"]},
    ),
    "base64-in-pieces": (
        head() + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: BASE64\r\n\r\n" + b64("宽带".encode() + b"a") + b64("断网".encode()),
        {"text": "宽带a断网"},
    ),
    "base64-without-padding": (
        head() + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b64("宽带a".encode()).strip().rstrip(b"="),
        {"text": "宽带a", "problems": []},
    ),
    "base64-with-foreign-bytes": (
        head() + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n5a69!!5bim\xff*5pat572R",
        {"text": "宽带断网", "problem": "base64 is damaged"},
    ),
    "unknown-charset": (
        head() + b"Content-Type: text/plain; charset=x-nobody-knows\r\n\r\n" + STORY.encode("gbk"),
        {"text": STORY},
    ),
    "utf-8-cut-within-character": (
        head() + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + STORY.encode()[:-1],
        {"text_has": [STORY[:-1]], "problem": "unreadable bytes"},
    ),
    "utf-16-text": (head() + b"Content-Type: text/plain; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b64(STORY.encode("utf-16")), {"text": STORY}),
    "utf-7-text": (head() + b"Content-Type: text/plain; charset=unicode-1-1-utf-7\r\n\r\n" + STORY.encode("utf-7"), {"text": STORY}),
    "iso-2022-jp": (
        head(b"Subject: =?ISO-2022-JP?B?" + b64("苦情".encode("iso-2022-jp")).strip() + b"?=", subject=None)
        + b"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n" + "電話が通じない".encode("iso-2022-jp"),
        {"subject": "苦情", "text": "電話が通じない"},
    ),
    "western-text": (
        head() + b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\n" + "Après 3 jours, le débit est très mauvais".encode("latin-1"),
        {"text": "Après 3 jours, le débit est très mauvais", "problems": []},
    ),
    "subject-words-cut-within-base64": (
        head("Subject: =?utf-8?B?5oqV6K+?= =?utf-8?B?J5a695bim?=", subject=None) + b"\r\nx",
        {"subject": "投诉宽带"},
    ),
    "subject-raw-utf8": (head("Subject: 投诉：断网", subject=None) + b"\r\nx", {"subject": "投诉：断网"}),
    "subject-q-with-blanks-and-marks": (head("Subject: =?utf-8?q?why? =E6=8A=95=E8=AF=89_now?=", subject=None) + b"\r\nx", {"subject": "why? 投诉 now"}),
    "subject-with-header-injection": (
        head("Subject: =?utf-8?Q?a=0D=0ABcc:_x@example.com=00?=", subject=None) + b"\r\nx",
        {"subject": "a Bcc: x@example.com"},
    ),
    "stray-angle-bracket": (head("Cc: 张三 <<zhang@example.com>>, <li@example.com", To="tousu@example.com>") + b"\r\nx",
                            {"to": [["", "tousu@example.com"]], "cc": [["张三", "zhang@example.com"], ["", "li@example.com"]]}),
    "missing-quote": (head(sender='"李四 <li@example.com>') + b"\r\nx", {"sender": ["李四", "li@example.com"]}),
    "comma-in-unquoted-name": (head(sender="Li, Si <li@example.com>") + b"\r\nx", {"sender": ["Li, Si", "li@example.com"]}),
    "name-in-comment": (head(sender="li@example.com (Li (Si))") + b"\r\nx", {"sender": ["Li (Si)".replace("(", "").replace(")", ""), "li@example.com"]}),
    "whole-from-encoded": (head(sender=word("李四 <li@example.com>")) + b"\r\nx", {"sender": ["李四", "li@example.com"]}),
    "name-only-in-from": (head("Return-Path: <li@example.com>", sender=word("李四")) + b"\r\nx", {"sender": ["李四", "li@example.com"]}),
    "recipients-undisclosed": (head("Delivered-To: tousu@example.com", "X-Original-To: a+b@example.com", To="undisclosed-recipients:;") + b"\r\nx",
                               {"to": [], "delivered_to": ["tousu@example.com", "a+b@example.com"]}),
    "group-of-recipients": (head(To="班组: a@example.com, B <b@example.com>;") + b"\r\nx", {"to": [["", "a@example.com"], ["B", "b@example.com"]]}),
    "empty-message-id": (head("Message-ID: <>", Message_ID="") + b"\r\nx", {"message_id": None, "readable": True}),
    "message-id-folded": (head(Message_ID="<abc\r\n def@example.com>") + b"\r\nx", {"message_id": "<abcdef@example.com>"}),
    "message-id-without-brackets": (head(Message_ID="abc@example.com") + b"\r\nx", {"message_id": "<abc@example.com>"}),
    "outlook-style-in-reply-to": (head(In_Reply_To="Your message of Friday <n1@example.com>", References="<a@example.com><b@example.com>") + b"\r\nx",
                                  {"in_reply_to": "<n1@example.com>", "references": ["<a@example.com>", "<b@example.com>"]}),
    "date-chinese": (head(Date="2026年11月20日 上午9:00") + b"\r\nx", {"date": AT, "problem": "no zone"}),
    "date-iso": (head(Date="2026-11-20T01:00:00Z") + b"\r\nx", {"date": "2026-11-20T01:00:00+00:00", "problems": []}),
    "date-cst-is-china": (head(Date="Fri Nov 20 09:00:00 CST 2026") + b"\r\nx", {"date": AT}),
    "date-impossible": (head(Date="Fri, 31 Nov 2026 25:00:00 +0800") + b"\r\nx", {"date": None, "problem": "date"}),
    "file-name-continued-2231": (
        head() + multipart("mixed", text_part("x"), file_part(PDF, "application/pdf",
            f"attachment;\r\n filename*0*={rfc2231('关于宽带')};\r\n filename*1*=%E6%8A%95%E8%AF%89;\r\n filename*2=\"-1.pdf\"")),
        {"attachments": [["关于宽带投诉-1.pdf", "application/pdf", len(PDF)]]},
    ),
    "file-name-percent-encoded": (
        head() + multipart("mixed", text_part("x"), file_part(PDF, "application/pdf", 'attachment; filename="%E6%8A%95%E8%AF%89.pdf"')),
        {"attachments": [["投诉.pdf", "application/pdf", len(PDF)]]},
    ),
    "file-name-without-quotes": (
        head() + multipart("mixed", text_part("x"), file_part(PDF, "application/pdf", "attachment; filename=投诉 材料.pdf")),
        {"attachments": [["投诉 材料.pdf", "application/pdf", len(PDF)]]},
    ),
    "file-name-with-path-and-direction-mark": (
        head() + multipart("mixed", text_part("x"), file_part(PDF, "application/pdf", 'attachment; filename="..\\\\..\\\\a/\u202egpj.exe"')),
        {"attachments": [["gpj.exe", "application/pdf", len(PDF)]]},
    ),
    "file-without-name": (
        head() + multipart("mixed", text_part("x"), file_part(PDF, "application/pdf", "attachment")),
        {"attachments": [["part-1.pdf", "application/pdf", len(PDF)]]},
    ),
    "text-file-attached": (
        head() + multipart("mixed", text_part("正文"), file_part("文件内容".encode(), "text/plain; charset=utf-8; name=a.txt")),
        {"text": "正文", "attachments": [["a.txt", "text/plain", 12]]},
    ),
    "multipart-cut-off": (
        (head() + multipart("mixed", text_part("正文"), file_part(PDF, "application/pdf; name=a.pdf"))).split(b"MDEyMzQ1", 3)[0],
        {"text": "正文", "attachments": [["a.pdf", "application/pdf", None]], "problem": "does not end"},
    ),
    "multipart-with-other-boundary": (
        head() + multipart("mixed", text_part("正文")).replace(b'boundary="----=_NextPart_001"', b'boundary="lost"'),
        {"text": "正文", "problem": "boundary"},
    ),
    "multipart-without-parts": (head() + b"Content-Type: multipart/mixed; boundary=b\r\n\r\njust text\r\n", {"text": "just text", "problem": "no boundary line"}),
    "encrypted": (
        head() + multipart("encrypted", b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1", b"Content-Type: application/octet-stream\r\n\r\n-----BEGIN PGP MESSAGE-----"),
        {"readable": False, "problem": "encrypted"},
    ),
    "html-links-and-lists": (
        head() + text_part('<p>见<a href="javascript:x">此</a><a href="https://example.com/a">处</a></p><ul><li>一<li>二</ul><blockquote>三</blockquote>', kind="html"),
        {"text": "见此处\n一\n二\n三", "html_has_not": ["javascript"]},
    ),
    "html-in-capitals-with-empty-lines": (
        head() + text_part("<DIV>第一行<BR></DIV><DIV><BR></DIV><DIV>第二行<BR>第三行</DIV><TABLE><TR><TD>甲</TD><TD>乙</TD></TR><TR><TD>丙</TD></TR></TABLE>", kind="html"),
        {"text": "第一行\n\n第二行\n第三行\n甲 乙\n丙"},
    ),
    "html-preformatted": (head() + text_part("<pre>第一行\n第二行</pre>", kind="html"), {"text": "第一行\n第二行"}),
    "html-too-deep": (head() + text_part("<div>" * 5000 + "断网", kind="html"), {"text": "断网", "html": None, "problem": "nested too deeply"}),
    "mbox-line-first": (b"From li@example.com Fri Nov 20 09:00:00 2026\n" + head(subject="x").replace(b"\r\n", b"\n") + b"\nhello\n", {"text": "hello", "subject": "x"}),
    "carriage-returns-only": ((head(subject="x") + b"\r\nhello").replace(b"\r\n", b"\r"), {"text": "hello", "subject": "x"}),
    "no-headers-at-all": ("我要投诉".encode(), {"readable": False, "text": "我要投诉"}),
    "empty": (b"", {"readable": False, "text": ""}),
    "binary-noise": (bytes(range(256)) * 8, {"readable": False}),
    "header-only": (head(subject="只有主题"), {"readable": True, "subject": "只有主题", "text": ""}),
    "two-from-headers": (head("From: evil@example.com") + b"\r\nx", {"sender": ["", "li@example.com"], "problem": "more than one From"}),
    "line-without-colon-in-headers": (head("this is no header") + b"\r\ntext", {"text_has": ["text", "this is no header"], "problem": "no header field"}),
    "calendar-invitation": (
        head() + multipart("mixed", alternative("开会", "<p>开会</p>"), file_part(b"BEGIN:VCALENDAR", "text/calendar; method=REQUEST", "inline")),
        {"text": "开会", "attachments": [["part-1.ics", "text/calendar", 15]]},
    ),
    "nul-bytes-in-text": (plain("断\0网", encoding="8bit"), {"text": "断网"}),
}  # fmt: skip
