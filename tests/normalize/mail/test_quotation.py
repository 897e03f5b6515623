"""The reply view shows what the writer added, and never hides a complaint."""

from __future__ import annotations

import pytest

from gateway.normalize.mail.quotation import without_quotation

CUT = {
    "qq": "好的\n\n------------------ 原始邮件 ------------------\n发件人: a\n内容",
    "qq international": "好的\n\n------------------ Original ------------------\nFrom: a\nDate: 2026\n内容",
    "163": "好的\n\n在 2026-11-20 09:00:00，\"受理\" <a@example.com> 写道：\n> 内容",
    "163 folded": "好的\n\n在 2026-11-20 09:00:00，\n\"受理\" <a@example.com> 写道：\n> 内容",
    "netease phone": "好的\n---- 回复的原邮件 ----\n| 发件人 | a |\n内容",
    "outlook old": "好的\n\n-----邮件原件-----\n发件人: a\n内容",
    "outlook": "好的\n\n发件人: a <a@example.com>\n发送时间: 2026年11月20日 9:00\n收件人: b\n主题: c\n\n内容",
    "outlook rule": "好的\n________________________________\nFrom: a\nSent: Friday\nTo: b\nSubject: c\n内容",
    "foxmail": "好的\n\n\nli@example.com\n \n发件人： a\n发送时间： 2026-11-20 09:00\n收件人： b\n主题： c\n内容",
    "aliyun": "好的\n" + "-" * 66 + "\n发件人：a\n日　期：2026年\n收件人：b\n主　题：c\n内容",
    "gmail": "好的\n\n受理 <a@example.com> 于2026年11月20日周五 09:00写道：\n\n> 内容",
    "gmail english": "好的\n\nOn Fri, Nov 20, 2026 at 9:00 AM A <a@example.com> wrote:\n\n> 内容",
    "gmail english folded": "好的\n\nOn Fri, Nov 20, 2026 at 9:00 AM A\n<a@example.com> wrote:\n> 内容",
    "yahoo tw": "好的\n\n於 2026年11月20日 a@example.com 寫道：\n> 内容",
    "thunderbird": "好的\n\n在 2026/11/20 9:00, A 写道:\n> 内容\n> 内容\n",
    "bare quote": "好的\n> 内容\n> 内容",
    "phone": "好的\n\n发自我的华为手机",
    "iphone": "好的\n\n发自我的 iPhone",
    "english phone": "好的\n\nSent from my iPhone",
    "signature": "好的\n-- \n张三\n某公司",
}  # fmt: skip

WHOLE = {
    "no quotation": "好的\n谢谢",
    "wrote without evidence": "我在意见簿上写道：\n太差了",
    "inline answers": "在 2026-11-20 09:00，a@example.com 写道：\n> 地址？\n一号\n> 电话？\n13800001234",
    "forwarded": "请处理\n---------- Forwarded message ---------\nFrom: a\nDate: 2026\nTo: b\nSubject: c\n\n停水两天",
    "forwarded 163": "-------- 转发邮件信息 --------\n发件人：a\n发送日期：2026\n收件人：b\n主题：c\n停水两天",
    "only quotation": "> 全部\n> 引用",
    "only a separator": "-----原始邮件-----\n停水两天",
    "greater than in prose": ">3 天没人处理\n请尽快",
    "from in prose": "From: 成都\n我要投诉",
    "over long lines": "a" * 2_000 + " 2026 写道：\n结束",
    "over many lines": "行\n" * 6_000 + "> 引用",
}  # fmt: skip


@pytest.mark.parametrize("name", CUT)
def test_quotation_and_signature_are_left_out_of_the_view(name: str) -> None:
    assert without_quotation(CUT[name]) == "好的"


@pytest.mark.parametrize("name", WHOLE)
def test_a_text_that_may_be_the_complaint_stays_whole(name: str) -> None:
    assert without_quotation(WHOLE[name]) == WHOLE[name]
