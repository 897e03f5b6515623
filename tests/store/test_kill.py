"""kill -9 at any moment: what was acknowledged is there, nothing is there twice, every ticket is whole."""

from __future__ import annotations

import multiprocessing
import random
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from sqlalchemy import Column, func, select, text
from sqlalchemy import Connection as Database

from tests.store.conftest import running
from tests.store.victim import work
from ticket_core.store.schema import complaint, contact, event, inbound, notice, ticket, timer

_AGAIN = 5  # inputs before the newest acknowledged one that are delivered once more


@dataclass(slots=True)
class Heard:
    """What the killed processes said."""

    taken: dict[int, str] = field(default_factory=dict)
    sent: set[int] = field(default_factory=set)
    starts: int = 0

    def listen(self, said: Connection, words: int) -> None:
        """Hear so many words after the process has opened the store; words, not seconds: machines differ."""
        while said.poll(30):
            what, number, outcome = said.recv()
            if what == "open":
                self.starts += 1
            else:
                self.hear(what, number, outcome)
                words -= 1
            if self.starts and words <= 0:
                return

    def drain(self, said: Connection) -> None:
        """Hear what was said before the end; the last word may be half said."""
        try:
            while said.poll(0):
                self.hear(*said.recv())
        except (EOFError, OSError):
            return

    def hear(self, what: str, number: int, outcome: str) -> None:
        if what == "taken":
            # What was acknowledged and is delivered again is known.
            assert outcome == "duplicate" or number not in self.taken
            self.taken.setdefault(number, outcome)
        elif what == "sending":
            assert number not in self.sent, "sent again after it was recorded as sent"
        else:
            self.sent.add(number)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kills", [200, pytest.param(1000, marks=pytest.mark.nightly)])
def test_what_was_acknowledged_survives_being_killed(tmp_path: Path, kills: int) -> None:
    url = f"sqlite:///{tmp_path}/gateway.db"
    with running(url):
        pass
    server = multiprocessing.get_context("forkserver")  # has everything imported: a start takes milliseconds
    server.set_forkserver_preload(["tests.store.victim", "alembic.command", "alembic.config"])
    chance = random.Random(7)
    heard = Heard()
    for _ in range(kills):
        said, mouth = server.Pipe(duplex=False)
        first = max(heard.taken, default=0) - _AGAIN
        victim = server.Process(target=work, args=(url, max(0, first), mouth))
        victim.start()
        mouth.close()
        heard.listen(said, chance.randint(0, 40))
        time.sleep(chance.uniform(0, 0.005))
        victim.kill()
        victim.join()
        heard.drain(said)
        said.close()
        victim.close()
    assert heard.starts == kills
    assert len(heard.taken) > kills
    assert len(heard.sent) > kills / 4
    with running(url) as store:
        store.read_now(lambda database: check(database, heard))


def pairs(database: Database, key: Column[int], value: Column[int]) -> dict[int, int]:
    """One column by another."""
    return {row[0]: row[1] for row in database.execute(select(key, value))}


def check(database: Database, heard: Heard) -> None:
    """The database is whole and has all that was acknowledged."""
    assert database.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
    keys = [int(key.partition(":")[2]) for key in database.execute(select(inbound.c.source_key)).scalars()]
    assert len(keys) == len(set(keys))
    assert set(heard.taken) <= set(keys)

    inputs = pairs(database, inbound.c.id, inbound.c.ticket_id)
    said_in = pairs(database, complaint.c.inbound_id, complaint.c.ticket_id)
    assert said_in == inputs  # each input is one statement, of the ticket that the journal names
    assert database.execute(select(func.count()).select_from(complaint)).scalar() == len(inputs)
    assert database.execute(select(func.count()).select_from(contact)).scalar() == 2 * len(inputs)  # person, number

    versions = pairs(database, ticket.c.id, ticket.c.version)
    assert set(versions) == set(inputs.values())
    last = select(event.c.ticket_id, func.max(event.c.seq), func.count()).group_by(event.c.ticket_id)
    assert {number: (top, count) for number, top, count in database.execute(last)} == {
        number: (version, version) for number, version in versions.items()
    }
    assert set(database.execute(select(timer.c.ticket_id)).scalars()) == set(versions)
    told = select(notice.c.ticket_id).where(notice.c.notice == "acknowledgement", notice.c.role == "complainant")
    assert set(database.execute(told).scalars()) == set(versions)
    raised = select(event.c.ticket_id).where(event.c.kind == "escalated")
    warned = select(notice.c.ticket_id).where(notice.c.notice == "repeat_escalation").distinct()
    assert sorted(database.execute(warned).scalars()) == sorted(database.execute(raised).scalars())
    accepted = set(database.execute(select(notice.c.id).where(notice.c.state == "accepted")).scalars())
    assert heard.sent <= accepted
