"""Random talks through the real conversation, against the slow model: what is kept where, and what is answered."""

from __future__ import annotations

import asyncio
import copy
import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.message import InboundMessage
from tests.conversation.slow_talk import FINISHED, Heard, Talk, Words
from tests.conversation.talker import Talker
from tests.core.builders import command, policy
from ticket_core.number import number_of
from ticket_core.service import Taken, act
from ticket_core.store.schema import inbound
from ticket_core.store.store import Store

_LATER = (1, 5, 20, 59, 61, 300, 14 * 60, 15 * 60, 16 * 60, 3 * 3600, 25 * 3600)
_PHONE = "(phone)"
#: What somebody types or presses: the text (``#``: the number of a ticket, ``@``: words of their own) and its meaning.
_SAYINGS: Sequence[tuple[str, dict[str, Any]]] = (
    ("@", {}),
    ("@", {}),
    ("@", {}),
    ("/new", {"command": "new", "pressed": True}),
    ("我要投诉", {"command": "new"}),
    ("/new @", {"command": "new", "pressed": True}),
    ("/kind repair", {"kind": True, "pressed": True}),
    ("/help", {"command": "help", "pressed": True}),
    ("退订", {"command": "stop"}),
    ("/status", {"command": "status", "pressed": True}),
    ("/status #", {"command": "status", "pressed": True}),
    ("/urge", {"command": "urge", "pressed": True}),
    ("催单", {"command": "urge"}),
    ("/urge #", {"command": "urge", "pressed": True}),
    ("/add", {"command": "add", "pressed": True}),
    ("/add @", {"command": "add", "pressed": True}),
    ("/add # @", {"command": "add", "pressed": True}),
    ("/add #", {"command": "add", "pressed": True}),
    ("/rate", {"command": "rate", "pressed": True}),
    ("/rate # 4", {"command": "rate", "pressed": True, "score": 4}),
    ("5", {"score": 5}),
    ("不满意", {"score": 2}),
    ("/withdraw", {"command": "withdraw", "pressed": True}),
    ("/withdraw #", {"command": "withdraw", "pressed": True}),
    ("撤诉", {"command": "withdraw"}),
    ("/skip", {"command": "skip", "pressed": True}),
    ("没有", {"command": "skip"}),
    ("/confirm", {"command": "confirm", "pressed": True}),
    ("是的", {"command": "confirm"}),
    ("/cancel", {"command": "cancel", "pressed": True}),
    ("取消", {"command": "cancel"}),
    (_PHONE, {"contact": True}),
    ("", {"files": 1}),
)
#: What may come between while a complaint is being made.
_BETWEEN = ("/withdraw #", "/withdraw #", "/rate # 4", "/add # @", "/add #", "/status #", "/cancel", "@")
#: Going through the questions from end to end is rare by chance, so it is also done on purpose.
_GUIDED = ("/new", "/kind repair", "@", _PHONE, "", "/skip", "/confirm")


@dataclass(slots=True, kw_only=True)
class Play:
    """One person who talks with the real gateway and with the model at once; `open_store` is a restart."""

    chance: random.Random
    person: Talker
    phone: str
    model: Talk = field(default_factory=Talk)
    ids: list[int] = field(default_factory=list)  # of the model's matters
    sent: list[tuple[InboundMessage, Words]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    planned: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    _names: Any = field(default_factory=itertools.count)

    async def step(self) -> None:
        """One thing happens."""
        if self.planned and self.chance.random() < 0.6:
            await self.say(1)
            return
        steps: Sequence[tuple[int, Callable[[], Any]]] = (
            (50, lambda: self.say(1)),
            (6, lambda: self.say(self.chance.choice((2, 3)))),
            (8, self.again),
            (8, self.revise),
            (10, self.wait),
            (4, self.turn_back),
            (6, self.look),
            (10, self.act),
            (6, self.send),
            (7, self.follow),
        )
        (doing,) = self.chance.choices([one for _, one in steps], [weight for weight, _ in steps])
        await doing()

    async def say(self, count: int) -> None:
        """Some messages at once, decided in any order."""
        self.person.now += timedelta(seconds=self.chance.choice((1, 2, 30)), microseconds=1)
        told = [one for one in (self._saying() for _ in range(count)) if one is not None]
        await self.deliver(told)

    async def again(self) -> None:
        """The platform delivers what it delivered already, several times at once."""
        if self.sent:
            await self.deliver([self.chance.choice(self.sent)] * self.chance.choice((1, 2, 4)))

    async def revise(self) -> None:
        """Other words for an earlier message, or none; sometimes for one that never came."""
        self.person.now += timedelta(seconds=3, microseconds=1)
        known = [words.name for _, words in self.sent if not words.revises]
        name, deleted = f"{self.person.account}/e{next(self._names)}", self.chance.random() < 0.3
        revises = self.chance.choice(known) if known and self.chance.random() < 0.9 else "never-came"
        text = "" if deleted else self._unique()
        words = Words(name=name, at=self.person.now, text=text, revises=revises, deleted=deleted)
        message = self.person.message(text, name=name, revises=revises, deleted=deleted)
        await self.deliver([(message, words)])

    async def wait(self) -> None:
        """Time passes."""
        self.person.wait(seconds=self.chance.choice(_LATER))

    async def turn_back(self) -> None:
        """Our clock was wrong, and is set back."""
        self.person.wait(seconds=-self.chance.choice((1, 90, 20 * 60, 3 * 3600)), microseconds=7)

    async def look(self) -> None:
        """The clock looks for what was left."""
        self.log.append(f"{self.person.now:%d %H:%M:%S} (the clock looks)")
        await self.person.leave()
        self.model.pass_by(self.person.now)
        await self.compare([], [])

    async def send(self) -> None:
        """What is owed goes out."""
        self.log.append("(all is sent)")
        await self.person.heard_of()
        self.model.send()

    async def follow(self) -> None:
        """From the first question to the last."""
        self.planned = list(_GUIDED[: self.chance.randint(2, len(_GUIDED))])

    async def act(self) -> None:
        """Somebody of the house answers, or closes what was answered."""
        self.person.now += timedelta(seconds=2, microseconds=1)
        fit = [place for place, one in enumerate(self.model.matters) if one.stage in ("received", "answered")]
        if not fit:
            return
        place = self.chance.choice(fit)
        action, stage = {"received": ("answer", "answered"), "answered": ("close", "closed")}[
            self.model.matters[place].stage
        ]
        ticket = await self.person.ticket(_taken(self.ids[place]))
        done = command(ticket, action, self.person.now, text="已修复")
        await self.person.store.run(lambda tx: act(tx, done, policy()))
        self.log.append(f"{self.person.now:%d %H:%M:%S} ({action} {place})")
        self.model.agent(place, stage, self.person.now)
        await self.compare([], [])

    async def end(self) -> None:
        """Everybody has gone home: nothing that was begun is still waiting, and nothing that was said is gone."""
        for _ in range(2):
            self.person.wait(days=2)
            await self.look()
        assert not [one for one in self.model.matters if one.stage == "draft"]
        lines = await self.person.store.read(
            lambda connection: connection.execute(
                select(inbound.c.source_key).where(inbound.c.source_key.startswith(f"bot:{self.person.account}/"))
            ).all()
        )
        assert sorted(one.source_key for one in lines) == sorted(f"bot:{name}" for name in self.model.seen), self.log

    # --- Both at once

    async def deliver(self, told: Sequence[tuple[InboundMessage, Words]]) -> None:
        """To the real one, and to the model in the order in which the real one decided."""
        self.sent += [one for one in told if one not in self.sent]
        self.log += [f"{self.person.now:%d %H:%M:%S} {_short(words)}" for _, words in told]
        taken = await asyncio.gather(*(self.person.deliver(message) for message, _ in told))
        await self.compare(taken, [words for _, words in told])

    async def compare(self, taken: Sequence[Taken], told: Sequence[Words]) -> None:
        """The model says the same for some order of what was said at once."""
        replies = Counter(await self.person.told())
        before, ids_before, wrong = self.model, self.ids, []
        for order in itertools.permutations(range(len(told))):
            self.model, self.ids = copy.deepcopy(before), list(ids_before)
            heard: dict[int, Heard] = {place: self.model.hear(told[place]) for place in order}
            found = self._difference([heard[place] for place in range(len(told))], taken, replies)
            if not found:
                found = await self._difference_of_tickets()
            if not found:
                self.model.replies.clear()
                self.counts.update(one.what for one in heard.values())
                self.counts.update(replies)
                return
            wrong.append(found)
        pytest.fail("\n".join([*self.log, *wrong]), pytrace=False)

    def _difference(self, heard: Sequence[Heard], taken: Sequence[Taken], replies: Counter[str]) -> str:
        if Counter(self.model.replies) != replies:
            return f"told {dict(replies)}, not {self.model.replies}"
        for one, real in sorted(zip(heard, taken, strict=True), key=lambda pair: pair[0].what != "new"):
            if {"repeated": "new", "opened": "new"}.get(real.outcome, real.outcome) != one.what:
                return f"{real.outcome}, not {one.what}"
            if one.what == "new" and real.ticket is not None and one.matter is not None:
                while len(self.ids) <= one.matter:
                    self.ids.append(0)
                self.ids[one.matter] = real.ticket.id
        for one, real in zip(heard, taken, strict=True):
            expected = None if one.matter is None else self.ids[one.matter]
            if (real.ticket and real.ticket.id) != expected:
                return f"{one.what} on another ticket: {real.ticket and real.ticket.id}, not {expected}"
        return ""

    async def _difference_of_tickets(self) -> str:
        for place, one in enumerate(self.model.matters):
            ticket = await self.person.ticket(_taken(self.ids[place]))
            said = [line.text for line in await self.person.statements(ticket)]
            real = (ticket.stage, said, ticket.urges, ticket.rating)
            if real != (one.stage, one.said, one.urges, one.rating):
                return f"matter {place} is {real}, not {one}"
        return ""

    # --- What somebody says

    def _saying(self) -> tuple[InboundMessage, Words] | None:
        """One message; None where it would be a complaint in words that are not its own, so that two are alike."""
        planned = self.planned.pop(0) if self.planned and self.chance.random() < 0.8 else None
        if self.model.making is not None and planned is None and self.chance.random() < 0.4:
            planned = self.chance.choice(_BETWEEN)
        fit = [one for one in _SAYINGS if planned is None or one[0] == planned]
        pattern, meaning = self.chance.choice(fit)
        about = self._some_matter() if "#" in pattern else None
        if "#" in pattern and about is None:
            return None
        own = self._unique() if "@" in pattern else ""
        text = pattern.replace("@", own).replace(_PHONE, self.phone)
        if about is not None:
            text = text.replace("#", number_of(self.ids[about]))
        name, kept = f"{self.person.account}/m{next(self._names)}", own if meaning.get("pressed") else text
        words = Words(name=name, at=self.person.now, text=kept, about=about, **meaning)
        if not own and not words.files and copy.deepcopy(self.model).hear(words).what == "new":
            return None
        return self.person.message(text, name=name, files=words.files), words

    def _some_matter(self) -> int | None:
        """Any of the person's; mostly one that waits for its answer, and not the one that is being made."""
        matters = self.model.matters
        waiting = [place for place, one in enumerate(matters) if one.stage == "received"]
        every = list(range(len(matters)))
        return self.chance.choice(waiting if waiting and self.chance.random() < 0.7 else every) if every else None

    def _unique(self) -> str:
        """Six characters that no other message of this person has."""
        start = 0x6000 + 6 * next(self._names)
        return "".join(chr(start + place) for place in range(6))


def _short(words: Words) -> str:
    said = {one.name: getattr(words, one.name) for one in fields(words) if one.name != "at"}
    return " ".join(
        f"{name}={value!r}" for name, value in said.items() if value is not None and value is not False and value != ""
    )


def _taken(ticket_id: int) -> Any:
    """A ticket by its id, as `Talker.ticket` asks for it."""

    class Found:
        ticket = type("Ticket", (), {"id": ticket_id})

    return Found()


async def run_talks(url: str, count: int, seed: int, steps: int) -> Counter[str]:
    """Play `count` talks, each of its own person, on one store that is closed and opened anew at times."""
    counts: Counter[str] = Counter()
    store = Store(url)
    store.open()
    try:
        for number in range(count):
            chance = random.Random(f"{seed}/{number}")
            person = Talker(store=store, account=str(number))
            play = Play(chance=chance, person=person, log=[f"seed {seed}/{number}"], phone=f"1380000{number:04d}")
            for _ in range(steps):
                await play.step()
                if chance.random() < 0.02:
                    store.close()
                    play.person.store = store = Store(url)
                    store.open()
            await play.end()
            counts.update(play.counts)
    finally:
        store.close()
    return counts


@pytest.mark.slow
async def test_random_talks_come_out_as_the_contract_words_them(tmp_path: Path) -> None:
    counts = await run_talks(f"sqlite:///{tmp_path}/talks.db", 12, seed=3, steps=45)
    assert all(counts[one] > 5 for one in ("new", "appended", "automatic", "duplicate")), counts
    asked = {"kind", "text", "contact", "files", "withdraw", "rating", "more"}
    assert not {f"chat_ask_{one}" for one in asked} - set(counts), counts


@pytest.mark.nightly
@pytest.mark.timeout(3600)
async def test_very_many_random_talks_come_out_as_the_contract_words_them(tmp_path: Path) -> None:
    await run_talks(f"sqlite:///{tmp_path}/talks.db", 2_000, seed=random.SystemRandom().randrange(10**6), steps=60)


def test_the_model_knows_the_ends_of_a_ticket() -> None:
    assert set(FINISHED) == {"closed", "withdrawn"}
