"""Short messages from a telephone are a conversation that is answered by SMS."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import select

from gateway.message import Address, InboundMessage, Raw, Talk
from gateway.normalize.draft import to_draft
from tests.conversation.talker import READING
from tests.core.builders import LI, NINE, command, draft, policy
from ticket_core.conversation_service import converse
from ticket_core.service import Taken, act, intake
from ticket_core.store.schema import notice
from ticket_core.store.store import Store
from ticket_core.store.tickets import load_ticket


async def text(store: Store, words: str, sender: str = "13800000001", name: str = "") -> Taken:
    """A text comes in through the provider."""
    message = InboundMessage(
        channel="texts",
        external_id=name or words,
        received_at=NINE,
        raw=Raw(channel="texts", body=words.encode(), received_at=NINE),
        sender=(Address(medium="phone", value=sender),),
        text=words,
        talk=Talk(account=sender, medium="sms"),
    )
    one = to_draft(message, READING)
    if one.spoken is None:
        return await store.run_each(partial(intake, policy=policy()), one)
    return await store.run(partial(converse, draft=one, policy=policy()))


async def sms(store: Store) -> list[tuple[str, str]]:
    query = select(notice.c.notice, notice.c.address).where(notice.c.medium == "sms", notice.c.role == "complainant")
    return [
        (row.notice, row.address) for row in await store.read(lambda c: c.execute(query.order_by(notice.c.id)).all())
    ]


@pytest.fixture
async def closed(store: Store) -> Taken:
    """A complaint made on the web, answered, closed, and its closing notice sent to the telephone."""
    taken = await store.run_each(partial(intake, policy=policy()), draft(LI))
    assert taken.ticket is not None
    for action, fields in (("answer", {"text": "已修复"}), ("close", {})):
        done = command(taken.ticket, action, NINE, **fields)
        await store.run(lambda tx, done=done: act(tx, done, policy()))  # type: ignore[misc]
    await store.run(lambda tx: tx.connection.execute(notice.update().values(due=0, state="accepted")))
    return taken


@pytest.mark.parametrize(
    ("words", "score"), [("1", 1), ("3", 3), ("３", 3), ("５分。", 5), ("非常满意", 5), ("不满意", 2)]
)
async def test_a_digit_after_the_closing_text_is_the_rating(
    store: Store, closed: Taken, words: str, score: int
) -> None:
    taken = await text(store, words)
    assert closed.ticket and taken.ticket and taken.ticket.id == closed.ticket.id
    assert taken.ticket.rating == score
    assert (await sms(store))[-1] == ("chat_rated", "+8613800000001")


@pytest.mark.parametrize("words", ["1", "５", "满意"])
async def test_a_score_that_nobody_asked_for_is_no_complaint_and_tells_how_to_make_one(
    store: Store, words: str
) -> None:
    """Least of all the second one within four hours, which would escalate."""
    taken = await text(store, words)
    assert (taken.outcome, taken.ticket) == ("automatic", None)
    assert await sms(store) == [("chat_welcome", "+8613800000001")]


async def test_an_urge_by_text_reaches_the_ticket_that_was_made_on_the_web(store: Store) -> None:
    opened = await store.run_each(partial(intake, policy=policy()), draft(LI))
    assert opened.ticket is not None
    ticket_id = opened.ticket.id
    await text(store, "催单")
    assert (await store.read(lambda c: load_ticket(c, ticket_id))).urges == 1
    await text(store, "撤诉")
    await text(store, "是的")
    assert (await store.read(lambda c: load_ticket(c, ticket_id))).stage == "withdrawn"


@pytest.mark.parametrize("words", ["TD", "ＴＤ", "t", "退订！", "TD退订", "R", "拒收请回复Ｒ"])
async def test_whoever_wants_no_more_texts_withdraws_nothing(store: Store, words: str) -> None:
    await store.run_each(partial(intake, policy=policy()), draft(LI))
    before = await sms(store)
    taken = await text(store, words)
    assert (taken.outcome, taken.ticket, await sms(store)) == ("automatic", None, before)


async def test_words_by_text_are_a_complaint_acknowledged_by_text(store: Store) -> None:
    taken = await text(store, "宽带断网三天没人管")
    assert taken.outcome == "opened"
    assert taken.ticket and taken.ticket.complainant.mobile == "+8613800000001"
    assert await sms(store) == [("acknowledgement", "+8613800000001")]
    again = await text(store, "还没有人来")
    assert again.ticket and again.ticket.id == taken.ticket.id


async def test_a_machines_sender_code_is_no_conversation(store: Store) -> None:
    taken = await text(store, "您的验证码是 1234", sender="106912345678")
    assert taken.outcome == "opened"
    assert await sms(store) == []


async def test_a_stranger_cannot_rate_by_text(store: Store, closed: Taken) -> None:
    assert (await text(store, "5", sender="13800000002")).ticket is None
    assert closed.ticket is not None
    ticket_id = closed.ticket.id
    assert (await store.read(lambda c: load_ticket(c, ticket_id))).rating is None
