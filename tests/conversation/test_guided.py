"""The guided conversation: kind, what happened, contact, photos, confirm; who does not follow it loses nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.conversation.talker import Talker, tells_of
from tests.core.builders import command, policy
from ticket_core.number import number_of
from ticket_core.service import Taken, act


async def told_to(li: Talker, *words: str) -> Taken:
    """Say these one after the other; returns what became of the last."""
    for said in words[:-1]:
        await li.say(said)
    return await li.say(words[-1])


async def test_from_the_first_question_to_the_acknowledgement(li: Talker) -> None:
    await li.say("我要投诉")
    assert await li.told() == ["chat_ask_kind"]
    await li.say("/kind repair")
    assert await li.told() == ["chat_ask_text"]
    opened = await li.say("路灯坏了三天")
    assert opened.outcome == "opened"
    assert await li.told() == ["chat_ask_contact"]
    await li.say("13800001234")
    assert await li.told() == ["chat_ask_files"]
    await li.say(files=1)
    assert await li.told() == ["chat_kept"]
    await li.say("完成")
    (summary,) = await li.rows()
    assert summary.notice == "chat_confirm"
    (shown,) = tells_of(summary)["tickets"]
    assert (shown["text"], shown["kind"], shown["phones"], shown["statements"]) == ("路灯坏了三天", "repair", 1, 3)
    assert (await li.ticket(opened)).stage == "draft"
    await li.say("/confirm")
    assert await li.told() == ["acknowledgement"]
    ticket = await li.ticket(opened)
    assert (ticket.stage, ticket.kind) == ("received", "repair")
    assert ticket.complainant.phones == ("+8613800001234",)
    assert set(ticket.identities) == {"chat:bot:42", "phone:+8613800001234"}
    assert [event.kind for event in await li.events(ticket)] == ["drafted", "supplemented", "supplemented", "received"]


async def test_whoever_tells_what_happened_at_once_is_understood(li: Talker) -> None:
    opened = await told_to(li, "/new", "路灯坏了三天")
    assert (await li.ticket(opened)).text == "路灯坏了三天"
    assert await li.told() == ["chat_ask_kind", "chat_ask_contact"]


async def test_a_contact_that_cannot_be_read_is_kept_and_asked_for_once_more(li: Talker) -> None:
    opened = await told_to(li, "/new", "路灯坏了三天", "138****1234")
    assert (await li.told())[-1] == "chat_ask_contact_again"
    await li.say("就在这里联系我")
    assert await li.told() == ["chat_ask_files"]
    said = [one.text for one in await li.statements(await li.ticket(opened))]
    assert said == ["路灯坏了三天", "138****1234", "就在这里联系我"]


async def test_a_number_that_was_mistyped_and_put_right_is_written_to_no_more(li: Talker) -> None:
    opened = await told_to(li, "/new", "路灯坏了三天")
    await li.say("13800001235", name="number")
    await li.say("13800001236", name="number#2", revises="number")
    await li.say("13800001234", name="number#3", revises="number")
    ticket = await li.ticket(opened)
    assert (ticket.complainant.phones, ticket.complainant.mobile) == (("+8613800001234",), "+8613800001234")
    assert ticket.identities == ("chat:bot:42", "phone:+8613800001234")


async def test_what_is_put_right_before_it_is_submitted_is_what_is_submitted(li: Talker) -> None:
    await told_to(li, "/new")
    opened = await li.say("路灯坏了三天", name="story")
    await told_to(li, "/skip", "/skip")
    await li.told()
    await li.say("路灯坏了四天", name="story#2", revises="story")
    (asked,) = await li.rows()
    assert (asked.notice, tells_of(asked)["tickets"][0]["text"]) == ("chat_confirm", "路灯坏了四天")
    await told_to(li, "/confirm")
    ticket = await li.ticket(opened)
    assert (ticket.stage, ticket.text, ticket.subject) == ("received", "路灯坏了四天", "路灯坏了四天")
    assert [one.text for one in await li.statements(ticket)] == ["路灯坏了三天", "路灯坏了四天"]


async def test_a_complaint_that_is_left_is_submitted_as_it_is(li: Talker) -> None:
    opened = await told_to(li, "/new", "路灯坏了三天")
    li.wait(minutes=14)
    assert await li.leave() == 0
    li.wait(minutes=1)
    assert await li.leave() == 1
    ticket = await li.ticket(opened)
    assert ticket.stage == "received"
    assert (await li.told())[-1] == "acknowledgement"
    assert await li.leave() == 0
    later = await li.say("补一句")
    assert (later.outcome, later.ticket and later.ticket.id) == ("appended", ticket.id)


async def test_a_draft_counts_for_the_repeat_rule_from_when_it_was_lodged(li: Talker) -> None:
    first = await li.say("宽带断网")
    li.wait(hours=4)
    draft = await told_to(li, "/new", "宽带又断网")
    assert (await li.ticket(draft)).grade == "request"
    li.wait(minutes=10)
    await told_to(li, "跳过", "完成", "/confirm")
    again = await li.ticket(draft)
    assert (again.grade, again.links[0].ticket_id) == ("grievance", first.ticket and first.ticket.id)


async def test_cancelled_it_is_withdrawn_and_the_next_words_begin_anew(li: Talker) -> None:
    opened = await told_to(li, "/new", "路灯坏了三天", "取消")
    assert (await li.ticket(opened)).stage == "withdrawn"
    fresh = await li.say("电梯坏了")
    assert fresh.outcome == "opened"
    assert fresh.ticket and opened.ticket and fresh.ticket.id != opened.ticket.id


async def test_a_question_about_the_kind_can_be_cancelled_before_anything_was_said(li: Talker) -> None:
    taken = await told_to(li, "/new", "/cancel")
    assert (taken.outcome, taken.ticket) == ("automatic", None)
    assert await li.told() == ["chat_ask_kind", "chat_cancelled"]


async def interrupted_by_a_withdrawal(li: Talker, number: str) -> None:
    await told_to(li, f"/withdraw {number}", "取消")


async def interrupted_by_a_change_of_mind(li: Talker, number: str) -> None:
    await told_to(li, f"/withdraw {number}", "还是算了吧")


async def interrupted_by_more_about_another(li: Talker, number: str) -> None:
    await told_to(li, f"/add {number} 还是没有网", f"/add {number}", "没有别的")


async def interrupted_by_a_rating(li: Talker, number: str) -> None:
    await li.say(f"/rate {number} 5")


@pytest.mark.parametrize(
    "interrupted",
    [
        interrupted_by_a_withdrawal,
        interrupted_by_a_change_of_mind,
        interrupted_by_more_about_another,
        interrupted_by_a_rating,
    ],
)
async def test_what_was_begun_is_not_forgotten_over_another_matter(
    li: Talker, interrupted: Callable[[Talker, str], Awaitable[None]]
) -> None:
    other = await li.say("宽带断网")
    assert other.ticket is not None
    if interrupted is interrupted_by_a_rating:
        done = command(other.ticket, "answer", li.now, text="已修复")
        await li.store.run(lambda tx: act(tx, done, policy()))
    opened = await told_to(li, "/new", "路灯坏了三天")
    await interrupted(li, number_of(other.ticket.id))
    li.wait(minutes=16)
    assert await li.leave() == 1
    assert (await li.ticket(opened)).stage == "received"


@pytest.mark.parametrize("left", [("/new", "路灯坏了", "/skip", "/skip", "/confirm"), ()])
async def test_a_kind_pressed_on_an_old_button_opens_nothing_and_adds_nothing(
    li: Talker, left: tuple[str, ...]
) -> None:
    if left:
        await told_to(li, *left)
    assert (await li.say("/kind repair")).outcome == "automatic"
    assert (await li.told())[-1] == "chat_welcome"


async def test_one_complaint_is_finished_before_another_begins(li: Talker) -> None:
    await told_to(li, "/new", "路灯坏了三天", "/new")
    assert (await li.told())[-1] == "chat_unfinished"


@pytest.mark.parametrize("words", ["不是这样的，昨天才坏", "还有一盏"])
async def test_words_instead_of_a_yes_are_kept_and_the_question_stands(li: Talker, words: str) -> None:
    opened = await told_to(li, "/new", "路灯坏了", "跳过", "完成", words)
    assert (await li.told())[-1] == "chat_confirm"
    await li.say("是的")
    ticket = await li.ticket(opened)
    assert (ticket.stage, ticket.statements) == ("received", 2)


async def test_an_old_button_pressed_again_changes_nothing(li: Talker) -> None:
    opened = await told_to(li, "/new", "路灯坏了", "/skip", "/skip", "/confirm")
    taken = await li.say("/confirm")
    assert taken.outcome == "automatic"
    assert (await li.told())[-1] == "chat_welcome"
    assert opened.ticket is not None
