"""Commands and words of the trade at any time: status, urge, add, rate, withdraw; each only on one's own tickets."""

from __future__ import annotations

import pytest

from tests.conversation.talker import Talker, tells_of
from tests.core.builders import command, policy
from ticket_core.model import Ticket
from ticket_core.number import number_of
from ticket_core.service import Taken, act


async def answered(li: Talker, taken: Taken) -> Ticket:
    assert taken.ticket is not None
    done = command(taken.ticket, "answer", li.now, text="已修复")
    ticket = await li.store.run(lambda tx: act(tx, done, policy()))
    await li.heard_of()
    await li.told()
    return ticket


@pytest.mark.parametrize("words", ["/start", "/help", "帮助", "/start@our_bot ref"])
async def test_a_greeting_opens_no_ticket(li: Talker, words: str) -> None:
    taken = await li.say(words)
    assert (taken.outcome, taken.ticket) == ("automatic", None)
    assert await li.told() == ["chat_welcome"]


@pytest.mark.parametrize("words", ["/status", "查询进度", "进度？", "/status {}", "查询 {}"])
async def test_the_status_tells_how_ones_own_tickets_stand(li: Talker, words: str) -> None:
    opened = await li.say("宽带断网")
    assert opened.ticket is not None
    await li.told()
    await li.say(words.format(number_of(opened.ticket.id)))
    (row,) = await li.rows()
    (shown,) = tells_of(row)["tickets"]
    assert (row.notice, shown["number"], shown["status"]) == ("chat_status", number_of(opened.ticket.id), "待处理")


@pytest.mark.parametrize("words", ["/status {}", "/urge {}", "/add {} 补充", "/rate {} 5", "/withdraw {}"])
async def test_a_strangers_ticket_is_not_found_like_one_that_does_not_exist(li: Talker, words: str) -> None:
    other = Talker(store=li.store, account="43")
    theirs = await other.say("宽带断网")
    assert theirs.ticket is not None
    for number in (number_of(theirs.ticket.id), number_of(theirs.ticket.id + 7)):
        taken = await li.say(words.format(number))
        assert taken.outcome == "automatic"
        assert await li.told() == ["chat_not_found"]
    assert (await other.ticket(theirs)).version == theirs.ticket.version


@pytest.mark.parametrize("words", ["/urge", "催单", "什么时候能修好", "催一下！"])
async def test_an_urge_reaches_the_ticket(li: Talker, words: str) -> None:
    opened = await li.say("宽带断网")
    await li.told()
    taken = await li.say(words)
    assert (taken.outcome, (await li.ticket(opened)).urges) == ("appended", 1)
    assert await li.told() == ["chat_urged"]


async def test_more_can_be_added_to_an_older_ticket_by_its_number(li: Talker) -> None:
    old = await li.say("宽带断网")
    await li.say("/new 路灯不亮")
    assert old.ticket is not None
    taken = await li.say(f"/add {number_of(old.ticket.id)} 修好了又断了")
    assert (taken.outcome, taken.ticket and taken.ticket.id) == ("appended", old.ticket.id)
    assert [one.text for one in await li.statements(old.ticket)] == ["宽带断网", "修好了又断了"]


@pytest.mark.parametrize(("words", "score"), [("5", 5), ("非常满意", 5), ("不满意", 2), ("3分", 3), ("/rate {} 4", 4)])
async def test_a_bare_word_after_the_answer_is_its_rating(li: Talker, words: str, score: int) -> None:
    ticket = await answered(li, await li.say("宽带断网"))
    taken = await li.say(words.format(number_of(ticket.id)))
    assert taken.ticket is not None
    assert taken.ticket.rating == score
    assert await li.told() == ["chat_rated"]


async def test_a_bare_digit_that_nobody_asked_for_is_what_it_says(li: Talker) -> None:
    opened = await li.say("宽带断网")
    taken = await li.say("3")
    assert (taken.outcome, taken.ticket and taken.ticket.id) == ("appended", opened.ticket and opened.ticket.id)
    assert (await li.ticket(opened)).rating is None


async def test_a_rating_without_a_score_is_asked_for(li: Talker) -> None:
    await answered(li, await li.say("宽带断网"))
    await li.say("/rate")
    assert await li.told() == ["chat_ask_rating"]


async def test_withdrawing_is_confirmed_first(li: Talker) -> None:
    opened = await li.say("宽带断网")
    await li.told()
    await li.say("撤诉")
    assert await li.told() == ["chat_ask_withdraw"]
    assert (await li.ticket(opened)).stage == "received"
    await li.say("确认")
    assert (await li.ticket(opened)).stage == "withdrawn"
    assert await li.told() == ["withdrawn"]


async def test_whoever_thinks_better_of_it_keeps_the_ticket(li: Talker) -> None:
    opened = await li.say("宽带断网")
    await li.say("撤诉")
    await li.say("/cancel")
    assert (await li.told())[-1] == "chat_kept_open"
    await li.say("撤诉")
    other = await li.say("还是请尽快处理")
    assert (other.outcome, (await li.ticket(opened)).stage) == ("appended", "received")


async def test_what_is_not_possible_now_is_said_and_changes_nothing(li: Talker) -> None:
    ticket = await answered(li, await li.say("宽带断网"))
    taken = await li.say("/urge")
    assert (taken.outcome, await li.told()) == ("automatic", ["chat_not_now"])
    assert (await li.ticket(Taken(outcome="opened", inbound_id=0, ticket=ticket))).urges == 0


async def test_two_machines_that_talk_with_each_other_end(li: Talker) -> None:
    for _ in range(30):
        await li.say("/help")
    told = await li.told()
    assert told == ["chat_welcome"] * 20 + ["chat_slow_down"]
    li.wait(minutes=11)
    await li.say("/help")
    assert await li.told() == ["chat_welcome"]
