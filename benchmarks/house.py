"""The gateway's own parts, put together for a part of the benchmark that runs in this process."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from ticket_core.calendar import load_calendar
from ticket_core.directory import Directory, Person
from ticket_core.policy import Policy
from ticket_core.profile import load_profile
from ticket_core.store.store import Store

#: A handler and a supervisor, so that every intake owes notices to people of the house too.
PEOPLE = (
    Person(name="zhao", groups=("service",), email="zhao@example.com", phone="13800000001"),
    Person(name="sun", roles=("supervisor",), email="sun@example.com", phone="13800000002"),
)


def generic_policy(people: tuple[Person, ...] = PEOPLE) -> Policy:
    """The generic process with these people."""
    return Policy(
        profiles={"generic": load_profile("generic")}, calendar=load_calendar(()), directory=Directory(people)
    )


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder of its own, gone afterwards; on the disk, never in memory, since commits are measured."""
    folder = Path(tempfile.mkdtemp(prefix="cg-bench-", dir="/var/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.asynccontextmanager
async def open_store(path: Path) -> AsyncIterator[Store]:
    """A store in this file, as a running gateway has it."""
    store = Store(f"sqlite:///{path}")
    store.open()
    try:
        yield store
    finally:
        store.close()
