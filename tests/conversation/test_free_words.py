"""Plain words in a chat (contract, section 5.1): the first open a ticket, what follows belongs to it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

from gateway.message import Talk
from tests.conversation.talker import Talker
from tests.core.builders import command, policy
from ticket_core.model import Ticket
from ticket_core.service import act
from ticket_core.store.transcript import load_marks


async def close(li: Talker, ticket: Ticket) -> None:
    for action, fields in (("answer", {"text": "已修复"}), ("close", {})):
        done = command(ticket, action, li.now, **fields)
        await li.store.run(lambda tx, done=done: act(tx, done, policy()))  # type: ignore[misc]


async def test_the_first_words_open_a_ticket_and_are_acknowledged_where_they_were_said(li: Talker) -> None:
    taken = await li.say("宽带断了三天没人处理")
    assert taken.outcome == "opened"
    ticket = await li.ticket(taken)
    assert (ticket.stage, ticket.channel, ticket.identities) == ("received", "bot", ("chat:bot:42",))
    assert ticket.complainant.chats == ("bot:42",)
    assert await li.told() == ["acknowledgement"]


async def test_what_follows_belongs_to_it_and_is_confirmed_once_a_minute(li: Talker) -> None:
    opened = await li.say("宽带断了三天没人处理")
    await li.told()
    for n in range(3):
        added = await li.say(f"补充{n}")
        assert (added.outcome, added.ticket and added.ticket.id) == ("appended", opened.ticket and opened.ticket.id)
    assert await li.told() == ["chat_added"]
    li.wait(seconds=61)
    await li.say("还没修好")
    assert await li.told() == ["chat_added"]
    ticket = await li.ticket(opened)
    said = [one.text for one in await li.statements(ticket)]
    assert said == ["宽带断了三天没人处理", "补充0", "补充1", "补充2", "还没修好"]
    assert ticket.grade == "request"


async def test_photos_alone_open_a_ticket_that_takes_its_text_from_the_first_words(li: Talker) -> None:
    opened = await li.say(files=1)
    await asyncio.gather(*(li.say(files=1) for _ in range(3)))
    await li.say("这是断掉的光缆")
    ticket = await li.ticket(opened)
    assert (ticket.text, ticket.statements) == ("这是断掉的光缆", 5)
    assert ticket.subject == "这是断掉的光缆"
    assert [len(one.attachments) for one in await li.statements(ticket)] == [1, 1, 1, 1, 0]


async def test_a_new_complaint_within_four_hours_is_a_repeat(li: Talker) -> None:
    first = await li.say("宽带断网")
    li.wait(hours=3)
    again = await li.say("/new 宽带又断网了，没有人来")
    assert again.outcome == "repeated"
    assert (await li.ticket(again)).grade == "grievance"
    assert again.repeat_of == (first.ticket and first.ticket.id)


async def test_a_day_after_the_last_word_words_are_a_complaint_of_their_own(li: Talker) -> None:
    first = await li.say("宽带断网")
    li.wait(hours=24)
    same = await li.say("怎么还没有人来")
    assert same.ticket and first.ticket and same.ticket.id == first.ticket.id
    li.wait(hours=24, seconds=1)
    other = await li.say("路灯不亮")
    assert other.outcome == "opened"
    assert other.ticket and other.ticket.id != first.ticket.id


async def test_what_we_said_keeps_a_conversation_open_too(li: Talker) -> None:
    first = await li.say("宽带断网")
    assert first.ticket is not None
    li.wait(hours=20)
    done = command(first.ticket, "answer", li.now, text="请问您的地址是？")
    await li.store.run(lambda tx: act(tx, done, policy()))
    await li.heard_of()
    li.wait(hours=20)
    answer = await li.say("锦江区一环路一号")
    assert (answer.outcome, answer.ticket and answer.ticket.id) == ("appended", first.ticket.id)


async def test_words_after_the_ticket_is_closed_are_a_new_complaint(li: Talker) -> None:
    first = await li.say("宽带断网")
    assert first.ticket is not None
    await close(li, first.ticket)
    later = await li.say("电视也没有信号")
    assert later.ticket and later.ticket.id != first.ticket.id


async def test_a_message_that_comes_twice_or_at_once_has_one_effect(li: Talker) -> None:
    message = li.message("宽带断网")
    taken = await asyncio.gather(*(li.deliver(message) for _ in range(5)))
    assert sorted(one.outcome for one in taken) == ["duplicate"] * 4 + ["opened"]
    assert len({one.ticket and one.ticket.id for one in taken}) == 1
    assert await li.told() == ["acknowledgement"]


async def test_two_bots_and_one_account_are_two_people(li: Talker) -> None:
    other = Talker(store=li.store, channel="other-bot")
    mine, theirs = await li.say("宽带断网"), await other.say("宽带断网")
    assert theirs.outcome == "opened"
    assert mine.ticket and theirs.ticket and mine.ticket.id != theirs.ticket.id


async def test_an_edited_message_keeps_both_wordings_and_a_deleted_one_stays(li: Talker) -> None:
    opened = await li.say("宽带断网两天", name="a")
    edited = await li.say("宽带断网三天", name="a#2", revises="a")
    gone = await li.say("", name="a#3", revises="a", deleted=True)
    assert (edited.outcome, gone.outcome) == ("appended", "appended")
    ticket = await li.ticket(opened)
    assert [one.text for one in await li.statements(ticket)] == ["宽带断网两天", "宽带断网三天"]
    events = {event.kind: event.data for event in await li.events(ticket)}
    assert (events["revised"]["revises"], events["retracted"]["statement"]) == (1, 1)


async def test_each_edit_of_a_message_stands_for_the_one_before(li: Talker) -> None:
    opened = await li.say("宽带断网两天", name="a")
    await li.say("宽带断网三天", name="a#2", revises="a")
    marks = partial(load_marks, channel="bot", accounts=["42"])
    before = await li.store.read(marks)
    await li.say("宽带断网四天", name="a#3", revises="a")
    assert await li.store.read(marks) != before  # pages of other processes look again
    ticket = await li.ticket(opened)
    edits = [event.data for event in await li.events(ticket) if event.kind == "revised"]
    assert [(one["statement"], one["revises"]) for one in edits] == [(2, 1), (3, 2)]
    assert ticket.text == "宽带断网两天"


async def test_other_words_for_a_message_that_never_came_are_kept_as_they_are(li: Talker) -> None:
    edited = await li.say("宽带断网三天", name="a#2", revises="a")
    assert edited.outcome == "opened"
    late = await li.say("宽带断网两天", name="a")
    assert (late.outcome, late.ticket and late.ticket.id) == ("appended", edited.ticket and edited.ticket.id)
    assert (await li.say("", revises="never seen", deleted=True)).outcome == "automatic"


async def test_a_command_that_is_edited_into_words_is_heard(li: Talker) -> None:
    await li.say("/status", name="a")
    assert (await li.say("路灯不亮", name="a#2", revises="a")).outcome == "opened"


async def test_what_a_platform_says_was_taken_back_by_nobody_was_taken_back_by_its_author(li: Talker) -> None:
    opened = await li.say("宽带断网两天", name="a")
    talk = Talk(account="the chat", revises="a", deleted=True)
    gone = await li.deliver(replace(li.message("", name="e1"), sender=(), talk=talk))
    assert gone.outcome == "appended"
    ticket = await li.ticket(opened)
    assert {event.kind: event.data for event in await li.events(ticket)}["retracted"]["statement"] == 1
    unknown = replace(li.message("", name="e2"), sender=(), talk=replace(talk, revises="never seen"))
    assert (await li.deliver(unknown)).outcome == "automatic"


async def test_an_edit_of_a_closed_ticket_opens_none(li: Talker) -> None:
    opened = await li.say("宽带断网两天", name="a")
    assert opened.ticket is not None
    await close(li, opened.ticket)
    edited = await li.say("宽带断网三天", name="a#2", revises="a")
    assert edited.ticket and edited.ticket.id == opened.ticket.id
