"""What is taken in is decided once; reading it again changes something only where nothing was understood."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, select

from tests.core.builders import LI, LI_MAIL, NINE, at, command, draft, policy
from ticket_core.errors import UnknownInput
from ticket_core.model import Complainant, File, Link, Replay, Source, Ticket, TicketDraft
from ticket_core.service import Taken, act, intake
from ticket_core.store.journals import load_input
from ticket_core.store.schema import contact, inbound, notice
from ticket_core.store.store import Store
from ticket_core.store.tickets import load_complaints, load_events, load_ticket

NOON = at("12:00:00")


async def take(store: Store, one: TicketDraft) -> Taken:
    return await store.run_each(partial(intake, policy=policy()), one)


async def replayed(store: Store, first: Taken, read: TicketDraft, now: Any = NOON) -> Taken:
    """The input of `first`, read again as `read`."""
    return await take(store, replace(read, replay=Replay(inbound_id=first.inbound_id, at=now)))


def everything(connection: Connection) -> dict[str, list[Any]]:
    """All that an input could have changed."""
    tables = (inbound, contact, notice)
    return {one.name: list(connection.execute(select(one).order_by(*one.primary_key)).all()) for one in tables}


async def ticket_now(store: Store, taken: Taken) -> Ticket:
    assert taken.ticket is not None
    return await store.read(partial(load_ticket, ticket_id=taken.ticket.id))


@pytest.mark.parametrize("changes", [{}, {"quoted": True}])
async def test_replaying_what_had_an_effect_changes_nothing(store: Store, changes: dict[str, Any]) -> None:
    first = await take(store, draft(external_id="m1"))
    assert first.ticket is not None
    if changes:
        first = await take(store, draft(when=at("15:00:00"), quoted=(first.ticket.id,), external_id="m2"))
    before = await store.read(everything)
    for _ in range(2):
        again = await replayed(store, first, draft(text="另一种读法", external_id="m1"))
        assert (again.outcome, again.inbound_id) == ("duplicate", first.inbound_id)
        assert again.ticket == first.ticket
    assert await store.read(everything) == before


async def test_a_triage_input_understood_at_last_fills_its_own_ticket(store: Store) -> None:
    first = await take(store, draft(when=at("08:00:00")))
    odd = await take(
        store, draft("", intent="triage", note="unreadable", external_id="m1", text="", complainant=Complainant())
    )
    assert (odd.outcome, (await ticket_now(store, odd)).triage) == ("triage", "unreadable")
    photo = File(name="a.jpg", media_type="image/jpeg", content=b"jpeg")
    read = draft((LI, LI_MAIL), NINE, external_id="m1", text="断了三天", subject="断网", attachments=(photo,))
    again = await replayed(store, odd, read)
    now = await ticket_now(store, odd)
    assert (again.outcome, again.inbound_id, again.ticket) == ("repeated", odd.inbound_id, now)
    assert (now.triage, now.text, now.subject, now.identities) == ("", "断了三天", "断网", (LI, LI_MAIL))
    assert first.ticket is not None
    assert now.links == (Link(relation="repeats", ticket_id=first.ticket.id),)
    (statement,) = await store.read(partial(load_complaints, ticket_id=now.id))
    assert (statement.text, statement.counted, statement.inbound_id) == ("断了三天", (LI, LI_MAIL), odd.inbound_id)
    assert [one.name for one in statement.attachments] == ["a.jpg"]
    events = await store.read(partial(load_events, ticket_id=now.id))
    assert [event.kind for event in events] == ["received", "replayed", "repeat_found", "escalated"]
    assert events[1].at == NOON
    # It is found by its new identities, and counts from when it was lodged.
    later = await take(store, draft(LI_MAIL, at("12:59:59")))
    assert later.repeat_of == now.id


async def test_an_input_is_replayed_to_an_effect_once(store: Store) -> None:
    odd = await take(store, draft("", intent="triage", note="unreadable"))
    await replayed(store, odd, draft())
    before = await store.read(everything)
    assert (await replayed(store, odd, draft(text="再读一次"))).outcome == "duplicate"
    assert await store.read(everything) == before
    line = await store.read(partial(load_input, inbound_id=odd.inbound_id))
    assert line is not None
    assert (line[0].outcome, line[1]) == ("opened", b"{}")


async def test_a_replay_that_is_no_wiser_changes_nothing(store: Store) -> None:
    odd = await take(store, draft("", intent="triage", note="unreadable"))
    before = await ticket_now(store, odd)
    assert (await replayed(store, odd, draft("", intent="triage", note="still"))).outcome == "duplicate"
    assert await ticket_now(store, odd) == before


async def test_what_a_person_has_taken_on_is_not_written_over(store: Store) -> None:
    odd = await take(store, draft("", intent="triage", note="unreadable"))
    assert odd.ticket is not None
    said = command(odd.ticket, "assign", group="business")
    await store.run(lambda tx: act(tx, said, policy()))
    before = await ticket_now(store, odd)
    assert (await replayed(store, odd, draft())).outcome == "duplicate"
    assert await ticket_now(store, odd) == before


async def test_a_complaint_once_taken_for_an_automatic_message_is_opened_by_its_replay(store: Store) -> None:
    lost = await take(store, draft(intent="automatic", external_id="m1"))
    again = await replayed(store, lost, draft(external_id="m1"))
    assert (again.outcome, again.inbound_id) == ("opened", lost.inbound_id)
    assert (await take(store, draft(external_id="m1"))).outcome == "duplicate"
    line = await store.read(partial(load_input, inbound_id=lost.inbound_id))
    assert again.ticket is not None
    assert line is not None
    assert (line[0].outcome, line[0].ticket_id) == ("opened", again.ticket.id)


async def test_replays_and_new_inputs_share_a_batch(store: Store) -> None:
    odd = await take(store, draft("", intent="triage", note="unreadable"))
    replay = replace(draft(LI, NINE), replay=Replay(inbound_id=odd.inbound_id, at=NOON))
    drafts = [replay, draft(LI, at("10:00:00")), replay]
    answers = await store.run(lambda tx: intake(tx, drafts, policy()))
    assert [one.outcome for one in answers] == ["opened", "repeated", "duplicate"]


async def test_there_is_nothing_to_replay_under_an_unknown_id(store: Store) -> None:
    with pytest.raises(UnknownInput):
        await take(store, replace(draft(), replay=Replay(inbound_id=999, at=NOON)))


async def keep_aside(store: Store, when: Any = NINE, **changes: Any) -> Ticket:
    """A call that is put aside 存盘."""
    taken = await take(store, draft(when=when, channel="phone", disposition="draft", **changes))
    assert taken.ticket is not None
    return taken.ticket


async def test_a_submitted_call_repeats_what_was_complained_before(store: Store) -> None:
    first = await take(store, draft(when=at("08:00:00")))
    kept = await keep_aside(store)
    assert first.ticket is not None
    after = await store.run(lambda tx: act(tx, command(kept, "submit", NOON, text="补全"), policy()))
    assert (after.grade, after.grade_reason) == ("grievance", "repeat")
    assert after.links == (Link(relation="repeats", ticket_id=first.ticket.id),)
    (statement,) = await store.read(partial(load_complaints, ticket_id=kept.id))
    assert (statement.text, statement.counted, statement.lodged_at) == ("补全", (LI,), NINE)


async def test_a_call_counts_from_its_start_but_only_once_it_is_submitted(store: Store) -> None:
    kept = await keep_aside(store)
    between = await take(store, draft(when=at("10:00:00")))
    assert between.outcome == "opened"
    after = await store.run(lambda tx: act(tx, command(kept, "submit", NOON), policy()))
    assert after.grade == "request"  # it was lodged first
    assert (await ticket_now(store, between)).links == (Link(relation="repeats", ticket_id=kept.id),)
    assert (await take(store, draft(when=at("13:00:00")))).outcome == "repeated"


async def test_a_call_to_a_special_entry_is_a_grievance_when_it_is_submitted(store: Store) -> None:
    kept = await keep_aside(store, entry="walk_in")
    assert kept.grade == "request"
    after = await store.run(lambda tx: act(tx, command(kept, "submit", NOON), policy()))
    assert (after.grade, after.grade_reason) == ("grievance", "walk_in")


async def test_whatever_else_is_done_to_a_call_put_aside_it_does_not_count(store: Store) -> None:
    kept = await keep_aside(store)
    await store.run(lambda tx: act(tx, command(kept, "comment", text="待补充"), policy()))
    assert (await take(store, draft(when=at("10:00:00")))).outcome == "opened"


async def test_the_deadlines_of_a_submitted_call_begin_with_its_submission(store: Store) -> None:
    kept = await keep_aside(store)
    after = await store.run(lambda tx: act(tx, command(kept, "submit", NOON), policy()))
    told = await store.read(
        lambda connection: (
            connection.execute(select(notice.c.notice).where(notice.c.ticket_id == kept.id)).scalars().all()
        )
    )
    assert "acknowledgement" in told
    assert after.received_at == NOON
    assert after.lodged_at + timedelta(hours=3) == NOON


async def test_a_case_that_its_body_sent_again_meanwhile_has_one_ticket_that_tells_it(store: Store) -> None:
    body = Source(body="12345", case_number="CD1", deadlines=(("answer", NOON),))
    odd = await take(store, draft("", intent="triage", note="row: 受理时间: not a time"))
    sent = await take(store, draft(when=at("10:00:00"), source=body, external_id="m2"))
    again = await ticket_now(store, await replayed(store, odd, draft(source=body)))
    assert sent.ticket is not None
    assert (again.source, again.triage) == (None, "")
    assert Link(relation="duplicate", ticket_id=sent.ticket.id) in again.links
    assert (await ticket_now(store, sent)).source == body
