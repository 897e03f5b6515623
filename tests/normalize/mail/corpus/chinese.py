"""Mails in the shapes of the large Chinese providers and mail programs."""

# ruff: noqa: E501 - a sample is one row of a table, read across

from __future__ import annotations

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

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
PDF = b"%PDF-1.4\n" + b"0123456789" * 20
STORY = "家里宽带断网三天，多次致电10086无人处理，要求尽快修复并赔偿。"
QUOTED_QQ = (
    "已经三天了还没有修好。\n\n\n\n------------------ 原始邮件 ------------------\n"
    '发件人: "投诉受理" <tousu@example.com>;\n发送时间: 2026年11月20日(星期五) 上午9:00\n收件人: "李四"<1380000@qq.com>;\n\n'
    "主题: 受理通知\n\n您的投诉已受理。\n"
)

_QQ = (
    "X-QQ-SSF: 00010000000000F0000000000000000",
    "X-QQ-MIME: TCMime 1.0 by Tencent",
    "X-Mailer: QQMail 2.x",
    "X-QQ-FEAT: abc=",
)
_QQ_LI = f"{word('李四', 'gb18030')} <1380000@qq.com>"
_163 = (
    "X-Originating-IP: [192.0.2.1]",
    "X-Mailer: Coremail Webmail Server Version XT5.0.13",
    "X-CM-SenderInfo: pl9xq==",
)

MAILS: dict[str, Sample] = {
    "qq-simple": (
        head(*_QQ, sender=_QQ_LI, subject=word("投诉：宽带断网", "gb18030"), Message_ID="<tencent_8F1A@qq.com>")
        + alternative(STORY, f"<div>{STORY}</div>", "gb18030"),
        {
            "subject": "投诉：宽带断网", "sender": ["李四", "1380000@qq.com"], "text": STORY, "reply_text": STORY, "date": AT,
            "message_id": "<tencent_8F1A@qq.com>", "automatic": None, "readable": True, "problems": [], "attachments": [],
        },
    ),
    "qq-reply": (
        head(*_QQ, sender=_QQ_LI, subject="回复：受理通知", In_Reply_To="<n1@example.com>", References="<n0@example.com>\r\n\t<n1@example.com>")
        + alternative(QUOTED_QQ, "<div>x</div>", "gb18030"),
        {
            "reply_text": "已经三天了还没有修好。", "text_has": ["您的投诉已受理。"], "in_reply_to": "<n1@example.com>",
            "references": ["<n0@example.com>", "<n1@example.com>"], "automatic": None,
        },
    ),
    "qq-mobile-signature": (
        head(*_QQ, sender=_QQ_LI) + text_part("请尽快处理\n\n\n发自我的iPhone", "gb18030"),
        {"reply_text": "请尽快处理", "text": "请尽快处理\n\n\n发自我的iPhone"},
    ),
    "qq-attachment": (
        head(*_QQ, sender=_QQ_LI)
        + multipart(
            "mixed",
            alternative(STORY, f"<p>{STORY}</p>", "gb18030"),
            file_part(PDF, f'application/octet-stream; charset="gb18030"; name="{word("投诉材料.pdf", "gb18030")}"',
                      f'attachment; filename="{word("投诉材料.pdf", "gb18030")}"'),
        ),
        {"text": STORY, "attachments": [["投诉材料.pdf", "application/octet-stream", len(PDF)]]},
    ),
    "qq-tcmime-stand-in-name": (
        head(*_QQ, sender=_QQ_LI)
        + multipart("mixed", text_part(STORY, "gb18030"),
                    file_part(PDF, f'application/pdf; name="{word("合同扫描件.pdf", "gb18030")}"', 'attachment; filename="tcmime.1.2.bin"')),
        {"attachments": [["合同扫描件.pdf", "application/pdf", len(PDF)]]},
    ),
    "qq-inline-image": (
        head(*_QQ, sender=_QQ_LI)
        + multipart("related", alternative("见图", '<div>见图<img src="cid:A1@qq.com"></div>', "gb18030"),
                    file_part(PNG, 'image/png; name="A1.png"', "inline; filename=A1.png", "Content-ID: <A1@qq.com>")),
        {"text": "见图", "attachments": [["A1.png", "image/png", len(PNG)]], "inline": ["A1@qq.com"], "html_has_not": ["img", "cid:"]},
    ),
    "163-simple": (
        head(*_163, sender=f"{word('王五', 'gbk')} <wang_138@163.com>", subject=word("噪音扰民投诉", "gbk"), Date="Fri, 20 Nov 2026 09:00:00 +0800 (CST)")
        + alternative("楼下夜间施工。", "<div>楼下夜间施工。</div>", "gbk"),
        {"subject": "噪音扰民投诉", "sender": ["王五", "wang_138@163.com"], "text": "楼下夜间施工。", "date": AT},
    ),
    "163-reply": (
        plain("仍未解决，我要求升级处理。\n\n\n\n\n\n在 2026-11-20 09:00:00，\"投诉受理\" <tousu@example.com> 写道：\n\n> 您好，您的投诉已受理。\n> 工单号 T1\n",
              *_163, charset="gbk"),
        {"reply_text": "仍未解决，我要求升级处理。", "text_has": ["工单号 T1"]},
    ),
    "163-reply-folded-attribution": (
        plain("收到，谢谢。\n\n在 2026-11-20 09:00:00，\n\"投诉受理\" <tousu@example.com> 写道：\n> 您好\n", *_163, charset="gbk"),
        {"reply_text": "收到，谢谢。"},
    ),
    "163-attachment-rfc2231-gbk": (
        head(*_163)
        + multipart("mixed", text_part("附件是发票", "gbk"),
                    file_part(PDF, "application/pdf", f"attachment; filename*={rfc2231('二〇二六年发票.pdf', 'gbk')}")),
        {"attachments": [["二〇二六年发票.pdf", "application/pdf", len(PDF)]]},
    ),
    "163-attachment-both-forms": (
        head(*_163)
        + multipart("mixed", text_part("附件", "gbk"),
                    file_part(PDF, 'application/pdf; name="=?GBK?B?t6LGsS5wZGY=?="',
                              f'attachment; filename="=?GBK?B?t6LGsS5wZGY=?="; filename*={rfc2231("发票（一）.pdf")}')),
        {"attachments": [["发票（一）.pdf", "application/pdf", len(PDF)]]},
    ),
    "163-forward-keeps-complaint": (
        plain("请看下面\n\n-------- 转发邮件信息 --------\n发件人：\"张三\" <zhang@example.com>\n发送日期：2026-11-19 20:00:00\n"
              "收件人：wang@163.com\n主题：停水\n小区停水两天\n", *_163, charset="gbk", subject="Fw:停水"),
        {"reply_text_has": ["小区停水两天"]},
    ),
    "netease-mail-master": (
        plain("问题还在\n\n\n| |\n张三\n|\n|\nzhang138@126.com\n|\n---- 回复的原邮件 ----\n| 发件人 | 投诉受理 |\n| 日期 | 2026年11月20日 09:00 |\n您好\n",
              "X-Mailer: MailMasterAndroid", charset="gbk"),
        {"reply_text_has": ["问题还在"], "reply_text_has_not": ["您好"]},
    ),
    "coremail-raw-and-word-in-subject": (
        head(b"Subject: " + "关于".encode("gbk") + b" " + word("宽带", "gbk").encode() + "断网的投诉".encode("gbk"), subject=None)
        + text_part(STORY, "gbk"),
        {"subject": "关于 宽带断网的投诉", "text": STORY},
    ),
    "coremail-gb2312-with-character-outside": (
        head(b"Subject: =?gb2312?B?" + b64("朱镕喆的投诉".encode("gbk")).strip() + b"?=", subject=None) + text_part("我叫朱镕喆，住在亍街。", "gb2312"),
        {"subject": "朱镕喆的投诉", "text": "我叫朱镕喆，住在亍街。", "problems": []},
    ),
    "coremail-raw-gbk-headers": (
        head(b"From: " + "赵六".encode("gbk") + b" <zhao@example.com>", b"Subject: " + "物业乱收费，请处理".encode("gbk"), sender=None, subject=None)
        + text_part(STORY, "gbk", encoding="8bit"),
        {"subject": "物业乱收费，请处理", "sender": ["赵六", "zhao@example.com"], "text": STORY},
    ),
    "aliyun-gbk-body": (
        head("X-Mailer: Alimail-Mailagent revision 1.0", sender=f'"{word("孙七")}" <sun@aliyun.com>') + text_part(STORY, "gbk", encoding="quoted-printable"),
        {"text": STORY, "sender": ["孙七", "sun@aliyun.com"], "problems": []},
    ),
    "aliyun-reply": (
        plain("不同意你们的答复。\n------------------------------------------------------------------\n发件人：投诉受理 <tousu@example.com>\n"
              "发送时间：2026年11月20日(星期五) 09:00\n收件人：孙七 <sun@aliyun.com>\n主　题：答复\n\n您好", "X-Mailer: Alimail-Mailagent"),
        {"reply_text": "不同意你们的答复。"},
    ),
    "foxmail-reply": (
        plain("补充：昨天又断了。\n\n\n\nli138@foxmail.com\n \n发件人： 投诉受理\n发送时间： 2026-11-20 09:00\n收件人： li138\n主题： 受理通知\n您好\n",
              "X-Mailer: Foxmail 7.2.25.228[cn]", charset="gb2312"),
        {"reply_text": "补充：昨天又断了。"},
    ),
    "foxmail-attachment-raw-gbk-name": (
        head("X-Mailer: Foxmail 7.2")
        + multipart("mixed", text_part("见附件", "gb2312"),
                    file_part(PDF, "application/pdf", b'attachment; filename="' + "通话录音清单.pdf".encode("gbk") + b'"')),
        {"attachments": [["通话录音清单.pdf", "application/pdf", len(PDF)]]},
    ),
    "outlook-zh-reply": (
        plain("我不接受这个结果。\n\n李四\n\n-----邮件原件-----\n发件人: 投诉受理 [mailto:tousu@example.com]\n发送时间: 2026年11月20日 9:00\n"
              "收件人: 李四\n主题: 答复\n\n您好", "X-Mailer: Microsoft Outlook 16.0", charset="gb2312"),
        {"reply_text": "我不接受这个结果。\n\n李四"},
    ),
    "outlook-zh-reply-header-block": (
        plain("请给我回电 13800001234\n\n________________________________\n发件人: 投诉受理 <tousu@example.com>\n已发送: 2026年11月20日 9:00\n"
              "收件人: 李四 <li@example.com>\n主题: 答复\n\n您好", charset="gb2312"),
        {"reply_text": "请给我回电 13800001234"},
    ),
    "sina-utf8-label-over-gbk": (
        head(b"Subject: =?utf-8?B?" + b64("快递丢失投诉".encode("gbk")).strip() + b"?=", subject=None)
        + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + STORY.encode("gbk"),
        {"subject": "快递丢失投诉", "text": STORY, "problem": "is wrong, read as gb18030"},
    ),
    "sohu-latin1-label-over-gbk": (
        head() + b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + STORY.encode("gbk"),
        {"text": STORY, "problems": []},
    ),
    "139-split-character": (
        # one GBK character cut in two between the words
        head(b"Subject: =?gbk?B?" + b64("投诉宽".encode("gbk")[:5]).strip() + b"?=\r\n =?gbk?B?" + b64("投诉宽带".encode("gbk")[5:]).strip() + b"?=",
             sender="13800001234@139.com", subject=None) + text_part(STORY),
        {"subject": "投诉宽带", "sender": ["", "13800001234@139.com"], "problems": []},
    ),
    "189-html-with-meta-charset": (
        head() + b"Content-Type: text/html\r\nContent-Transfer-Encoding: 8bit\r\n\r\n<html><head><meta http-equiv=Content-Type content=\"text/html; charset=gbk\">"
        + "<title>无题</title><style>p{color:red}</style></head><body><p>第一行</p><p>第二&nbsp;行<br>第三行</p><script>x()</script></body></html>".encode("gbk"),
        {"text": "第一行\n第二 行\n第三行", "html_has_not": ["script", "style"]},
    ),
    "exmail-alternative-html-only-filled": (
        head("X-QQ-SSF: 0", sender="zhou@corp.example.com") + alternative("\n \n", f"<div>{STORY}</div><div><br></div><table><tr><td>工单</td><td>T1</td></tr></table>"),
        {"text": STORY + "\n\n工单 T1"},
    ),
    "hinet-big5": (
        head(b"Subject: =?big5?B?" + b64("客戶投訴".encode("big5")).strip() + b"?=", subject=None) + text_part("網路斷線三天，請盡速處理。", "big5"),
        {"subject": "客戶投訴", "text": "網路斷線三天，請盡速處理。", "problems": []},
    ),
    "big5-labelled-gb2312": (
        head() + b"Content-Type: text/plain; charset=gb2312\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + "我要投訴這個電信公司，網路斷線三天沒有人處理。".encode("big5"),
        {"text": "我要投訴這個電信公司，網路斷線三天沒有人處理。", "problem": "read as big5hkscs"},
    ),
    "hz-gb-2312": (
        head() + b"Content-Type: text/plain; charset=HZ-GB-2312\r\n\r\n" + "投诉: 断网".encode("hz"),
        {"text": "投诉: 断网"},
    ),
    "gmail-zh-reply": (
        plain("还是不行\n\n投诉受理 <tousu@example.com> 于2026年11月20日周五 09:00写道：\n\n> 您好\n>\n> 已处理\n"),
        {"reply_text": "还是不行"},
    ),
    "inline-answers-stay": (
        plain("在 2026-11-20 09:00，受理 <tousu@example.com> 写道：\n> 您的地址？\n锦江区一号\n> 您的电话？\n13800001234\n"),
        {"reply_text_has": ["锦江区一号", "13800001234", "您的地址？"]},
    ),
    "complaint-that-says-wrote": (
        plain("我昨天给你们的意见簿里写道：\n服务态度太差\n至今无人理会"),
        {"reply_text": "我昨天给你们的意见簿里写道：\n服务态度太差\n至今无人理会"},
    ),
    "only-quotation-stays-whole": (
        plain("------------------ 原始邮件 ------------------\n发件人: a\n投诉内容在这里"),
        {"reply_text_has": ["投诉内容在这里"]},
    ),
}  # fmt: skip
