"""Kinds that people name themselves, urges and withdrawals; whatever is unclear stays a complaint."""

from __future__ import annotations

import time

import pytest

from gateway.normalize.classify import guess_kind, is_urge, is_withdrawal


@pytest.mark.parametrize(
    ("subject", "text", "kind"),
    [
        ("投诉某营业厅", "", "complaint"),
        ("【举报】某公司偷税", "", "report"),
        ("实名举报某某超市", "我之前投诉过", "report"),
        ("关于地铁票价的建议", "", "suggestion"),
        ("关于路灯问题的投诉", "", "complaint"),
        ("我要咨询社保", "", "inquiry"),
        ("", "您好,我想咨询一下公积金怎么提取", "inquiry"),
        ("", "你好!我要报修,宽带断了", "repair"),
        ("", "求助:老人走失", "help"),
        ("", "寻物:昨天在公交车上丢了背包", "lost_property"),
        ("", "表扬一下3号窗口的工作人员", "praise"),
        ("", "情况反映", "situation"),
        ("", "我要订购一套教材", "complaint"),  # 订购 must stand alone to be clear in a text
        ("订购教材", "", "order"),
        ("Complaint about my bill", "", "complaint"),
        ("Suggestion", "", "suggestion"),
    ],
)
def test_the_kind_is_what_the_sender_calls_it(subject: str, text: str, kind: str) -> None:
    assert guess_kind(subject, text) == kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "宽带断网三天了没人管",
        "请问你们什么时候来修?断网三天了",
        "咨询一下,我的投诉怎么还没人处理",
        "建议一下你们换人,否则我要投诉",
        "建议你们好好管管这个工地",
        "客服态度恶劣,求助无门",
        "没有表扬的地方",
    ],
)
def test_in_doubt_it_is_a_complaint(text: str) -> None:
    assert guess_kind("", text) == "complaint"


@pytest.mark.parametrize(
    "text",
    ["催单", "麻烦再催一下", "请问什么时候能处理?", "您好,有结果了吗?", "进度如何", "Any update?", "我要催办"],
)
def test_when_at_last_is_an_urge(text: str) -> None:
    assert is_urge(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "宽带又断了",
        "催收公司天天打电话骚扰",
        "我投诉你们不催单",
        "催单。另外楼下的路灯也坏了,晚上老人出门看不见路,已经摔倒了两个人,请一起处理",
    ],
)
def test_what_brings_something_new_is_no_urge(text: str) -> None:
    assert not is_urge(text)


@pytest.mark.parametrize(
    "text",
    [
        "撤诉",
        "我要撤诉。",
        "申请撤销投诉,问题已经解决了",
        "取消我的投诉吧,谢谢",
        "不投诉了",
        "Please cancel my complaint, thanks",
    ],
)
def test_a_plain_withdrawal_is_one(text: str) -> None:
    assert is_withdrawal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "我不撤诉",
        "撤诉是不可能的",
        "客服让我撤诉",
        "取消套餐",
        "如果今天解决我就撤诉",
        "撤销投诉?休想",
        "不投诉了吗",
    ],
)
def test_talk_of_a_withdrawal_is_none(text: str) -> None:
    assert not is_withdrawal(text)


def test_hostile_texts_are_judged_quickly() -> None:
    started = time.perf_counter()
    for text in ("我要" * 20_000, "请" * 40, "," * 40_000, "我" * 300 + "投诉"):
        guess_kind(text, text)
        is_urge(text[:40])
        is_withdrawal(text[:40])
    assert time.perf_counter() - started < 0.5
