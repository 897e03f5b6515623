"""Inputs at the same moment: one effect each, and of two complaints of one person exactly one is the first."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, func, select

from tests.core.builders import LI, LI_MAIL, NINE, at, command, draft, policy
from tests.store.conftest import running
from ticket_core.errors import ActionRefused
from ticket_core.model import TicketDraft
from ticket_core.service import Taken, act, intake, sweep
from ticket_core.store.person import link_identities, linked_with, unlink_identity
from ticket_core.store.schema import event, inbound, linked, notice, ticket
from ticket_core.store.store import Store
from ticket_core.store.tickets import load_complaints, load_events, load_ticket
from ticket_core.store.tx import Tx

TAKE = partial(intake, policy=policy())


async def take(store: Store, one: TicketDraft) -> Taken:
    """Take one input in as the gateway does."""
    return await store.run_each(TAKE, one)


def grades(connection: Connection) -> list[str]:
    """The grades of all tickets, sorted."""
    return sorted(connection.execute(select(ticket.c.grade)).scalars())


def rows(connection: Connection) -> tuple[int, int]:
    """How many inputs and tickets there are."""
    return tuple(connection.execute(select(func.count()).select_from(one)).scalar_one() for one in (inbound, ticket))  # type: ignore[return-value]


@pytest.mark.parametrize("who", [LI, ""])
async def test_an_input_delivered_five_times_at_once_has_one_effect(store: Store, who: str) -> None:
    one = draft(who, external_id="message-1")
    taken = await asyncio.gather(*(take(store, one) for _ in range(5)))
    assert Counter(each.outcome for each in taken) == {"opened": 1, "duplicate": 4}
    assert len({each.inbound_id for each in taken}) == 1
    assert {each.ticket.id for each in taken if each.ticket} == {taken[0].ticket.id} if taken[0].ticket else False
    assert await store.read(rows) == (1, 1)


async def test_inputs_delivered_again_and_out_of_order_have_one_effect_each(store: Store) -> None:
    drafts = [draft(LI, NINE + timedelta(minutes=n), external_id=f"m{n}") for n in range(10)]
    deliveries = drafts * 3
    random.Random(5).shuffle(deliveries)
    taken = await asyncio.gather(*(take(store, one) for one in deliveries))
    assert Counter(each.outcome for each in taken)["duplicate"] == 20
    assert await store.read(rows) == (10, 10)
    # Whatever came first: nine of ten complaints within four hours repeat another.
    assert await store.read(grades) == ["grievance"] * 9 + ["request"]


async def test_the_same_id_on_two_channels_is_two_inputs(store: Store) -> None:
    await take(store, draft(LI, external_id="1", channel="web"))
    assert (await take(store, draft(LI_MAIL, external_id="1", channel="email"))).outcome == "opened"


@pytest.mark.parametrize("odd", ["a\0b", "a\ud800b", "a\nb"])
async def test_an_id_that_no_database_keeps_as_text_still_makes_one_input(store: Store, odd: str) -> None:
    taken = [await take(store, draft(external_id=odd)) for _ in range(2)]
    assert [each.outcome for each in taken] == ["opened", "duplicate"]


async def test_inputs_without_an_id_are_each_their_own(store: Store) -> None:
    taken = [await take(store, draft("")) for _ in range(2)]
    assert [each.outcome for each in taken] == ["opened", "opened"]


@pytest.mark.parametrize("who", [LI, ""])
async def test_an_input_delivered_to_two_stores_at_once_opens_one_ticket(migrated_postgres: str, who: str) -> None:
    with running(migrated_postgres) as one, running(migrated_postgres) as two:
        for number in range(15):
            same = draft(who and f"{who}{number}", external_id=f"m{number}")
            taken = await asyncio.gather(take(one, same), take(two, same), take(one, same), take(two, same))
            assert Counter(each.outcome for each in taken) == {"opened": 1, "duplicate": 3}
        assert await one.read(rows) == (15, 15)


_COMPLAIN = """
import asyncio, sys
from functools import partial
from tests.core.builders import draft, policy
from ticket_core.service import intake
from ticket_core.store.store import Store

async def main(url, channel):
    store = Store(url)
    store.open()
    script = partial(intake, policy=policy())
    print("ready", flush=True)
    for line in sys.stdin:
        who, text = line.split()
        taken = await store.run_each(script, draft(who, channel=channel, text=text, external_id=who))
        print(taken.outcome, flush=True)
    store.close()

asyncio.run(main(*sys.argv[1:]))
"""


def complainer(url: str, channel: str) -> subprocess.Popen[str]:
    """A process that takes in a complaint for each line it reads, and prints the outcome."""
    return subprocess.Popen(
        [sys.executable, "-c", _COMPLAIN, url, channel],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


@pytest.mark.slow
def test_of_two_complaints_at_the_same_instant_in_two_processes_exactly_one_is_the_first(
    migrated_postgres: str,
) -> None:
    with complainer(migrated_postgres, "web") as one, complainer(migrated_postgres, "email") as two:
        streams = [(each.stdin, each.stdout) for each in (one, two)]
        for _, out in streams:
            assert out is not None
            assert out.readline() == "ready\n"
        for number in range(30):
            answers = []
            for place, (into, _) in enumerate(streams):
                assert into is not None
                into.write(f"{LI}{number:02} word{number}{place}\n")
                into.flush()
            for _, out in streams:
                assert out is not None
                answers.append(out.readline().strip())
            assert sorted(answers) == ["opened", "repeated"], number
        for into, _ in streams:
            assert into is not None
            into.close()
    with running(migrated_postgres) as store:
        assert store.read_now(grades) == ["grievance"] * 30 + ["request"] * 30
        told = store.read_now(
            lambda connection: connection.execute(
                select(func.count()).select_from(notice).where(notice.c.notice == "repeat_escalation")
            ).scalar()
        )
        assert told == 30 * 4


async def test_what_an_agent_does_meanwhile_is_not_lost(migrated_postgres: str) -> None:
    """A repeat and a comment meet on one ticket in two processes: both are on its timeline, each once."""
    with running(migrated_postgres) as one, running(migrated_postgres) as two:
        for number in range(10):
            who = f"{LI}{number:02}"
            first = await take(one, draft(who, service_number="1"))
            assert first.ticket is not None
            said = command(first.ticket, "comment", text="已联系")
            again = draft(who, at("10:00:00"), service_number="1")
            await asyncio.gather(
                take(one, again),
                *(two.run(lambda tx, said=said: act(tx, said, policy())) for _ in range(3)),  # type: ignore[misc]
            )
            number_of = first.ticket.id
            kinds = [e.kind for e in await one.read(lambda c, n=number_of: load_events(c, n))]  # type: ignore[misc]
            assert Counter(kinds) == {
                "received": 1,
                "complained_again": 1,
                "repeat_found": 1,
                "escalated": 1,
                "commented": 3,
            }
            kept = await one.read(lambda c, n=number_of: load_ticket(c, n))  # type: ignore[misc]
            assert (kept.version, kept.statements, kept.grade) == (7, 2, "grievance")


async def test_an_action_of_one_request_is_done_once(store: Store) -> None:
    first = await take(store, draft())
    assert first.ticket is not None
    said = command(first.ticket, "urge", role="complainant")
    once = type(said)(**{**{name: getattr(said, name) for name in said.__slots__}, "external_id": "request-1"})
    await asyncio.gather(*(store.run(lambda tx: act(tx, once, policy())) for _ in range(3)))
    assert (await store.read(lambda connection: load_ticket(connection, first.ticket.id))).urges == 1  # type: ignore[union-attr]


async def test_a_refused_action_changes_nothing(store: Store) -> None:
    first = await take(store, draft())
    assert first.ticket is not None
    with pytest.raises(ActionRefused):
        await store.run(lambda tx: act(tx, command(first.ticket, "close"), policy()))  # type: ignore[arg-type]
    assert await store.read(lambda connection: load_ticket(connection, first.ticket.id)) == first.ticket  # type: ignore[union-attr]


async def test_two_sweepers_fire_each_rung_once(migrated_postgres: str) -> None:
    with running(migrated_postgres) as one, running(migrated_postgres) as two:
        for number in range(40):
            await take(one, draft(f"{LI}{number:02}"))
        late = NINE + timedelta(hours=24)

        def look(tx: Tx) -> int:
            return sweep(tx, late, policy(), most=10)

        looked_at = sum(await asyncio.gather(*(store.run(look) for _ in range(10) for store in (one, two))))
        fired = await one.read(
            lambda connection: (
                connection.execute(select(event.c.ticket_id).where(event.c.kind == "deadline_overdue")).scalars().all()
            )
        )
        assert looked_at == 40
        assert len(fired) == len(set(fired)) == 40


async def test_the_sweep_and_an_answer_meet_without_an_error(migrated_postgres: str) -> None:
    with running(migrated_postgres) as one, running(migrated_postgres) as two:
        late = NINE + timedelta(hours=24)
        for number in range(10):
            taken = await take(one, draft(f"{LI}{number:02}"))
            assert taken.ticket is not None
            said = command(taken.ticket, "answer", late, text="已修复")
            await asyncio.gather(
                one.run(lambda tx: sweep(tx, late, policy())),
                two.run(lambda tx, said=said: act(tx, said, policy())),  # type: ignore[misc]
            )


async def test_a_linked_identity_is_the_same_person_until_it_is_unlinked(store: Store) -> None:
    await take(store, draft(LI, service_number="1"))
    await store.run(partial(link_identities, keys=[LI, LI_MAIL]))
    again = await take(store, draft(LI_MAIL, at("10:00:00"), service_number="1"))
    assert again.outcome == "repeated"
    await store.run(partial(unlink_identity, key=LI))
    assert (await take(store, draft(LI, at("10:30:00"), service_number="2"))).repeat_of is not None  # its own first


async def test_an_identity_taken_out_of_a_group_does_not_bring_it_along(store: Store) -> None:
    a, b, c = sorted((LI, LI_MAIL, "chat:telegram:bot:42"))
    await store.run(partial(link_identities, keys=[a, b]))
    await store.run(partial(unlink_identity, key=a))
    await store.run(partial(link_identities, keys=[a, c]))
    groups = await store.read(lambda connection: linked_with(connection, [a, b]))
    assert set(groups[a]) == {a, c}
    assert len(await store.read(lambda connection: connection.execute(select(linked)).all())) == 3


async def test_a_second_group_joins_the_first_whole(store: Store) -> None:
    for pair in ([LI, LI_MAIL], ["chat:a:b:1", "chat:a:b:2"], [LI, "chat:a:b:2"]):
        await store.run(partial(link_identities, keys=pair))
    groups = await store.read(lambda connection: linked_with(connection, [LI_MAIL]))
    assert set(groups[LI_MAIL]) == {LI, LI_MAIL, "chat:a:b:1", "chat:a:b:2"}


async def test_more_facts_by_a_command_keep_the_order_of_statements(store: Store) -> None:
    first = await take(store, draft())
    assert first.ticket is not None
    for text in ("一", "二"):
        said = command(first.ticket, "supplement", role="complainant", text=text)
        await store.run(lambda tx, said=said: act(tx, said, policy()))  # type: ignore[misc]
    kept = await store.read(lambda connection: load_complaints(connection, first.ticket.id))  # type: ignore[union-attr]
    assert [(one.seq, one.text) for one in kept][1:] == [(2, "一"), (3, "二")]
