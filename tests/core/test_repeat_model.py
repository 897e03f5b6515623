"""Random histories through the real intake, against the slow model: who is escalated, what joins what, who is told."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from tests.core.builders import NINE, draft, policy
from tests.core.slow_repeat import SHARED, WINDOW, Said, Slow
from ticket_core.model import Complainant, Ticket, TicketDraft
from ticket_core.service import Taken, intake
from ticket_core.store.person import link_identities
from ticket_core.store.rows import ticket_of
from ticket_core.store.schema import complaint, event, inbound, notice, ticket
from ticket_core.store.store import Store

_GAPS = (0, 0, 1, 600, WINDOW // 2, WINDOW - 1, WINDOW, WINDOW, WINDOW + 1, 3 * WINDOW)
_POLICY = policy(shared_numbers=(SHARED,))
_PER_DATABASE = 500


@dataclass(slots=True, kw_only=True)
class History:
    """What some people say, in the order it comes in, and which tickets it led to."""

    name: str
    linked: list[list[str]]
    said: list[Said]
    taken: list[Taken]

    @property
    def over(self) -> bool:
        return len(self.taken) == len(self.said)


def random_history(chance: random.Random, name: str) -> History:
    """Two people with several identities each, gaps on both sides of four hours, and no order of arrival."""
    people = [[f"phone:{name}{who}", f"email:{name}{who}", f"chat:{name}{who}"] for who in "ab"]
    linked = [chance.sample(people[0], 2)] if chance.random() < 0.2 else []
    lodged = 0
    said = []
    for _ in range(chance.randint(2, 7)):
        lodged += chance.choice(_GAPS)
        said.append(_random_said(chance, chance.choice((0, 0, 0, 1)), people, lodged, name))
    said.sort(key=lambda one: one.received)
    return History(name=name, linked=linked, said=[_refer(chance, said, i) for i in range(len(said))], taken=[])


def _random_said(chance: random.Random, who: int, people: list[list[str]], lodged: int, name: str) -> Said:
    identities = chance.sample(people[who], chance.choice((1, 1, 2)))
    if chance.random() < 0.1:
        identities.append(SHARED)
    return Said(
        identities=() if chance.random() < 0.05 else tuple(identities),
        lodged=lodged,
        received=lodged + chance.choice((0, 0, 60, WINDOW // 2, 2 * WINDOW)),
        channel=chance.choice(("web", "email", "phone")),
        kind="complaint" if chance.random() < 0.85 else "inquiry",
        service_number=chance.choice(("", "", f"1{name}", f"2{name}")),
        matter=chance.choice(("", "", "", "matter")),
        text=chance.choice(("alpha1", "bravo2", "charlie3", "delta4", "echo5")),
        anonymous=chance.random() < 0.07,
        visit=chance.random() < 0.05,
        answered=chance.random() < 0.1,
        automatic=chance.random() < 0.05,
    )


def _refer(chance: random.Random, said: Sequence[Said], place: int) -> Said:
    """Some quote an input before them, some reply to it."""
    one = said[place]
    if place == 0 or chance.random() > 0.2:
        return one
    return replace(one, about=chance.randrange(place), reply=chance.random() < 0.5)


def as_draft(one: Said, place: int, history: History) -> TicketDraft:
    """The draft of an input; those it is about are in already."""
    about = None if one.about is None else history.taken[one.about].ticket
    changes: dict[str, Any] = {"intent": "automatic"} if one.automatic else {}
    if about is not None and one.reply and not one.automatic:
        changes = {"intent": "supplement", "thread": about.id}
    elif about is not None:
        changes["quoted"] = (about.id,)
    return draft(
        one.identities,
        NINE + timedelta(seconds=one.received),
        claimed_at=NINE + timedelta(seconds=one.lodged),
        external_id=f"{history.name}/{place}",
        channel=one.channel,
        kind=one.kind,
        service_number=one.service_number,
        category=(one.matter,) if one.matter else (),
        respondent=one.matter,
        text=one.text,
        complainant=Complainant(anonymous=one.anonymous),
        entry="walk_in" if one.visit else "",
        disposition="answered" if one.answered else "submit",
        **changes,
    )


async def play(store: Store, histories: list[History], chance: random.Random) -> None:
    """All histories at once, mixed, in batches of any size; some inputs are delivered twice."""
    for history in histories:
        for group in history.linked:
            await store.run(partial(link_identities, keys=group))
    waiting = list(histories)
    while waiting:
        batch: list[tuple[History, int]] = []
        for _ in range(chance.choice((1, 5, 20, 60))):
            history = chance.choice(waiting)
            place = len(history.taken) + sum(other is history for other, _ in batch)
            if place == len(history.said):
                continue
            about = history.said[place].about
            if about is not None and about >= len(history.taken):
                continue  # what it quotes has no number yet
            batch.append((history, place))
        again = [(history, place) for history, place in batch if chance.random() < 0.05]
        drafts = [as_draft(history.said[place], place, history) for history, place in batch + again]
        answers = await store.run(partial(intake, drafts=drafts, policy=_POLICY))
        for (history, _), taken in zip(batch, answers, strict=False):
            history.taken.append(taken)
        assert [taken.outcome for taken in answers[len(batch) :]] == ["duplicate"] * len(again)
        waiting = [history for history in waiting if not history.over]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a database holds in the end."""

    tickets: dict[int, Ticket]
    statements: dict[int, list[int]]  # inputs by ticket, in order
    escalated: Counter[int]
    told: Counter[int]


def read_kept(connection: Connection) -> Kept:
    statements: dict[int, list[int]] = {}
    for row in connection.execute(select(complaint).order_by(complaint.c.ticket_id, complaint.c.seq)):
        statements.setdefault(row.ticket_id, []).append(row.inbound_id)
    escalated = connection.execute(select(event.c.ticket_id).where(event.c.kind == "escalated")).scalars()
    told = connection.execute(select(notice.c.ticket_id).where(notice.c.notice == "repeat_escalation")).scalars()
    return Kept(
        {row.id: ticket_of(row) for row in connection.execute(select(ticket))},
        statements,
        Counter(escalated),
        Counter(told),
    )


def compare(history: History, kept: Kept) -> None:
    """The history came out as the slow model says."""
    slow = Slow(linked=history.linked)
    for one in history.said:
        slow.take(one)
    assert [taken.outcome for taken in history.taken] == slow.outcomes
    ids: list[int] = []
    for place, where in enumerate(slow.where):
        found = history.taken[place].ticket
        if where is not None and found is not None and where == len(ids):
            ids.append(found.id)
        assert (None if found is None else found.id) == (None if where is None else ids[where])
    for number, expected in zip(ids, slow.tickets, strict=True):
        real = kept.tickets[number]
        assert (real.grade == "grievance", real.open) == (expected.grievance, expected.open)
        assert (real.grade_reason == "repeat") == expected.by_repeat
        assert kept.statements[number] == [history.taken[place].inbound_id for place in expected.statements]
        assert len(real.links) == len(expected.repeats)
        for link, allowed in zip(real.links, expected.repeats, strict=True):
            assert link.ticket_id in {ids[place] for place in allowed}
        assert kept.escalated[number] == int(expected.grievance)
        assert kept.told[number] == 4 * int(expected.grievance)  # handler and supervisor, each by mail and SMS


async def run_histories(folder: Path, count: int, seed: int) -> Counter[str]:
    """Play and compare `count` histories; how often each outcome came up."""
    outcomes: Counter[str] = Counter()
    for number, some in enumerate(_portions(count)):
        chance = random.Random(f"{seed}/{number}")
        histories = [random_history(chance, f"{number}x{place}x") for place in range(some)]
        store = Store(f"sqlite:///{folder}/{number}.db")
        store.open()
        try:
            await play(store, histories, chance)
            kept = await store.read(read_kept)
            (lines,) = await store.read(lambda connection: [len(connection.execute(select(inbound.c.id)).all())])
        finally:
            store.close()
        assert lines == sum(len(history.said) for history in histories)
        for history in histories:
            compare(history, kept)
            outcomes.update(taken.outcome for taken in history.taken)
        _remove(folder, f"{number}.db*")
    return outcomes


def _remove(folder: Path, pattern: str) -> None:
    for file in folder.glob(pattern):
        file.unlink()


def _portions(count: int) -> Iterator[int]:
    while count > 0:
        yield min(count, _PER_DATABASE)
        count -= _PER_DATABASE


@pytest.mark.slow
async def test_random_histories_come_out_as_the_contract_words_it(tmp_path: Path) -> None:
    outcomes = await run_histories(tmp_path, 1_500, seed=11)
    assert all(outcomes[outcome] > 100 for outcome in ("opened", "repeated", "appended", "automatic"))


@pytest.mark.nightly
@pytest.mark.timeout(3600)
async def test_very_many_random_histories_come_out_as_the_contract_words_it(tmp_path: Path) -> None:
    await run_histories(tmp_path, 100_000, seed=random.SystemRandom().randrange(10**6))
